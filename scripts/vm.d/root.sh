# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Where the runner's programs come from: the kit's root, or the host.

# The kit's root, where there is one, gives QEMU, BusyBox and the tools; otherwise the host does,
# and so it is inside the root.
root=
if [ "${BTFRELOC_IN_ROOT:-}" != 1 ] && read_kernels && [ -d "$KIT/$ROOT_NAME/usr" ]; then
	root=$KIT/$ROOT_NAME
fi

in_root() {
	if [ "$root" ]; then
		"$REPO_SCRIPTS/in-root" "$@"
	else
		"$@"
	fi
}

# Where a program lies, as seen inside the root.
program() {
	for dir in /usr/bin /usr/sbin /bin /sbin; do
		if [ -x "$root$dir/$1" ]; then
			echo "$dir/$1"
			return
		fi
	done
	return 1
}

# The shared libraries of programs; none for static ones and scripts.
libraries() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_root sh -c 'for program; do ldd "$program" 2>/dev/null; done; true' sh "$@" |
		sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' | sort -u
}
