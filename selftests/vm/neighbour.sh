#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In-tree modules of other builds of this kernel, with its release in their vermagic, as after an upgrade in place:
# without rust_btfreloc, with it, and with the BTF of their own kernels at hand.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh
. selftests/vm/neighbour-guest.sh

probe=build/$RELEASE/bpf/btfprobe
all=$(wc -l <"$NEIGHBOURS/modules")

# described: the module that was loaded last has BTF, and it is that which it has on its own kernel
described() {
	cmp "/sys/kernel/btf/$name" "$NEIGHBOURS/$build/$name.btf"
}

# each_loads PATTERN [COMMAND]: all of the build's modules load that can, each with a line in the log that matches, and
# COMMAND succeeds for each
each_loads() {
	missing='' loads=0
	while read -r name; do
		if cannot_load "$build" "$name"; then
			stand_in "$name"
		elif load "$NEIGHBOURS/$build/$name.ko" && echo "$logged" | grep -q "rust_btfreloc: $name: $1" && $2; then
			loads=$((loads + 1))
		else
			missing="$missing $name"
			echo "$name: $said$logged"
			is_loaded "$name" || stand_in "$name"
		fi
	done <"$NEIGHBOURS/modules"
	echo "$missing"
	[ -z "$missing" ]
}

powersave_is_right() {
	[ "$(powersave_prototype)" = "$POWERSAVE" ]
}

no_btf() {
	! has_btf "$name"
}

check "modules of at least one other build are there" test -s "$NEIGHBOURS/builds"
while read -r build suite; do
	outcomes "$build" >/tmp/outcomes
	while read -r name outcome; do
		diagnose "$build, without rust_btfreloc: $name: $outcome"
	done </tmp/outcomes
	refused=$(grep -c ' refused' /tmp/outcomes)
	wrong=$(grep -c ' wrong types' /tmp/outcomes)
	unknown=$(grep -c ' unknown symbol' /tmp/outcomes)
	check_equal "without, $build ($suite): $refused refused (-22), $wrong with wrong types, $unknown with symbols of other names; none is valid" \
		"$all" $((refused + wrong + unknown))
	check_equal "without, $build: what cannot load for its symbols is known beforehand" \
		"$(cut -d' ' -f1 "$NEIGHBOURS/$build/unresolved")" "$(sed -n 's/ unknown symbol.*//p' /tmp/outcomes)"
	! grep -q '^cpufreq_powersave wrong types' /tmp/outcomes || {
		found=$(powersave_prototype)
		check_has "without, $build: $POWERSAVE has another name and other types: $found" "[(](struct|const|the function)" "$found"
		check_not "without, $build: which are wrong" powersave_is_right
	}
	check "without, $build: at least ten of them can load" test $((refused + wrong)) -ge 10
	check "all of them go" unload_neighbours
done <"$NEIGHBOURS/builds"

load "$RELOC"
# Without the BTF of their kernels, one build is as good as another.
read -r build suite <"$NEIGHBOURS/builds"
can=$((all - $(wc -l <"$NEIGHBOURS/$build/unresolved")))
check "with rust_btfreloc, $build: the log says why they have no BTF" \
	each_loads "BTF dropped: made with another build of $RELEASE than this kernel: .* put the vmlinux BTF of that build at" no_btf
check_equal "with rust_btfreloc, $build: all of them load" "$can" "$loads"
check "all of them go" unload_neighbours

# As the hook puts it there, the oldest build first.
while read -r build suite; do
	check "the BTF of $build is put where rust_btfreloc looks" supply_neighbour "$build"
done <"$NEIGHBOURS/builds"
while read -r build suite; do
	can=$((all - $(wc -l <"$NEIGHBOURS/$build/unresolved")))
	check "with its BTF, $build: each module has the types that it has on its own kernel" \
		each_loads "BTF relocated by way of firmware btfreloc/$RELEASE" described
	check_equal "with its BTF, $build: all of them load" "$can" "$loads"
	check "with its BTF, $build: bpftool has $POWERSAVE" powersave_is_right
	check "with its BTF, $build: fentry fires in dummy" \
		"$probe" fentry dummy dummy_dev_init "ip link add name test0 type dummy"
	check "with its BTF, $build: fentry fires in exfat" \
		"$probe" fentry exfat exfat_init_fs_context "mount -t exfat none /tmp"
	check "with its BTF, $build: a BPF program calls a kfunc of nf_conntrack" "$probe" conntrack
	check "all of them go" unload_neighbours
done <"$NEIGHBOURS/builds"
unload rust_btfreloc
rm -r /lib/firmware/btfreloc
ktap_end
