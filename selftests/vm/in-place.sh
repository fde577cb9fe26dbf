#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules that btfreloc changes in place, on a kernel without rust_btfreloc: the kernel registers the bytes that
# rust_btfreloc makes of them as they load, and BPF programs use them.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh
. selftests/vm/in-place-guest.sh
. selftests/vm/neighbour-guest.sh

probe=build/$RELEASE/bpf/btfprobe
poke="echo 1 >/sys/module/btfreloc_demo/parameters/poke"
modules="acpi_call langford vpoll btfreloc_demo"
stock=build/$RELEASE/stock
placed_in=/tmp/in-place
# What outcomes_in says of modules as they are, and in place.
before=$placed_in.before after=$placed_in.after

# unload_all: whatever is loaded
unload_all() {
	# shellcheck disable=SC2046 # a list of words
	unload $(lsmod | awk 'NR > 1 { print $1 }')
}

# outcomes_in FOLDER: what the kernel makes of each module in it, one line each: FILE STATUS, and how many have BTF then
outcomes_in() {
	(cd "$1" && find . -name '*.ko' | sort) >/tmp/files
	while read -r file; do
		load "$1/$file"
		echo "$file $loaded $(find /sys/kernel/btf -type f ! -name vmlinux | wc -l)"
		unload_all
	done </tmp/files
}

names_in() {
	cut -d' ' -f1 "$1"
}

# worse COLUMN: those of which that column is 0 before and not after, or the other way round
worse() {
	awk -v column="$1" '
		NR == FNR { before[$1] = $column; next }
		column == 2 && !before[$1] && $2 || column == 3 && before[$1] && !$3 { print $1 }' $before $after
}

check_not "rust_btfreloc is not there" is_loaded rust_btfreloc
mkdir -p $placed_in/distilled $placed_in/standalone $placed_in/stale $placed_in/stock
for name in $modules; do
	for sort in distilled standalone; do
		cp "$MODULES/$sort/$name.ko" $placed_in/$sort
	done
	cp "$MODULES/plain/$name.ko" $placed_in/stale
done
check "modules with .BTF.base are changed" in_place $placed_in/distilled
check "modules with standalone BTF are changed" in_place $placed_in/standalone
check_not "modules with plain BTF of another build want that" in_place $placed_in/stale
check "with it they are changed" in_place --base "$MODULES/base/base.btf" $placed_in/stale
check "nothing is left to do" in_place $placed_in
check_has "a second time" "^12 modules: 0 changed, 12 unchanged$" "$placed"
for sort in distilled standalone stale; do
	for name in $modules; do
		check "$sort: $name loads" load "$placed_in/$sort/$name.ko"
		check "$sort: $name has BTF" cp "/sys/kernel/btf/$name" "/tmp/$sort.$name"
	done
	check "$sort: bpftool dumps vpoll" dumps vpoll vpoll_open
	check "$sort: fentry fires in vpoll" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"
	check "$sort: fentry fires in acpi_call" \
		"$probe" fentry acpi_call acpi_proc_write "echo '\\_SB.PCI0' >/proc/acpi/call"
	check "$sort: fentry fires in btfreloc_demo" "$probe" fentry btfreloc_demo btfreloc_demo_poke "$poke"
	check "$sort: its kfuncs give the right results" "$probe" kfunc
	check "$sort: a map may own its objects" "$probe" kptr
	# shellcheck disable=SC2086 # a list of words
	check "$sort: all of them go" unload $modules
done
load "$placed_in/distilled/btfreloc_demo.ko"
check "nothing passes for a type that vmlinux lacks" "$probe" opaque
check "each id in .BTF_ids names the right type" "$probe" ids
unload btfreloc_demo

# What another release's modules have, in a module that loads here.
while read -r name _; do
	cp "$stock/$name.ko" $placed_in/stock
done <"$stock/list"
check "BTF of stock modules of another release is changed" in_place $placed_in/stock
same=0
while read -r name _; do
	if load "$placed_in/stock/$name.ko" && registered btfreloc_small "$stock/$name.btf" >/tmp/registered 2>&1; then
		same=$((same + 1))
	else
		diagnose "$name: $(cat /tmp/registered)"
	fi
	unload btfreloc_small
done <"$stock/list"
check_equal "each is registered as rust_btfreloc registers it" "$(wc -l <"$stock/list")" $same

# Where the kit has modules of another build of this kernel, these.
if [ -f "$NEIGHBOURS/builds" ]; then
	read -r build _ <"$NEIGHBOURS/builds"
	cp -r "$NEIGHBOURS/$build" $placed_in/neighbour
	can=$(($(wc -l <"$NEIGHBOURS/modules") - $(wc -l <"$NEIGHBOURS/$build/unresolved")))
	check "in-tree modules of $build are changed" in_place --base "$NEIGHBOURS/$build/vmlinux.btf" $placed_in/neighbour
	valid=0
	while read -r name; do
		if cannot_load "$build" "$name"; then
			stand_in "$name"
		elif load "$placed_in/neighbour/$name.ko" && cmp -s "/sys/kernel/btf/$name" "$NEIGHBOURS/$build/$name.btf"; then
			valid=$((valid + 1))
		else
			diagnose "$name: $said $logged"
			is_loaded "$name" || stand_in "$name"
		fi
	done <"$NEIGHBOURS/modules"
	check_equal "each that can load has the types that it has on its own kernel" "$can" $valid
	check "fentry fires in dummy" "$probe" fentry dummy dummy_dev_init "ip link add name test0 type dummy"
	check "fentry fires in exfat" "$probe" fentry exfat exfat_init_fs_context "mount -t exfat none /tmp/in-place"
	check "a BPF program calls a kfunc of nf_conntrack" "$probe" conntrack
	check "all of them go" unload_neighbours
fi

# Damaged modules, and what rust_btfreloc itself is tested with: valid or not, none is made worse.
mkdir $placed_in/any
cp -r "$MODULES/broken" "$MODULES/empty" "$MODULES/kinds" "$MODULES/own" $placed_in/any
cp -r $placed_in/any $placed_in/dropped
outcomes_in $placed_in/any >$before
check "of any modules at least twenty load" test "$(grep -c ' 0 [0-9]*$' $before)" -ge 20
check "and at least twenty do not" test "$(grep -vc ' 0 [0-9]*$' $before)" -ge 20
in_place $placed_in/any
diagnose "$(echo "$placed" | tail -n 1)"
outcomes_in $placed_in/any >$after
check_equal "all are tried again" "$(names_in $before)" "$(names_in $after)"
check_equal "none that loads is made one that does not" "" "$(worse 2)"
check_equal "none with BTF is made one without" "" "$(worse 3)"
in_place --drop $placed_in/dropped
diagnose "$(echo "$placed" | tail -n 1)"
outcomes_in $placed_in/dropped >$after
check_equal "all are tried again with --drop" "$(names_in $before)" "$(names_in $after)"
check_equal "nor where what is not valid is dropped" "" "$(worse 2)"
check "which makes at least ten load that did not" \
	test "$(grep -c ' 0 [0-9]*$' $after)" -ge $(($(grep -c ' 0 [0-9]*$' $before) + 10))

# The same modules as they were, with rust_btfreloc, and with the BTF of their kernel where they have no .BTF.base.
mkdir -p /lib/firmware/btfreloc
cp "$MODULES/base/base.btf" "/lib/firmware/btfreloc/$RELEASE.btf"
load "$RELOC"
for sort in distilled standalone stale; do
	[ $sort = stale ] && folder=plain || folder=$sort
	for name in $modules; do
		check "$sort: rust_btfreloc loads $name" load "$MODULES/$folder/$name.ko"
		check "$sort: its BTF is the same, byte for byte" cmp "/sys/kernel/btf/$name" "/tmp/$sort.$name"
	done
	# shellcheck disable=SC2086 # a list of words
	unload $modules
done
for name in $modules; do
	load "$placed_in/distilled/$name.ko"
	check_equal "$name, changed in place, is left alone" "" "$(echo "$logged" | grep "rust_btfreloc: $name: ")"
done
# shellcheck disable=SC2086 # a list of words
check "all of them go" unload $modules rust_btfreloc
rm -r /lib/firmware/btfreloc
ktap_end
