#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the operator sees: the log line, the statistics, and the report of each module.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

demo=$DEBUGFS/btfreloc_demo

# types_with PATTERN: how many lines of the report match
types_with() {
	grep -Ec "$1" "$demo"
}

load "$RELOC"
load "$MODULES/own/plain/btfreloc_small.ko"
check_equal "a module that fits is counted" 1 "$(stat_of left_alone)"
check_not "and has no report" test -e "$DEBUGFS/btfreloc_small"
unload btfreloc_small

check "btfreloc_demo loads" load "$MODULES/distilled/btfreloc_demo.ko"
check_has "the log says what it carried and how long it took" \
	"rust_btfreloc: btfreloc_demo: BTF relocated: [0-9]+ types, [0-9]+ base types mapped, [0-9]+ opaque \(.*\), $(demo_ids) of $(demo_ids) .BTF_ids changed, in [0-9]+ ns" \
	"$logged"
mapped=$(echo "$logged" | sed -n 's/.* \([0-9]*\) base types mapped.*/\1/p')
opaque=$(echo "$logged" | sed -n 's/.* \([0-9]*\) opaque .*/\1/p')
check_equal "the report has a line for each mapped type" "$mapped" "$(types_with '^\[[0-9]+\] .* -> vmlinux \[[0-9]+\]$')"
check_equal "and for each opaque one, with the reason" "$opaque" \
	"$(types_with '^\[[0-9]+\] .* -> opaque \[[0-9]+\]: vmlinux has ')"
check_equal "and for each id in .BTF_ids" "$(demo_ids)" "$(types_with '^\.BTF_ids .*: [0-9]+ -> [0-9]+$')"
check_has "it names kind and size" '^\[[0-9]+\] STRUCT list_head size 16 -> vmlinux' "$(cat "$demo")"

# Each line against the BTF itself.
wrong=0
vmlinux=$(bpftool btf dump file /sys/kernel/btf/vmlinux format raw | grep -E "^\[[0-9]+\] (STRUCT|UNION|ENUM|INT) '")
own=$(bpftool btf dump file /sys/kernel/btf/btfreloc_demo -B /sys/kernel/btf/vmlinux format raw)
while read -r _ kind name _ _ _ where id _; do
	id=${id%:}
	case $where in
	vmlinux) found=$vmlinux ;;
	*) found=$own ;;
	esac
	# What vmlinux lacks is only declared, or has no name.
	forms="$kind '$name'"
	[ "$where" = vmlinux ] || forms="($forms|FWD '$name'|$kind '[(]anon[)]')"
	printf '%s\n' "$found" | grep -Eq "^[[]${id#?} $forms " || {
		diagnose "$where $id is no $kind $name"
		wrong=$((wrong + 1))
	}
done <<END
$(grep '^\[' "$demo" | sed "s/ INT \(.*\) size / INT \1 size /" | grep -v ' INT [a-z]* [a-z]')
END
check_equal "each id it gives is that type" 0 $wrong
check_equal "the module is counted" 1 "$(stat_of relocated)"
check_equal "with its opaque types" "$opaque" "$(stat_of opaque_types)"
unload btfreloc_demo
check_not "the report goes with the module" test -e "$demo"

check "a module with stale BTF loads" load "$MODULES/plain/vpoll.ko"
check_has "its report says why it has none" \
	"made with another build of [^ ]* than this kernel: .BTF offset [0-9]+, type \[[0-9]+\] [A-Z]+.*; boot that build, .* or put the vmlinux BTF of that build at /lib/firmware/btfreloc/[^ ]*[.]btf" "$(cat "$DEBUGFS/vpoll")"
check_has "in the words of the log" "$(sed 's/[][().*+?^$|\\/]/./g' "$DEBUGFS/vpoll")" "$logged"
check_equal "and it is counted" 1 "$(stat_of dropped)"
check_equal "three modules were seen" 3 "$(stat_of modules_seen)"

# The module's code reads its ids, with BTF or without.
ids=/sys/module/btfreloc_demo/parameters/ids
check "btfreloc_demo with stale BTF loads" load "$MODULES/plain/btfreloc_demo.ko"
check_has "the log says what became of its .BTF_ids" "BTF dropped: .*; $(demo_ids) of $(demo_ids) .BTF_ids set to 0$" "$logged"
check_equal "the report has a line for each" "$(demo_ids)" "$(types_with '^\.BTF_ids .*: [1-9][0-9]* -> 0$')"
check_equal "each in a list is 0" 0 "$(awk '$1 == "list" && $3 != 0' $ids | wc -l)"
check_equal "and in the set" 0 "$(awk '$1 == "set" { for (i = 3; i <= NF; i++) if ($i != 0) print }' $ids | wc -l)"
check_equal "and in the kfuncs, with their flags" 0 \
	"$(awk '$1 == "set8" { for (i = 3; i <= NF; i++) if ($i !~ /^0:/) print }' $ids | wc -l)"
check "there are such lines" test "$(grep -Ec '^(list|set|set8) ' $ids)" -ge 10
unload btfreloc_demo

# Whoever reads a report keeps it, but not the module.
exec 9<"$DEBUGFS/vpoll"
check "a module goes while its report is open" unload vpoll
exec 9<&-
check "all goes" unload rust_btfreloc
ktap_end
