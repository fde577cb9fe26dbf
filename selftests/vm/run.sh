#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Runs the tests of this folder in the guest: run.sh TEST...; KTAP, each test a subtest.
cd "$(dirname "$0")/../.." || exit
echo "KTAP version 1"
echo "1..$#"
number=0
failed=0
for test; do
	number=$((number + 1))
	echo "  KTAP version 1"
	echo "  # Subtest: $test"
	begin=$(date +%s)
	if { sh "selftests/vm/$test.sh" 2>&1; echo "status $?"; } |
		awk '/^status [0-9]+$/ { status = $2; next } { print "  " $0; fflush() } END { exit status }'; then
		echo "ok $number $test"
	else
		echo "not ok $number $test"
		failed=1
	fi
	echo "# $test took $(($(date +%s) - begin)) s"
done
exit $failed
