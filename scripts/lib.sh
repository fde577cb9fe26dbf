# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Shared by the scripts here: where things are, and how to talk to the user.
# Source it with REPO_SCRIPTS set to the folder of this file.

# shellcheck disable=SC2034 # for those who source this
REPO=$(CDPATH='' cd -- "$REPO_SCRIPTS/.." && pwd -P)
ME=${0##*/}

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "$ME: $*"
	exit 1
}

# A new line on a terminal may follow a progress line: clear that first.
say_clear() {
	if [ -t 2 ]; then
		printf '\r\033[K%s\n' "$*" >&2
	else
		say "$*"
	fi
}

# show_progress TEXT: replaces the last line of a terminal, stays silent elsewhere.
show_progress() {
	[ -t 2 ] || return 0
	printf '\r\033[K%.*s' "${COLUMNS:-78}" "$1" >&2
}

now() {
	date +%s
}

# seconds_since START
seconds_since() {
	echo "$(($(now) - $1)) s"
}

# Of the module, the tool and the packages
project_version() {
	sed -n 's/^version = "\(.*\)"$/\1/p' "$REPO/scripts/btfreloc/Cargo.toml"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# A prebuilt root may hold mount points of an interrupted run: never cross into them.
remove() {
	rm -rf --one-file-system -- "$@"
}

find_kit() {
	unset SUITE ROOT_NAME CC RUNNING RUNNING2 BUILT_FOR SETS
	KIT=${BTFRELOC_KIT:-}
	if [ -z "$KIT" ]; then
		[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] ||
			die "no folder for the development kit: set BTFRELOC_KIT=/some/folder"
		KIT=${XDG_CACHE_HOME:-$HOME/.cache}/rust_btfreloc
	fi
	case $KIT in
	*[[:space:]:]*) die "BTFRELOC_KIT=$KIT: kernel builds take no spaces or colons in a path, name another folder" ;;
	/*) ;;
	*) die "BTFRELOC_KIT=$KIT: give an absolute path" ;;
	esac
}

# The kernels of this kit, chosen once by 'scripts/kit'; KERNEL=RELEASE has a choice of its own.
kernels_file() {
	echo "$KIT/kernels${KERNEL:+.$KERNEL}"
}

# Sets SUITE, ROOT_NAME, CC, RUNNING, RUNNING2, BUILT_FOR and SETS (each kernel's packages).
read_kernels() {
	[ -f "$(kernels_file)" ] || return 1
	# shellcheck source=/dev/null
	. "$(kernels_file)"
}

# is_done STEP KEY: a step counts only with the key it was made with (its list of packages, say).
is_done() {
	[ -f "$KIT/stamp/$1" ] || return 1
	read -r done_key <"$KIT/stamp/$1" || return 1
	[ "$done_key" = "$2" ]
}

set_done() {
	mkdir -p "$KIT/stamp/$(dirname "$1")"
	printf '%s\n' "$2" >"$KIT/stamp/$1.new"
	mv "$KIT/stamp/$1.new" "$KIT/stamp/$1"
}

set_undone() {
	rm -f "$KIT/stamp/$1"
}

# How a command can be run in the kit's root on this host: bwrap-pid, bwrap or chroot; nothing if it cannot.
# A container may forbid a new /proc, but lend its own.
ways_in() {
	if have bwrap; then
		if bwrap --ro-bind / / --dev /dev --unshare-pid --proc /proc true; then
			echo bwrap-pid
			return
		elif bwrap --ro-bind / / --dev /dev --bind /proc /proc true; then
			echo bwrap
			return
		fi
	fi
	if [ "$(id -u)" = 0 ] && unshare --mount --propagation private --pid --fork true; then
		echo chroot
	fi
} 2>/dev/null

way_in() {
	way=$(ways_in)
	[ -n "$way" ] || die "bubblewrap cannot make a namespace on this host: install it and allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0), or run as root"
	echo "$way"
}
