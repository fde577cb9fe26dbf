#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules that clang compiled, in every form, without rust_btfreloc and with it.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

probe=build/$RELEASE/bpf/btfprobe
poke="echo 1 >/sys/module/btfreloc_demo/parameters/poke"
clang=$MODULES/clang

# works FORM: what a BPF user wants of them
works() {
	check "$1: btfreloc_demo loads" load "$clang/$1/btfreloc_demo.ko"
	check "$1: its BTF is there" has_btf btfreloc_demo
	check "$1: fentry fires in it" "$probe" fentry btfreloc_demo btfreloc_demo_poke "$poke"
	check "$1: its kfuncs give the right results" "$probe" kfunc
	check "$1: vpoll loads" load "$clang/$1/vpoll.ko"
	check "$1: its BTF is there" has_btf vpoll
	check "$1: fentry fires in it" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"
	check "$1: both go" unload btfreloc_demo vpoll
}

# The tool puts BTF into a file with sections that only clang makes; the stock kernel takes the result as it takes kbuild's.
check_not "rust_btfreloc is not there" is_loaded rust_btfreloc
for form in own/plain own/distilled encoded redistilled; do
	works $form
done
check_not "without: btfreloc_demo with .BTF.base is refused" load "$clang/distilled/btfreloc_demo.ko"
check_not "without: btfreloc_demo with standalone BTF is refused" load "$clang/standalone/btfreloc_demo.ko"

load "$RELOC"
for form in own/plain own/distilled encoded redistilled distilled standalone; do
	works $form
done
for name in btfreloc_demo vpoll; do
	check "plain: $name loads" load "$clang/plain/$name.ko"
	check_not "plain: it has no BTF" has_btf "$name"
	unload "$name"
done
unload rust_btfreloc

ktap_end
