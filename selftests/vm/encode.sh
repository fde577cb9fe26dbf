#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules that have their BTF from `btfreloc encode`, on the kernel they were built for, without rust_btfreloc:
# the kernel takes it as it takes kbuild's.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

probe=build/$RELEASE/bpf/btfprobe
poke="echo 1 >/sys/module/btfreloc_demo/parameters/poke"

check_not "rust_btfreloc is not there" is_loaded rust_btfreloc
check "btfreloc_demo loads" load "$MODULES/encoded/btfreloc_demo.ko"
check "its BTF is there" has_btf btfreloc_demo
check_has "bpftool dumps its struct as it was compiled" "u32(___[0-9])? after;" \
	"$(bpftool btf dump file /sys/kernel/btf/btfreloc_demo format c | sed -n '/^struct btfreloc_demo {/,/^}/p')"
check "fentry fires in it" "$probe" fentry btfreloc_demo btfreloc_demo_poke "$poke"
check "its kfuncs give the right results" "$probe" kfunc
check "a map may own its objects: the destructor is known" "$probe" kptr
check "vpoll loads" load "$MODULES/encoded/vpoll.ko"
check "its BTF is there" has_btf vpoll
check "fentry fires in vpoll" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"
check "both go" unload btfreloc_demo vpoll
# What has nothing of its own to describe loads as it did before.
for form in encoded standalone; do
	check "$form: a module of data alone loads" load "$MODULES/$form/btfreloc_bare.ko"
	check_not "$form: it has no BTF" has_btf btfreloc_bare
	unload btfreloc_bare
done
ktap_end
