#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Each module of the demonstration, without rust_btfreloc and with it.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

before=/tmp/before
ways="distilled plain own/distilled own/plain"

# What the stock kernel makes of them: kept for the comparison.
rm -rf $before
for way in $ways; do
	mkdir -p "$before/$way"
	for name in $(names .); do
		load "$MODULES/$way/$name.ko" || echo "$logged" >"$before/$way/$name.log"
		is_loaded "$name" || continue
		cp "/sys/kernel/btf/$name" "$before/$way/$name.btf"
		unload "$name"
	done
done

refused_before() {
	[ -e "$before/$1.log" ]
}

refused=0
for name in $(names third-party); do
	check "without: $name with plain split BTF is refused" \
		grep -q "failed to validate module \[$name\] BTF: -22" "$before/plain/$name.log"
	check "without: $name with .BTF.base is taken" test -e "$before/distilled/$name.btf"
	refused=$((refused + 1))
done
check "there are at least three third-party modules" test $refused -ge 3
check "without: btfreloc_demo with .BTF.base is refused" \
	grep -q "failed to validate module \[btfreloc_demo\] BTF: -22" $before/distilled/btfreloc_demo.log

load "$RELOC"
for name in $(names .); do
	[ "$name" != btfreloc_fail ] || continue
	check "with: $name with .BTF.base loads" load "$MODULES/distilled/$name.ko"
	if refused_before "distilled/$name"; then
		check "with: $name has BTF" has_btf "$name"
		check_has "with: the log names its opaque types" "rust_btfreloc: $name: .*opaque" "$logged"
	else
		check "with: its BTF is what the kernel makes itself" \
			cmp "/sys/kernel/btf/$name" "$before/distilled/$name.btf"
	fi
	unload "$name"

	check "with: $name with plain split BTF loads" load "$MODULES/plain/$name.ko"
	# Also where the kernel would take it, with ids that name the wrong types.
	check_not "with: it has no BTF" has_btf "$name"
	check_has "with: the log gives the first contradiction" \
		"rust_btfreloc: $name: .*\.BTF offset [0-9]+, type \[[0-9]+\]" "$logged"
	check_has "with: and the advice" "rust_btfreloc: $name: BTF dropped: made with another build of .* rebuild the module" "$logged"
	unload "$name"

	for way in own/distilled own/plain; do
		check "with: $name, $way, loads" load "$MODULES/$way/$name.ko"
		check "with: $name, $way, has the same BTF" cmp "/sys/kernel/btf/$name" "$before/$way/$name.btf"
		unload "$name"
	done
done

# Strict leaves each verdict to the kernel.
unload rust_btfreloc
load "$RELOC" policy=0
for way in distilled plain; do
	for name in $(names .); do
		[ "$name" != btfreloc_fail ] || continue
		if refused_before "$way/$name"; then
			check_not "strict: $name, $way, is refused as without" load "$MODULES/$way/$name.ko"
			check_has "strict: by the kernel" "failed to validate module \[$name\] BTF: -22" "$logged"
		else
			check "strict: $name, $way, is taken as without" load "$MODULES/$way/$name.ko"
			check "strict: $name, $way, has the same BTF" cmp "/sys/kernel/btf/$name" "$before/$way/$name.btf"
			unload "$name"
		fi
	done
done
unload rust_btfreloc
ktap_end
