#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Plain split BTF that was made for another kernel, with the BTF of that kernel supplied, right and wrong.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

folder=/lib/firmware/btfreloc
bases=$MODULES/base
probe=build/$RELEASE/bpf/btfprobe
ln -sf "$(command -v kmod)" /tmp/insmod

# same NAME: its BTF is what it is where the module was built with .BTF.base
same() {
	"build/$RELEASE/peer/btf-compare" "/sys/kernel/btf/$1" "/tmp/$1.distilled" --base /sys/kernel/btf/vmlinux
}

# supply FILE NAME: takes away what was supplied before
supply() {
	rm -rf $folder
	mkdir -p $folder
	cp "$1" "$folder/$2"
}

load "$RELOC"
for name in $(names .); do
	[ "$name" != btfreloc_fail ] || continue
	load "$MODULES/distilled/$name.ko"
	cp "/sys/kernel/btf/$name" "/tmp/$name.distilled"
	[ "$name" != btfreloc_asked ] || check "distilled, what only its ids name is vmlinux's" asked
	unload "$name"
done

supply "$bases/base.btf" "$RELEASE.btf"
for name in $(names .); do
	[ "$name" != btfreloc_fail ] || continue
	check "$name with plain split BTF for another kernel loads" load "$MODULES/plain/$name.ko"
	check "its BTF is what it is with .BTF.base" same "$name"
	check_has "the log names the file" "rust_btfreloc: $name: BTF relocated by way of firmware btfreloc/[^ ]*[.]btf: " "$logged"
	[ "$name" != btfreloc_demo ] || {
		check "fentry fires in it" "$probe" fentry btfreloc_demo btfreloc_demo_poke \
			"echo 1 >/sys/module/btfreloc_demo/parameters/poke"
		check "its kfuncs give the right results" "$probe" kfunc
		check "each id in .BTF_ids names the right type" "$probe" ids
	}
	[ "$name" != btfreloc_asked ] || check "what only its ids name is vmlinux's" asked
	unload "$name"
	check "$name with plain split BTF for this kernel loads" load "$MODULES/own/plain/$name.ko"
	check_equal "and its BTF is left alone" "" "$(echo "$logged" | grep rust_btfreloc)"
	unload "$name"
done

for suffix in zst xz; do
	supply "$bases/base.btf.$suffix" "$RELEASE.btf.$suffix"
	check "a base compressed as $suffix will do" load "$MODULES/plain/vpoll.ko"
	check "with the same result" same vpoll
	unload vpoll
done

release=$(cat "$bases/release")
supply "$bases/base.btf" "$release.btf"
check "a module built for another release, loaded by force" /tmp/insmod -f "$bases/vpoll.ko"
check "finds the base of that release" same vpoll
unload vpoll

# refused WHAT WHY: what was supplied is of no use
refused() {
	check "$1: the module loads" load "$MODULES/plain/vpoll.ko"
	check_not "$1: without BTF" has_btf vpoll
	check_has "$1: the log says what is wrong" \
		"rust_btfreloc: vpoll: BTF dropped: firmware btfreloc/[^ ]*[.]btf is $2.*; put the vmlinux BTF" "$logged"
	check_has "$1: as the report does" "$2" "$(cat "$DEBUGFS/vpoll")"
	unload vpoll
}

# Several builds of one release: the one that fits is taken, wherever it is.
supply /sys/kernel/btf/vmlinux "$RELEASE.btf"
head -c 1000000 "$bases/base.btf" >"$folder/$RELEASE.1.btf"
cp "$bases/base.btf" "$folder/$RELEASE.2.btf"
cp /sys/kernel/btf/vmlinux "$folder/$RELEASE.3.btf"
check "with several bases, a module loads" load "$MODULES/plain/vpoll.ko"
check "by way of the one that fits" same vpoll
check_has "which the log names" "rust_btfreloc: vpoll: BTF relocated by way of firmware btfreloc/[^ ]*[.]2[.]btf: " "$logged"
unload vpoll

wrong="not the vmlinux BTF that the module was built with: "
supply /sys/kernel/btf/vmlinux "$RELEASE.btf"
refused "the running kernel's own base" "the running kernel's own BTF, with which the module was not built"
cp /sys/kernel/btf/vmlinux "$folder/$RELEASE.1.btf"
refused "twice" "the running kernel's own BTF, with which the module was not built; the one before it does not match"
# As another kernel has it: the last name is another one.
supply /sys/kernel/btf/vmlinux "$RELEASE.btf"
printf 'x' | dd of="$folder/$RELEASE.btf" bs=1 seek=$(($(wc -c <"$folder/$RELEASE.btf") - 2)) conv=notrunc 2>/dev/null
refused "another kernel's base" "$wrong.BTF offset [0-9]+, type \[[0-9]+\] [A-Z]+.*"
head -c 1000000 "$bases/base.btf" >/tmp/short
supply /tmp/short "$RELEASE.btf"
refused "a base cut short" "${wrong}supplied BTF offset [0-9]+: .*"
head -c 3000000 /dev/urandom >/tmp/noise
supply /tmp/noise "$RELEASE.btf"
refused "noise" "${wrong}supplied BTF offset [0-9]+: .*"
supply "$bases/base.btf" "$RELEASE.btf"
# A kind that there is not.
printf '\177' | dd of="$folder/$RELEASE.btf" bs=1 seek=31 conv=notrunc 2>/dev/null
refused "a base with damaged types" "${wrong}supplied BTF offset 24, type \[1\]: kind 127 is not known"

head -c 100000 "$bases/base.btf.zst" >/tmp/short
supply /tmp/short "$RELEASE.btf.zst"
check "a compressed base cut short: the module loads" load "$MODULES/plain/vpoll.ko"
check_not "a compressed base cut short: without BTF" has_btf vpoll
check_has "a compressed base cut short: the log says so" \
	"rust_btfreloc: vpoll: BTF dropped: not for this kernel, and firmware btfreloc/[^ ]*[.]btf is .*; put it anew" \
	"$logged"
unload vpoll
check "what stood in the way is counted" test "$(stat_of reason_supplied_base)" -ge 5

# Whatever is in it: no splat, and the module loads.
tries=0 loaded_all=0
while [ $tries -lt 12 ]; do
	tries=$((tries + 1))
	supply "$bases/base.btf" "$RELEASE.btf"
	head -c 64 /dev/urandom | dd of="$folder/$RELEASE.btf" bs=1 seek=$((32 + tries * 397 * 64)) conv=notrunc 2>/dev/null
	load "$MODULES/plain/vpoll.ko" && loaded_all=$((loaded_all + 1))
	unload vpoll
done
check_equal "with noise anywhere in the base, the module loads" $tries $loaded_all

supply "$bases/base.btf" "$RELEASE.btf"
unload rust_btfreloc
load "$RELOC" policy=0
# Strict wants a match for each base type, wherever the base comes from.
load "$MODULES/distilled/vpoll.ko"
distilled=$loaded
unload vpoll
load "$MODULES/plain/vpoll.ko"
check_equal "strict: it is taken or refused as with .BTF.base" "$distilled" "$loaded"
unload vpoll
rm -r $folder
check_not "strict: without its base the kernel refuses it as ever" load "$MODULES/plain/vpoll.ko"
unload rust_btfreloc
ktap_end
