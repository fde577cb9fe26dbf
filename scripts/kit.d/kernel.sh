# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What is made of one kernel's packages: a prepared tree, its boot files, its modules.

# Left out of the source: large, and no build of an external module reads it.
SOURCE_WITHOUT="--exclude=*/Documentation/*/* --exclude=*/drivers/gpu/drm/amd/include --exclude=*/tools/testing/* --exclude=*/tools/perf/*"

step_source() {
	set_undone "tree/$1"
	unpack_source "$1" "$KIT/tree/$1" "$SOURCE_WITHOUT"
}

# unpack_source RELEASE TREE EXCLUDES
unpack_source() {
	tree=$2
	remove "$tree"
	mkdir -p "$tree"
	deb=$KIT/debs/source-$1.deb
	fetch_deb "linux-source-$(set_of "$1" 3)=$(set_of "$1" 2)" "$deb"
	# Words, and patterns that are tar's alone.
	set -f
	# shellcheck disable=SC2086
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards '*/linux-source-*.tar.xz' | xz -dc |
		tar -xv -C "$tree" --strip-components=1 $3
	set +f
	[ -f "$tree/rust/kernel/lib.rs" ] || fail "linux-source of $1 has no rust/kernel: choose another KERNEL"
	rm "$deb"
}

step_boot() {
	boot=$KIT/boot/$1
	remove "$boot" "$boot.new"
	mkdir -p "$boot.new/deb"
	fetch_deb "$(set_of "$1" 4)=$(set_of "$1" 2)" "$boot.new/image.deb"
	dpkg-deb -x "$boot.new/image.deb" "$boot.new/deb"
	vmlinuz=$(find "$boot.new/deb" -type f -name 'vmlinuz*')
	mv "$vmlinuz" "$boot.new/vmlinuz"
	remove "$boot.new/deb" "$boot.new/image.deb"
	cp "$KIT/headers/$1/config" "$boot.new/config"
	# The script that undoes the compression is in the kernel's source, and any version's serves.
	in_root sh "$KIT/tree/$RUNNING/scripts/extract-vmlinux" "$boot.new/vmlinuz" >"$boot.new/vmlinux"
	in_root objcopy --dump-section .BTF="$boot.new/vmlinux.btf" "$boot.new/vmlinux" /dev/null
	in_root bpftool btf dump file "$boot.new/vmlinux.btf" | grep -q "STRUCT 'module'" ||
		fail "vmlinux of $1 holds no usable BTF: choose another KERNEL"
	mv "$boot.new" "$boot"
}

step_modules() {
	modules=$KIT/modules/$1
	remove "$modules" "$modules.new"
	mkdir -p "$modules.new/deb" "$modules.new/lib"
	fetch_deb "$(set_of "$1" 5)=$(set_of "$1" 2)" "$modules.new/modules.deb"
	dpkg-deb -x "$modules.new/modules.deb" "$modules.new/deb"
	if [ -d "$modules.new/deb/usr/lib/modules" ]; then
		mv "$modules.new/deb/usr/lib/modules" "$modules.new/lib/"
	else
		mv "$modules.new/deb/lib/modules" "$modules.new/lib/"
	fi
	remove "$modules.new/deb" "$modules.new/modules.deb"
	in_root depmod -b "$modules.new" "$1"
	mv "$modules.new" "$modules"
}

# same_tool RELEASE OPTION TOOL: fails where the root's tool is not the one that the .config names
same_tool() {
	built_with=$(config_text "$1" "$2")
	here=$(in_root "$3" --version | head -n 1)
	[ "$here" = "$built_with" ] ||
		fail "kernel $1 was built with '$built_with', but $SUITE has '$here' now: choose another KERNEL, or an archive with DEBIAN_MIRROR that still has it"
}

step_tree() {
	tree=$KIT/tree/$1
	stock=$KIT/headers/$1
	same_tool "$1" CONFIG_RUSTC_VERSION_TEXT rustc
	same_tool "$1" CONFIG_BINDGEN_VERSION_TEXT bindgen
	same_tool "$1" CONFIG_CC_VERSION_TEXT "$CC"
	# From here on the source is no longer as it was unpacked: an interrupted run unpacks it again.
	set_undone "source/$1"
	cp "$stock/config" "$tree/.config"
	cp "$stock/Module.symvers" "$tree/Module.symvers"
	ln -f "$KIT/boot/$1/vmlinux" "$tree/vmlinux"
	# The signing keys are Debian's own.
	(cd "$tree" && in_root scripts/config --set-str SYSTEM_TRUSTED_KEYS "" --set-str MODULE_SIG_KEY "")
	set -- "$1" in_root make -C "$tree" CC="$CC" HOSTCC="${CC#x86_64-linux-gnu-}" KERNELRELEASE="$1"
	release=$1
	shift
	"$@" olddefconfig
	lost=$(diff_configs "$stock/config" "$tree/.config")
	[ -z "$lost" ] || fail "the tools of $SUITE change the configuration of $release ($lost): choose another KERNEL"
	"$@" -j"$(nproc)" prepare modules_prepare
	check_rust_symbols "$tree"
	set_done "source/$release" 1
}

# diff_configs STOCK NEW: the options that differ, but for the keys
diff_configs() {
	for config in "$1" "$2"; do
		grep -E '^CONFIG_' "$config" | grep -vE '^CONFIG_(SYSTEM_TRUSTED_KEYS|MODULE_SIG_KEY)=' | sort >"$config.sorted"
	done
	comm -3 "$1.sorted" "$2.sorted" | tr -d '\t' | head -n 3 | tr '\n' ' '
	rm "$1.sorted" "$2.sorted"
}

# The names carry hashes of the compiler and of each crate: a module built here loads only if they are the kernel's.
# Prints how many of the kernel's Rust symbols come out the same, and how many it has.
count_rust_symbols() {
	lists=$(mktemp -d)
	awk '$2 ~ /^_R/ && $3 == "vmlinux" { print $2 }' "$1/Module.symvers" | sort >"$lists/stock"
	cat "$1"/rust/exports_*_generated.h | grep -o '_R[A-Za-z0-9_]*' | sort -u >"$lists/here"
	echo "$(comm -12 "$lists/stock" "$lists/here" | wc -l) $(wc -l <"$lists/stock")"
	rm -r "$lists"
}

check_rust_symbols() {
	counts=$(count_rust_symbols "$1")
	echo "Rust symbols as in the stock kernel: ${counts% *} of ${counts#* }"
	[ "${counts#* }" -gt 0 ] || fail "the headers of $(basename "$1") list no Rust symbols: choose another KERNEL"
	[ "${counts% *}" = "${counts#* }" ] ||
		fail "only ${counts% *} of the kernel's ${counts#* } Rust symbols come out the same ($(basename "$1")): its toolchain is not this one, choose another KERNEL"
}

# check_trial PATH: what distributions ship has no list of the symbols of the kernel's crates. A small module is built
# there, and the Rust symbols that it refers to have to be among those that the kernel exports.
check_trial() {
	trial=$(mktemp -d)
	trap 'rm -rf "$trial"' EXIT
	cp "$REPO_SCRIPTS"/kit.d/trial/* "$trial"
	make -s -C "$1" M="$trial" KBUILD_MODPOST_WARN=1 CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$trial/log" 2>&1 ||
		die "no module in Rust can be built for $1: $(grep -m 1 '^error' "$trial/log" || tail -n 1 "$trial/log"). The metadata in $1/rust has to be that of this kernel and of $built_with: install it again"
	nm -u "$trial/btfreloc_trial.o" | awk '$2 ~ /^_R/ { print $2 }' | sort -u >"$trial/wanted"
	awk '$2 ~ /^_R/ { print $2 }' "$1/Module.symvers" | sort >"$trial/exported"
	comm -23 "$trial/wanted" "$trial/exported" >"$trial/missing"
	[ -s "$trial/wanted" ] || die "a module in Rust that was built for $1 refers to nothing of the kernel's: $(tail -n 1 "$trial/log")"
	[ ! -s "$trial/missing" ] ||
		die "$(wc -l <"$trial/missing") of the $(wc -l <"$trial/wanted") Rust symbols that a small module refers to are not in $1/Module.symvers, so no module would load ($(head -n 1 "$trial/missing")): the metadata in $1/rust is of another build of this kernel, install that of this one"
}

# check_tree PATH: is the user's own tree ready for external Rust modules? Uses the host's tools.
check_tree() {
	[ -f "$1/Makefile" ] || die "$1 is not a kernel tree: give the folder with the built kernel's Makefile and .config"
	[ -f "$1/.config" ] || die "$1 has no .config: copy the running kernel's there (/boot/config-RELEASE) and run 'make prepare modules_prepare'"
	grep -qx CONFIG_RUST=y "$1/.config" || die "the kernel in $1 is configured without Rust: it needs CONFIG_RUST=y"
	grep -qx CONFIG_DEBUG_INFO_BTF_MODULES=y "$1/.config" || die "the kernel in $1 is configured without module BTF: it needs CONFIG_DEBUG_INFO_BTF_MODULES=y"
	built_with=$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"$/\1/p' "$1/.config")
	rustc=${RUSTC:-rustc}
	have "$rustc" || die "no rustc on this host: install '$built_with', or name it with RUSTC=/path/to/rustc"
	here=$("$rustc" --version) || die "$rustc does not run on this host: name a rustc that does with RUSTC=/path/to/rustc"
	[ "$here" = "$built_with" ] || die "$1 was built with '$built_with', this host has '$here': install the former or name it with RUSTC=/path/to/rustc"
	[ -d "$1/rust" ] || die "$1 holds headers without Rust: install the package with the Rust metadata of this kernel (Debian: linux-librust-RELEASE, Ubuntu: linux-lib-rust-RELEASE), give a full kernel tree, or for a kernel of Debian's: make module KERNEL=RELEASE"
	[ -s "$1/Module.symvers" ] || die "$1 has no Module.symvers: build the kernel there, or copy it from the running kernel's headers"
	for part in libcore.rmeta libkernel.rmeta libmacros.so; do
		[ -f "$1/rust/$part" ] ||
			die "$1 has no rust/$part: run 'make -C $1 prepare modules_prepare', or install the package with the Rust metadata of this kernel again"
	done
	if [ -f "$1/rust/exports_kernel_generated.h" ]; then
		counts=$(count_rust_symbols "$1")
		[ "${counts% *}" = "${counts#* }" ] ||
			die "only ${counts% *} of the ${counts#* } Rust symbols in $1/Module.symvers come out the same here, so no module would load: run 'make -C $1 prepare' with the very rustc and bindgen of the running kernel"
	else
		check_trial "$1"
	fi
	[ -f "$1/vmlinux" ] || say "$ME: $1 has no vmlinux, so modules built there carry no BTF: to have it, put there what scripts/extract-vmlinux makes of the vmlinuz"
	echo "$1: ready for external Rust modules"
}
