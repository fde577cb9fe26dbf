# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # the parts of scripts/vm share their variables
# What became of a run, from what the guest and QEMU left: the exit status of scripts/vm.

fail() {
	say "scripts/vm: $2"
	say "scripts/vm: console log: $log"
	exit "$1"
}

# In the folder of the run; $code is QEMU's exit status.
verdict() {
	touch status console
	if "$busybox" awk -f "$REPO_SCRIPTS/vm.d/splat.awk" status console >splats; then
		cat splats >&2
		fail 123 "the kernel reported: $(sed -n '/cut here/d; s/^\[[^]]*\] //; p; q' splats)"
	fi
	if [ -e no-boot ]; then
		fail 124 "the kernel did not boot within $boot_limit seconds"
	fi
	status=$(sed -n 's/^exit //p' status)
	if [ "$status" ]; then
		exit "$status"
	fi
	case $code in
	124 | 137)
		if [ -s status ]; then
			fail 124 "$command_name did not end within $timeout seconds (--timeout)"
		fi
		fail 124 "the kernel did not boot within $timeout seconds (--timeout)"
		;;
	0) fail 125 "the virtual machine ended before $command_name did" ;;
	*) fail 125 "QEMU failed (exit status $code)" ;;
	esac
}
