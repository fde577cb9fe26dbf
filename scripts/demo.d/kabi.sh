#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The demonstration of kABI kernels, in the guest: kabi.sh FIRST, modules that were built once, on FIRST, and the update of it
# that runs here. Exits 0 only if all that it announces was seen.
. selftests/vm/guest.sh
. scripts/demo.d/show.sh
first=$1
MODULES=build/$first/kabi
probe=$MODULES/bpf/btfprobe
compare=build/$first/peer/btf-compare
vmlinux=/sys/kernel/btf/vmlinux
# In the order in which they need each other.
IN_TREE="exportfs configfs fuse autofs4 overlay"
WAYS="in-tree plain distilled"

# One of ours always fails.
modules_of() {
	if [ "$1" = in-tree ]; then
		echo "$IN_TREE"
	else
		names . | grep -vx btfreloc_fail
	fi
}

# What the module has now that insmod ended with $loaded.
outcome() {
	if [ "$loaded" != 0 ]; then
		case $logged in
		*"failed to validate module [$1] BTF: -22"*) echo "refused (-22)" ;;
		*"is already present in vmlinux"*) echo "its init fails (-22)" ;;
		*) echo "fails: ${said##*: }" ;;
		esac
	elif has_btf "$1"; then
		echo BTF
	else
		echo "no BTF"
	fi
}

# try STAGE: loads all of them, and leaves lines of WAY NAME OUTCOME, what the log said, and the BTF that each has
try() {
	for way in $WAYS; do
		for name in $(modules_of "$way"); do
			load "$MODULES/$way/$name.ko"
			echo "$way $name $(outcome "$name")" >>"/tmp/$1"
			printf '%s\n' "$logged" | grep -E 'BTF|vmlinux' >>"/tmp/$1.$way.log"
			! has_btf "$name" || cp "/sys/kernel/btf/$name" "/tmp/$1.$way.$name"
			[ "$name" != btfreloc_asked ] || ! is_loaded "$name" || ! asked || touch "/tmp/$1.$way.asked"
		done
		# shellcheck disable=SC2046 # a list of words
		unload $(modules_of "$way" | tr ' ' '\n' | sort -r)
	done
}

same_types() {
	"$compare" "$1" "$2" --base $vmlinux
}

# as_built STAGE WAY NAME: each type is the one that it is in the module as it was built, on the BTF of its own kernel
as_built() {
	if [ "$3" = btfreloc_demo ]; then
		# It embeds a type that this kernel has in another size.
		same_types "/tmp/$1.$2.$3" /tmp/with.distilled.btfreloc_demo
	else
		built=plain
		[ "$2" != in-tree ] || built=in-tree
		"$compare" "/tmp/$1.$2.$3" "$MODULES/$built/$3.btf" --base $vmlinux --base-of-b "$MODULES/base.btf"
	fi >"/tmp/differs.$1.$2.$3" 2>&1
}

# verdict STAGE WAY NAME
verdict() {
	outcome=$(sed -n "s/^$2 $3 //p" "/tmp/$1")
	if [ "$outcome" != BTF ]; then
		echo "$outcome"
	elif as_built "$1" "$2" "$3"; then
		echo "valid BTF"
	else
		echo "wrong types"
	fi
}

row() {
	printf '    %-15s %-10s %-21s %-16s %s\n' "$@"
}

table() {
	row module "its BTF" "$RELEASE" "+ rust_btfreloc" "+ BTF of $first"
	for way in $WAYS; do
		case $way in
		distilled) kind=.BTF.base ;;
		*) kind=plain ;;
		esac
		for name in $(modules_of "$way"); do
			for stage in alone with based; do
				verdict $stage "$way" "$name" >"/tmp/verdict.$stage"
				echo "$way $name $(cat /tmp/verdict.$stage)" >>"/tmp/verdicts.$stage"
			done
			row "$name" "$kind" "$(cat /tmp/verdict.alone)" "$(cat /tmp/verdict.with)" "$(cat /tmp/verdict.based)"
		done
	done
}

# Of the modules that the kernel takes although their types are wrong: what is wrong first.
show_wrong() {
	sed -n 's/^\([^ ]*\) \([^ ]*\) wrong types$/\1 \2/p' /tmp/verdicts.alone | while read -r way name; do
		echo "              $name: $(head -n 1 "/tmp/differs.alone.$way.$name")"
	done
	sed -n 's/^\(kfunc .* is already present in vmlinux\).*/              btfreloc_demo: its \1/p' /tmp/alone.plain.log
}

# all_are STAGE WAY PATTERN: each outcome matches
# shellcheck disable=SC2317 # called by expect
all_are() {
	grep "^$2 " "/tmp/$1" | grep -q . && ! grep "^$2 " "/tmp/$1" | grep -Ev "^[^ ]* [^ ]* ($3)\$"
}

# shellcheck disable=SC2317 # called by expect
same_where_taken() {
	for file in /tmp/alone.distilled.*; do
		case $file in
		*.log | *.asked) continue ;;
		esac
		cmp "$file" "/tmp/with.${file#/tmp/alone.}" || return 1
	done
}

# shellcheck disable=SC2317 # called by expect
plain_as_distilled() {
	for name in $(modules_of plain); do
		same_types "/tmp/based.plain.$name" "/tmp/with.distilled.$name" || return 1
	done
}

# shellcheck disable=SC2317 # called by expect
fires() {
	load "$MODULES/$1/$2.ko" && "$probe" fentry "$2" "$3" "$4" && unload "$2"
}

title "A module that was built once, and an update of the kernel"
cat <<END
  In life: RHEL and its like, SUSE, Ubuntu and Android keep the kABI of a series: a module that was built for its first
  kernel loads on all later ones, as each symbol that it uses has the same version (CONFIG_MODVERSIONS). A vendor
  builds it once; weak-updates and the like use it for years. Its BTF has no such promise: an update adds types, and
  the module's BTF names types by numbers.
  Here: $RELEASE is $first with an update: a driver more, a field in a reserved place, a field in a private
  structure. The modules were built on $first; nothing in them is edited, and no load is forced.
END

part "Which kernel they were built for, and which one runs"
shown modinfo -F vermagic "$MODULES/distilled/vpoll.ko"
shown uname -r

try alone
part "Without rust_btfreloc"
show_load "$MODULES/plain/vpoll.ko"
unload vpoll
show_load "$MODULES/distilled/btfreloc_demo.ko"
expect "it is refused for a type that it embeds and that the update resized" \
	grep "^distilled base BTF type 'proc_fs_info' .* is not mapped" /tmp/alone.distilled.log
expect_not "what btfreloc_asked asks by BTF_ID_LIST is not found, although the kernel takes its BTF" \
	test -e /tmp/alone.distilled.asked

load "$RELOC" || { echo "rust_btfreloc.ko does not load: $said"; exit 1; }
try with
part "With rust_btfreloc"
show_load "$MODULES/plain/vpoll.ko"
unload vpoll
show_load "$MODULES/distilled/btfreloc_demo.ko"
unload btfreloc_demo
mkdir -p /lib/firmware/btfreloc
cp "$MODULES/base.btf" "/lib/firmware/btfreloc/$first.btf"
try based
part "With the BTF of $first at hand as well (/lib/firmware/btfreloc/$first.btf)"
show_load "$MODULES/plain/vpoll.ko"
unload vpoll

part "All of them: on $RELEASE alone, with rust_btfreloc, and with the BTF of $first as well"
table
expect "at least three of them are third-party modules" test "$(names third-party | wc -l)" -ge 3
expect_not "on $RELEASE alone no plain module has valid BTF" grep -E '^(plain|in-tree) [^ ]* valid BTF$' /tmp/verdicts.alone
show_wrong
for way in $WAYS; do
	expect "with rust_btfreloc each of the $way modules loads" all_are with "$way" "no BTF|BTF"
done
expect "each plain one without BTF rather than with wrong BTF" all_are with plain "no BTF"
expect "each one with .BTF.base with BTF" all_are with distilled BTF
expect "where the kernel takes a module itself, its BTF is the same, byte for byte" same_where_taken
expect "what btfreloc_asked asks by BTF_ID_LIST are the right types" test -e /tmp/with.distilled.asked
for way in $WAYS; do
	expect "with the BTF of $first each of the $way modules has BTF" all_are based "$way" BTF
done
expect_not "and none has wrong types" grep 'wrong types$' /tmp/verdicts.with /tmp/verdicts.based
expect "each plain one has the types that it has by .BTF.base" plain_as_distilled
expect "and so is what the plain btfreloc_asked asks" test -e /tmp/based.plain.asked

part "What BPF users see of modules built on $first"
load "$MODULES/plain/btfreloc_demo.ko"
expect "an fentry program fires in btfreloc_demo_poke()" "$probe" fentry btfreloc_demo btfreloc_demo_poke \
	"echo 1 >/sys/module/btfreloc_demo/parameters/poke"
expect "the kfuncs of btfreloc_demo, called from a BPF program, give the right results" "$probe" kfunc
expect "a BPF program reads struct btfreloc_demo by CO-RE" "$probe" core
expect "each id in its .BTF_ids names the right type" "$probe" ids
echo "    # bpftool btf dump file /sys/kernel/btf/btfreloc_demo format c"
bpftool btf dump file /sys/kernel/btf/btfreloc_demo format c | sed -n '/^struct btfreloc_demo {/,/^}/p' >/tmp/dump
sed 's/^/    /' /tmp/dump
expect "the struct, with all its members" grep -q ' after;' /tmp/dump
unload btfreloc_demo
expect "an fentry program fires in acpi_proc_write() of acpi_call" \
	fires plain acpi_call acpi_proc_write "echo '\\_SB.PCI0' >/proc/acpi/call"
expect "and in vpoll_open() of vpoll" fires plain vpoll vpoll_open "echo >/dev/vpoll"
expect "and in fuse_init_fs_context() of $first's own fuse" \
	fires in-tree fuse fuse_init_fs_context "mount -t fuse none /tmp"
unload rust_btfreloc

part "rust_btfreloc.ko that was built on $first itself"
show_load "build/$first/rust_btfreloc.ko"
expect "it loads" is_loaded rust_btfreloc
load "$MODULES/distilled/btfreloc_demo.ko"
expect "and relocates" has_btf btfreloc_demo
unload btfreloc_demo rust_btfreloc
exit $((missed > 0))
