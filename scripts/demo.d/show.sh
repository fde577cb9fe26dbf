# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # load, of guest.sh, sets said and logged
# How the parts of the demonstration show things in the guest. A part ends with: exit $((missed > 0))

missed=0

title() {
	printf '\n%s\n' "$*"
	printf '%s\n' "$*" | sed 's/./=/g'
}

part() {
	printf '\n  %s\n' "$*"
}

# shown COMMAND...: the command and what it prints, as on a terminal
shown() {
	echo "    # $*"
	"$@" 2>&1 | sed 's/^/    /'
}

# show_load KO: as somebody would do it by hand; sets loaded, said and logged
show_load() {
	load "$1"
	last=$(printf '%s\n' "$logged" | grep -E 'failed to validate|rust_btfreloc' | tail -n 1)
	echo "    # insmod ${1##*/}${last:+; dmesg | tail -n 1}"
	printf '%s\n' "$said" "$last" | sed '/^$/d; s|could not insert module [^ ]*/|could not insert module |; s/^/    /'
}

# expect WHAT COMMAND...: one line, seen or not
expect() {
	expect_what=$1
	shift
	if expect_output=$("$@" 2>&1); then
		echo "  seen      $expect_what"
	else
		echo "  NOT SEEN  $expect_what"
		printf '%s\n' "$expect_output" | sed 's/^/            /'
		missed=$((missed + 1))
	fi
}

# expect_not WHAT COMMAND...
expect_not() {
	expect_not_what=$1
	shift
	expect "$expect_not_what" fails "$@"
}

# shellcheck disable=SC2317 # called by expect
fails() {
	! "$@"
}
