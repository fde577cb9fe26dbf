#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# kabi-build.sh FIRST UPDATE, in the kit's root: modules that are built once, on the first of two kernels of a kABI series.
# In build/FIRST/kabi:
#
#   distilled  external modules as kbuild makes them: .BTF with .BTF.base
#   plain      the same without .BTF.base, as kernels before 6.11 made them
#   in-tree    the first kernel's own modules
#   bpf        btfprobe
#   NAME.btf   in each of these, the .BTF of NAME.ko
#   list       the names of the external modules: NAME GROUP
set -eu
REPO_SCRIPTS=scripts
# shellcheck source=scripts/lib.sh
. "$REPO_SCRIPTS/lib.sh"
find_kit
read_kernels
first=$1 update=$2
tree=$KIT/tree/$first
out=$REPO/build/$first/kabi
work=$out/work
log=$work/log
mkdir -p "$work/built-for" "$out/distilled" "$out/plain" "$out/in-tree"
: >"$log"

# kbuild_in FOLDER ARGUMENT...
kbuild_in() {
	kbuild_folder=$1
	shift
	make -s -C "$tree" M="$kbuild_folder" CC="$CC" HOSTCC="${CC#x86_64-linux-gnu-}" \
		BUILT_FOR_DIR="$work/built-for" "$@" modules >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "$kbuild_folder does not compile for $first (all of the output is in $log)"
	}
}

# dump_btf KO: its .BTF beside it
dump_btf() {
	objcopy --dump-section .BTF="${1%.ko}.btf" "$1" /dev/null
}

# build GROUP SOURCE
build() {
	folder=$work/${2##*/}
	key=$({
		find "$2" -type f -exec cat {} +
		cat "$0" "$work/built-for/built_for.h"
		ls -l --full-time "$tree/vmlinux" "$tree/Module.symvers"
	} | cksum)
	if [ "$(cat "$folder.key" 2>/dev/null)" != "$key" ]; then
		for way in plain distilled; do
			rm -rf "$folder"
			cp -r "$2" "$folder"
			if [ $way = plain ]; then
				kbuild_in "$folder" RESOLVE_BTFIDS_FLAGS=
			else
				kbuild_in "$folder"
			fi
			for ko in "$folder"/*.ko; do
				strip --strip-debug -o "$out/$way/${ko##*/}" "$ko"
				dump_btf "$out/$way/${ko##*/}"
			done
		done
		echo "$key" >"$folder.key"
	fi
	for ko in "$folder"/*.ko; do
		name=${ko##*/}
		echo "${name%.ko} $1" >>"$out/list.new"
	done
}

# The demonstration's own module uses what the update changed.
make -s -C selftests/peer KDIR="$tree" OUT="$REPO/build/$first/peer"
build/"$first"/peer/changed-types "$KIT/boot/$first/vmlinux.btf" "$KIT/boot/$update/vmlinux.btf" \
	>"$work/built-for/built_for.h"
rm -f "$out/list.new"
build ours "$REPO/selftests/modules"
for source in "$KIT"/third-party/*/; do
	build third-party "${source%/}"
done
mv "$out/list.new" "$out/list"
find "$KIT/modules/$first" -name '*.ko' -exec cp {} "$out/in-tree" ';'
for ko in "$out"/in-tree/*.ko; do
	dump_btf "$ko"
done
make -s -C selftests/bpf KDIR="$tree" OUT="$REPO/build/$first/kabi/bpf" BUILT_FOR_DIR="$work/built-for"
