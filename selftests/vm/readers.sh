#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# All programs that read the BTF of the whole machine still do, with rust_btfreloc loaded and a module in each outcome.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

vmlinux=/sys/kernel/btf/vmlinux
folder=/lib/firmware/btfreloc
small=btfreloc_small

# counted PROGRAM: it prints each file's name and number of types
counted() {
	"build/readers/$1" >"/tmp/$1.counts" || return
	sort "/tmp/$1.counts" >"/tmp/$1.sorted"
}

by_bpftool() {
	for file in /sys/kernel/btf/*; do
		set -- "$file" -B $vmlinux
		[ "$file" != $vmlinux ] || set -- "$file"
		bpftool btf dump file "$@" format raw >/tmp/dump || return
		echo "${file##*/} $(grep -c '^\[' /tmp/dump)"
	done | sort >/tmp/bpftool.sorted
}

by_pahole() {
	for file in /sys/kernel/btf/*; do
		[ "$file" = $vmlinux ] || pahole --btf_base $vmlinux "$file" >/dev/null || return
	done
	pahole -C list_head $vmlinux | grep 'struct list_head {'
}

# Attaches to one function, having read all modules' BTF to know what there is.
by_pwru() {
	pwru --all-kmods --filter-func ip_rcv --output-limit-lines 1 >/tmp/pwru 2>&1 &
	pwru=$!
	seconds=0
	while kill -0 $pwru 2>/dev/null; do
		ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1
		seconds=$((seconds + 1))
		[ $seconds -lt 90 ] || kill $pwru
		sleep 1
	done
	wait $pwru
	pwru=$?
	cat /tmp/pwru
	[ $pwru = 0 ] && grep ip_rcv /tmp/pwru
}

readers() {
	check "$1: bpftool dumps all of it" by_bpftool
	check "$1: pahole reads all of it" by_pahole
	check "$1: a Go program on cilium/ebpf reads all of it" counted read-go
	check "$1: with the types that bpftool finds" cmp /tmp/bpftool.sorted /tmp/read-go.sorted
	check "$1: a Rust program on aya and btf-rs reads all of it" counted read-rust
	check "$1: with the types that bpftool finds" cmp /tmp/bpftool.sorted /tmp/read-rust.sorted
	check "$1: pwru attaches and traces" by_pwru
}

# outcome WHAT KO PATTERN: loads a module of which the log says PATTERN, if anything
outcome() {
	check "$1 loads" load "$2"
	check_equal "$1: the log says so" "${3:+1}" "$(echo "$logged" | grep -Ec "rust_btfreloc: .*${3:-:}" | grep -v '^0$')"
}

ip link set lo up
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
load "$RELOC"
readers "rust_btfreloc alone"

outcome "a module with opaque types" "$MODULES/distilled/btfreloc_demo.ko" "BTF relocated: .* [1-9][0-9]* opaque"
outcome "a rebased one" "$MODULES/standalone/vpoll.ko" "BTF rebased: "
outcome "one without BTF that fits" "$MODULES/plain/langford.ko" "BTF dropped: "
mkdir -p $folder
cp "$MODULES/base/base.btf" "$folder/$RELEASE.btf"
outcome "one that is repaired" "$MODULES/plain/acpi_call.ko" "BTF relocated by way of "
outcome "one that is left alone" "$MODULES/own/plain/$small.ko" ""
check_not "what was dropped has no BTF" has_btf langford
for name in btfreloc_demo vpoll acpi_call $small; do
	check "$name has BTF" has_btf "$name"
done
readers "with a module in each outcome"
check_has "bpftrace finds a function of a relocated module, with its types" "btfreloc_demo_poke" \
	"$(bpftrace -lv 'fentry:btfreloc_demo:*' 2>&1)"
unload $small

for how in distilled plain; do
	outcome "a module with empty BTF ($how)" "$MODULES/empty/$how.ko" "BTF dropped: it describes no type"
	check_not "$how: it is not shown to the kernel" has_btf $small
	check "$how: it is counted" test "$(stat_of reason_no_types)" -gt 0
	check "$how: the Go program reads all there is" counted read-go
	unload $small
done
unload btfreloc_demo vpoll langford acpi_call rust_btfreloc
rm -r $folder
ktap_end
