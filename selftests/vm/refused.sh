#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What must fail fails as without rust_btfreloc, and damaged BTF costs a module its BTF, not its load.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

small=btfreloc_small

# Each damaged module's verdict without rust_btfreloc.
while read -r name _; do
	load "$MODULES/broken/$name.ko"
	echo "$name $loaded" >>/tmp/broken.before
	unload $small
done <"$MODULES/broken/list"
load "$MODULES/own/plain/btfreloc_fail.ko"
said_before=$said
head -c 3000 "$MODULES/own/plain/$small.ko" >/tmp/short.ko
load /tmp/short.ko
short_before=$said
sed "s/vermagic=[0-9]/vermagic=0/" "$MODULES/own/plain/$small.ko" >/tmp/magic.ko
load /tmp/magic.ko
magic_before=$said

load "$RELOC"
check_not "a module whose init fails still does" load "$MODULES/own/plain/btfreloc_fail.ko"
check_equal "in the same words" "$said_before" "$said"
check_not "also where its BTF was relocated" load "$MODULES/distilled/btfreloc_fail.ko"
check_equal "again in the same words" "${said_before#*own/plain}" "${said#*distilled}"
check_not "its BTF is gone" has_btf btfreloc_fail
check_not "and so is its report" test -e "$DEBUGFS/btfreloc_fail"
check_not "a module cut short still fails" load /tmp/short.ko
check_equal "in the same words" "$short_before" "$said"
check_not "a module for another kernel still fails" load /tmp/magic.ko
check_equal "in the same words" "$magic_before" "$said"

while read -r name _ section damage; do
	check "$name ($section, $damage) loads" load "$MODULES/broken/$name.ko"
	case "$section $damage" in
	*removed) check_equal "and nothing is said of it" "" "$(echo "$logged" | grep rust_btfreloc)" ;;
	*)
		check_not "without BTF" has_btf $small
		check_has "and the log says where it is damaged" "rust_btfreloc: $small: .*$section offset [0-9]+" "$logged"
		;;
	esac
	check "it goes" unload $small
done <"$MODULES/broken/list"
unload rust_btfreloc

load "$RELOC" policy=0
while read -r name before; do
	load "$MODULES/broken/$name.ko"
	check_equal "strict: $name is taken or refused as without" "$before" "$loaded"
	unload $small
done </tmp/broken.before
unload rust_btfreloc
ktap_end
