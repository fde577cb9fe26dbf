# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# KTAP for the tests in the guest (Documentation/dev-tools/ktap.rst in the kernel tree).
# Each test sources this, calls check and the like, and ends with ktap_end. Commands run in the test's own shell,
# so that they may set its variables.

ktap_count=0
ktap_failed=0
ktap_file=${KTAP_FILE:-/tmp/ktap.output}

# result STATUS WHAT: one result, passed where STATUS is 0
result() {
	ktap_count=$((ktap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $ktap_count $2"
	else
		ktap_failed=$((ktap_failed + 1))
		echo "not ok $ktap_count $2"
	fi
}

diagnose() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# check WHAT COMMAND...: passes where COMMAND does; its output is shown where it does not
check() {
	what=$1
	shift
	ktap_status=0
	"$@" >"$ktap_file" 2>&1 || ktap_status=$?
	[ $ktap_status = 0 ] || diagnose "$* exited with $ktap_status: $(cat "$ktap_file")"
	result $ktap_status "$what"
}

# check_not WHAT COMMAND...: passes where COMMAND runs and fails
check_not() {
	what=$1
	shift
	ktap_status=0
	"$@" >"$ktap_file" 2>&1 || ktap_status=$?
	case $ktap_status in
	0 | 126 | 127)
		diagnose "$* exited with $ktap_status: $(cat "$ktap_file")"
		result 1 "$what"
		;;
	*) result 0 "$what" ;;
	esac
}

# check_equal WHAT EXPECTED FOUND
check_equal() {
	if [ "$2" = "$3" ]; then
		result 0 "$1"
	else
		diagnose "expected: $2"
		diagnose "found:    $3"
		result 1 "$1"
	fi
}

# check_has WHAT PATTERN TEXT: PATTERN as grep -E takes it
check_has() {
	if printf '%s\n' "$3" | grep -Eq -- "$2"; then
		result 0 "$1"
	else
		diagnose "no line matches $2:"
		diagnose "$3"
		result 1 "$1"
	fi
}

ktap_end() {
	echo "1..$ktap_count"
	[ $ktap_count -gt 0 ] && [ $ktap_failed = 0 ]
}
