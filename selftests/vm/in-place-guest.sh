# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # load, of guest.sh, sets said and logged
# What the tests do with modules that btfreloc changes in place, in the guest, as its user would. Source it after guest.sh.

# in_place ARGUMENT...: for the kernel that runs; sets placed to what it says
in_place() {
	place_status=0
	# shellcheck disable=SC2034 # for those who source this
	placed=$(build/bin/btfreloc relocate --in-place --against /sys/kernel/btf/vmlinux "$@" 2>&1) || place_status=$?
	return $place_status
}

# registered NAME BTF: the kernel has the very bytes of BTF for the module that was loaded last
registered() {
	echo "$said"
	echo "$logged"
	cmp "/sys/kernel/btf/$1" "$2"
}

# dumps NAME FUNCTION: bpftool reads the module's BTF, and finds a function with its prototype there
dumps() {
	bpftool btf dump file "/sys/kernel/btf/$1" >/tmp/dump || return 1
	grep -q "FUNC '$2'" /tmp/dump
}
