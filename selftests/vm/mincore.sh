#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A program that finds its types in the file of btfreloc min-core: two drivers with a struct of one name, and vmlinux.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

object=build/$RELEASE/bpf/mincore/e1000.bpf.o
merged=/tmp/merged.btf

# offset MODULE MEMBER: byte offset of a member of the module's struct e1000_adapter, by bpftool
offset() {
	bpftool btf dump -B /sys/kernel/btf/vmlinux file "/sys/kernel/btf/$1" |
		sed -n "/STRUCT 'e1000_adapter'/,/^\[/s/.*'$2' .*bits_offset=\([0-9]*\).*/\1/p" | awk '{ print $1 / 8; exit }'
}

check "e1000 loads" modprobe e1000
check "e1000e loads" modprobe e1000e
check "one file is made of the running kernel's BTF" build/bin/btfreloc min-core --base /sys/kernel/btf/vmlinux \
	--module /sys/kernel/btf/e1000 --module /sys/kernel/btf/e1000e "$object" --merged $merged
check "a program is loaded with it" build/"$RELEASE"/bpf/btfprobe mincore "$object" $merged
found=$(build/"$RELEASE"/bpf/btfprobe mincore "$object" $merged)
check_equal "it has the offset of a member of e1000, and of one of e1000e" \
	"$(offset e1000 smartspeed) $(offset e1000e flags2) 1 1" "$(echo "$found" | cut -d ' ' -f 1-4)"
check_equal "it reads the process of each system call" "1 0" "$(echo "$found" | awk '{ print ($5 > 0), $6 }')"
unload e1000 e1000e
ktap_end
