#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests scripts/vm itself: runner.sh [RELEASE]; KTAP. Each case is one boot, or none.
set -eu
cd "$(dirname "$0")/../.."
REPO_SCRIPTS=$PWD/scripts
# shellcheck source=scripts/lib.sh
. "$REPO_SCRIPTS/lib.sh"
KTAP_FILE=$PWD/build/runner/ktap.output
# shellcheck source=selftests/vm/ktap.sh
. selftests/vm/ktap.sh
find_kit
read_kernels || die "the development kit is not made yet: run scripts/kit"
release=${1:-$RUNNING}
work=$PWD/build/runner

# vm ARGUMENT...: sets status, output (of the command) and messages (of the runner)
vm() {
	status=0
	"$REPO_SCRIPTS/vm" --timeout 120 --log "$work/console" "$@" >"$work/output" 2>"$work/messages" || status=$?
	output=$(cat "$work/output")
	messages=$(cat "$work/messages")
}

boot() {
	vm --kernel "$release" "$@"
}

# splat KIND PATTERN: the module makes the kernel report, the runner says so
splat() {
	boot --modules "$work/module" -- sh -c "echo before; insmod /modules/splat.ko kind=$1; echo after"
	check_equal "$1: the exit status says so" 123 $status
	check_equal "$1: what the command printed is there" before "$(printf '%s\n' "$output" | head -n 1)"
	check_has "$1: the text is shown" "$2" "$messages"
	check_has "$1: one line sums it up" "scripts/vm: the kernel reported: .*($2)" "$messages"
	check_has "$1: the path of the console log is shown" "scripts/vm: console log: $work/console" "$messages"
	check_has "$1: the console log is kept" "$2" "$(cat "$work/console")"
}

# scan EXPECTED LINE...: whether a console log of these lines holds a splat
scan() {
	expected=$1
	shift
	printf '%s\n' "$@" >"$work/lines"
	found=0
	awk -f scripts/vm.d/splat.awk /dev/null "$work/lines" >/dev/null || found=$?
	check_equal "scan: $1" "$expected" $found
}

echo "KTAP version 1"
rm -rf "$work"
mkdir -p "$work/module" "$work/files/two words"
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$KIT/tree/$release/.config")
scripts/in-root make -s -C "$KIT/tree/$release" M="$PWD/selftests/runner/splat" MO="$work/module" CC="$compiler" modules >&2

# The scanner, on lines that cannot all be had from a stock kernel
scan 0 "[    1.000000] ------------[ cut here ]------------"
scan 0 "[   21.104000] BUG: KASAN: slab-out-of-bounds in btf_check+0x1/0x2 [rust_btfreloc]"
scan 0 "[   21.104000] WARNING: possible circular locking dependency detected"
scan 0 "[   21.104000] BUG: sleeping function called from invalid context at mm/slab.h:1"
scan 0 "[   21.104000] BUG kmalloc-64 (Tainted: G    O): Redzone overwritten"
scan 0 "[   21.104000][   T12] UBSAN: array-index-out-of-bounds in lib/x.c:1:2"
scan 0 "[   21.104000] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [insmod:90]"
scan 0 "[   21.104000] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"
scan 0 "[   21.104000] INFO: task insmod:90 blocked for more than 120 seconds."
scan 0 "[   21.104000] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"
scan 0 "[   21.104000] Oops: general protection fault, probably for non-canonical address: 0000 [#1] SMP"
scan 1 "[    0.200000] Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on"
scan 1 "[    0.200000] rust_btfreloc: vpoll: BUG: is a word in a name"
scan 1 "[    0.200000] rcu: RCU event tracing is enabled."

# Usage
vm -- true
check_equal "no kernel: the exit status" 125 $status
check_has "no kernel: the message" "--kernel is missing" "$messages"
vm --kernel 0.0.0-none -- true
check_equal "an unknown kernel: the exit status" 125 $status
check_has "an unknown kernel: the message" "there is no kernel .*0.0.0-none" "$messages"
boot --files "$work/nothing" -- true
check_equal "a file that is not there: the exit status" 125 $status
echo "no kernel" >"$work/not-a-kernel"
vm --kernel "$work/not-a-kernel" -- true
check_equal "a file that is no kernel: the exit status" 125 $status
check_has "a file that is no kernel: the message" "QEMU failed" "$messages"

# Output, arguments and files
echo content >"$work/files/two words/a 'file'"
echo absolute >"$work/absolute"
ln -s nowhere "$work/files/dangling"
# shellcheck disable=SC2016 # expanded in the guest
echo 'for i in 1 2 3; do echo out $i; echo err $i >&2; done; echo again >/dev/stdout' >"$work/files/order.sh"
cd "$work"
# shellcheck disable=SC2016 # expanded in the guest
boot --files files ./absolute "$work/absolute" --modules module --tools bpftool --stock-modules vfat -- sh -c '
	sh files/order.sh
	printf "<%s>\n" "$@"
	cat "files/two words/a '\''file'\''" absolute "$1"
	ls /modules
	modprobe vfat && grep -c "^fat " /proc/modules
	insmod /nowhere.ko
	bpftool btf list | grep -c vmlinux
	awk "\$2 ~ /debug|bpf|tracing/ { print \$3 }" /proc/mounts
	dmesg | grep -c "Linux version"
	id -u
	exit 7' sh "$work/absolute" "a  b" "it's" '$HOME' '' 'new
line'
cd ../..
check_equal "the exit status is the command's" 7 $status
check_equal "output, arguments, files, modules, tools" "out 1
err 1
out 2
err 2
out 3
err 3
again
<$work/absolute>
<a  b>
<it's>
<\$HOME>
<>
<new
line>
content
absolute
absolute
splat.ko
1
insmod: ERROR: could not load module /nowhere.ko: No such file or directory
1
debugfs
tracefs
bpf
1
0
7" "$output
$status"
check_equal "the runner itself says nothing" "" "$messages"
check_has "the console log is kept when all is well" "Linux version " "$(cat "$work/console")"
check_not "what the command printed is not in the console log" grep -q "out 1" "$work/console"

# What is no splat, and what the command leaves running
boot --modules "$work/module" -- sh -c '
	echo "WARNING: from the command" >/dev/kmsg
	echo "<0>BUG: from the command" >/dev/kmsg
	insmod /modules/splat.ko kind=message
	sleep 1000 &
	echo done'
check_equal "lines of the command in the kernel log are no splat" "0 done" "$status $output"

# A slow reader must not cost output: QEMU ends before it has read all.
"$REPO_SCRIPTS/vm" --kernel "$release" -- seq 1 300000 | { sleep 12; cksum; } >"$work/sum"
check_equal "output survives a slow reader" "$(seq 1 300000 | cksum)" "$(cat "$work/sum")"

# shellcheck disable=SC2016 # expanded in the guest
boot -- sh -c 'kill -TERM $$'
check_equal "a signal that ends the command" 143 $status
boot -- no-such-command
check_equal "a command that is not there" 127 $status

# Splats
splat warn "splat: asked for a WARN|WARNING: "
splat bug "kernel BUG at "
splat oops "BUG: kernel NULL pointer dereference"
splat atomic "BUG: scheduling while atomic"
boot -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
check_equal "panic: the exit status says so" 123 $status
check_has "panic: one line sums it up" "reported: Kernel panic - not syncing: sysrq" "$messages"

# Ends that are not the command's
boot -- poweroff -f
check_equal "a guest that ends first: the exit status" 125 $status
check_has "a guest that ends first: the message" "ended before poweroff did" "$messages"
begin=$(now)
boot --timeout 15 -- sh -c 'echo started; sleep 1000'
check_equal "time limit: the exit status" "124 started" "$status $output"
check_has "time limit: the message" "sh did not end within 15 seconds" "$messages"
check "time limit: it is kept" [ $(($(now) - begin)) -lt 25 ]
boot --timeout 1 -- true
check_equal "time limit before the boot: the exit status" 124 $status
check_has "time limit before the boot: the message" "did not boot within 1 seconds" "$messages"

# is_running PATTERN: a process with such a command line; by hand, as not every host has pgrep
is_running() {
	for cmdline in /proc/[0-9]*/cmdline; do
		if tr '\0' ' ' <"$cmdline" 2>/dev/null | grep -q -- "$1"; then
			return 0
		fi
	done
	return 1
}

# A signal to the runner ends QEMU as well. Its kernel parameters distinguish it from others.
mark=runner.mark=$$
"$REPO_SCRIPTS/vm" --kernel "$release" --append $mark -- sh -c 'echo started; sleep 1000' >"$work/output" 2>"$work/messages" &
runner=$!
tries=60
until grep -q started "$work/output" || [ $tries = 0 ]; do
	sleep 1
	tries=$((tries - 1))
done
check "a run to be ended has started" is_running "qemu-system.*$mark"
kill -TERM $runner
status=0
wait $runner || status=$?
check_equal "a runner that is ended: the exit status" 143 $status
# Whoever dies with its parent dies a moment later.
tries=20
while [ $tries -gt 0 ] && is_running "qemu-system.*$mark"; do
	sleep 0.1
	tries=$((tries - 1))
done
check_not "a runner that is ended leaves no QEMU" is_running "qemu-system.*$mark"
ktap_end
