#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# .BTF.inline, which this kernel does not read, changes nothing: not what is registered, and not what is said.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

small=btfreloc_small

# What the log says of the module, without the time it took and the kernel's own words.
words() {
	echo "$logged" | grep -o "rust_btfreloc: $small: .*" | sed 's/, in [0-9]* ns$//'
}

load "$RELOC"
check "a module without the section loads" load "$MODULES/distilled/$small.ko"
said_before=$(words)
cp "/sys/kernel/btf/$small" /tmp/without
unload $small
check "a module with it loads" load "$MODULES/broken/inline.ko"
check_has "it is relocated" "BTF relocated" "$(words)"
check_equal "in the same words" "$said_before" "$(words)"
check "with the same BTF" cmp "/sys/kernel/btf/$small" /tmp/without
check_not "and nothing shows the section" test -e "/sys/kernel/btf/$small.inline"
unload $small
unload rust_btfreloc
ktap_end
