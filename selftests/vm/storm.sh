#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A storm of loads does not flood the log, and nothing of it is lost to the figures.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

name=btfreloc_small
loads=150
load "$RELOC"
mark=$(log_lines)
begin=$(date +%s)
for _ in $(seq $loads); do
	insmod "$MODULES/broken/base_kind.ko"
	rmmod $name
done
windows=$((($(date +%s) - begin) / 30 + 1))
written=$(log_since "$mark" | grep -c "rust_btfreloc: $name: BTF dropped")
check "not all of $loads loads are in the log" test "$written" -lt $loads
check "at most 64 lines in half a minute" test "$written" -le $((windows * 64))
check_equal "the figures have all of them" $loads "$(stat_of dropped)"

sleep $((31 - ($(date +%s) - begin) % 30))
load "$MODULES/broken/base_kind.ko"
check_has "later lines are written again" "rust_btfreloc: $name: BTF dropped" "$logged"
# On a slow machine the storm itself goes on past half a minute, and says so then.
check_has "the log says how many were left out" "rust_btfreloc: [0-9]+ messages were left out" "$(log_since "$mark")"
written=$(log_since "$mark" | grep -c "rust_btfreloc: $name: BTF dropped")
left_out=$(log_since "$mark" | sed -n 's/^rust_btfreloc: \([0-9]*\) messages were left out.*/\1/p' | awk '{ sum += $1 } END { print sum }')
check_equal "which are the rest" $((loads + 1)) $((written + left_out))
check "all goes" unload $name rust_btfreloc
ktap_end
