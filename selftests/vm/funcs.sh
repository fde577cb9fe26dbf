#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Function addresses: of two functions of one name a program is attached to the one that was chosen, the table goes with
# what its ids belong to, and one that does not hold is refused.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

probe=build/$RELEASE/bpf/btfprobe
twins=btfreloc_twins
table=$DEBUGFS/funcs/$twins
parameters=/sys/module/$twins/parameters
step=btfreloc_twins_step

# addresses NAME: those of the table
addresses() {
	awk -v name="$1" '$4 == name { print $1 }' "$table" | sort
}

# kallsyms SYMBOL: its addresses in the module
kallsyms() {
	awk -v symbol="$1" -v module="[$twins]" '$3 == symbol && $4 == module { print $1 }' /proc/kallsyms | sort
}

# wrong_ids: lines whose id is not that of a FUNC of the name
wrong_ids() {
	bpftool btf dump file /sys/kernel/btf/$twins -B /sys/kernel/btf/vmlinux format raw >/tmp/twins.types
	while read -r _ id _ name; do
		grep -q "^\[$id\] FUNC '$name'" /tmp/twins.types || echo "$id $name"
	done <"$table"
}

# fires ADDRESS PARAMETER: whether a program at the address runs when the parameter's function is called
fires() {
	"$probe" kprobe "$1" "echo 1 >$parameters/$2"
}

# holds WHAT: the table of the module that is loaded is right
holds() {
	check_equal "$1: two functions of one name have an address each" 2 "$(addresses $step | uniq | wc -l)"
	check_equal "$1: they are those of /proc/kallsyms" "$(kallsyms $step)" "$(addresses $step)"
	check_equal "$1: so is that which the compiler changed" \
		"$(kallsyms btfreloc_twins_folded.constprop.0)" "$(addresses btfreloc_twins_folded)"
	check_equal "$1: each id is that of a FUNC of the name" "" "$(wrong_ids)"
	check_equal "$1: a function that is gone has no address" - "$(addresses btfreloc_twins_first)"
	check_has "$1: flags say what it is" "^[0-9a-f]{16} [0-9]+ [a-z,-]*traceable,same-named $step\$" "$(cat "$table")"
	check_has "$1: and which is a kfunc" "^[0-9a-f]{16} [0-9]+ [a-z,]*kfunc[a-z,-]* btfreloc_twins_kfunc\$" "$(cat "$table")"
	check_has "$1: and which is weak" "^[0-9a-f]{16} [0-9]+ [a-z,]*weak[a-z,-]* btfreloc_twins_weak\$" "$(cat "$table")"
}

load "$RELOC"
for how in own/plain own/distilled distilled standalone; do
	check "$how: it loads" load "$MODULES/funcs/$how/$twins.ko"
	holds $how
	unload $twins
	check_not "$how: the table goes with the module" test -e "$table"
done
check_equal "each table is counted" 4 "$(stat_of func_tables)"

load "$MODULES/funcs/distilled/$twins.ko"
for address in $(addresses $step); do
	fires "$address" one && one=$address
	fires "$address" two && two=$address
done
check "a program at one of them sees the calls of the first" test "$one"
check "at the other those of the second" test "$two"
check_not "not at the same" test "$one" = "$two"
check_not "at the first nothing is seen of the second" fires "$one" two
check_not "nor at the second of the first" fires "$two" one
check "the tool lists both" test "$(build/bin/btfreloc funcs --module $twins --addrs $step | wc -l)" = 2
fentry_sees() {
	"$probe" fentry $twins $step "echo 1 >$parameters/$1"
}
seen=
for which in one two; do
	fentry_sees $which && seen="$seen $which"
done
check "by name fentry finds one of them alone" test "$seen" = " one" -o "$seen" = " two"

# Who sees what.
check_equal "only root reads the table" 400 "$(stat -c %a "$table")"
echo 2 >/proc/sys/kernel/kptr_restrict
check_equal "kptr_restrict=2 hides addresses" 0000000000000000 "$(addresses $step | uniq)"
echo 1 >/proc/sys/kernel/kptr_restrict
check_equal "kptr_restrict=1 does not hide them from root" "$(kallsyms $step)" "$(addresses $step)"
echo 0 >/proc/sys/kernel/kptr_restrict
check_equal "nor does 0" "$(kallsyms $step)" "$(addresses $step)"
unload $twins

# What does not hold. A record is at byte 16 and every 16 bytes from there: id, flags, address.
ko=$MODULES/funcs/own/plain/$twins.ko
# The section is at a multiple of 8 bytes, and begins with magic, version and flags, and the length of its header.
start=$(hexdump -v -e '8/1 "%02x" "\n"' "$ko" | awk '$1 == "9ffb010010000000" { print (NR - 1) * 8; exit }')
check "the section is found" test "${start:-0}" -gt 0
# damaged AT BYTES: the module with these bytes there
damaged() {
	cp "$ko" /tmp/damaged.ko
	printf '%b' "$2" | dd of=/tmp/damaged.ko bs=1 seek=$((start + $1)) conv=notrunc 2>/dev/null
}
while read -r at bytes words; do
	damaged "$at" "$bytes"
	check "$words: it loads" load /tmp/damaged.ko
	check_has "$words: the log says so" "rust_btfreloc: $twins: function addresses are not shown: .BTF.funcs offset [0-9]+: .*$words" "$logged"
	check_not "$words: there is no table" test -e "$table"
	check "$words: its BTF is there" has_btf $twins
	unload $twins
done <<'END'
0 \0\0 magic
2 \2 version
3 \1 flags
4 \30 header
8 \30 record
12 \377\377\377\377 records
16 \377\377\377\17 no type of this module
16 \1\0\0\0 no type of this module
20 \0\0\0\200 not known
36 \10\0\0\0 initialised
END
check_equal "each is counted" 10 "$(stat_of func_tables_refused)"
unload rust_btfreloc

# With policy 0 the kernel relocates the BTF, or refuses it, and nothing is shown of it.
load "$RELOC" policy=0
load "$MODULES/funcs/distilled/$twins.ko"
check_not "policy 0: what is left to the kernel has no table" test -e "$table"
unload $twins
check "policy 0: what fits loads" load "$MODULES/funcs/own/plain/$twins.ko"
holds "policy 0"
unload $twins rust_btfreloc

load "$RELOC"
check "BTF of another build: it loads" load "$MODULES/funcs/plain/$twins.ko"
check_not "without it" has_btf $twins
check_not "and without the table" test -e "$table"
unload $twins
unload rust_btfreloc
check_not "all goes with rust_btfreloc" test -e "$DEBUGFS"
ktap_end
