#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules with standalone BTF, as pahole makes it without a base: refused without rust_btfreloc, valid with it.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

probe=build/$RELEASE/bpf/btfprobe
alone=$MODULES/standalone

for name in $(names .); do
	[ "$name" != btfreloc_fail ] || continue
	check_not "without: $name is refused" load "$alone/$name.ko"
	check_has "without: by the kernel" "failed to validate module \[$name\] BTF: -22" "$logged"
done

load "$RELOC"
rebased=0
for name in $(names .); do
	[ "$name" != btfreloc_fail ] || continue
	check "with: $name loads" load "$alone/$name.ko"
	rebased=$((rebased + 1))
	check "with: it has BTF" has_btf "$name"
	[ "$name" != btfreloc_asked ] || check "with: what only its ids name is vmlinux's" asked
	check_has "with: the log says what became of it" \
		"rust_btfreloc: $name: BTF rebased: [0-9]+ mapped to vmlinux, [0-9]+ kept, " "$logged"
	check_equal "with: in the words of the report" "$(head -n 1 "$DEBUGFS/$name")" \
		"$(echo "$logged" | sed -n "s/^rust_btfreloc: $name: \(.*\), in [0-9]* ns$/\1/p")"
	bpftool btf dump file "/sys/kernel/btf/$name" | sed -n "s/^\[[0-9]*\] FUNC '\([^']*\)'.*/\1/p" | sort >/tmp/functions
	unload "$name"
	load "$MODULES/own/plain/$name.ko"
	bpftool btf dump file "/sys/kernel/btf/$name" | sed -n "s/^\[[0-9]*\] FUNC '\([^']*\)'.*/\1/p" | sort >/tmp/expected
	check "with: it has the functions of split BTF" cmp /tmp/functions /tmp/expected
	unload "$name"
done
check_equal "all are counted" $rebased "$(stat_of rebased)"
check_equal "as that sort" $rebased "$(stat_of sort_standalone)"

# One declares the kernel's types, the other defines them, as its headers do.
for demo in btfreloc_demo whole/btfreloc_demo; do
	load "$alone/$demo.ko"
	check "fentry fires in $demo" "$probe" fentry btfreloc_demo btfreloc_demo_poke \
		"echo 1 >/sys/module/btfreloc_demo/parameters/poke"
	check "its kfuncs work, one with a trusted task" "$probe" kfunc
	check "CO-RE reads its struct" "$probe" core
	check "a map may own its objects: the destructor is known" "$probe" kptr
	check "each id in .BTF_ids names the right type" "$probe" ids
	# The demonstration has its own idea of some types that the kernel has in another layout.
	check_has "the report lists what differs from vmlinux" "^\[[0-9]+\] [A-Z]+ [a-z_]+ is not vmlinux \[[0-9]+\]: " \
		"$(cat "$DEBUGFS/btfreloc_demo")"
	check_equal "as many as it counts" "$(sed -n '1s/.*, \([0-9]*\) differ .*/\1/p' "$DEBUGFS/btfreloc_demo")" \
		"$(grep -c ' is not vmlinux ' "$DEBUGFS/btfreloc_demo")"
	unload btfreloc_demo
done

load "$alone/vpoll.ko"
check "fentry fires in vpoll" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"
unload vpoll rust_btfreloc

ktap_end
