# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Neighbours: other builds of a running kernel, of which the vmlinux BTF and a few modules are kept.
# Their code is to run on that kernel, so a build whose types changed is none.

NEIGHBOUR_MODULES=$REPO/selftests/vm/neighbour-modules
# How many neighbours a kernel has at most.
NEIGHBOURS=2

neighbour_key() {
	cksum <"$NEIGHBOUR_MODULES" | cut -d' ' -f1
}

# offered_builds: one line for each complete kernel that the archive offers: SUITE RELEASE VERSION SERIES ...
offered_builds() {
	suites="$BACKPORTS $NEWER_SUITES"
	# The newer suites are no condition.
	# shellcheck disable=SC2086 # a list of words
	fetch_index $suites >&2 || {
		suites=$BACKPORTS
		fetch_index $suites >&2
	}
	for suite in $suites; do
		packages_of "$suite" | complete_sets | sed "s/^/$suite /"
	done
}

# neighbours_of RELEASE: from such lines, those of its series that are next to it, the nearest first: other builds of the
# same upstream version, the version before, the version after
neighbours_of() {
	sort -V -k 2,2 | awk -v release="$1" '
		function upstream(of) { sub(/\+.*/, "", of); return of }
		function series(of) { split(of, part, /[.+]/); return part[1] "." part[2] }
		series($2) != series(release) || $2 == release { next }
		upstream($2) == upstream(release) { print; next }
		{ line[++lines] = $0; version[lines] = upstream($2) }
		END {
			split(upstream(release), own, /[.]/)
			for (i = 1; i <= lines; i++) {
				split(version[i], its, /[.]/)
				if (its[3] + 0 < own[3] + 0) before = line[i]
				else if (!after) after = line[i]
			}
			if (before) print before
			if (after) print after
		}'
}

# declarations BTF
declarations() {
	in_root bpftool btf dump file "$1" format c | awk -f "$REPO_SCRIPTS/kit.d/declarations.awk" | sort -u
}

# changed_types BTF OTHER: the names of types that both have, and not in the same layout
changed_types() {
	declarations "$1" >"$KIT/neighbours.one"
	declarations "$2" >"$KIT/neighbours.other"
	if [ ! -s "$KIT/neighbours.one" ] || [ ! -s "$KIT/neighbours.other" ]; then
		fail "the types of $1 and $2 cannot be listed"
	fi
	comm -13 "$KIT/neighbours.one" "$KIT/neighbours.other" | cut -f1 | sort -u >"$KIT/neighbours.new"
	cut -f1 "$KIT/neighbours.one" | sort -u | comm -12 - "$KIT/neighbours.new"
	rm "$KIT/neighbours.one" "$KIT/neighbours.other" "$KIT/neighbours.new"
}

# fetch_neighbour RELEASE VERSION MODULES-PACKAGE: into $neighbours.new/RELEASE, or nothing where it is none
fetch_neighbour() {
	build=$neighbours.new/$1
	mkdir -p "$build/deb"
	# The headers' vmlinux has the .BTF of the image.
	fetch_deb "linux-headers-$1=$2" "$build/headers.deb"
	dpkg-deb --fsys-tarfile "$build/headers.deb" | tar -x -C "$build/deb" --strip-components=4 --wildcards '*/vmlinux'
	in_root objcopy --dump-section .BTF="$build/vmlinux.btf" "$build/deb/vmlinux" /dev/null
	changed=$(changed_types "$KIT/boot/$neighbour_of/vmlinux.btf" "$build/vmlinux.btf")
	if [ -n "$changed" ]; then
		echo "$1 is no neighbour of $neighbour_of, as types have another layout:" "$changed"
		remove "$build"
		return
	fi
	fetch_deb "$3=$2" "$build/modules.deb"
	sed "s|.*/lib/modules/[^/]*/|*/lib/modules/$1/|" "$neighbours.new/depends" >"$build/paths"
	dpkg-deb --fsys-tarfile "$build/modules.deb" |
		tar -x -C "$build" --transform='s|.*/||' --wildcards -T "$build/paths"
	remove "$build/deb" "$build/headers.deb" "$build/modules.deb" "$build/paths"
}

# find_neighbours RELEASE: leaves those that there are in $neighbours.new
find_neighbours() {
	neighbour_of=$1
	neighbours_of "$neighbour_of" <"$APT_STATE/offered" >"$APT_STATE/candidates"
	[ -s "$APT_STATE/candidates" ] || return 0
	# All that they need, in the order in which they load.
	# shellcheck disable=SC2046 # a list of words
	in_root modprobe -d "$KIT/modules/$1" -S "$1" --show-depends --all $(cat "$NEIGHBOUR_MODULES") |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$neighbours.new/depends"
	[ -s "$neighbours.new/depends" ] || fail "$1 has not all of the modules in $NEIGHBOUR_MODULES"
	taken=0
	while read -r suite release version _ _ package && [ $taken -lt $NEIGHBOURS ]; do
		fetch_neighbour "$release" "$version" "$package"
		[ -d "$neighbours.new/$release" ] || continue
		echo "$release of $suite: a neighbour of $neighbour_of"
		echo "$release $suite" >>"$neighbours.new/builds"
		taken=$((taken + 1))
	done <"$APT_STATE/candidates"
}

# Leaves in $KIT/neighbours/RUNNING: of (the kernel), builds (RELEASE SUITE), modules (names, in the order in which they
# load), and a folder for each build with vmlinux.btf and the modules as they are packaged. The first running kernel
# that has neighbours is taken; where none has, that is said, and the folder is empty.
step_neighbours() {
	neighbours=$KIT/neighbours/$1
	remove "$neighbours" "$neighbours.new"
	# Another lane may use the lists of the chosen suites.
	APT_STATE=$KIT/apt.neighbours
	mkdir -p "$neighbours.new" "$APT_STATE"
	offered_builds >"$APT_STATE/offered"
	for running in $(releases); do
		find_neighbours "$running"
		[ ! -f "$neighbours.new/builds" ] || break
	done
	if [ -f "$neighbours.new/builds" ]; then
		echo "$neighbour_of" >"$neighbours.new/of"
		sed 's|.*/||; s|[.]ko.*||; s|-|_|g' "$neighbours.new/depends" >"$neighbours.new/modules"
	else
		echo "the archive offers no other build with the types of $(releases | tr '\n' ' ')now"
	fi
	rm -f "$neighbours.new/depends"
	mv "$neighbours.new" "$neighbours"
	remove "$APT_STATE"
}
