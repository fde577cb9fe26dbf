#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# How deep into the kernel's stack a load goes, by what becomes of the module's BTF; see selftests/stack.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

# What scripts/check allows a chain of our own calls (MAX_CHAIN), and for what those call where they are deepest: the
# allocator, as long as it need not reclaim, formatting, and the registers that interrupts leave on the stack.
OUR_MAX=$((5120 + 1024))
folder=/lib/firmware/btfreloc

check "the painter loads" load "build/$RELEASE/stack/btfreloc_stack.ko"
load "$RELOC"
echo 1 >/sys/module/btfreloc_stack/parameters/last

# measure SORT PATTERN FOLDER: loads each module of FOLDER; each must come out as the log's PATTERN says
measure() {
	sort=$1 pattern=$2 from=$3
	: >/tmp/measured
	for name in $(names .); do
		[ "$name" != btfreloc_fail ] || continue
		load "$from/$name.ko"
		echo "$logged" | sed -n "s/^btfreloc_stack: $name: //p" >>/tmp/measured
		found=$(echo "$logged" | grep "^rust_btfreloc: $name: " || echo nothing)
		check_has "$sort: that becomes of $name" "$pattern" "$found"
		unload "$name"
	done
	# shellcheck disable=SC2046 # five numbers
	set -- $(tr -c '0-9\n' ' ' </tmp/measured | awk '
		NR == 1 { least = $4 }
		{ entered = $1 > entered ? $1 : entered; ours = $2 > ours ? $2 : ours; rest = $3 > rest ? $3 : rest }
		{ least = $4 < least ? $4 : least; whole = $5 }
		END { print entered + 0, ours + 0, rest + 0, least + 0, whole + 0 }')
	diagnose "$sort: at most $1 bytes on entry, $2 by our first notifier, $3 by those after it; at least $4 of $5 left"
	check "$sort: our first notifier takes no more than $OUR_MAX bytes" test "$2" -gt 0 -a "$2" -le $OUR_MAX
	check "$sort: half of the stack is left" test "$4" -ge $(($5 / 2)) -a "$5" -ge 16384
}

measure distilled "relocated" "$MODULES/distilled"
measure "left alone" "^nothing$" "$MODULES/own/plain"
measure dropped "BTF dropped: " "$MODULES/plain"
measure standalone "BTF rebased: " "$MODULES/standalone"
mkdir -p $folder
cp "$MODULES/base/base.btf" "$folder/$RELEASE.btf"
measure supplied "relocated by way of " "$MODULES/plain"
rm -r $folder

unload rust_btfreloc btfreloc_stack
ktap_end
