#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Trees as distributions ship them: Debian's headers with the Rust metadata of the kit's tree beside them, whole and
# damaged; on the host.
set -eu
cd "$(dirname "$0")/../.."
REPO_SCRIPTS=$PWD/scripts
# shellcheck source=scripts/lib.sh
. "$REPO_SCRIPTS/lib.sh"
find_kit
read_kernels || die "the development kit is not made yet: run scripts/kit"
for part in host archive; do
	# shellcheck source=/dev/null
	. "$REPO_SCRIPTS/kit.d/$part.sh"
done
work=$PWD/build/check/tree-test
log=$work/log
rm -rf "$work"
mkdir -p "$work"

fail() {
	echo "FAILED: $*"
	exit 1
}

# The packages, kept in the kit.
version=$(set_of "$RUNNING" 2)
short=${RUNNING%-amd64}
for package in "linux-headers-$RUNNING" "linux-headers-$short-common" "linux-kbuild-$short"; do
	deb=$KIT/debs/trees/${package}_$version.deb
	mkdir -p "$KIT/debs/trees"
	[ -f "$deb" ] || (check_mirror; fetch_deb "$package=$version" "$deb")
	dpkg-deb -x "$deb" "$work"
done
tree=$work/usr/src/linux-headers-$RUNNING
sed -i "s|/usr/src/|$work/usr/src/|" "$tree/Makefile"

check_tree() {
	scripts/in-root scripts/kit check-tree "$tree" >"$log" 2>&1
}

# refused WHAT PATTERN
refused() {
	! check_tree || fail "$1: the tree is taken"
	grep -qE -- "$2" "$log" || fail "$1: $(cat "$log")"
	echo "refused, $1: $(cut -c 1-300 "$log" | head -n 1)"
}

metadata() {
	rm -rf "$tree/rust"
	mkdir "$tree/rust"
	cp "$KIT/tree/$RUNNING"/rust/*.rmeta "$KIT/tree/$RUNNING"/rust/*.so "$tree/rust"
	cp "$KIT/tree/$RUNNING/scripts/target.json" "$tree/scripts"
}

# dkms_check RELEASE: would dkms build for that, with the kernel's tree as it is?
dkms_check() {
	scripts/in-root sh packaging/dkms/dkms-check "$1" "$tree" >"$log" 2>&1
}

# not_by_dkms RELEASE WORDS
not_by_dkms() {
	! dkms_check "$1" || fail "dkms would build for $1"
	grep -qF "rust_btfreloc is not built for $1: $2" "$log" || fail "dkms, $1: $(cat "$log")"
	echo "refused for dkms: $(cat "$log")"
}

not_by_dkms "$RUNNING" "its headers hold no Rust metadata (rust/libcore.rmeta): install linux-librust-$RUNNING "
refused "headers alone" "holds headers without Rust: install the package with the Rust metadata"
metadata
check_tree || fail "headers with metadata: $(cat "$log")"
grep -q "ready for external Rust modules" "$log" || fail "$(cat "$log")"
rm -rf build/kdir
scripts/in-root make -s KDIR="$tree" >"$log" 2>&1 || fail "rust_btfreloc for it: $(cat "$log")"
[ -s build/kdir/rust_btfreloc.ko ] || fail "there is no module"
for release in "$RUNNING" 7.2.12+deb13-amd64 7.2.0-rc1 7.3-custom; do
	dkms_check "$release" || fail "dkms, $release: $(cat "$log")"
done
# A build that fails would leave the kernel's own package half installed.
for release in 7.1.9-amd64 7.4.1+deb14-amd64 7.4-rc1 7.30.2 17.3.1 8.0.1; do
	not_by_dkms "$release" "this version is made for Linux 7.2 and 7.3: install one that is made for $release"
done
# Headers may hold no .config.
mv "$tree/.config" "$tree/config"
not_by_dkms 7.4.1+deb14-amd64 "this version is made for"
mv "$tree/config" "$tree/.config"
for page in README.md docs/install.md; do
	grep -qE 'kernels? (of )?7\.2 (and|or) 7\.3 with ' $page || fail "$page names other kernels"
done
! grep undefined "$log" || fail "it would not load"

# As another rustc has it: the version is the first text in the file.
sed -i '1s/rustc 1\.\([0-9][0-9]\)\.[0-9]/rustc 1.\1.9/' "$tree/rust/libkernel.rmeta"
! cmp -s "$tree/rust/libkernel.rmeta" "$KIT/tree/$RUNNING/rust/libkernel.rmeta" || fail "the version was not found"
refused "an rmeta of another rustc" "no module in Rust can be built for .*: error.E0514.: found crate .kernel. compiled by an incompatible version of rustc"
metadata
rm "$tree/rust/libmacros.so"
refused "no libmacros.so" "has no rust/libmacros.so: "
metadata
rm "$tree/rust/libpin_init_internal.so"
refused "no library of another macro" "no module in Rust can be built for .*: error.E0463.: can.t find crate for "
metadata
rm "$tree/rust/libcore.rmeta"
refused "no libcore.rmeta" "has no rust/libcore.rmeta: "
metadata
rm "$tree/scripts/target.json"
refused "no target.json" "no module in Rust can be built for .*target.json"
metadata
symbol=$(awk '$2 ~ /^_R.*6kernel5print.*call_printk/ { print $2; exit }' "$tree/Module.symvers")
[ "$symbol" ] || fail "Module.symvers has no call_printk"
sed -i "/$symbol/d" "$tree/Module.symvers"
refused "a symbol that the kernel lacks" "^kit: 1 of the [0-9]+ Rust symbols .* are not in .*/Module.symvers, .*$symbol"
rm -rf "$work"
