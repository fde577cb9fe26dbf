#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The last part of the demonstration, in the guest: a module that was built without BTF, and the same after
# btfreloc encode. rust_btfreloc is not needed for it.
. selftests/vm/guest.sh
. scripts/demo.d/show.sh
modules=build/$RELEASE/demo
probe=build/$RELEASE/bpf/btfprobe

title "3. No BTF at all"
cat <<END
  In life: the kernel headers of a distribution hold no vmlinux, and DKMS or make says: "Skipping BTF generation for
  vpoll.ko due to unavailability of vmlinux". The module loads, but BPF programs cannot see it.
  Here: vpoll, a third-party module, built in that way.
END

part "As it was built"
show_load "$modules/without/vpoll.ko"
expect "it loads" is_loaded vpoll
expect_not "it has no BTF" has_btf vpoll
expect_not "no BPF program (fentry) can be attached to it" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"
unload vpoll

part "After btfreloc encode vpoll.ko, where it was built"
show_load "$modules/encoded/vpoll.ko"
expect "it has BTF" has_btf vpoll
expect "a BPF program runs on a function of vpoll (fentry)" "$probe" fentry vpoll vpoll_open "echo >/dev/vpoll"
unload vpoll
exit $((missed > 0))
