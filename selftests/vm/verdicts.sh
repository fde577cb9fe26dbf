#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What btfreloc check says of a module in advance is what the kernel log says as it loads, word for word: every module
# of these tests, by both policies.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

# Not loaded by any kernel, or not alone: the first two were stripped of all symbols, the next is of another release, and
# the last fails by itself.
cannot_load='forms/[a-z]*/no-symbols/|^base/|btfreloc_fail.ko$|odd/btfreloc_notifier.ko$'

# predict POLICY: FILE and the line of the log for each module, as the tool says in advance
predict() {
	strict=''
	[ "$1" = 1 ] || strict=--strict
	# shellcheck disable=SC2086 # an option or nothing
	build/bin/btfreloc check $strict --format json "$MODULES" --against /sys/kernel/btf/vmlinux |
		sed -n 's/^ *"module": "\(.*\)",$/file \1/p; s/^ *"log": "\(.*\)",\{0,1\}$/log \1/p' |
		sed 's/\\"/"/g; s/\\\\/\\/g' |
		awk '$1 == "file" { if (file) print file "\t"; file = $2 }
			$1 == "log" { sub(/^log /, ""); print file "\t" $0; file = "" }
			END { if (file) print file "\t" }'
}

# said FILE: what the log says of the module, without the time that it took; nothing where it says nothing
said() {
	load "$1" || :
	echo "$logged" | sed -n 's/.*rust_btfreloc: [^ ]*: \(BTF .*\)/\1/p' | sed 's/, in [0-9]* ns$//' | head -n 1
	rmmod "$(modinfo -F name "$1" 2>/dev/null || echo none)" 2>/dev/null
}

for policy in 1 0; do
	predict $policy >/tmp/predicted
	load "$RELOC" policy=$policy
	compared=0
	: >/tmp/differ
	while IFS='	' read -r file line; do
		! echo "${file#"$MODULES/"}" | grep -qE "$cannot_load" || continue
		said=$(said "$file")
		compared=$((compared + 1))
		[ "$said" = "$line" ] || printf '%s\n  tool: %s\n  log:  %s\n' "$file" "$line" "$said" >>/tmp/differ
	done </tmp/predicted
	sed 's/^/# /' /tmp/differ
	check "policy $policy: the tool knows all modules" test "$compared" -gt 80
	echo "# $compared modules compared"
	check_equal "policy $policy: the log says what the tool said" "" "$(cat /tmp/differ)"
	unload rust_btfreloc
done
ktap_end
