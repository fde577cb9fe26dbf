#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A struct_ops of a module's own: the kernel wants vmlinux's types in it, and a program implements it.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

name=btfreloc_structops
probe=build/$RELEASE/bpf/btfprobe

# works WHAT KO
works() {
	check "$1: it loads" load "$2"
	check_equal "$1: its struct_ops is registered" "" "$(printf '%s\n' "$logged" | grep -iE 'struct_ops|bpf:')"
	check "$1: a program implements it" "$probe" structops
	check "$1: it goes" unload $name
}

works "on the kernel alone, with BTF of this kernel" "$MODULES/own/plain/$name.ko"
load "$RELOC"
works "with rust_btfreloc, with BTF of this kernel" "$MODULES/own/plain/$name.ko"
works "relocated, from BTF of this kernel" "$MODULES/own/distilled/$name.ko"
works "relocated" "$MODULES/distilled/$name.ko"

# Without BTF the kernel registers no struct_ops, and says so.
check "dropped: it loads" load "$MODULES/plain/$name.ko"
check_has "dropped: the kernel says what is missing" "missing module BTF, cannot register struct_ops" "$logged"
check_not "dropped: no program implements it" "$probe" structops
unload $name rust_btfreloc
ktap_end
