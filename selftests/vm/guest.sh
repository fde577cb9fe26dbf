# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the demonstration and the tests do in the guest: load, unload, look.

RELEASE=$(uname -r)
# shellcheck disable=SC2034 # for those who source this
RELOC=build/$RELEASE/rust_btfreloc.ko
MODULES=build/$RELEASE/modules
DEBUGFS=/sys/kernel/debug/btfreloc
# When rust_btfreloc wrote a line, in seconds, a line each.
LOG_TIMES=/tmp/log-times

# asked: each id that btfreloc_asked reads is that of vmlinux's type
asked() {
	bpftool btf dump file /sys/kernel/btf/vmlinux >/tmp/vmlinux.types
	while read -r asked_id asked_kind asked_name; do
		asked_kind=$(echo "$asked_kind" | tr '[:lower:]' '[:upper:]')
		grep -q "^\[$asked_id\] $asked_kind '$asked_name'" /tmp/vmlinux.types || return 1
	done </sys/module/btfreloc_asked/parameters/ids
}

log_lines() {
	dmesg | wc -l
}

# reports: the files that rust_btfreloc shows: stats, a report a module, funcs/MODULE
reports() {
	find "$DEBUGFS" -type f | sed "s|^$DEBUGFS/||" | sort
}

# log_since LINES: what the kernel logged since there were so many lines, without times
log_since() {
	dmesg | tail -n +$(($1 + 1)) | sed 's/^\[[^]]*\] //'
}

# paced COMMAND...: runs what loads a module; sets loaded to its status, said to its words, logged to the kernel's. It
# waits where rust_btfreloc would leave a line out: that writes 64 in half a minute.
paced() {
	load_oldest=$(tail -n 60 "$LOG_TIMES" 2>/dev/null | awk 'NR == 1 { time = $1 } END { if (NR == 60) print time }')
	load_wait=$((${load_oldest:-0} + 31 - $(date +%s)))
	[ $load_wait -le 0 ] || sleep $load_wait
	load_mark=$(log_lines)
	loaded=0
	# shellcheck disable=SC2034 # for those who source this
	said=$("$@" 2>&1) || loaded=$?
	# shellcheck disable=SC2034 # for those who source this
	logged=$(log_since "$load_mark")
	echo "$logged" | awk -v time="$(date +%s)" '/rust_btfreloc: / { print time }' >>"$LOG_TIMES"
	return $loaded
}

# load KO [PARAMETER...]: by insmod, paced
load() {
	paced insmod "$@"
}

is_loaded() {
	[ -d "/sys/module/$1" ]
}

# unload NAME...: those that are loaded; a BPF program that was just closed may hold one for a moment
unload() {
	for unload_name; do
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			is_loaded "$unload_name" || break
			rmmod "$unload_name" 2>/dev/null || usleep 200000
		done
		! is_loaded "$unload_name" || return 1
		[ "$unload_name" != rust_btfreloc ] || rm -f "$LOG_TIMES"
	done
}

# names GROUP: ours, third-party or "." for all
names() {
	awk -v group="$1" '$2 ~ group { print $1 }' "$MODULES/list"
}

# stat NAME: a figure of debugfs
stat_of() {
	awk -v name="$1" '$1 == name || $1 == name ":" { print $2 }' "$DEBUGFS/stats"
}

has_btf() {
	[ -e "/sys/kernel/btf/$1" ]
}

# How many ids btfreloc_demo holds, as its own code counts them: what it can name depends on the kernels.
demo_ids() {
	awk '$1 == "list" { n++ } $1 == "set" || $1 == "set8" { n += NF - 2 } END { print n + 0 }' \
		/sys/module/btfreloc_demo/parameters/ids
}
