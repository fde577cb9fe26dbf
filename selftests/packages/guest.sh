# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# guest.sh RELEASE: on a booted machine that the packages were installed on; KTAP. What it looks at was put beside it
# by scripts/check.d/packages.sh.
set -u
release=$1
cd "${0%/*}" || exit
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root
KTAP_FILE=/run/packages.output
# shellcheck source=selftests/vm/ktap.sh
. ./ktap.sh
# shellcheck source=selftests/packages/listing.sh
. ./listing.sh

is_loaded() {
	grep -q "^$1 " /proc/modules
}

has_btf() {
	[ -s "/sys/kernel/btf/$1" ] && bytes=$(wc -c <"/sys/kernel/btf/$1") && [ "$bytes" -gt 24 ]
}

# log_line PATTERN: the number of the first such line of the kernel's log
log_line() {
	dmesg | grep -nm 1 -E "$1" | cut -d: -f1
}

# before_systemd PATTERN: it is in the log before the machine's own systemd started
before_systemd() {
	line=$(log_line "$1")
	start=$(log_line 'systemd\[1\]: systemd .* running in system mode')
	[ -n "$line" ] && [ -n "$start" ] && [ "$line" -lt "$start" ]
}

# no_file_left WHAT: what was there before the packages is there again, and what the boot made
no_file_left() {
	listing >/run/now
	sort -u before /run/boot >/run/allowed
	check_equal "$1: no file is left" "" "$(comm -13 /run/allowed /run/now)"
	check_equal "$1: no file of others is gone" "" "$(comm -23 before /run/now)"
	check_equal "$1: dpkg knows none of them" "" "$(dpkg-query -W -f '${Package}\n' | grep -e btfreloc -e librust)"
}

echo "KTAP version 1"
listing >/run/booted
comm -13 installed /run/booted >/run/boot

# As it booted
check "rust_btfreloc is loaded" is_loaded rust_btfreloc
check "in the initramfs, where it relocated a module" before_systemd 'rust_btfreloc: acpi_call: BTF relocated'
check_has "it relocated a module that modules-load.d names" 'rust_btfreloc: vpoll: BTF relocated' "$(dmesg)"
check "modules-load.d found all" systemctl is-active systemd-modules-load.service
check "acpi_call has BTF" has_btf acpi_call
check "vpoll has BTF" has_btf vpoll
check "it is dkms's build" test "$(modinfo -n rust_btfreloc)" = "/lib/modules/$release/updates/dkms/rust_btfreloc.ko.xz"
check "btfreloc check" btfreloc check "/lib/modules/$release/extra/vpoll.ko" --against "/boot/vmlinuz-$release"

# Removed while it is at work
check "apt purge" apt-get -qy purge "~nbtfreloc" "~nlinux-librust"
check "rust_btfreloc is still loaded" is_loaded rust_btfreloc
check "acpi_call still has BTF" has_btf acpi_call
no_file_left "purged"
check_equal "nor is it in the initramfs" "" "$(lsinitramfs "/boot/initrd.img-$release" | grep btfreloc)"
check "rmmod" rmmod rust_btfreloc
check "acpi_call has BTF without it" has_btf acpi_call
check "vpoll has BTF without it" has_btf vpoll

# The built module; what its triggers ask for is put off, as an initramfs takes a minute to make under emulation.
dpkg_does() {
	dpkg --no-triggers "$@"
}

asks_for_initramfs() {
	dpkg-query -W -f '${Triggers-Pending}' initramfs-tools | grep -w update-initramfs
}

# What the module has logged so far: a module that was loaded anew would have logged more
logged() {
	dmesg | grep -c 'rust_btfreloc: '
}

check "install rust-btfreloc-modules" dpkg_does -i debs/rust-btfreloc-common_*.deb debs/rust-btfreloc-modules-*.deb
check "it asks for a new initramfs" asks_for_initramfs
check "modprobe" modprobe rust_btfreloc
check "it is the package's" test "$(modinfo -n rust_btfreloc)" = "/lib/modules/$release/updates/btfreloc/rust_btfreloc.ko"
check "a module is relocated" modprobe langford
check "langford has BTF" has_btf langford

# Upgraded while relocated modules are loaded
before_upgrade=$(logged)
check "upgrade" dpkg_does -i debs/next/*.deb
check "the loaded module goes on" is_loaded rust_btfreloc
check_equal "it was not loaded anew" "$before_upgrade" "$(logged)"
check "reload" sh -c "rmmod rust_btfreloc && modprobe rust_btfreloc"
for name in acpi_call vpoll langford; do
	check "$name has BTF after the upgrade" has_btf $name
done
check "a module that was relocated before is removed" rmmod langford
check "and relocated again" modprobe langford
check_has "as the log says" 'rust_btfreloc: langford: BTF relocated' "$(dmesg | tail -n 20)"

check "purge" dpkg_does --purge "rust-btfreloc-modules-$release" rust-btfreloc-common
check "rust_btfreloc is still loaded, again" is_loaded rust_btfreloc
no_file_left "purged again"
ktap_end
