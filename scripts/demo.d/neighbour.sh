#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The first part of the demonstration, in the guest: neighbour.sh BUILD, in-tree modules of another build of the kernel.
. selftests/vm/guest.sh
. selftests/vm/neighbour-guest.sh
. scripts/demo.d/show.sh
build=$1
probe=$(echo build/*/bpf/btfprobe)

# shellcheck disable=SC2317 # called by expect
has_its_types() {
	cmp "/sys/kernel/btf/$1" "$NEIGHBOURS/$build/$1.btf"
}

# What BPF programs are shown of a function.
show_function() {
	echo "    The function $POWERSAVE by bpftool btf dump:"
	powersave_prototype 2>&1 | sed 's/^/        /'
}

# shellcheck disable=SC2317 # called by expect
function_is_right() {
	[ "$(powersave_prototype)" = "$POWERSAVE" ]
}

# shellcheck disable=SC2317 # called by expect
refused_or_wrong() {
	case $outcome in
	refused* | wrong*) ;;
	*) false ;;
	esac
}

title "1. The same release, another build"
cat <<END
  In life: the kernel's package was upgraded in place, its release stayed the same, and nobody has rebooted yet; or the
  kernel was built again. The modules on the disk are then not those of the kernel that runs. Their code loads; their
  BTF names types by numbers that were given in the other build.
  Here: the stock kernel $RELEASE, and modules of $build as they would be with that release.
END

part "Without rust_btfreloc"
for name in exfat cpufreq_powersave; do
	show_load "$NEIGHBOURS/$build/$name.ko"
	outcome=$(outcome_of_load "$name" "$build")
	[ "$loaded" != 0 ] || [ $name = exfat ] || show_function
	expect "$name: $outcome" refused_or_wrong
	unload $name
done

part "With rust_btfreloc"
load "$RELOC" || { echo "rust_btfreloc.ko does not load: $said"; exit 1; }
for name in exfat cpufreq_powersave; do
	show_load "$NEIGHBOURS/$build/$name.ko"
	expect "$name loads" is_loaded $name
	expect_not "$name has no BTF rather than wrong BTF" has_btf $name
	unload $name
done

part "With the BTF of the other build at hand, as the hook for kernel packages keeps it"
supply_neighbour "$build" >/dev/null
shown ls /lib/firmware/btfreloc
for name in exfat cpufreq_powersave; do
	show_load "$NEIGHBOURS/$build/$name.ko"
	expect "$name has the types that it has on its own kernel" has_its_types $name
done
show_function
expect "its name and its type are right" function_is_right
expect "a BPF program runs on a function of exfat (fentry)" \
	"$probe" fentry exfat exfat_init_fs_context "mount -t exfat none /tmp"
unload exfat cpufreq_powersave rust_btfreloc
exit $((missed > 0))
