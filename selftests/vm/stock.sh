#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# BTF of stock modules of another release, relocated in the kernel: the kernel takes it, and it is byte for byte what
# btfreloc writes on the host. Their code would not load here, so another module carries it (see scripts/build-stock).
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

stock=build/$RELEASE/stock
carrier=btfreloc_small

# registered BTF: what the kernel registered for the module that was loaded last
registered() {
	echo "$said"
	echo "$logged"
	cmp "/sys/kernel/btf/$carrier" "$1"
}

# figure WORDS: the number in front of them in the log
figure() {
	echo "$logged" | sed -n "s/.*[ (]\([0-9]*\) $1.*/\1/p" | head -n 1
}

load "$RELOC"
count=0 with_opaque=0 largest=0
while read -r name path; do
	load "$stock/$name.ko"
	types=$(figure types) opaque=$(figure opaque)
	check "$path ($types types, $opaque opaque): registered as btfreloc writes it" registered "$stock/$name.btf"
	unload $carrier
	count=$((count + 1))
	[ "${opaque:-0}" = 0 ] || with_opaque=$((with_opaque + 1))
	[ "${types:-0}" -le "$largest" ] || largest=$types
done <"$stock/list"
check_equal "all of them were relocated" $count "$(stat_of relocated)"
check "there are at least fifty modules" test $count -ge 50
check "some with opaque types" test $with_opaque -gt 0
check "and some large" test "$largest" -ge 5000
unload rust_btfreloc
ktap_end
