# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The steps: their order, what counts as done, and running them in two lanes side by side.

kernels_step() {
	echo "kernels${KERNEL:+.$KERNEL}"
}

releases() {
	printf '%s\n' "$RUNNING" ${RUNNING2:+"$RUNNING2"}
}

# Before the kernels are known, only the first steps can be named.
all_steps() {
	kernels_step
	[ -n "${RUNNING:-}" ] || return 0
	echo "$ROOT_NAME"
	releases | sed 's|^|source/|'
	echo third-party
	releases | sed 's|^|boot/|'
	echo "boot/$BUILT_FOR"
	releases | sed 's|^|modules/|'
	releases | sed 's|^|tree/|'
	echo "neighbours/$RUNNING"
}

# A step that was done in another way than today's has to be done again.
step_key() {
	case $1 in
	root*) root_key ;;
	third-party) printf '%s\n' "$THIRD_PARTY" | cksum | cut -d' ' -f1 ;;
	neighbours/*) neighbour_key ;;
	kabi*) kabi_key "$1" ;;
	older/*) older_key ;;
	*) echo 1 ;;
	esac
}

step_is_done() {
	is_done "$1" "$(step_key "$1")"
}

# all_done STEP...
all_done() {
	for step; do
		step_is_done "$step" || return 1
	done
}

step_title() {
	case $1 in
	kernels*) echo "choosing the kernels from what the archive offers" ;;
	root*) echo "a Debian $SUITE with all tools, in a folder of its own" ;;
	source/*) echo "unpacking the source of ${1#*/}" ;;
	third-party) echo "sources of real external modules" ;;
	boot/*) echo "kernel image and BTF of ${1#*/}" ;;
	modules/*) echo "stock modules of ${1#*/}" ;;
	neighbours/*) echo "other builds of the same kernels: a few modules and the BTF of each" ;;
	tree/*) echo "preparing the tree of ${1#*/} for external Rust modules" ;;
	kabi-source/*) echo "unpacking the source of ${1#*/}, a kernel with MODVERSIONS" ;;
	kabi/*) echo "building ${1#*/}, all of it" ;;
	older/*) echo "Linux ${1#*/}, without Rust: image, headers, modules of another build" ;;
	esac
}

# What its log says of how far a step is: a pattern of lines to count, and their name.
step_progress() {
	case $1 in
	root*) count_lines "$1" '^\(Unpacking\|Setting up\) ' "packages unpacked or set up" ;;
	source/* | kabi-source/*) count_lines "$1" . "files" ;;
	kabi/*) kabi_progress "$1" ;;
	tree/*) count_lines "$1" '^ *[A-Z][A-Z]* ' "built" ;;
	*) echo working ;;
	esac
}

count_lines() {
	lines=$(grep -c "$2" "$KIT/log/$1" 2>/dev/null) || lines=0
	packages=$(du -sm "$KIT/debs" 2>/dev/null | cut -f1)
	if [ "$lines" != 0 ]; then
		echo "$lines $3"
	elif [ "${packages:-0}" -gt 1 ]; then
		echo "$packages MB of packages"
	else
		echo starting
	fi
}

# space_wanted STEP...: megabytes that are wanted for what is missing, with the packages that are there for a while.
space_wanted() {
	wanted=500
	read_kernels || wanted=7500
	for step; do
		! step_is_done "$step" || continue
		case $step in
		root*) wanted=$((wanted + 3050)) ;;
		source/*) wanted=$((wanted + 1300)) ;;
		tree/*) wanted=$((wanted + 200)) ;;
		modules/*) wanted=$((wanted + 150)) ;;
		boot/*) wanted=$((wanted + 90)) ;;
		neighbours/*) wanted=$((wanted + 300)) ;;
		kabi-source/*) wanted=$((wanted + 600)) ;;
		kabi/*) wanted=$((wanted + 2000)) ;;
		older/*) wanted=$((wanted + 700)) ;;
		esac
	done
	echo "$wanted"
}

hold_lock() {
	exec 9>"$KIT/lock"
	flock -n 9 && return
	say "another scripts/kit is at work in $KIT: waiting for it"
	flock 9
}

# fail MESSAGE: ends a step; the message is what the user sees of it
fail() {
	# The first reason is the cause; later ones follow from it.
	[ -s "$KIT/log/$STEP.why" ] || printf '%s\n' "$*" >"$KIT/log/$STEP.why"
	exit 1
}

# Inside a lane: one step after the other, each with its log.
run_lane() {
	# A lane that has to end takes along all that it started.
	trap 'trap "" TERM; kill -KILL 0' TERM INT HUP
	read_kernels || :
	check_mirror
	for STEP in "$@"; do
		! step_is_done "$STEP" || continue
		case $STEP in
		kabi*) plan=$(kabi_steps) ;;
		older/*) plan=$(older_steps) ;;
		*) plan=$(all_steps) ;;
		esac
		number=$(echo "$plan" | grep -nxF "$STEP" | cut -d: -f1)
		title="[$number${RUNNING:+/$(echo "$plan" | wc -l)}] $(step_title "$STEP")"
		start=$(now)
		say_clear "$title"
		mkdir -p "$(dirname "$KIT/log/$STEP")"
		rm -f "$KIT/log/$STEP.why"
		set_undone "$STEP"
		echo "$STEP" >"$KIT/log/lane.$$"
		(
			set -e
			run_step "$STEP"
		) >"$KIT/log/$STEP" 2>&1 </dev/null &
		wait $! || {
			say_clear "$title: failed after $(seconds_since "$start")"
			exit 1
		}
		set_done "$STEP" "$(step_key "$STEP")"
		say_clear "$title: $(seconds_since "$start")"
	done
	rm -f "$KIT/log/lane.$$"
}

run_step() {
	case $1 in
	kernels*) step_kernels ;;
	root*) step_root ;;
	source/*) step_source "${1#*/}" ;;
	third-party) step_third_party ;;
	boot/*) step_boot "${1#*/}" ;;
	modules/*) step_modules "${1#*/}" ;;
	tree/*) step_tree "${1#*/}" ;;
	neighbours/*) step_neighbours "${1#*/}" ;;
	kabi-source/*) step_kabi_source "${1#*/}" ;;
	kabi/*) step_kabi "${1#*/}" ;;
	older/*) step_older "${1#*/}" ;;
	esac
}

# lanes STEPS [STEPS]: each argument is a lane, a list of steps; they run side by side, in process groups of their
# own, so that a failure or an interruption leaves nothing behind.
lanes() {
	rm -f "$KIT"/log/lane.*
	pids=
	trap 'interrupted' INT TERM HUP
	for lane in "$@"; do
		# shellcheck disable=SC2086 # a list of words
		setsid setpriv --pdeathsig TERM "$REPO_SCRIPTS/kit" lane $lane &
		pids="$pids $!"
	done
	while [ -n "$pids" ]; do
		running=
		for pid in $pids; do
			if is_alive "$pid"; then
				running="$running $pid"
			else
				wait "$pid" || lane_failed "$pid"
			fi
		done
		pids=$running
		report_progress
		sleep 0.2
	done
	show_progress ""
	trap - INT TERM HUP
}

is_alive() {
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '*) return 1 ;;
	esac
}

end_lanes() {
	for pid in $pids; do
		kill -KILL -- "-$pid" 2>/dev/null || :
	done
}

interrupted() {
	end_lanes
	say_clear "$ME: interrupted; run scripts/kit again to go on"
	exit 130
}

lane_failed() {
	step=$(cat "$KIT/log/lane.$1" 2>/dev/null) || step=
	end_lanes
	log=$KIT/log/$step
	if [ -s "$log.why" ]; then
		why=$(cat "$log.why")
	elif grep -q 'No space left on device' "$log"; then
		why="the disk of $KIT is full: make room, or set BTFRELOC_KIT to a folder on a larger disk"
	elif grep -qE 'Could not resolve|Temporary failure resolving|Could not connect|Connection (refused|failed|timed out)|Network is unreachable|Unable to connect' "$log"; then
		why="no way to the archive at $(find_mirror): check the network and its proxy, or set DEBIAN_MIRROR to another"
	elif grep -qE '404 +Not Found|Unable to locate package|Version .* was not found' "$log"; then
		why="the archive has moved on since the kernels were chosen: run scripts/kit update"
	elif grep -qE 'does not have a Release file|NO_PUBKEY|is not signed|EXPKEYSIG|Release file .* expired' "$log"; then
		why="the archive at $(find_mirror) is not one this machine can trust: check DEBIAN_MIRROR and the package debian-archive-keyring"
	else
		why=$(grep -E '(^|[^a-z])([Ee]rror|E):|\*\*\*' "$log" | tail -n 1)
		why="${why:-it ended without a word}: the log is $log"
	fi
	say_clear "$ME: $step: $why"
	exit 1
}

progress_due=0
report_progress() {
	[ -t 2 ] || return 0
	[ "$(now)" -ge "$progress_due" ] || return 0
	progress_due=$(($(now) + 2))
	line=
	for marker in "$KIT"/log/lane.*; do
		step=$(cat "$marker" 2>/dev/null) || continue
		line="${line:+$line; }$step: $(step_progress "$step")"
	done
	show_progress "$line"
}

# Root and sources need nothing of each other; then one lane a running kernel.
make_steps() {
	lanes "$(kernels_step)"
	read_kernels || die "the kernels were chosen but are not there: run scripts/kit update"
	# Others may have been chosen than those that the first look was for.
	# shellcheck disable=SC2046 # a list of words
	check_space "$(space_wanted $(all_steps))"
	grep -q " $SUITE main" "$KIT/apt/sources.list" 2>/dev/null ||
		fetch_index "$STABLE" "$BACKPORTS" "$SUITE" >"$KIT/log/index" 2>&1 ||
		die "the archive at $MIRROR gives no lists of $STABLE, $BACKPORTS and $SUITE (log: $KIT/log/index): check the network, or set DEBIAN_MIRROR to another"
	lanes "$ROOT_NAME" "$(releases | sed 's|^|source/|') third-party"
	lanes "boot/$RUNNING tree/$RUNNING boot/$BUILT_FOR" \
		"${RUNNING2:+boot/$RUNNING2} modules/$RUNNING ${RUNNING2:+modules/$RUNNING2 tree/$RUNNING2}"
	lanes "neighbours/$RUNNING"
}
