#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# BTF with types of kinds that this kernel does not know: refused without us; with us what is left of it is registered.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

kinds=$MODULES/kinds
demo=btfreloc_demo
ids=/sys/module/$demo/parameters/ids
probe=build/$RELEASE/bpf/btfprobe
poke="echo 1 >/sys/module/btfreloc_demo/parameters/poke"

# kfuncs_in: how many ids the kernel finds in the set of kfuncs
kfuncs_in() {
	awk '$1 == "set8" && $2 == "demo_kfuncs" { print NF - 2 }' $ids
}

# types_of MODULE: its types, as bpftool reads them, without their ids
types_of() {
	bpftool btf dump file "/sys/kernel/btf/$1" | grep -c '^\['
}

for form in distilled bare locations plain standalone; do
	check_not "$form: the kernel alone refuses the module" load "$kinds/$form.ko"
	check_has "$form: for its BTF" "failed to validate module \[$demo\] BTF: -22" "$logged"
done

load "$RELOC"
# As it is with all its types.
load "$MODULES/distilled/$demo.ko"
kfuncs=$(kfuncs_in)
unload $demo

# whole FORM DONE: what holds of each form in which the rest of the BTF is registered
whole() {
	check "$1: loads" load "$kinds/$1.ko"
	check_has "$1: $2, and the log says what was left out" "rust_btfreloc: $demo: BTF $2.*; left out: $3" "$logged"
	check "$1: bpftool reads all of it" bpftool btf dump file /sys/kernel/btf/$demo format c
	check "$1: fentry fires" "$probe" fentry $demo btfreloc_demo_poke "$poke"
	check "$1: its kfuncs give the right results" "$probe" kfunc
}

# without FORM: the struct and the kfunc of unknown kinds are gone, and the kfunc's tag with it
without() {
	dump=$(bpftool btf dump file /sys/kernel/btf/$demo)
	check_equal "$1: the struct and the kfunc are gone" "" "$(echo "$dump" | grep "'btfreloc_demo_numbers'")"
	check_equal "$1: the kernel's set of kfuncs has one less" $((kfuncs - 1)) "$(kfuncs_in)"
	check_equal "$1: and none that is no type's" "" "$(grep '^set8' $ids | grep ' 0:')"
	check_has "$1: debugfs says so" "left out: 1 type of kind 44, 1 type of kind 52" "$(cat "$DEBUGFS/$demo")"
}

gone='1 type of kind 44, 1 type of kind 52, [0-9]+ types? that cannot do without them'
for form in distilled plain standalone; do
	case $form in
	distilled) whole $form relocated "$gone" ;;
	plain) whole $form "reduced: " "$gone" ;;
	standalone) whole $form rebased '1 type of kind 44, 1 type of kind 52' ;;
	esac
	without $form
	unload $demo
done

counted=$(stat_of sort_distilled)
whole locations relocated '1 type of kind 20, 1 type of kind 21, 1 type of kind 22'
check_equal "locations: it is counted once" $((counted + 1)) "$(stat_of sort_distilled)"
check_equal "locations: nothing else is gone" "$kfuncs" "$(kfuncs_in)"
check "locations: each id in .BTF_ids names the right type" "$probe" ids
unload $demo

check "without a layout: loads" load "$kinds/bare.ko"
check_has "without a layout: without BTF, and the log names the kind" \
	"BTF dropped: malformed BTF: .BTF offset [0-9]+, type \[[0-9]+\]: kind 44 is not known" "$logged"
check_not "without a layout: has no BTF" has_btf $demo
unload $demo rust_btfreloc

load "$RELOC" policy=0
check_not "policy 0: the kernel's own verdict holds" load "$kinds/distilled.ko"
check_has "policy 0: as the log says" "BTF left to the kernel: .*kind 44 is not known" "$logged"
unload rust_btfreloc
ktap_end
