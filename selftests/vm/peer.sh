#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The registered BTF against what libbpf's btf__relocate makes of the same module.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

peer=build/$RELEASE/peer
vmlinux=/sys/kernel/btf/vmlinux

load "$RELOC"
compared=0
for name in $(names .); do
	[ "$name" != btfreloc_fail ] || continue
	ko=$MODULES/distilled/$name.ko
	check "$name loads" load "$ko"
	if "$peer/peer-relocate" "$ko" $vmlinux /tmp/peer.btf >/tmp/peer.log 2>&1; then
		check "$name: each type is what libbpf makes of it" \
			"$peer/btf-compare" "/sys/kernel/btf/$name" /tmp/peer.btf --base $vmlinux
		compared=$((compared + 1))
	else
		check_has "$name: libbpf refuses it" "not mapped|multiple candidates" "$(cat /tmp/peer.log)"
	fi
	unload "$name"
done
check "libbpf took at least three of them" test $compared -ge 3
unload rust_btfreloc
ktap_end
