# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Two kernels of one kABI series, built whole from the source of the running kernel: a first release with MODVERSIONS,
# and an update of it that keeps the version of each symbol that modules use. Made by 'scripts/kit kabi' alone.

KABI=$REPO_SCRIPTS/kit.d/kabi
# No kernel of this configuration reads these, but Kconfig reads all that is beside them.
KABI_WITHOUT="--exclude=linux-source-*/arch/[!x]*.[chS] --exclude=*.dts --exclude=*.dtsi --exclude=*/drivers/accel/*.[ch]
	--exclude=*/drivers/gpu/*.[ch] --exclude=*/drivers/infiniband/*.[ch] --exclude=*/drivers/media/*.[ch]
	--exclude=*/drivers/net/*/*.[ch] --exclude=*/drivers/scsi/*.[ch] --exclude=*/drivers/staging/*.[ch]
	--exclude=linux-source-*/sound/*/*.[ch]"
# Lines in the log of a whole build, roughly.
KABI_LINES=1700

# kabi_release first|update
kabi_release() {
	echo "${RUNNING%%+*}-kabi$([ "$1" = first ] && echo 1 || echo 2)"
}

kabi_steps() {
	[ -n "${RUNNING:-}" ] || return 0
	echo "kabi-source/$(kabi_release first)"
	echo "kabi/$(kabi_release first)"
	echo "kabi/$(kabi_release update)"
}

# What each was made from; the later ones are made from the earlier ones.
kabi_key() {
	{
		set_of "$RUNNING" 2
		cat "$KABI-first.patch"
		case $1 in
		kabi/*) grep '^[^#]' "$KABI.config" ;;
		esac
		[ "$1" != "kabi/$(kabi_release update)" ] || cat "$KABI-update.patch" "$KABI-update.config"
	} | cksum | cut -d' ' -f1
}

step_kabi_source() {
	set_undone "kabi/$1"
	unpack_source "$RUNNING" "$KIT/tree/$1" "$SOURCE_WITHOUT $KABI_WITHOUT"
	apply "$KABI-first.patch" "$KIT/tree/$1"
}

step_kabi() {
	first=$(kabi_release first)
	update=$(kabi_release update)
	if [ "$1" = "$first" ]; then
		set_undone "kabi/$update"
		remove "$KIT/tree/$update"
		build_kabi "$first" "$KABI.config"
	else
		copy_first
		build_kabi "$update" "$KABI.config" "$KABI-update.config"
	fi
}

# apply PATCH TREE
apply() {
	in_root patch -d "$2" -p1 --forward -i "$1" ||
		fail "${1##*/} does not apply to the source of $RUNNING: try KERNEL=RELEASE with another kernel"
}

# The update is made from the first release, as built, so that only what it changes is compiled again.
copy_first() {
	copied=$KIT/tree/$update/.copied
	key=$(kabi_key "kabi/$update")
	[ "$(cat "$copied" 2>/dev/null)" != "$key" ] || return 0
	remove "$KIT/tree/$update" "$KIT/tree/$update.new"
	cp -a "$KIT/tree/$first" "$KIT/tree/$update.new"
	apply "$KABI-update.patch" "$KIT/tree/$update.new"
	# Commands hold the path of the tree that they ran in: with another, objtool would be built anew, and all after it.
	find "$KIT/tree/$update.new" -name '.*.cmd' -exec grep -lZF "$KIT/tree/$first" {} + |
		xargs -0 -r sed -i "s|$KIT/tree/$first|$KIT/tree/$update|g"
	mv "$KIT/tree/$update.new" "$KIT/tree/$update"
	echo "$key" >"$copied"
}

# build_kabi RELEASE CONFIG...: leaves boot/RELEASE and modules/RELEASE as those of stock kernels are; goes on where it
# was interrupted
build_kabi() {
	release=$1 tree=$KIT/tree/$1
	shift
	{
		cat "$@"
		echo "CONFIG_LOCALVERSION=\"-${release##*-}\""
	} >"$tree/kabi.config"
	set -- in_root make -C "$tree" CC="$CC" HOSTCC="${CC#x86_64-linux-gnu-}" KBUILD_GENDWARFKSYMS_STABLE=1
	"$@" -s KCONFIG_ALLCONFIG=kabi.config allnoconfig
	check_config "$tree"
	"$@" -j"$(nproc)" bzImage modules
	[ "$(cat "$tree/include/config/kernel.release")" = "$release" ] ||
		fail "the kernel in $tree is called $(cat "$tree/include/config/kernel.release"), not $release"
	remove "$KIT/modules/$release" "$KIT/boot/$release" "$KIT/boot/$release.new"
	mkdir -p "$KIT/modules/$release" "$KIT/boot/$release.new"
	"$@" INSTALL_MOD_PATH="$KIT/modules/$release" INSTALL_MOD_STRIP=1 modules_install
	cp "$tree/arch/x86/boot/bzImage" "$KIT/boot/$release.new/vmlinuz"
	cp "$tree/.config" "$KIT/boot/$release.new/config"
	in_root objcopy --dump-section .BTF="$KIT/boot/$release.new/vmlinux.btf" "$tree/vmlinux" /dev/null
	mv "$KIT/boot/$release.new" "$KIT/boot/$release"
}

# Kconfig drops what depends on something that is missing without a word: Rust and BTF among them.
check_config() {
	lost=$(grep -E '^(CONFIG_|# CONFIG_.* is not set)' "$1/kabi.config" | grep -vxFf "$1/.config" || :)
	# What is off may not be mentioned at all.
	for line in $(printf '%s\n' "$lost" | sed -n 's/^# \(CONFIG_.*\) is not set$/\1/p'); do
		grep -q "^$line=" "$1/.config" || lost=$(printf '%s\n' "$lost" | grep -vxF "# $line is not set" || :)
	done
	[ -z "$lost" ] || fail "Kconfig of $RUNNING does not take all of kabi.config: $(printf '%s' "$lost" | tr '\n' ' ')"
}

# What the log says of how far the build is.
kabi_progress() {
	if grep -q '^ *LD .*vmlinux' "$KIT/log/$1" 2>/dev/null; then
		echo "linking, with BTF"
	else
		count_lines "$1" '^ *[A-Z][A-Z]* ' "of some $KABI_LINES built"
	fi
}
