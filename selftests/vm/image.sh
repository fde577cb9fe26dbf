#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The ELF file of a loading module is found in memory in whatever form the loader takes it, and no other is taken for it.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

demo=btfreloc_demo
small=btfreloc_small
odd=$MODULES/odd
first=2147483647

ids() {
	cat /sys/module/$demo/parameters/ids
}

load "$RELOC"
load "$MODULES/distilled/$demo.ko"
ids >/tmp/ids
cp /sys/kernel/btf/$demo /tmp/$demo
unload $demo
load "$MODULES/distilled/$small.ko"
cp /sys/kernel/btf/$small /tmp/$small
unload $small

# predicted NAME: what btfreloc check says of a form of the demo, in the words of the log
predicted() {
	build/bin/btfreloc check "$odd/$1.ko" --against /sys/kernel/btf/vmlinux |
		sed -n '1s/; the kernel alone.*//; 1s/relocates [^:]*:/relocated:/; 1s|^[^:]*: [^:]*: |BTF |p'
}

# check_predicted NAME: whether the log says that of the form which was loaded
check_predicted() {
	prediction=$(predicted "$1")
	check "as btfreloc check predicts" test "${logged#*"$demo: ${prediction:-nothing}"}" != "$logged"
}

# form NAME WHAT: a form of the demo that is relocated
form() {
	check "$2: it loads" load "$odd/$1.ko"
	check_has "and is relocated" "rust_btfreloc: $demo: BTF relocated: .* [0-9]+ of [0-9]+ .BTF_ids changed" "$logged"
	check_predicted "$1"
	check "to the BTF of the usual form" cmp /sys/kernel/btf/$demo /tmp/$demo
	check_equal "with its ids" "$(cat /tmp/ids)" "$(ids)"
	unload $demo
}

form merged "the names of sections are in .strtab"
form nobits ".BTF is SHT_NOBITS where it was"
form embedded "another module is inside of it, on a page of its own"
form alloc ".BTF is allocated"
form alloc_base ".BTF.base is allocated"
form alloc_both "both are allocated"

check ".BTF is SHT_NOBITS, past the end of the file: it loads" load "$odd/far.ko"
check_has "without BTF" "rust_btfreloc: $demo: BTF dropped: malformed BTF: a section is not inside the ELF file" "$logged"
check_predicted far
unload $demo

check "both are allocated, and no symbol shows where the file is: it loads" load "$odd/alloc_stripped.ko"
check_has "without BTF, which the kernel would refuse" \
	"rust_btfreloc: $demo: BTF dropped: its ELF file was not found" "$logged"
check_predicted alloc_stripped
unload $demo
check "the same, made for this kernel: it loads" load "$odd/alloc_stripped_own.ko"
check_has "left to the kernel" "rust_btfreloc: $demo: BTF left to the kernel: its ELF file was not found" "$logged"
check_predicted alloc_stripped_own
check "with BTF" has_btf $demo
check "all goes" unload $demo rust_btfreloc

# Two loads at once: the BTF of one seems to be in the file of the other.
load "$odd/btfreloc_notifier.ko" module=$demo other=$small at=$first,$first act=hold,borrow
load "$RELOC"
insmod "$MODULES/distilled/$small.ko" &
check "a module whose BTF is in another one's file loads" load "$MODULES/distilled/$demo.ko"
check_has "without BTF" "rust_btfreloc: $demo: BTF dropped: malformed BTF: a section is not inside the ELF file" "$logged"
check "and so does the other one" wait $!
check "with its own BTF" cmp /sys/kernel/btf/$small /tmp/$small
check "all goes" unload $demo $small btfreloc_notifier rust_btfreloc
ktap_end
