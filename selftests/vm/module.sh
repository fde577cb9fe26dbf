#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# rust_btfreloc itself: it loads, takes its parameter, refuses a wrong one, and goes.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

check "insmod" load "$RELOC"
check "debugfs shows statistics" grep -q modules_seen "$DEBUGFS/stats"
check_equal "and the policy" 1 "$(stat_of policy)"
check "rmmod" unload rust_btfreloc
check_not "debugfs is gone with it" test -e "$DEBUGFS"

check "insmod policy=0" load "$RELOC" policy=0
check_equal "debugfs shows that policy" 0 "$(stat_of policy)"
unload rust_btfreloc

for policy in 2 -1; do
	check_not "insmod policy=$policy is refused" load "$RELOC" policy=$policy
	check_has "and the log says what policies there are" "policy=$policy .*0.*strict.*1.*opaque" "$logged"
	check_not "and nothing stays loaded" is_loaded rust_btfreloc
done
ktap_end
