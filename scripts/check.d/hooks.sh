#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests packaging/hooks where users have them: real packages of a kernel, its headers and dkms modules, in a root of
# Debian stable, by dpkg; KTAP. The VM test "hooks" has what comes of it in the kernel.
set -eu
cd "$(dirname "$0")/../.."
REPO_SCRIPTS=$PWD/scripts
# shellcheck source=scripts/lib.sh
. "$REPO_SCRIPTS/lib.sh"
find_kit
read_kernels || die "the development kit is not made yet: run scripts/kit"
for part in host archive root trixie; do
	# shellcheck source=/dev/null
	. "$REPO_SCRIPTS/kit.d/$part.sh"
done
work=$PWD/build/hooks
KTAP_FILE=$work/ktap.output
# shellcheck source=selftests/vm/ktap.sh
. selftests/vm/ktap.sh

firmware=/lib/firmware/btfreloc
config=/etc/btfreloc/in-place.conf
debs=$TRIXIE_FOLDER/archives
tried="acpi_call langford vpoll"
[ -x build/bin/btfreloc ] || die "no build/bin/btfreloc yet: run scripts/tool kit"

# in the copy, as root
inside() {
	in_trixie "$root" "$@"
}

fetch_debs() {
	fetched="linux-headers-$release=$version linux-binary-$release=$version acpi-call-dkms langford-dkms vpoll-dkms"
	# shellcheck disable=SC2086 # a list of words
	trixie_apt "$root" install --download-only $fetched
	# Without what it depends on: dracut, and 100 MB of modules.
	[ "$(deb "linux-image-$release")" ] ||
		inside sh -c "cd /var/cache/apt/archives && apt-get -q download linux-image-$release=$version"
}

# deb NAME...: the files of these packages, as seen in the copy
deb() {
	for name; do
		find "$debs" -name "${name}_*.deb" -printf '/var/cache/apt/archives/%f\n' | sort -V | tail -n 1
	done
}

# The package btfreloc puts them there.
install_hooks() {
	inside install "$REPO/build/bin/btfreloc" /usr/bin/btfreloc
	for pair in kernel-postinst:postinst.d kernel-postrm:postrm.d header-postinst:header_postinst.d; do
		inside install -D "$REPO/packaging/hooks/${pair%:*}" "/etc/kernel/${pair#*:}/btfreloc"
	done
	inside install "$REPO/packaging/hooks/in-place-postinst" /etc/kernel/postinst.d/btfreloc-in-place
	inside install -D -m 644 "$REPO/packaging/hooks/in-place.conf" $config
}

# dpkg_does ARGUMENT...: sets status, and said to what it and the hooks printed; without an initramfs and the
# kernel's own modules
dpkg_does() {
	status=0
	said=$(inside dpkg --force-depends "$@" 2>&1) || status=$?
}

# kept: the names of what the hook keeps
kept() {
	inside sh -c "ls $firmware 2>/dev/null" | tr '\n' ' '
}

# btf_is FILE BTF: a file of the copy holds that BTF
btf_is() {
	inside btfreloc extract "$1" -o "$work/extracted.btf" && cmp "$work/extracted.btf" "$2"
}

comment() {
	inside readelf -p .comment "$headers/vmlinux"
}

# has_btf FILE: a module of the copy has BTF with .BTF.base
has_btf() {
	inside btfreloc inspect "$1" >"$work/inspected" 2>&1 && cat "$work/inspected" &&
		grep -q '^ *\.BTF: ' "$work/inspected" && grep -q '^ *\.BTF\.base: ' "$work/inspected"
}

# built MODULE: where dkms puts it
built() {
	inside find "/lib/modules/$release/updates/dkms" -name "$1.ko*"
}

# all_have_btf WHAT
all_have_btf() {
	for name in $tried; do
		check "$1, $name has .BTF and .BTF.base" has_btf "$(built "$name")"
	done
}

# rebuild NAME/VERSION: by dkms, anew
rebuild() {
	inside dkms remove "$1" -k "$release" >/dev/null 2>&1 || :
	inside dkms install "$1" -k "$release" || {
		inside sh -c "cat /var/lib/dkms/$1/build/make.log"
		return 1
	}
}

# another_build IMAGE N: the kernel's two packages as N.image.deb and N.binary.deb in $work, of the Nth build after the
# archive's, with this image
another_build() {
	for kind in image binary; do
		name=linux-$kind-$release
		rm -rf "$work/deb"
		dpkg-deb -R "$debs/$(basename "$(deb "$name")")" "$work/deb"
		[ $kind = image ] || cp "$1" "$work/deb/usr/lib/modules/$release/vmlinuz"
		sed -i "s/^Version: .*/&+build$2/; s/\\(linux-binary-$release (= [^)]*\\))/\\1+build$2)/" "$work/deb/DEBIAN/control"
		dpkg-deb -Znone --root-owner-group -b "$work/deb" "$work/$2.$kind.deb" >/dev/null
	done
	rm -rf "$work/deb"
}

# clang_headers: as a kernel that clang built would have them
clang_headers() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	inside sh -euc '
		cd "$1"
		sed -i "/^CONFIG_CC_IS_GCC=/d; /^CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=/d; /^CONFIG_UBSAN_BOUNDS_STRICT=/d
			/^CONFIG_FTRACE_MCOUNT_USE_CC=/d; /^CONFIG_HAVE_OBJTOOL_NOP_MCOUNT=/d" include/config/auto.conf .config
		for option in CC_IS_CLANG UBSAN_ARRAY_BOUNDS FTRACE_MCOUNT_USE_OBJTOOL; do
			echo "CONFIG_$option=y" | tee -a include/config/auto.conf >>.config
		done
		sed -i "s/^CC = .*/CC = clang/; /CROSS_COMPILE/d" .kernelvariables
		echo "export KCFLAGS = -Wno-unknown-warning-option -Wno-duplicate-decl-specifier" >>.kernelvariables
	' sh "$headers"
}

# Images of other builds: with a type of another name and by another compiler; and what is no image.
make_images() {
	# shellcheck disable=SC2016
	scripts/in-root sh -euc '
		objcopy -j .BTF -j .rodata "$1" "$2/image" 2>/dev/null
		python3 scripts/check.d/rebuilt.py "$2/image" "$2"
		objcopy --dump-section .BTF="$2/clang.btf" "$2/clang.image" /dev/null
		objcopy --dump-section .BTF="$2/gcc.btf" "$2/gcc.image" /dev/null
	' sh "$KIT/boot/$release/vmlinux" "$work"
	echo "no kernel" >"$work/no.image"
}

# The text of the page, into the source of vpoll.
page() {
	awk '/^## /{ here = $2 == "DKMS" } here && /^    /{ print substr($0, 5) }' docs/howto.md >"$work/page"
	grep -v '^MAKE' "$work/page" >"$work/btf.mk"
	grep '^MAKE' "$work/page" >"$work/make"
	[ -s "$work/btf.mk" ] && [ "$(wc -l <"$work/make")" = 1 ] || return 1
	# shellcheck disable=SC2016
	inside sh -euc '
		cd /usr/src/vpoll-*
		cp "$1/btf.mk" .
		sed -i "/^MAKE/d" dkms.conf
		cat "$1/make" >>dkms.conf
	' sh "$work"
}

# page_does WHAT kbuild|encode: vpoll built as the page says has BTF, made by that
page_does() {
	check "$1: the DKMS text of docs/howto.md builds vpoll" rebuild "$vpoll"
	check "$1: with .BTF and .BTF.base" has_btf "$(built vpoll)"
	log=$(inside sh -c "cat /var/lib/dkms/$vpoll/$release/*/log/make.log")
	made=kbuild
	[ "${log#*Skipping BTF generation}" = "$log" ] || made=encode
	check_equal "$1: made by $2" "$2" $made
}

trixie_image dkms dkms gcc-14-for-host "linux-base/$BACKPORTS" pahole clang lld llvm
rm -rf "$work"
mkdir -p "$work"
root=$(trixie_folder)
trap 'trixie_remove "$root"' EXIT
trap 'exit 130' INT TERM HUP
trixie_copy dkms "$root"

release=$(trixie_kernel "$root")
version=$(set_of "$release" 2)
headers=/lib/modules/$release/build
btf=$KIT/boot/$release/vmlinux.btf
modules=$REPO/build/$release/modules
[ -d "$modules" ] || die "no test modules for $release yet: run scripts/build tests $release"
say "packages of $release $version"
fetch_debs >"$work/fetched" 2>&1 || die "could not fetch the packages of $release: see $work/fetched"
make_images
another_build "$work/clang.image" 1
another_build "$work/gcc.image" 2
another_build "$KIT/boot/$BUILT_FOR/vmlinuz" 3
another_build "$work/no.image" 4
install_hooks
series=${release%-*}
pattern=$(printf '%s' "$release" | sed 's/[+.]/[&]/g')

# Headers first, and as some distributions have them, without a vmlinux.
inside sh -c 'echo "path-exclude=/usr/src/linux-headers-*/vmlinux" >/etc/dpkg/dpkg.cfg.d/no-vmlinux'
# shellcheck disable=SC2046 # names without blanks
dpkg_does -i $(deb "linux-base-$release" "linux-headers-$series-common" "linux-kbuild-$series" "linux-headers-$release")
check_equal "headers before their image: installed" 0 $status
check_has "the hook says that the image is missing" \
	"^btfreloc: the headers of $pattern have no vmlinux, so modules .*: its image is not installed; when it is, they get one" "$said"
check_not "and puts nothing there" inside test -e "$headers/vmlinux"

# shellcheck disable=SC2046
dpkg_does -i $(deb "linux-binary-$release" "linux-image-$release")
check_equal "the kernel's packages: installed" 0 $status
check_has "the hook says what it keeps" "^btfreloc: BTF of $pattern: $firmware/$pattern.btf.zst: written" "$said"
check "it is the kernel's BTF" btf_is "$firmware/$release.btf.zst" "$btf"
check_has "the hook says that the headers have a vmlinux now" "^btfreloc: the headers of $pattern have a vmlinux" "$said"
check "with the kernel's BTF" btf_is "$headers/vmlinux" "$btf"
check_has "and its compiler" "GCC: " "$(comment)"

# shellcheck disable=SC2046
dpkg_does -i $(deb acpi-call-dkms langford-dkms vpoll-dkms)
check_equal "three dkms packages: installed" 0 $status
all_have_btf "by gcc"
vpoll=$(inside dkms status vpoll | sed 's/, .*//')

clang_headers
dpkg_does -i "$work/1.binary.deb" "$work/1.image.deb"
check_equal "upgraded in place, to a build by clang: installed" 0 $status
check "the newest is the first" btf_is "$firmware/$release.btf.zst" "$work/clang.btf"
check "the one before it is kept" btf_is "$firmware/$release.1.btf.zst" "$btf"
check "the headers have the newest" btf_is "$headers/vmlinux" "$work/clang.btf"
check_has "which names clang" "clang version" "$(comment)"
check_has "dkms built all three anew" "^Autoinstall on $pattern succeeded for module.s. acpi-call langford vpoll" "$said"
all_have_btf "by clang"

page || die "docs/howto.md has no DKMS text"
page_does "by clang, with a vmlinux" kbuild
check_has "dkms asks for clang" 'LLVM=1' "$log"
inside rm "$headers/vmlinux"
page_does "by clang, without a vmlinux" encode
check_has "dkms asks for clang" 'LLVM=1' "$log"

# From here on no module is built where none is asked for.
inside chmod -x /etc/kernel/preinst.d/dkms /etc/kernel/postinst.d/dkms /etc/kernel/header_postinst.d/dkms
dpkg_does -i "$work/2.binary.deb" "$work/2.image.deb"
dpkg_does -i "$work/2.binary.deb" "$work/2.image.deb"
check_equal "installed twice: done" 0 $status
check_has "it is there already" "^btfreloc: BTF of $pattern: .*: has this BTF already" "$said"
dpkg_does -i "$work/3.binary.deb" "$work/3.image.deb"
check_equal "of four builds three are kept" "$release.1.btf.zst $release.2.btf.zst $release.btf.zst " "$(kept)"
check "the newest is the first" btf_is "$firmware/$release.btf.zst" "$KIT/boot/$BUILT_FOR/vmlinux.btf"
check "the oldest is the last" btf_is "$firmware/$release.2.btf.zst" "$work/clang.btf"

dpkg_does -i "$work/4.binary.deb" "$work/4.image.deb"
check_equal "an image that is none: installed all the same" 0 $status
check_has "with a warning" "^W: btfreloc: the BTF of $pattern is not kept: .*: neither ELF nor BTF" "$said"
check_equal "what there was is kept" "$release.1.btf.zst $release.2.btf.zst $release.btf.zst " "$(kept)"
check_not "the headers have no vmlinux of another build" inside test -L "$headers/vmlinux"

# Headers with a vmlinux of their own, as Debian has them; and the kernel of the archive again.
inside rm /etc/dpkg/dpkg.cfg.d/no-vmlinux
# shellcheck disable=SC2046
dpkg_does -i $(deb "linux-headers-$release" "linux-binary-$release" "linux-image-$release")
check_equal "headers with a vmlinux: installed" 0 $status
check_equal "the hook leaves it alone" "" "$(printf '%s\n' "$said" | grep 'btfreloc: the headers')"
check "as the package has it" inside dpkg --verify "linux-headers-$release"
inside mv "$headers/vmlinux" "$headers/vmlinux.away"
inside ln -s /of/others "$headers/vmlinux"
inside /etc/kernel/header_postinst.d/btfreloc "$release"
check_equal "nor does it touch a link of others that leads to nothing" /of/others "$(inside readlink "$headers/vmlinux")"
inside mv "$headers/vmlinux.away" "$headers/vmlinux"
page_does "with the headers' own vmlinux" kbuild
inside rm "$headers/vmlinux"
page_does "without a vmlinux" encode

# Modules from elsewhere, as they are in this build's folders: made with the build before, with a base of their own that
# this kernel takes, and a link to that of another kernel.
updates=/lib/modules/$release/updates
inside mkdir -p "$updates/vendor" "/lib/modules/$release/weak-updates" /lib/modules/other
inside cp "$modules/plain/vpoll.ko" "$updates/vendor/stale.ko"
inside cp "$modules/own/distilled/vpoll.ko" "$updates/vendor/base.ko"
xz --check=crc32 -c "$modules/plain/vpoll.ko" >"$work/stale.ko.xz"
inside cp "$work/stale.ko.xz" "$updates/vendor/"
inside cp "$modules/plain/vpoll.ko" /lib/modules/other/linked.ko
inside ln -s /lib/modules/other/linked.ko "/lib/modules/$release/weak-updates/linked.ko"

# install_again: the kernel, as it is; sets in_place to what the hook for modules says
install_again() {
	# shellcheck disable=SC2046
	dpkg_does -i $(deb "linux-binary-$release" "linux-image-$release")
	in_place=$(printf '%s\n' "$said" | grep -E '^(W: )?btfreloc: (/|[0-9])') || :
}
is_stale() {
	inside cmp "$modules/plain/vpoll.ko" "$1"
}
# taken FILE: the kernel takes it by itself
taken() {
	inside btfreloc check "$1" --against "/lib/modules/$release/vmlinuz" | tee "$work/checked"
	grep -q ': left alone$' "$work/checked"
}

install_again
check_equal "nothing is said of modules in their files by default" "" "$in_place"
check "and nothing is changed" is_stale "$updates/vendor/stale.ko"
inside sed -i 's/^#folder/folder/' $config
inside sh -c "echo 'folder weak-updates # not ../weak-updates' >>$config"
install_again
check_equal "where folders are named, the kernel is installed" 0 $status
check_equal "and the configuration is understood" "" "$(printf '%s\n' "$said" | grep -F "W: btfreloc: $config")"
check_has "the hook says what it changed" "^btfreloc: .*/vendor/stale.ko: BTF relocated: [0-9]* types" "$in_place"
check "a module of the build before is taken now" taken "$updates/vendor/stale.ko"
check "and a compressed one" taken "$updates/vendor/stale.ko.xz"
check "one that the kernel relocates by itself keeps its base" inside cmp "$modules/own/distilled/vpoll.ko" "$updates/vendor/base.ko"
check "what a link leads to is as it was" is_stale /lib/modules/other/linked.ko
install_again
check_has "installed again: nothing to change" "^btfreloc: [0-9]* modules: 0 changed, [0-9]* unchanged$" "$in_place"
dpkg_does -i "$work/2.binary.deb" "$work/2.image.deb"
check "upgraded in place, it is taken by that build" taken "$updates/vendor/stale.ko"
inside sh -c "cp '$modules/broken/btf_header.ko' $updates/vendor/; echo 'folder ../../etc' >>$config; printf 'what is this' >>$config"
install_again
check_equal "what cannot be mended keeps no kernel from being installed" 0 $status
check_has "it is named" "^W: btfreloc: .*btf_header.ko: left as it is: malformed BTF" "$in_place"
check_has "and what is wrong in the configuration, in its last line without an end as well" "^W: btfreloc: $config: not understood: what is this" "$said"
check_has "and a folder that is elsewhere" "^W: btfreloc: $config: folder ../../etc: name one below" "$said"
inside rm -r "$updates/vendor" "/lib/modules/$release/weak-updates" /lib/modules/other

# As the Debian Kernel Handbook has it: arguments possibly in single quotes, nothing from standard input, nothing to
# standard output.
# quoted HOOK ARGUMENT...: sets said to what it writes to standard error, output and input to the rest
quoted() {
	quoted_hook=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	said=$(echo asked | inside env DEB_MAINT_PARAMS="$*" sh -c '{ "$1" "$2" "/boot/vmlinuz-$2" && cat; } 2>&1 >"$3"' sh \
		"/etc/kernel/$quoted_hook" "$release" /tmp/output)
	output=$(inside cat /tmp/output)
}
quoted postinst.d/btfreloc "'configure'" "'$version'"
check_has "with its arguments in quotes, the hook works" "^btfreloc: BTF of $pattern: " "$said"
check_equal "and leaves standard input and output to others" asked "$output"
quoted postinst.d/btfreloc-in-place "'configure'" "'$version'"
check_has "so does that for modules in their files" "^W: btfreloc: $config: not understood" "$said"
check_equal "which leaves them, too" asked "$output"
quoted postrm.d/btfreloc "'upgrade'" "'$version'"
check_equal "where a kernel is upgraded, nothing is removed" "" "$said"

# missing PROGRAM WORDS: kbuild would fail with a vmlinux and without this
missing() {
	inside mv "$1" "$1.away"
	said=$(inside /etc/kernel/header_postinst.d/btfreloc "$release" 2>&1)
	check_has "without ${1##*/} the hook says so" "have no vmlinux, so .*: $2" "$said"
	check_not "and puts nothing there" inside test -L "$headers/vmlinux"
	inside mv "$1.away" "$1"
}
missing "$headers/tools/bpf/resolve_btfids/resolve_btfids" "they have no resolve_btfids"
missing /usr/bin/pahole "pahole is not installed"

said=$(inside /etc/kernel/header_postinst.d/btfreloc "$release" 2>&1)
check "with both there is a vmlinux again" inside test -e "$headers/vmlinux"
inside cp -a $firmware /tmp/firmware
quoted postrm.d/btfreloc "'remove'"
check_has "with its arguments in quotes, the hook of a removed kernel works" "^btfreloc: removed the BTF of $pattern" "$said"
check_equal "and leaves standard input and output to others" asked "$output"
inside mv /tmp/firmware $firmware
inside /etc/kernel/header_postinst.d/btfreloc "$release" 2>/dev/null
dpkg_does -r "linux-headers-$release"
check_equal "the headers are removed" 0 $status
dpkg_does -r "linux-image-$release" "linux-binary-$release"
check_equal "the kernel is removed" 0 $status
check_has "the hook says so" "^btfreloc: removed the BTF of $pattern" "$said"
check_not "its BTF is gone" inside test -e $firmware
check_not "and what was made of it" inside test -e /var/lib/btfreloc
check_not "and what the headers left" inside test -e "/usr/src/linux-headers-$release"

# Without the tool the hooks of a package that was removed, and not purged, do nothing.
inside rm /usr/bin/btfreloc
# shellcheck disable=SC2046
dpkg_does -i $(deb "linux-binary-$release" "linux-image-$release")
check_equal "without the tool: installed" 0 $status
check_equal "and nothing said" "" "$(printf '%s\n' "$said" | grep '^\(W: \)\?btfreloc:')"
ktap_end
