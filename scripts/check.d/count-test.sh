#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests count.awk: what it counts of a KTAP file, and that each failure is named.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

# expect EXPECTED LINE...: of a KTAP file of these lines
expect() {
	expected=$1
	shift
	found=$(printf '%s\n' "$@" | awk -f "$here/count.awk")
	[ "$found" = "$expected" ] || {
		printf 'of:\n%s\nexpected:\n%s\nfound:\n%s\n' "$*" "$expected" "$found"
		exit 1
	}
}

expect "2 0" "KTAP version 1" 1..2 "ok 1 first" "# said" "ok 2 second"
expect "3 0" 1..2 "  1..2" "  ok 1 first" "  ok 2 second" "ok 1 a test" "ok 2 another"
expect "1 1
second
  # expected: 1
  # found:    2" 1..2 "ok 1 first" "# expected: 1" "# found:    2" "not ok 2 second"
expect "1 1
a test:
  second
    # why" 1..1 "  ok 1 first" "  # why" "  not ok 2 second" "  1..2" "not ok 1 a test"
expect "1 1
a test:
  its sum says so, none of its results does" 1..1 "  ok 1 first" "  1..1" "not ok 1 a test"
expect "1 1
a test:
  it has 1 results, and its plan names 2" 1..1 "  ok 1 first" "  1..2" "not ok 1 a test"
expect "1 1
a test:
  it ended without a plan, after 1 results" 1..1 "  ok 1 first" "not ok 1 a test"
# A machine that ended within a test
expect "2 2
it has 1 results, and its plan names 2
  no answer within 1200 seconds
  it ended within a test" 1..2 "ok 1 first" "  ok 1 one" "no answer within 1200 seconds"
expect "0 1
it ended without a plan, after 0 results
  no such kernel" "no such kernel"
