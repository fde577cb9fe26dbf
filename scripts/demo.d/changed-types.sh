#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The second part of the demonstration, in the guest: changed-types.sh BUILT_FOR, external modules whose BTF was made for
# an older kernel.
. selftests/vm/guest.sh
. scripts/demo.d/show.sh
built_for=$1
probe=build/$RELEASE/bpf/btfprobe

row() {
	printf '  %-14s %-10s %-34s %s\n' "$@"
}

# What the module has now that insmod ended with $loaded.
outcome() {
	if [ "$loaded" != 0 ]; then
		printf '%s\n' "$logged" | grep -q "failed to validate module \[$1\] BTF: -22" || {
			echo "fails: ${said#*: }"
			return
		}
		reason=$(printf '%s\n' "$logged" | sed -n 's/.*BPF:[^A-Z]*\(Invalid [a-z_]*\|.* not mapped .*\).*/\1/p' | head -n 1)
		echo "refused (-22)${reason:+: $reason}"
	elif has_btf "$1"; then
		echo "loads, with BTF"
	else
		echo "loads, without BTF"
	fi
}

# try WAY: tries all modules made that way and writes NAME|OUTCOME lines to /tmp/$2.WAY
try() {
	for name in $(names .); do
		# These are for the tests: one always fails, the other is about .BTF_ids alone.
		case $name in
		btfreloc_fail | btfreloc_asked) continue ;;
		esac
		load "$MODULES/$1/$name.ko"
		echo "$name|$(outcome "$name")"
		printf '%s\n' "$logged" | grep -E 'rust_btfreloc' >>/tmp/said
		if has_btf "$name"; then
			cp "/sys/kernel/btf/$name" "/tmp/$2.$1.$name"
		fi
		unload "$name"
	done >"/tmp/$2.$1"
}

outcome_of() {
	sed -n "s/^$3|//p" "/tmp/$1.$2"
}

table() {
	row module "its BTF" "insmod on the stock kernel" "insmod with rust_btfreloc"
	for way in distilled plain; do
		[ $way = distilled ] && carried=".BTF.base" || carried="plain"
		while IFS='|' read -r name outcome; do
			row "$name" "$carried" "$outcome" "$(outcome_of after $way "$name")"
		done <"/tmp/before.$way"
	done
}

# shellcheck disable=SC2317 # called by expect
same_where_taken() {
	for file in /tmp/before.distilled.*; do
		cmp "$file" "/tmp/after.${file#/tmp/before.}" || return 1
	done
}

# shellcheck disable=SC2317 # called by expect
all_load() {
	! grep -v '|loads, with BTF$' /tmp/after.distilled && ! grep -v '|loads' /tmp/after.plain
}

# shellcheck disable=SC2317 # called by expect
acpi_call_fentry() {
	load "$MODULES/distilled/acpi_call.ko" &&
		"$probe" fentry acpi_call acpi_proc_write "echo '\\_SB.PCI0' >/proc/acpi/call" && unload acpi_call
}

title "2. External modules whose BTF was made for another kernel"
cat <<END
  In life: a module of DKMS or of a vendor was built once and is loaded on later kernels (MODVERSIONS: RHEL-like, SUSE,
  Ubuntu, Android), or it was built against headers of another build. Where the build tools are new enough it holds a
  summary of the kernel types that it needs (.BTF.base), by which the kernel looks for them again; it refuses the
  module if just one of them has changed. Without that summary ("plain") it sees that something is wrong, or does not.
  Here: the stock kernel $RELEASE, and modules compiled for it, so that their code loads, with the BTF that
  they would have from a build for $built_for.
END
try distilled before
try plain before
load "$MODULES/own/distilled/btfreloc_demo.ko"
ids_before=$("$probe" ids 2>&1 | tail -n 1)
unload btfreloc_demo
load "$RELOC" || { echo "rust_btfreloc.ko does not load: $said"; exit 1; }
try distilled after
try plain after

part "Without rust_btfreloc, and with it"
table
expect "at least three of them are third-party modules" test "$(names third-party | wc -l)" -ge 3
expect "the stock kernel refuses btfreloc_demo and each plain module" \
	sh -c '! grep -v refused /tmp/before.plain && grep -q "btfreloc_demo|refused" /tmp/before.distilled'
expect "with rust_btfreloc each of them loads" all_load
expect "where the kernel takes a module itself, its BTF is the same, byte for byte" same_where_taken

part "What rust_btfreloc said in the kernel log"
sed 's/^/    /' /tmp/said

part "What BPF users see of btfreloc_demo"
load "$MODULES/distilled/btfreloc_demo.ko"
expect "the file /sys/kernel/btf/btfreloc_demo" has_btf btfreloc_demo
expect "an fentry program fires in btfreloc_demo_poke()" "$probe" fentry btfreloc_demo btfreloc_demo_poke \
	"echo 1 >/sys/module/btfreloc_demo/parameters/poke"
expect "and one in acpi_proc_write() of acpi_call" acpi_call_fentry
expect "the kfuncs of btfreloc_demo, called from a BPF program, give the right results" "$probe" kfunc
expect "a BPF program reads struct btfreloc_demo by CO-RE" "$probe" core
expect "each id in its .BTF_ids names the right type" "$probe" ids
echo "            with rust_btfreloc:    $("$probe" ids 2>&1 | tail -n 1)"
echo "            on the stock kernel:   $ids_before (with .BTF.base of this very kernel)"
echo
echo "  bpftool btf dump file /sys/kernel/btf/btfreloc_demo format c:"
bpftool btf dump file /sys/kernel/btf/btfreloc_demo format c | sed -n '/^struct btfreloc_demo {/,/^}/p' >/tmp/dump
sed 's/^/    /' /tmp/dump
expect "the struct, with all its members" grep -q ' after;' /tmp/dump

part "Types of $built_for that this kernel has not, or has in another size ($DEBUGFS/btfreloc_demo)"
grep opaque "$DEBUGFS/btfreloc_demo" | sed 's/^/    /'
expect "the report names them" grep -q opaque "$DEBUGFS/btfreloc_demo"

unload btfreloc_demo rust_btfreloc
exit $((missed > 0))
