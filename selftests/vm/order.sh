#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# rust_btfreloc comes before the kernel's own notifier and after it, or changes nothing; and others may fail the load.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

demo=btfreloc_demo
distilled=$MODULES/distilled/$demo.ko
own=$MODULES/own/distilled/$demo.ko
first=2147483647

# get_in_the_way PRIORITIES ACTS: notifiers for the load of the demo, before rust_btfreloc where those are the same
get_in_the_way() {
	unload rust_btfreloc btfreloc_notifier
	load "$MODULES/odd/btfreloc_notifier.ko" module=$demo at="$1" act="$2" && load "$RELOC"
}

ids() {
	cat /sys/module/$demo/parameters/ids
}

# where EVENT: where the BTF of the demo was
where() {
	echo "$logged" | sed -n "s/^btfreloc_notifier: $demo $1: //p"
}

load "$own"
untouched=$(ids)
unload $demo
load "$RELOC"
load "$distilled"
relocated=$(ids)
unload $demo

# The kernel has registered the BTF already; the file must be gone again before the kernel makes it.
get_in_the_way $first,1 file,unfile
check "a module whose BTF is there already loads" load "$own"
check_has "and the log says that it comes too late" \
	"rust_btfreloc: $demo: BTF left to the kernel: /sys/kernel/btf has a file of its name already" "$logged"
check_equal "its ids are untouched" "$untouched" "$(ids)"
check "it has BTF" has_btf $demo
check_not "and no report" test -e "$DEBUGFS/$demo"
check_equal "it is counted" "1 1 0" "$(stat_of errors) $(stat_of reason_kernel) $(stat_of relocated)"
unload $demo

get_in_the_way $first file
check_not "with BTF that the kernel refuses it fails" load "$distilled"
check_has "as without rust_btfreloc" "failed to validate module \[$demo\] BTF: -22" "$logged"
check "none is left" unload btfreloc_notifier

# The kernel registers nothing and lets the module load, as with MODULE_ALLOW_BTF_MISMATCH where it refuses BTF.
get_in_the_way 1 hide
check "a module whose BTF the kernel refuses quietly loads" load "$distilled"
check_not "without BTF" has_btf $demo
refused="BTF refused by the kernel, which does not show it in /sys/kernel/btf; it was relocated: [0-9]+ types"
check_has "and the log says so" "rust_btfreloc: $demo: $refused" "$logged"
check_has "and the report" "^$refused" "$(cat "$DEBUGFS/$demo")"
check_equal "it is counted as refused" "1 0 0" "$(stat_of refused) $(stat_of relocated) $(stat_of errors)"
check_equal "its ids of vmlinux's types are right" "$relocated" "$(ids)"
unload $demo
check "a module whose BTF is dropped is not shown either" load "$MODULES/plain/$demo.ko"
check_has "but is not refused" "rust_btfreloc: $demo: BTF dropped" "$logged"
check_equal "nor counted so" "1 1" "$(stat_of refused) $(stat_of dropped)"
unload $demo

# fails WHERE PRIORITY: a notifier of this priority fails the load
fails() {
	get_in_the_way $first,2,"$2" watch,watch,fail
	check_not "a load that fails $1 fails" load "$distilled"
	set -- "$1" "$(where coming)" "$(where going)"
	check_equal "the BTF was shown elsewhere" 2 "$(echo "$2" | sort -u | wc -l)"
	# Those before rust_btfreloc are called before it in GOING as well.
	check_equal "and is where it was in the end" "$(echo "$2" | head -n 1)" "$(echo "$3" | tail -n 1)"
	check_has "the log says that the load failed" "rust_btfreloc: $demo: load failed in a module notifier" "$logged"
	check_equal "it is counted" "1 0" "$(stat_of errors) $(stat_of relocated)"
	check_equal "no report is left" stats "$(reports)"
	check_not "and no BTF" has_btf $demo
	check "without the notifier it loads" unload btfreloc_notifier
	check "and is relocated" load "$distilled"
	check_equal "as before" "$relocated" "$(ids)"
	check_equal "and counted" "1 1" "$(stat_of errors) $(stat_of relocated)"
	unload $demo
}

fails "before the kernel has seen it" 1
fails "when the kernel has seen it" -1
unload rust_btfreloc
ktap_end
