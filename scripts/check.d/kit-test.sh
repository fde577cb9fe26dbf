#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# scripts/kit, on the host: which archive it takes, that a kit stays usable where there is no way to one, and what it does
# for a new revision of a kernel.
set -eu
cd "$(dirname "$0")/../.."
work=$PWD/build/check/kit-test
rm -rf "$work"
mkdir -p "$work/bin" "$work/kit/stamp"

fail() {
	echo "FAILED: $*"
	cat "$work/log"
	exit 1
}

# What apt would answer: addresses, each with what it is of.
cat >"$work/bin/apt-get" <<END
#!/bin/sh
[ "\$1" = indextargets ] || exit 100
cat "$work/targets"
END
chmod +x "$work/bin/apt-get"

# mirror: what the kit takes by itself
mirror() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	env -u DEBIAN_MIRROR PATH="$work/bin:$PATH" KIT="$work/kit" sh -euc '
		REPO_SCRIPTS=$PWD/scripts
		. scripts/lib.sh
		. scripts/kit.d/host.sh
		check_mirror
		echo "$MIRROR"' kit 2>&1
}

# takes ADDRESS LINE...: of these answers
takes() {
	expected=$1
	shift
	printf '%s\n' "$@" >"$work/targets"
	mirror >"$work/log" || :
	[ "$(cat "$work/log")" = "$expected" ] || fail "of $* it does not take $expected"
}

none="kit: this machine's apt names no Debian archive of the network: set DEBIAN_MIRROR to the address of one and run scripts/kit again"

main=Debian/Debian/main
takes http://one.invalid/debian "http://one.invalid/debian/ $main" "http://two.invalid/debian/ $main"
takes https://two.invalid/debian "http://one.invalid/others Others/Others/main" "https://two.invalid/debian/ $main"
# Roots that are made here see no file of this machine.
takes http://two.invalid/debian "file:/srv/debian/ $main" "cdrom://x/ $main" "http://two.invalid/debian/ $main"
takes "$none" "file:/srv/debian/ $main"
# A list, as images for clouds have it
printf '# a remark\nhttps://three.invalid/debian\tpriority:1\nhttp://four.invalid/debian\n' >"$work/list"
takes https://three.invalid/debian "mirror+file:$work/list $main"
takes "$none" "mirror+file:$work/none $main"
takes mirror+http://five.invalid/list "mirror+http://five.invalid/list $main"

# kit ARGUMENT...: with a kit of its own; its messages are in the log
kit() {
	BTFRELOC_KIT=$work/kit scripts/kit "$@" >"$work/output" 2>"$work/log"
}
: >"$work/log"
unset KERNEL
export DEBIAN_MIRROR=file:/srv/debian
! kit || fail "DEBIAN_MIRROR=$DEBIAN_MIRROR is taken"
grep -q "^kit: DEBIAN_MIRROR=file:/srv/debian: give an address that begins with http" "$work/log" || fail "it does not say why"

# An archive that does not answer, where kernels were chosen before
export DEBIAN_MIRROR=http://127.0.0.1:9/debian
cat >"$work/kit/kernels" <<END
SUITE=trixie ROOT_NAME=root CC=gcc RUNNING=7.3.4+deb13-amd64 RUNNING2= BUILT_FOR=7.2.6+deb13-amd64
SETS=
END
! kit update || fail "an update without an archive counts as done"
grep -q "kit: kernels: no way to the archive at $DEBIAN_MIRROR" "$work/log" || fail "it does not say why"
kit env || fail "the choice of kernels is lost"
grep -q "^RUNNING='7.3.4+deb13-amd64'$" "$work/output" || fail "it is another choice"

# Another revision of a release takes the place of what was made of the one before.
release=7.3.4+deb13-amd64
mkdir -p "$work/deb/DEBIAN" "$work/deb/usr/src/linux-headers-$release" "$work/kit/stamp/tree" "$work/kit/stamp/boot"
printf 'Package: headers\nVersion: 1\nArchitecture: all\nMaintainer: none <none@none.invalid>\nDescription: none\n' \
	>"$work/deb/DEBIAN/control"
echo CONFIG_RUST=y >"$work/deb/usr/src/linux-headers-$release/.config"
: >"$work/deb/usr/src/linux-headers-$release/Module.symvers"
# headers_of VERSION
headers_of() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	KIT=$work/kit sh -euc '
		REPO_SCRIPTS=$PWD/scripts
		. scripts/lib.sh
		. scripts/kit.d/archive.sh
		fetch_deb() {
			dpkg-deb -b "$KIT/../deb" "$2"
		}
		. "$KIT/kernels"
		fetch_headers "$1" "$2"' sh "$release" "$1" >"$work/log" 2>&1
}
printf "SETS='%s 7.3.4-1 7.3 image modules'\n" "$release" >>"$work/kit/kernels"
echo 1 >"$work/kit/stamp/tree/$release"
headers_of 7.3.4-1 || fail "headers"
grep -q CONFIG_RUST=y "$work/kit/headers/$release/config" || fail "they have no config"
echo changed >"$work/kit/headers/$release/config"
headers_of 7.3.4-1 || fail "headers that are there"
grep -q changed "$work/kit/headers/$release/config" || fail "they are fetched again"
[ -f "$work/kit/stamp/tree/$release" ] || fail "the tree is to be made again, though it is of this revision"
headers_of 7.3.4-2 || fail "headers of another revision"
grep -q CONFIG_RUST=y "$work/kit/headers/$release/config" || fail "they are those of the revision before"
[ ! -f "$work/kit/stamp/tree/$release" ] || fail "the tree of the revision before serves for this one"

# Roots of tests are removed with the kit, by who they belong to.
mkdir -p "$work/kit/trixie/run.killed/usr"
kit clean || fail "the kit is not removed"
[ ! -e "$work/kit" ] || fail "something of the kit is left"
rm -rf "$work"
