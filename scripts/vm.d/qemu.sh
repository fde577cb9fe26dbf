# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # the parts of scripts/vm share their variables
# The machine: QEMU, on KVM where that works, watched until it ends.

# Seconds that a guest may take until its init runs.
boot_limit=120

# QEMU for at most $1 seconds on accelerator $2 with initramfs $3; the working folder
# gets "status" (lines of the guest's init) and "console" (the kernel's log).
boot() {
	limit=$1
	case $2 in
	kvm) cpu=host accel=kvm ;;
	tcg) cpu=max accel=tcg,thread=multi ;;
	esac
	initramfs=$3
	shift 3
	exec timeout -k 5 "$limit" ${root:+"$REPO_SCRIPTS/in-root"} qemu-system-x86_64 \
		-nodefaults -no-user-config -display none -no-reboot \
		-accel "$accel" -cpu "$cpu" -smp 2 -m "$memory" \
		-kernel "$run/vmlinuz" -initrd "$initramfs" \
		-append "console=ttyS0 ignore_loglevel log_buf_len=1M panic=-1 oops=panic $append" \
		-serial file:console -device virtio-serial-pci \
		-chardev file,id=status,path=status -device virtserialport,chardev=status,name=status \
		"$@" </dev/null
}

# /dev/kvm may be there and still not run a guest: this is found by a boot with a time limit, once per host boot.
choose_accelerator() {
	accelerator=tcg
	[ -w /dev/kvm ] || return 0
	verdict=$KIT/vm/accelerator-$(id -u)-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -e "$verdict" ]; then
		mkdir "$run/probe"
		if (cd "$run/probe" && boot 10 kvm "$base") >/dev/null 2>&1 && grep -q up "$run/probe/status"; then
			accelerator=kvm
		fi
		rm -f "$KIT/vm/accelerator-$(id -u)-"*
		echo $accelerator >"$verdict"
	fi
	# Another run may have just removed it.
	accelerator=$(cat "$verdict" 2>/dev/null) || accelerator=tcg
}

# Boots $run/initramfs, shows what the command prints, and sets code to QEMU's exit status.
run_machine() {
	cd "$run" || die "the folder of the run is gone"
	# A file, as QEMU loses what a pipe with a slow reader has not taken when the guest powers off.
	touch output
	(boot "$timeout" "$accelerator" "$run/initramfs" \
		-chardev file,id=output,path=output -device virtserialport,chardev=output,name=output >&2) &
	vm=$!
	tail -c +1 -f -s 0.1 --pid=$vm output &
	reader=$!
	(
		seconds=0
		until [ -s status ] || ! kill -0 $vm 2>/dev/null; do
			seconds=$((seconds + 1))
			if [ $seconds -gt $boot_limit ]; then
				touch no-boot
				kill $vm
			fi
			sleep 1
		done
	) &
	watch=$!
	code=0
	wait $vm || code=$?
	vm=
	wait $reader || true
}
