#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The BTF of another kernel is found where the firmware loader finds it, and what keeps it from being read is not
# blamed on the file.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

base=$MODULES/base/base.btf
stale=$MODULES/plain/vpoll.ko
folder=/lib/firmware/btfreloc
file=$folder/$RELEASE.btf

# found_in FOLDER: the file is there, and nowhere else
found_in() {
	mkdir -p "$1/btfreloc"
	cp "$base" "$1/btfreloc/$RELEASE.btf"
	check "with the file in $1 the module loads" load "$stale"
	check_has "and is relocated" "rust_btfreloc: vpoll: BTF relocated by way of firmware btfreloc/[^ ]*[.]btf: " "$logged"
	unload vpoll
	rm -r "$1/btfreloc"
}

load "$RELOC"
check "without the file the module loads" load "$stale"
check_has "and the log says where to put it" \
	"rust_btfreloc: vpoll: BTF dropped: made with another build of [^ ]* than this kernel: .* or put the vmlinux BTF of that build at $folder/[^ ]*[.]btf [(]where it was installed over this one: btfreloc extract /boot/vmlinuz-[^ ]* --firmware ${folder}[)]" "$logged"
unload vpoll
for place in /lib/firmware /lib/firmware/updates "/lib/firmware/$RELEASE" "/lib/firmware/updates/$RELEASE"; do
	found_in "$place"
done
printf /tmp/elsewhere >/sys/module/firmware_class/parameters/path
found_in /tmp/elsewhere
echo >/sys/module/firmware_class/parameters/path

# A process that has another root, as in a container: the loader looks in that of init.
jail=/tmp/jail
mkdir -p $jail/usr $jail/sys $jail/proc
mount --bind /usr $jail/usr
mount -t proc proc $jail/proc
mkdir -p /lib/firmware
mount -t tmpfs none $jail/usr/lib/firmware
for link in bin sbin lib lib64; do
	ln -s usr/$link $jail/$link
done
cp "$stale" $jail/vpoll.ko
mkdir -p $folder
cp "$base" "$file"
mark=$(log_lines)
check "loaded from another root" chroot $jail /usr/bin/insmod /vpoll.ko
check_has "it is relocated with init's file" "rust_btfreloc: vpoll: BTF relocated by way of firmware" "$(log_since "$mark")"
unload vpoll
rm -r $folder
mkdir -p $jail/usr/lib/firmware/btfreloc
cp "$base" "$jail/usr/lib/firmware/btfreloc/$RELEASE.btf"
mark=$(log_lines)
check "loaded from another root that has the file" chroot $jail /usr/bin/insmod /vpoll.ko
check_has "it finds init's, which is not there" "rust_btfreloc: vpoll: BTF dropped: made with another build of " "$(log_since "$mark")"
unload vpoll
umount $jail/usr/lib/firmware $jail/usr $jail/proc

# kept WHAT WORDS: the file is fine, but cannot be had now
kept() {
	blamed=$(stat_of reason_supplied_base) kernel=$(stat_of reason_kernel)
	check "$1: the module loads" load "$stale"
	check_not "$1: without BTF" has_btf vpoll
	check_has "$1: the log says so" \
		"rust_btfreloc: vpoll: BTF dropped: not for this kernel, and firmware btfreloc/[^ ]*[.]btf $2" "$logged"
	check_has "$1: as the report does" "$2" "$(cat "$DEBUGFS/vpoll")"
	check_not "$1: nobody is sent to the file" grep -q "put " "$DEBUGFS/vpoll"
	check_equal "$1: it is not counted as a bad file" "$blamed" "$(stat_of reason_supplied_base)"
	check_equal "$1: but as the kernel's answer" $((kernel + 1)) "$(stat_of reason_kernel)"
	unload vpoll
}

mkdir -p $folder
cp "$base" "$file"
exec 9>>"$file"
kept "while it is written" "is open for writing; load the module again when it is complete"
exec 9>&-
check "when it is complete" load "$stale"
check "the module has BTF" has_btf vpoll
unload vpoll

# More than the guest has memory for, and less than the loader refuses.
truncate -s 2000000000 "$file"
kept "with too little memory" "was not used, as memory is short; load the module again when there is more"

: >"$file"
blamed=$(stat_of reason_supplied_base)
check "with an empty file the module loads" load "$stale"
check_has "and the log sends to the file" "firmware btfreloc/[^ ]*[.]btf is no file, empty, .*; put it anew in its place in the firmware path" "$logged"
check_equal "which is counted" $((blamed + 1)) "$(stat_of reason_supplied_base)"
unload vpoll rust_btfreloc
rm -r $folder
ktap_end
