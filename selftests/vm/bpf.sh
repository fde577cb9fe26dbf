#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# BPF users of a relocated module: fentry, kfuncs, CO-RE, kptrs, and the ids in .BTF_ids.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

probe=build/$RELEASE/bpf/btfprobe
poke="echo 1 >/sys/module/btfreloc_demo/parameters/poke"

load "$RELOC"
check "btfreloc_demo loads" load "$MODULES/distilled/btfreloc_demo.ko"
check "fentry fires in btfreloc_demo" "$probe" fentry btfreloc_demo btfreloc_demo_poke "$poke"
check "its kfuncs give the right results" "$probe" kfunc
check "CO-RE reads its struct" "$probe" core
check "a map may own its objects: the destructor is known" "$probe" kptr
check "nothing passes for a type that vmlinux lacks: not to kfuncs, not to CO-RE" "$probe" opaque
check "each id in .BTF_ids names the right type" "$probe" ids
check_has "bpftool dumps its struct as it was recorded" "u32(___[0-9])? after;" \
	"$(bpftool btf dump file /sys/kernel/btf/btfreloc_demo format c | sed -n '/^struct btfreloc_demo {/,/^}/p')"

check "acpi_call loads" load "$MODULES/distilled/acpi_call.ko"
check "fentry fires in acpi_call" "$probe" fentry acpi_call acpi_proc_write "echo '\\_SB.PCI0' >/proc/acpi/call"
check "vpoll loads" load "$MODULES/distilled/vpoll.ko"
check "fentry fires in vpoll" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"

# Relocated modules outlive rust_btfreloc.
check "a program that is attached still fires when rust_btfreloc goes" \
	"$probe" fentry btfreloc_demo btfreloc_demo_poke "rmmod rust_btfreloc && $poke"
check_not "it is gone" is_loaded rust_btfreloc
check "fentry still fires" "$probe" fentry btfreloc_demo btfreloc_demo_poke "$poke"
check "kfuncs still work" "$probe" kfunc
check "ids still name the right types" "$probe" ids
check "the BTF is still there" bpftool btf dump file /sys/kernel/btf/btfreloc_demo
check "all of them go" unload btfreloc_demo acpi_call vpoll
check_not "and their BTF with them" has_btf btfreloc_demo
ktap_end
