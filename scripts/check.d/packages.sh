#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests the packages of scripts/deb; KTAP. In a root of Debian stable with a stock kernel, they are installed; it boots
# in a VM, where they are used, upgraded and removed (selftests/packages/guest.sh).
set -eu
REPO_SCRIPTS=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$REPO_SCRIPTS/lib.sh"
find_kit
for part in kit.d/host.sh kit.d/archive.sh kit.d/root.sh kit.d/trixie.sh vm.d/root.sh vm.d/qemu.sh; do
	# shellcheck source=/dev/null
	. "$REPO_SCRIPTS/$part"
done
read_kernels || die "the development kit is not made yet: run scripts/kit"
cd "$REPO"
work=$REPO/build/packages
KTAP_FILE=$work/ktap.output
# shellcheck source=selftests/vm/ktap.sh
. selftests/vm/ktap.sh
# Seconds that the machine may run
machine_limit=900

# deb NAME: the path of a package that was made
deb() {
	find "$REPO/build/deb" -maxdepth 1 -name "$1_*.deb"
}

# on_copy COMMAND...: in the machine's root
on_copy() {
	in_trixie "$copy" "$@"
}

# note WHAT: where it is, on the way
note() {
	say "# $* ($(seconds_since "$begin") so far)"
}

# What a machine has before: the kernel with few of its modules, as depmod under emulation reads them all, and modules
# of others.
prepare_machine() {
	modules=$copy/usr/lib/modules/$release
	as_trixie find "$modules/kernel/drivers" "$modules/kernel/net" "$modules/kernel/sound" -mindepth 1 -maxdepth 1 \
		! -name block ! -name virtio ! -name char -exec rm -rf {} +
	put "$modules/extra" build/"$release"/modules/distilled/acpi_call.ko build/"$release"/modules/distilled/vpoll.ko \
		build/"$release"/modules/distilled/langford.ko
	put "$copy/opt/packages" selftests/packages/*.sh selftests/vm/ktap.sh
	put "$copy/etc/systemd/system" selftests/packages/packages.service
	# shellcheck disable=SC2016 # expanded by the inner shell
	on_copy sh -euc '
		release=$1
		depmod "$release"
		echo MODULES=list >/etc/initramfs-tools/conf.d/packages
		printf "%s\n" virtio_blk ext4 acpi_call >>/etc/initramfs-tools/modules
		echo vpoll >/etc/modules-load.d/vpoll.conf
		echo "/dev/vda / ext4 rw 0 1" >/etc/fstab
		systemctl enable packages.service
		systemctl mask apt-daily.timer apt-daily-upgrade.timer systemd-timesyncd.service
		# On the first build it would make a key for signing, which is kept.
		[ -e /var/lib/dkms/mok.key ] || dkms generate_mok
		update-initramfs -u -k "$release"
	' sh "$release"
}

# put FOLDER FILE...: copies in the machine's root, which belong to its root
put() {
	put_folder=$1
	shift
	as_trixie mkdir -p "$put_folder"
	for put_file; do
		# shellcheck disable=SC2016 # expanded by the inner shell
		as_trixie sh -c 'cat >"$1"' sh "$put_folder/${put_file##*/}" <"$put_file"
	done
}

# list NAME: all files of the machine now, for the guest
list() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	on_copy env REPO="$REPO" sh -c '. /opt/packages/listing.sh; listing >"/opt/packages/$1"' sh "$1"
}

# install_packages WHAT NAME...: by apt, as a user would; what it says is in $said
install_packages() {
	install_what=$1
	shift
	debs=
	for name; do
		debs="$debs $(deb "$name")"
	done
	install_status=0
	# shellcheck disable=SC2086 # words
	said=$(on_copy apt-get -qy install $debs 2>&1) || install_status=$?
	[ "$install_status" = 0 ] || diagnose "$said"
	result "$install_status" "$install_what"
}

installed() {
	# Without linux-librust the headers are incomplete: no error, but the reason.
	install_packages "apt install rust-btfreloc-dkms" rust-btfreloc-common rust-btfreloc-dkms
	check_has "without the kernel's Rust metadata it says what to install" \
		"rust_btfreloc is not built for $release_text: .* install linux-librust-$release_text" "$said"
	check_equal "and builds nothing" "" "$(on_copy dkms status | grep installed)"
	install_packages "apt install linux-librust-$release btfreloc" "linux-librust-$release" btfreloc
	check_has "with them dkms builds it" "rust-btfreloc/.*, $release_text, x86_64: installed" "$(on_copy dkms status)"
	check_has "and signs it" "DKMS module signing key" "$(on_copy modinfo -k "$release" -F signer rust_btfreloc)"
	check_has "it is in the initramfs" 'updates/dkms/rust_btfreloc\.ko' \
		"$(on_copy lsinitramfs "/boot/initrd.img-$release" | grep btfreloc)"
	on_copy sh -c "unmkinitramfs /boot/initrd.img-$release /tmp/initramfs && cat /tmp/initramfs/scripts/init-top/ORDER \
		/tmp/initramfs/main/scripts/init-top/ORDER 2>/dev/null; rm -r /tmp/initramfs" >"$work/order"
	check_equal "and loaded there before udev starts" "btfreloc udev" \
		"$(sed -n 's,^/scripts/init-top/\(btfreloc\|udev\) .*,\1,p' "$work/order" | tr '\n' ' ' | sed 's/ $//')"
	check_equal "btfreloc --version" "btfreloc $(project_version)" "$(on_copy btfreloc --version | head -n 1)"
	check "the kernel's BTF is kept" on_copy sh -c "test -s /lib/firmware/btfreloc/$release.btf.*"
	# A kernel that came while the package was away
	check "btfreloc is removed" on_copy sh -c "apt-get -qy remove btfreloc && rm -r /lib/firmware/btfreloc"
	install_packages "and installed again" btfreloc
	check "the kernel's BTF is kept again" on_copy sh -c "test -s /lib/firmware/btfreloc/$release.btf.*"
	files=$(on_copy dpkg -L btfreloc)
	for file in /usr/share/man/man1/btfreloc-check.1.gz /usr/share/bash-completion/completions/btfreloc \
		/usr/share/zsh/vendor-completions/_btfreloc /usr/share/fish/vendor_completions.d/btfreloc.fish; do
		check_has "btfreloc has $file" "^$file\$" "$files"
	done
	check "bash reads its completions" on_copy bash -euc '. /usr/share/bash-completion/completions/btfreloc; complete -p btfreloc'
}

# The other compiler is named, with the one that is wanted.
other_rustc() {
	printf '#!/bin/sh\necho "rustc 1.99.0 (another)"\n' >"$work/rustc"
	chmod +x "$work/rustc"
	said=$(on_copy env RUSTC="$work/rustc" "/usr/src/rust-btfreloc-$(project_version)/dkms-check" "$release" \
		"/lib/modules/$release/build") && said="accepted: $said"
	check_has "another rustc is refused, with both names" \
		"not built for $release_text: that kernel was built with 'rustc .*', here is 'rustc 1.99.0 \(another\)'" "$said"
}

# A plain root knows of no kernel and no compiler: apt brings what is needed, and the right rustc of the two there are.
resolved() {
	set --
	for name in btfreloc rust-btfreloc-common rust-btfreloc-dkms "linux-librust-$release"; do
		set -- "$@" "$(deb "$name")"
	done
	said=$(in_trixie "$plain" apt-get -qs install "$@" 2>&1) || diagnose "$said"
	said=$(printf '%s\n' "$said" | grep -E '^Inst (rustc|linux|rust-btfreloc)')
	wanted=$(config_text "$release" CONFIG_RUSTC_VERSION_TEXT | cut -d' ' -f2)
	check_has "apt finds the kernel's rustc" "^Inst rustc \($wanted" "$said"
	check_has "and its headers" "^Inst linux-headers-$release_text " "$said"
	check_has "and all else" "^Inst rust-btfreloc-dkms " "$said"
}

# The same with the next version, for the upgrade
next_debs() {
	mkdir -p "$work/debs/next"
	for name in rust-btfreloc-common "rust-btfreloc-modules-$release"; do
		path=$(deb "$name")
		cp "$path" "$work/debs/"
		remove "$work/next"
		dpkg-deb -R "$path" "$work/next"
		sed -i "s/^Version: .*/&+next/; s/(= $(project_version))/(= $(project_version)+next)/" "$work/next/DEBIAN/control"
		dpkg-deb --root-owner-group -b "$work/next" "$work/debs/next/$name.deb" >/dev/null
	done
	put "$copy/opt/packages/debs" "$work"/debs/*.deb
	put "$copy/opt/packages/debs/next" "$work"/debs/next/*.deb
}

# boot_machine: the copy as a disk; sets machine_status
boot_machine() {
	run=$work/machine
	remove "$run"
	mkdir -p "$run"
	as_trixie cat "$copy/boot/vmlinuz-$release" >"$run/vmlinuz"
	as_trixie cat "$copy/boot/initrd.img-$release" >"$run/initrd"
	# With its own mke2fs: the host need not have one.
	as_trixie "$copy/lib64/ld-linux-x86-64.so.2" --library-path "$copy/usr/lib/x86_64-linux-gnu" \
		"$copy/usr/sbin/mke2fs" -q -t ext4 -d "$copy" "$run/disk" 4G >"$run/mke2fs" 2>&1 || {
		cat "$run/mke2fs" >&2
		die "could not make the machine's disk"
	}
	note "the machine boots"
	# shellcheck disable=SC2034 # for boot
	memory=2048 append="root=/dev/vda rw"
	# What scripts/vm found out, where it did
	accelerator=$(cat "$KIT/vm/accelerator-$(id -u)-$(cat /proc/sys/kernel/random/boot_id)" 2>/dev/null) || accelerator=tcg
	touch "$run/output"
	(cd "$run" && boot "$machine_limit" "$accelerator" "$run/initrd" \
		-drive file="$run/disk",if=virtio,format=raw,cache=unsafe \
		-chardev file,id=output,path=output -device virtserialport,chardev=output,name=output >&2) &
	machine=$!
	tail -c +1 -f -s 0.2 --pid=$machine "$run/output" | sed -u 's/^/  /' &
	reader=$!
	machine_status=0
	wait $machine || machine_status=$?
	machine=
	wait $reader || :
	if awk -f "$REPO_SCRIPTS/vm.d/splat.awk" /dev/null "$run/console" >"$run/splats"; then
		diagnose "$(cat "$run/splats")"
		machine_status=1
	fi
	[ "$(sed -n 's/^exit //p' "$run/status" | head -n 1)" = 0 ] || machine_status=1
	[ "$machine_status" = 0 ] || diagnose "its console: $run/console"
	rm -f "$run/disk"
}

# shellcheck disable=SC2317 # called by trap
finish() {
	trap - EXIT INT TERM HUP
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || :
	for folder in $copy $plain; do
		trixie_remove "$folder"
	done
}

echo "KTAP version 1"
begin=$(now)
copy=
plain=
machine=
trap finish EXIT
trap 'finish; exit 130' INT
trap 'finish; exit 143' TERM HUP
remove "$work"
mkdir -p "$work"
trixie_image plain
plain=$(trixie_folder)
trixie_copy plain "$plain"
release=$(trixie_kernel "$plain")
# As grep -E takes it
release_text=$(printf '%s' "$release" | sed 's/[+.]/\\&/g')
[ -f "build/$release/modules/distilled/vpoll.ko" ] || die "no test modules for $release yet: run scripts/build tests $release"
trixie_image packages systemd-sysv udev kmod initramfs-tools zstd e2fsprogs linux-base/trixie-backports \
	"linux-image-$release" "linux-headers-$release" dkms rustc
note "making the packages"
check "the packages are made, and lintian has nothing to say" scripts/deb
note "installing them"
resolved
copy=$(trixie_folder)
trixie_copy packages "$copy"
check "a machine with a stock kernel" prepare_machine
list before
installed
other_rustc
next_debs
list installed
note "making its disk"
boot_machine
result "$machine_status" "on the booted machine: used, removed, upgraded"
note "done"
ktap_end
