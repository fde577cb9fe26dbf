#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In-tree modules come out byte for byte as without rust_btfreloc, and without a word in the log.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

stock=selftests/vm/stock-modules
list=/tmp/loaded

load_all() {
	xargs modprobe -a <$stock
}

# All that a run of modprobe brought, so that it can be taken out again and looked at.
loaded_btf() {
	for file in /sys/kernel/btf/*; do
		echo "${file##*/}"
	done | grep -vx -e vmlinux -e rust_btfreloc
}

remove_all() {
	xargs modprobe -r <$stock 2>/dev/null
	for name in $(lsmod | awk 'NR > 1 { print $1 }'); do
		[ "$name" = rust_btfreloc ] || rmmod "$name" 2>/dev/null
	done
}

load_all
mkdir -p /tmp/stock
loaded_btf >$list
while read -r name; do
	cp "/sys/kernel/btf/$name" "/tmp/stock/$name"
done <$list
remove_all
check_equal "all of them go" "" "$(loaded_btf)"

load "$RELOC"
mark=$(log_lines)
check "modprobe $(cat $stock)" load_all
while read -r name; do
	check "$name has the BTF it had" cmp "/sys/kernel/btf/$name" "/tmp/stock/$name"
done <$list
check "there were at least five of them" test "$(wc -l <$list)" -ge 5
check_equal "none is spoken of in the log" "" "$(log_since "$mark" | grep rust_btfreloc)"
remove_all
unload rust_btfreloc
ktap_end
