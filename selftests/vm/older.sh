#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules for a stock kernel without Rust, with BTF of another build of it: as they are, and changed in place by btfreloc.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh
. selftests/vm/in-place-guest.sh

older=build/older/$SERIES
backwards() {
	awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' "$1"
}

# outcome NAME: what the kernel makes of a module that was just loaded
outcome() {
	if [ "$loaded" != 0 ]; then
		echo "fails: ${said#*: }"
	elif ! has_btf "$1"; then
		echo "no BTF"
	elif cmp -s "/sys/kernel/btf/$1" "$older/predicted/$1.btf"; then
		echo valid
	else
		echo "wrong types"
	fi
}

# load_all FOLDER LIST: loads them in order, one line each: NAME OUTCOME
load_all() {
	while read -r name; do
		load "$1/$name.ko"
		echo "$name $(outcome "$name")"
	done <"$2"
	# shellcheck disable=SC2046 # a list of words
	unload $(backwards "$2")
}

# foretold FILE OUTCOME: btfreloc check says that this is what the kernel makes of it by itself
foretold() {
	case $(build/bin/btfreloc check "$1"):$2 in
	# Without BTF by CONFIG_MODULE_ALLOW_BTF_MISMATCH.
	*"the kernel alone refuses the module"*:fails* | *"the kernel alone refuses the module"*:"no BTF") ;;
	*"the kernel alone accepts it and misreads it"*:"wrong types") ;;
	*"the kernel alone accepts it":valid | *": left alone":valid) ;;
	*) return 1 ;;
	esac
}

check_equal "the kernel is that which the modules were made for" "$(cat "$older/release")" "$RELEASE"
check_not "rust_btfreloc is not there" is_loaded rust_btfreloc
cp -r "$older" /tmp/older
external=/tmp/older/third-party in_tree=/tmp/older/in-tree

load_all "$older/in-tree" "$older/modules" >/tmp/before
while read -r name outcome; do
	diagnose "as it is: $name: $outcome"
done </tmp/before
can=$(grep -vc ' fails' /tmp/before)
check "in-tree modules with BTF of another build: at least twenty load" test "$can" -ge 20
check_equal "none of them has valid BTF" 0 "$(grep -c ' valid' /tmp/before)"

while read -r name; do
	load "$external/$name.ko"
	echo "$name $(outcome "$name")"
	unload "$name"
done <"$older/list" >/tmp/before.external
foretold=0
while read -r name outcome; do
	file=$older/in-tree/$name.ko
	[ -f "$file" ] || file=$external/$name.ko
	if foretold "$file" "$outcome"; then
		foretold=$((foretold + 1))
	else
		diagnose "$name: $outcome, and btfreloc check says: $(build/bin/btfreloc check "$file")"
	fi
done <<END
$(cat /tmp/before /tmp/before.external)
END
check_equal "btfreloc check foretells what the kernel makes of each" "$(cat /tmp/before /tmp/before.external | wc -l)" $foretold

check "external modules are changed" in_place $external
check_has "each of them" "3 modules: 3 changed, 0 unchanged" "$placed"
check_not "those with plain BTF want the BTF of that build" in_place $in_tree
check_has "which is said" "left as it is: .*name the vmlinux that it was built with by --base" "$placed"
check "with it they are changed" in_place --base "$older/sibling.btf" $in_tree
diagnose "$(echo "$placed" | tail -n 1)"
check "nothing is left to do" in_place $external $in_tree
check_has "a second time" "modules: 0 changed, [0-9]* unchanged" "$placed"

while read -r name; do
	check "$name loads" load "$external/$name.ko"
	check "$name: its BTF is what btfreloc predicts" registered "$name" "$older/predicted/$name.btf"
done <"$older/list"
check "bpftool dumps vpoll" dumps vpoll vpoll_open
check "fentry fires in vpoll" "$PROBE" fentry vpoll vpoll_open "echo >/dev/vpoll"
check "bpftool dumps acpi_call" dumps acpi_call acpi_proc_write
check "fentry fires in acpi_call" "$PROBE" fentry acpi_call acpi_proc_write "echo '\\_SB.PCI0' >/proc/acpi/call"
check "bpftool dumps langford" bpftool btf dump file /sys/kernel/btf/langford
# shellcheck disable=SC2046 # a list of words
check "all of them go" unload $(cat "$older/list")

valid=0
while read -r name; do
	load "$in_tree/$name.ko"
	if grep -q "^$name fails" /tmp/before; then
		check_not "$name fails to load, as before" is_loaded "$name"
	else
		check "$name: its BTF is what btfreloc predicts" registered "$name" "$older/predicted/$name.btf"
		valid=$((valid + 1))
	fi
done <"$older/modules"
check_equal "each that could load has valid BTF" "$can" $valid
check "bpftool dumps dummy" dumps dummy dummy_dev_init
check "fentry fires in dummy" "$PROBE" fentry dummy dummy_dev_init "ip link add name test0 type dummy"
check "fentry fires in exfat" "$PROBE" fentry exfat exfat_init_fs_context "mount -t exfat none /tmp"
check "a BPF program calls a kfunc of nf_conntrack" "$PROBE" conntrack
# shellcheck disable=SC2046 # a list of words
check "all of them go" unload $(backwards "$older/modules")
ktap_end
