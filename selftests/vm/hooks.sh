#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What packaging/hooks keep of installed kernels is found when a module of that build loads: an upgrade in place, on the
# kernel of the build before. scripts/check.d/hooks.sh has the hooks run by dpkg.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

base=$MODULES/base/base.btf
stale=$MODULES/plain/vpoll.ko
folder=/lib/firmware/btfreloc
pattern=$(echo "$RELEASE" | sed 's/[+.]/[&]/g')
ln -sf "$PWD/build/bin/btfreloc" /usr/bin/btfreloc
image=/lib/modules/$RELEASE/vmlinuz
mkdir -p "/lib/modules/$RELEASE"
echo CONFIG_FW_LOADER_COMPRESS_ZSTD=y >"/lib/modules/$RELEASE/config"

# install_build BTF: what the package of a kernel does last; BTF will do for an image
install_build() {
	cp "$1" "$image"
	DEB_MAINT_PARAMS="configure" sh packaging/hooks/kernel-postinst "$RELEASE" "/boot/vmlinuz-$RELEASE" 2>&1
}

# another LETTER: installs a build that no module here was made with: this one with another name for its last
another() {
	cp /sys/kernel/btf/vmlinux /tmp/another
	printf '%s' "$1" | dd of=/tmp/another bs=1 seek=$(($(wc -c </tmp/another) - 2)) conv=notrunc 2>/dev/null
	install_build /tmp/another
}

same() {
	"build/$RELEASE/peer/btf-compare" /sys/kernel/btf/vpoll /tmp/vpoll.distilled --base /sys/kernel/btf/vmlinux
}

# relocated WHAT FILE: the module of the other build loads by way of FILE
relocated() {
	foretold=$(btfreloc check "$stale" --format json | sed -n 's/^ *"log": "\(.*\)",*$/\1/p')
	check "$1, the module of it loads" load "$stale"
	check_equal "as btfreloc check foretells it" "rust_btfreloc: vpoll: $foretold" \
		"$(echo "$logged" | sed -n 's/^.*\(rust_btfreloc: vpoll: .*\), in [0-9]* ns$/\1/p')"
	check "with BTF as from .BTF.base" same
	check_has "by way of $2" "rust_btfreloc: vpoll: BTF relocated by way of firmware btfreloc/$2: " "$logged"
	unload vpoll
}

load "$RELOC"
load "$MODULES/distilled/vpoll.ko"
cp /sys/kernel/btf/vpoll /tmp/vpoll.distilled
unload vpoll

said=$(install_build "$base")
check_has "another build is installed: the hook keeps its BTF" "^btfreloc: BTF of $pattern: $folder/${pattern}[.]btf[.]zst: written" "$said"
relocated "after the upgrade" "${pattern}[.]btf"
said=$(install_build "$base")
check_has "installed again: the hook has nothing to do" "has this BTF already" "$said"

check "this build is installed once more" install_build /sys/kernel/btf/vmlinux
relocated "with two builds" "${pattern}[.]1[.]btf"
check "a module of this build loads" load "$MODULES/own/plain/vpoll.ko"
check_equal "and is left alone" "" "$(echo "$logged" | grep rust_btfreloc)"
unload vpoll
check "a third build is installed" another x
relocated "with three builds" "${pattern}[.]2[.]btf"

check "a fourth build is installed" another y
check_equal "three are kept" 3 "$(find $folder -type f | wc -l)"
check "none fits: the module loads" load "$stale"
check_not "without BTF" has_btf vpoll
check_has "the log says why" \
	"rust_btfreloc: vpoll: BTF dropped: firmware btfreloc/${pattern}[.]2[.]btf is .*, with which the module was not built; .*; put the vmlinux BTF" "$logged"
unload vpoll

check "the kernel's package is removed" env DEB_MAINT_PARAMS=remove sh packaging/hooks/kernel-postrm "$RELEASE"
check_not "with what was kept of it" test -e $folder
check "without it the module loads" load "$stale"
check_has "and the log says where its BTF would be found" \
	"rust_btfreloc: vpoll: BTF dropped: made with another build of .* put the vmlinux BTF of that build at $folder/${pattern}[.]btf" "$logged"
unload vpoll rust_btfreloc

# place: what the hook for modules in their files does, of the build that was installed last
place() {
	DEB_MAINT_PARAMS="configure" sh packaging/hooks/in-place-postinst "$RELEASE" 2>&1
}

updates=/lib/modules/$RELEASE/updates
mkdir -p "$updates" /etc/btfreloc
cp "$stale" "$updates/vpoll.ko"
check "without rust_btfreloc, the build before is installed" install_build "$base"
check "and this one" install_build /sys/kernel/btf/vmlinux
cp packaging/hooks/in-place.conf /etc/btfreloc
check_equal "modules in their files are not changed by default" "" "$(place)"
echo "folder updates" >>/etc/btfreloc/in-place.conf
check_has "where their folder is named they are" "^btfreloc: .*/vpoll.ko: BTF relocated: " "$(place)"
check "such a module loads" load "$updates/vpoll.ko"
check "with BTF as from .BTF.base" same
unload vpoll
check_equal "a second time nothing is changed" "btfreloc: 1 module: 0 changed, 1 unchanged" "$(place)"
cp "$stale" "$updates/vpoll.ko"
check_has "kernel-install has it done as well" "vpoll.ko: BTF relocated: " \
	"$(sh packaging/hooks/in-place-postinst add "$RELEASE" /boot "$image" 2>&1)"
cp "$stale" "$updates/vpoll.ko"
check_equal "and nothing where it removes a kernel" "" "$(sh packaging/hooks/in-place-postinst remove "$RELEASE" /boot 2>&1)"
ktap_end
