#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Loads and unloads leave nothing, alone and many at once.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

rounds=100

# Kilobytes of slab and of vmalloc in use, once caches are dropped and RCU has freed what it holds.
memory_in_use() {
	sleep 1
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '/^(SUnreclaim|VmallocUsed):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# load_and_unload TIMES KO
load_and_unload() {
	loads=0
	while [ $loads -lt "$1" ]; do
		insmod "$2" || return 1
		rmmod "$(basename "$2" .ko)" || return 1
		loads=$((loads + 1))
	done
}

# fail_to_load TIMES KO: each load fails in the module's init
fail_to_load() {
	fails=0
	while [ $fails -lt "$1" ]; do
		! insmod "$2" 2>/dev/null || return 1
		fails=$((fails + 1))
	done
}

# grown HOW KO: kilobytes that the rounds of HOW, one of the above, leave
grown() {
	"$1" 10 "$2" || return 1
	grown_from=$(memory_in_use)
	"$1" $rounds "$2" || return 1
	echo $(($(memory_in_use) - grown_from))
}

# What the kernel's module loader leaves by itself is the measure.
own=$(grown load_and_unload "$MODULES/own/plain/btfreloc_demo.ko")
load "$RELOC"
relocated=$(grown load_and_unload "$MODULES/distilled/btfreloc_demo.ko")
dropped=$(grown load_and_unload "$MODULES/plain/btfreloc_demo.ko")
diagnose "KiB left by $rounds loads: $own without, $relocated relocated, $dropped dropped"
# A report or a buffer of these modules is 4 KiB or more: 100 of them would be 400.
check "$rounds relocated loads leave no memory" test "$relocated" -lt $((own + 200))
check "$rounds loads whose BTF was dropped neither" test "$dropped" -lt $((own + 200))
check_equal "no report is left" stats "$(reports)"

failed=$(grown fail_to_load "$MODULES/distilled/btfreloc_fail.ko")
diagnose "KiB left by $rounds loads that failed in the module's init: $failed"
check "$rounds relocated loads that fail late leave no memory" test "$failed" -lt $((own + 200))
check_equal "nor a report" stats "$(reports)"

# A notifier ends the load when rust_btfreloc has shown the kernel another BTF: before the kernel's own, and after it.
for priority in 1 -1; do
	load "$MODULES/odd/btfreloc_notifier.ko" module=btfreloc_fail at=$priority act=fail
	failed=$(grown fail_to_load "$MODULES/distilled/btfreloc_fail.ko")
	diagnose "KiB left by $rounds loads that failed in a notifier of priority $priority: $failed"
	check "$rounds relocated loads that fail in a notifier leave no memory" test "$failed" -lt $((own + 200))
	check_equal "nor a report" stats "$(reports)"
	unload btfreloc_notifier
done

# Many at once, while rust_btfreloc itself comes and goes.
hammer() {
	times=$1
	ko=$2
	while [ "$times" -gt 0 ]; do
		insmod "$ko" 2>/dev/null
		rmmod "$(basename "$ko" .ko)" 2>/dev/null
		times=$((times - 1))
	done
}
for name in $(names .); do
	hammer 20 "$MODULES/distilled/$name.ko" &
done
came_and_went=0
times=12
while [ $times -gt 0 ]; do
	unload rust_btfreloc && usleep 50000 && insmod "$RELOC" && came_and_went=$((came_and_went + 1))
	usleep 100000
	times=$((times - 1))
done
wait
check_equal "rust_btfreloc came and went meanwhile" 12 $came_and_went
for name in $(names .); do
	check "$name is gone after many loads at once" unload "$name"
	check_not "and so is its BTF" has_btf "$name"
done
check_equal "no report is left" stats "$(reports)"
check "btfreloc_demo still loads" load "$MODULES/distilled/btfreloc_demo.ko"
check "with BTF" has_btf btfreloc_demo
check "all goes" unload btfreloc_demo rust_btfreloc
ktap_end
