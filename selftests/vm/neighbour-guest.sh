# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # load, of guest.sh, sets loaded, said and logged
# What the demonstration and the tests do with modules of other builds (see scripts/build-neighbours). Source it after
# guest.sh.

NEIGHBOURS=build/$RELEASE/neighbours
# A function of cpufreq_powersave.
POWERSAVE="cpufreq_gov_powersave_limits(struct cpufreq_policy *)"

# cannot_load BUILD NAME: it asks for a symbol that has another name in this kernel
cannot_load() {
	grep -q "^$2 " "$NEIGHBOURS/$1/unresolved"
}

# outcome_of_load NAME BUILD: what a stock kernel makes of a module that was just loaded
outcome_of_load() {
	if [ "$loaded" != 0 ]; then
		case $logged in
		*"failed to validate module [$1] BTF: -22"*) echo "refused (-22)" ;;
		*"$1: Unknown symbol"*) echo "unknown symbol $(echo "$logged" | sed -n 's/.*Unknown symbol \([^ ]*\) .*/\1/p' | head -n 1)" ;;
		*) echo "fails: ${said#*: }" ;;
		esac
	elif ! has_btf "$1"; then
		echo "no BTF"
	elif cmp -s "/sys/kernel/btf/$1" "$NEIGHBOURS/$2/$1.btf"; then
		echo valid
	else
		echo "wrong types"
	fi
}

# stand_in NAME: this kernel's own module, where others need it, for one of another build that does not load
stand_in() {
	grep -qw "$1" selftests/vm/neighbour-modules || modprobe "$1"
}

# outcomes BUILD: loads all modules of a build in order, one line each: NAME OUTCOME
outcomes() {
	while read -r neighbour; do
		load "$NEIGHBOURS/$1/$neighbour.ko"
		echo "$neighbour $(outcome_of_load "$neighbour" "$1")"
		[ "$loaded" = 0 ] || stand_in "$neighbour"
	done <"$NEIGHBOURS/modules"
}

# Those that need others first.
unload_neighbours() {
	awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' "$NEIGHBOURS/modules" >/tmp/backwards
	while read -r neighbour; do
		unload "$neighbour" || {
			echo "$neighbour is still there"
			return 1
		}
	done </tmp/backwards
}

# supply_neighbour BUILD: its BTF, as that of a build of the release that runs
supply_neighbour() {
	build/bin/btfreloc extract "$NEIGHBOURS/$1/vmlinux.btf" --release "$RELEASE" --firmware /lib/firmware/btfreloc
}

# type_of ID: the type as bpftool names it, in /tmp/types, or else in vmlinux
type_of() {
	[ "$1" != 0 ] || {
		echo void
		return
	}
	type_line=$(grep -h -m 1 "^\[$1\] " /tmp/types /tmp/vmlinux.types | head -n 1)
	type_kind=$(echo "$type_line" | cut -d' ' -f2 | tr '[:upper:]' '[:lower:]')
	type_name=$(echo "$type_line" | sed "s/^[^']*'\([^']*\)'.*/\1/")
	case $type_kind in
	ptr) echo "$(type_of "${type_line##*type_id=}") *" ;;
	const) echo "const $(type_of "${type_line##*type_id=}")" ;;
	int | typedef) echo "$type_name" ;;
	func) echo "the function $type_name" ;;
	*) echo "$type_kind $type_name" ;;
	esac
}

# $POWERSAVE as the BTF of the loaded cpufreq_powersave has it. BTF of another build has not even its name; it is the
# last function there.
powersave_prototype() {
	[ -f /tmp/vmlinux.types ] || bpftool btf dump file /sys/kernel/btf/vmlinux | grep '^\[' >/tmp/vmlinux.types
	bpftool btf dump file /sys/kernel/btf/cpufreq_powersave >/tmp/types
	function=$(grep "\] FUNC '${POWERSAVE%%(*}'" /tmp/types || grep '\] FUNC ' /tmp/types | tail -n 1)
	prototype=${function#*type_id=}
	function_name=$(echo "$function" | sed "s/^[^']*'\([^']*\)'.*/\1/")
	parameters=$(awk -v id="[${prototype%% *}]" '
		/^\[/ { inside = $1 == id; next }
		inside { sub(/.*type_id=/, ""); print }' /tmp/types |
		while read -r parameter; do
			type_of "$parameter"
		done)
	echo "$function_name($(echo "$parameters" | sed ':all; N; $!b all; s/\n/, /g'))"
}
