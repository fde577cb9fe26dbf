#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Whoever stalls, in reading a report, listing the reports or giving out a file, holds up no load for long.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

# within SECONDS COMMAND...: whether it ends by then, and well; it may go on afterwards, as nothing can end a load
within() {
	within_limit=$1
	shift
	"$@" 9>&- &
	within_pid=$!
	within_left=$((within_limit * 5))
	while kill -0 $within_pid 2>/dev/null; do
		[ $within_left -gt 0 ] || {
			echo "still under way after $within_limit seconds"
			return 1
		}
		within_left=$((within_left - 1))
		usleep 200000
	done
	wait $within_pid
}

# eventually COMMAND...: whether it succeeds within twenty seconds
eventually() {
	eventually_left=100
	until "$@"; do
		[ $eventually_left -gt 0 ] || return 1
		eventually_left=$((eventually_left - 1))
		usleep 200000
	done
}

stalls() {
	[ "$(cat "/proc/$reader/wchan")" = handle_userfault ]
}

# stall PATH: sets reader to the process that stalls on it
stall() {
	"build/$RELEASE/stall/stall" "$1" &
	reader=$!
	check "a reader of ${1##*/} stalls" eventually stalls
}

end_stall() {
	check "the reader still stalls" stalls
	kill -9 $reader
	wait $reader 2>/dev/null
}

no_report() {
	[ ! -e "$DEBUGFS/$1" ]
}

demo=$MODULES/distilled/btfreloc_demo.ko
vpoll=$MODULES/distilled/vpoll.ko

load "$RELOC"
load "$demo"
stall "$DEBUGFS/btfreloc_demo"
check "its module goes within seconds" within 10 rmmod btfreloc_demo
check "and so does its report" no_report btfreloc_demo
check "another module loads within seconds" within 10 insmod "$vpoll"
check "and has a report" test -e "$DEBUGFS/vpoll"
check "the first loads again" within 10 insmod "$demo"
check "and has a report again" grep -q "BTF relocated" "$DEBUGFS/btfreloc_demo"
check_not "rust_btfreloc stays until the reader is gone" rmmod rust_btfreloc
end_stall

stall "$DEBUGFS"
check "a module with a report goes within seconds" within 10 rmmod vpoll
check "a module loads within seconds" within 10 insmod "$vpoll"
check "and goes again" within 10 rmmod vpoll
check "and loads again" within 10 insmod "$vpoll"
end_stall
check "its report comes then" eventually test -e "$DEBUGFS/vpoll"
check_equal "one of each is there" "btfreloc_demo stats vpoll " "$(reports | tr '\n' ' ')"
unload vpoll btfreloc_demo
check_equal "no report is left" stats "$(reports)"

# Reports are read while their modules come and go.
read_all() {
	while [ ! -e /tmp/enough ]; do
		cat "$DEBUGFS"/* >/dev/null 2>&1
	done
}
read_all &
first=$!
read_all &
second=$!
rounds=0 done_rounds=0
while [ $rounds -lt 40 ]; do
	insmod "$demo" && rmmod btfreloc_demo && insmod "$MODULES/plain/vpoll.ko" && rmmod vpoll && done_rounds=$((done_rounds + 1))
	rounds=$((rounds + 1))
done
: >/tmp/enough
wait $first $second
check_equal "modules come and go while reports are read" 40 $done_rounds
check_equal "no report is left" stats "$(reports)"

# Opening a pipe waits for somebody to write to it, as a file system may wait for a process that waits for a load.
folder=/lib/firmware/btfreloc
mkdir -p $folder
mkfifo "$folder/$RELEASE.btf"
insmod "$MODULES/plain/vpoll.ko" &
stale=$!
sleep 2
# It takes its notifiers off the list: from here on nobody else gets the list's lock.
rmmod rust_btfreloc &
removal=$!
usleep 500000
check "with a notifier about to go, another module loads within a minute" \
	within 60 insmod "$MODULES/own/plain/btfreloc_small.ko"
check "the module with stale BTF has loaded" wait $stale
check_has "and the log says what took too long" \
	"rust_btfreloc: vpoll: BTF dropped: not for this kernel, and firmware btfreloc/[^ ]*[.]btf was not read in time; " \
	"$(dmesg)"
: >"$folder/$RELEASE.btf"
check "rust_btfreloc goes when the file is there" wait $removal
unload vpoll btfreloc_small

load "$RELOC"
load "$MODULES/plain/vpoll.ko"
check_has "the next module waits in vain" "was not read in time" "$logged"
check "the one after it does not wait" within 10 insmod "$MODULES/plain/acpi_call.ko"
: >"$folder/$RELEASE.btf"
check "all goes" unload vpoll acpi_call rust_btfreloc
rm -r $folder
ktap_end
