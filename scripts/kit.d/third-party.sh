# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Sources of real external modules, as Debian packages them for DKMS.

THIRD_PARTY="acpi-call langford vpoll"

step_third_party() {
	remove "$KIT/third-party.new"
	mkdir -p "$KIT/third-party.new"
	for name in $THIRD_PARTY; do
		folder=$KIT/third-party.new/$name
		fetch_deb "$name-dkms" "$KIT/debs/$name.deb"
		mkdir -p "$folder/deb"
		dpkg-deb -x "$KIT/debs/$name.deb" "$folder/deb"
		rm "$KIT/debs/$name.deb"
		conf=$(find "$folder/deb/usr/src" -name dkms.conf)
		[ -n "$conf" ] || fail "$name-dkms holds no dkms.conf"
		mv "$(dirname "$conf")" "$folder/source"
		remove "$folder/deb"
		mv "$folder"/source/* "$folder/"
		remove "$folder/source"
		echo "$name: $(find "$folder" -type f | wc -l) files"
	done
	remove "$KIT/third-party"
	mv "$KIT/third-party.new" "$KIT/third-party"
}
