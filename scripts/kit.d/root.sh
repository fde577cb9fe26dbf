# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The root: a Debian of the kernel's own suite, with the very compilers that the kernel was built with.

# By what they are for: kernel build, Rust, BTF and BPF, lint and measuring, virtual machines, readers of BTF, packages,
# a browser.
ROOT_PACKAGES="ca-certificates make libc6-dev flex bison bc libelf-dev libdw-dev libssl-dev zlib1g-dev liblzma-dev libzstd-dev perl-base
	python3-minimal xz-utils zstd kmod cpio rsync diffutils patch file procps git
	rustc rust-src rustfmt rust-clippy cargo bindgen pkg-config
	pahole clang llvm libbpf-dev libbpf-tools bpftool
	shellcheck valgrind busybox-static qemu-system-x86
	bpftrace pwru golang-go golang-github-cilium-ebpf-dev
	debhelper dh-dkms lintian
	chromium chromium-driver python3-selenium poppler-utils"
# Neither manuals nor translations, but each package's licence.
DPKG_PATHS="--path-exclude=/usr/share/man/* --path-exclude=/usr/share/info/* --path-exclude=/usr/share/locale/*
	--path-exclude=/usr/share/doc/* --path-include=/usr/share/doc/*/copyright"

root_packages() {
	# The compiler's package is its name without the target: x86_64-linux-gnu-gcc-14 is in gcc-14.
	# shellcheck disable=SC2086 # a list of words
	printf '%s\n' ${CC#x86_64-linux-gnu-} $ROOT_PACKAGES
}

root_key() {
	root_packages | cksum | cut -d' ' -f1 | sed "s/^/$SUITE./"
}

# The host's way to the archive (proxies, certificates) is wanted by the root's apt as well.
apt_ways() {
	apt-config dump | grep -E '^Acquire::(https?|ftp)::(.*::)?(Proxy|ProxyAutoDetect|Proxy-Auto-Detect|CAInfo|Verify-Peer|Verify-Host) ' || :
}

# Where the host allows it, mounts and processes of an interrupted mmdebstrap end with it.
contained() {
	if unshare --mount --pid --fork true; then
		set -- unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$@"
	fi
	"$@"
}

# A root that was made with a shorter list gets what is missing; one that does not take it is made anew.
step_root() {
	root=$KIT/$ROOT_NAME
	if [ -x "$root/usr/bin/env" ]; then
		# Not in a condition, where set -e would not hold.
		(
			set -e
			grow_root
		) &
		! wait $! || return 0
		echo "$root does not take the missing packages: making it anew"
	fi
	make_root
}

missing_packages() {
	# shellcheck disable=SC2016 # dpkg's own placeholders
	dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Abbrev} ${Package}\n' |
		awk '$1 == "ii" { print $2 }' >"$KIT/apt/installed"
	root_packages | grep -vxFf "$KIT/apt/installed" || :
}

# An ordinary user is root in a namespace of his own, as which all of the root is his.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare --user --map-root-user "$@"
	fi
}

grow_root() {
	wanted=$(missing_packages)
	if [ -n "$wanted" ]; then
		archives=$KIT/debs/root
		remove "$archives"
		mkdir -p "$archives/partial"
		# shellcheck disable=SC2046 # a list of words
		fetch_index "$STABLE" "$BACKPORTS" $([ "$SUITE" = "$STABLE" ] || echo "$SUITE")
		# shellcheck disable=SC2086 # a list of words
		run_apt apt-get -y -o Dir::State::status="$root/var/lib/dpkg/status" -o Dir::Cache::archives="$archives/" \
			-t "$SUITE" --no-install-recommends --download-only install $wanted
		set -f
		# shellcheck disable=SC2086 # a list of words
		set -- $DPKG_PATHS
		set +f
		as_root dpkg --root="$root" "$@" --force-unsafe-io -i "$archives"/*.deb
		remove "$archives"
	fi
	in_root true
}

make_root() {
	remove "$root.new"
	ways=$KIT/apt/root.conf
	{
		apt_ways
		echo 'Acquire::Languages "none"; Acquire::Retries "3"; Dpkg::Use-Pty "false";'
		case " $NEWER_SUITES " in
		*" $SUITE "*) echo 'Acquire::Check-Valid-Until "false";' ;;
		esac
	} >"$ways"
	packages=$(root_packages | tr '\n' ',')
	# shellcheck disable=SC2046 # a list of words without blanks
	set -- --variant=essential --architectures=amd64 --keyring="$KEYRING" --include="${packages%,}" --aptopt="$ways" \
		$(printf '%s\n' "$DPKG_PATHS" | tr -s '[:space:]' '\n' | sed 's/^--/--dpkgopt=/') --verbose
	if [ "$(id -u)" = 0 ]; then
		contained mmdebstrap --mode=root --format=directory "$@" "$SUITE" "$root.new" "$MIRROR"
	else
		# Unpacked from a tar by the user himself, all of it is his: he can read and remove it without namespaces.
		mkdir "$root.new"
		{
			mmdebstrap --mode=unshare --format=tar "$@" "$SUITE" - "$MIRROR" || touch "$root.new/failed"
		} | tar -x -C "$root.new" --exclude='./dev/*' --no-same-owner
		[ ! -e "$root.new/failed" ] ||
			fail "mmdebstrap could not make a root as an ordinary user (it needs user namespaces, lines in /etc/subuid and /etc/subgid, and 2 GB in ${TMPDIR:-/tmp}): allow them, or run scripts/kit as root"
	fi
	# in-root lays the host's files over these: they have to be there.
	rm -f "$root.new/etc/resolv.conf"
	: >"$root.new/etc/resolv.conf"
	: >>"$root.new/etc/hosts"
	# The old one serves until there is another.
	remove "$root"
	mv "$root.new" "$root"
	in_root true || fail "the root cannot be entered: see the log"
}

in_root() {
	"$REPO/scripts/in-root" "$@"
}
