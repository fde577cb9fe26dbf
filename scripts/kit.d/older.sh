# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Older kernels, without Rust, on which modules are to have valid BTF by the host tool alone: what is needed to boot them,
# to build modules for them, some of their own modules, and the BTF of another build of each. Made by 'scripts/kit older' alone.

# By series, the suite that it is in.
OLDER_SUITES="6.1:bookworm 6.12:trixie"
OLDER_MODULES=$REPO/selftests/vm/older-modules

older_series() {
	echo "$OLDER_SUITES" | tr ' ' '\n' | sed 's/:.*//'
}

older_steps() {
	older_series | sed 's|^|older/|'
}

# Counts the ways in which it was made.
OLDER_RECIPE=2

older_key() {
	{
		echo "$OLDER_RECIPE"
		cat "$OLDER_MODULES"
	} | cksum | cut -d' ' -f1
}

# older_builds SERIES: from a Packages file, RELEASE VERSION of each build with headers and an image, the newest first
older_builds() {
	awk -v series="$1" '
		/^Package: / { name = $2 }
		/^Version: / { version[name] = $2 }
		END {
			for (name in version) {
				release = substr(name, length("linux-headers-") + 1)
				if (name !~ /^linux-headers-[0-9.]+[-+][0-9a-z]+-amd64$/ || index(release, series ".") != 1)
					continue
				if (version["linux-image-" release "-unsigned"] == version[name])
					print release, version[name]
			}
		}' | sort -rV
}

# unpack_older PACKAGE=VERSION FOLDER
unpack_older() {
	fetch_deb "$1" "$KIT/debs/older.deb"
	mkdir -p "$2"
	dpkg-deb -x "$KIT/debs/older.deb" "$2"
	rm "$KIT/debs/older.deb"
	if [ -d "$2/usr/lib/modules" ]; then
		mkdir -p "$2/lib"
		mv "$2/usr/lib/modules" "$2/lib/"
	fi
}

# older_image FOLDER RELEASE: its BTF, in FOLDER/vmlinux.btf
older_image() {
	in_root sh "$KIT/tree/$RUNNING/scripts/extract-vmlinux" "$1/boot/vmlinuz-$2" >"$1/vmlinux"
	in_root objcopy --dump-section .BTF="$1/vmlinux.btf" "$1/vmlinux" /dev/null
}

# older_modules NAME...: paths of these modules and those they need, in the order in which they load
older_modules() {
	in_root modprobe -d "$new/image" -S "$release" --show-depends --all "$@" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# put_older FOLDER: puts the modules whose paths it reads there, unpacked, as NAME.ko; prints the names
put_older() {
	mkdir "$1"
	while read -r file; do
		name=$(basename "$file" | sed 's/[.]ko.*//; s/-/_/g')
		case $file in
		*.xz) xz -dc "$file" >"$1/$name.ko" ;;
		*) cp "$file" "$1/$name.ko" ;;
		esac
		echo "$name"
	done
}

# Leaves in $KIT/older/SERIES: release and sibling-release (names), vmlinuz, vmlinux.btf, the sibling's BTF as sibling.btf,
# headers (as packaged, the folder usr), in-tree and modules (modules, and their names in the order in which they load),
# first and first-modules (the same for those that the virtual machine needs, where the kernel has none of it built in).
step_older() {
	older=$KIT/older/$1
	new=$older.new
	remove "$older" "$new"
	APT_STATE=$KIT/apt.older
	suite=$(echo "$OLDER_SUITES" | tr ' ' '\n' | sed -n "s/^$1://p")
	mkdir -p "$new" "$APT_STATE" "$KIT/debs"
	fetch_index "$suite"
	packages_of "$suite" >"$APT_STATE/packages"
	older_builds "$1" <"$APT_STATE/packages" >"$new/builds"
	[ "$(wc -l <"$new/builds")" -ge 2 ] || fail "$suite of $MIRROR holds no two builds of Linux $1 now"
	{
		read -r release version
		read -r sibling sibling_version
	} <"$new/builds"
	echo "Linux $1: $release, and the BTF of $sibling"
	headers=linux-headers-$release
	common=${headers%-amd64}-common
	kbuild=$(sed -n 's/^Package: \(linux-kbuild-.*\)/\1/p' "$APT_STATE/packages" |
		grep -xF -e "linux-kbuild-$1" -e "linux-kbuild-${release%-amd64}")
	for package in "$headers" "$common" "$kbuild"; do
		unpack_older "$package=$version" "$new/headers"
	done
	# It names its other half by an absolute path.
	sed -i "s|/usr/src/|$older/headers/usr/src/|" "$new/headers/usr/src/$headers/Makefile"
	unpack_older "linux-image-$sibling-unsigned=$sibling_version" "$new/image"
	older_image "$new/image" "$sibling"
	mv "$new/image/vmlinux.btf" "$new/sibling.btf"
	remove "$new/image"
	unpack_older "linux-image-$release-unsigned=$version" "$new/image"
	older_image "$new/image" "$release"
	mv "$new/image/boot/vmlinuz-$release" "$new/vmlinuz"
	mv "$new/image/vmlinux.btf" "$new/vmlinux.btf"
	in_root depmod -b "$new/image" "$release"
	# shellcheck disable=SC2046 # a list of words
	older_modules $(cat "$OLDER_MODULES") | put_older "$new/in-tree" >"$new/modules"
	[ -s "$new/modules" ] || fail "$release has not all of the modules in $OLDER_MODULES"
	older_modules virtio_pci virtio_console | put_older "$new/first" >"$new/first-modules"
	echo "$release" >"$new/release"
	echo "$sibling" >"$new/sibling-release"
	remove "$new/image" "$new/builds"
	mv "$new" "$older"
	remove "$APT_STATE"
}
