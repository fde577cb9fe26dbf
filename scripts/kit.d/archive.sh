# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The archive: which kernels it offers completely, and signed downloads from it.
# The host's apt does the work with a state of its own in the kit, so its proxies and certificates count.

STABLE=trixie
BACKPORTS=trixie-backports
# Where a kernel asked for with KERNEL= may be, besides.
NEWER_SUITES="forky sid"
# apt's lists; a step that needs those of other suites than the other steps has its own.
APT_STATE=

apt_state() {
	echo "${APT_STATE:-$KIT/apt}"
}

# run_apt apt-get ARGUMENT...
run_apt() {
	apt_program=$1
	apt_folder=$(apt_state)
	shift
	"$apt_program" -q \
		-o Dir::Etc::sourcelist="$apt_folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State="$apt_folder/state" -o Dir::State::status=/dev/null -o Dir::Cache="$apt_folder/cache" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false -o Acquire::Retries=3 "$@"
}

# fetch_index SUITE...: signatures are always checked. The newer suites' Release files may have expired: for those
# the age alone is not held against them.
fetch_index() {
	mkdir -p "$(apt_state)/state/lists/partial" "$(apt_state)/cache/archives/partial"
	for suite in "$@"; do
		case " $NEWER_SUITES " in
		*" $suite "*) age=" check-valid-until=no" ;;
		*) age= ;;
		esac
		echo "deb [signed-by=$KEYRING$age] $MIRROR $suite main"
	done >"$(apt_state)/sources.list"
	run_apt apt-get -o APT::Update::Error-Mode=any update
}

# packages_of SUITE: its Packages file
packages_of() {
	# shellcheck disable=SC2016 # apt's own placeholders
	index=$(run_apt apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' "Codename: $1")
	[ -n "$index" ] || fail "the archive at $MIRROR has no suite $1"
	/usr/lib/apt/apt-helper cat-file "$index"
}

# complete_sets: from a Packages file, one line for each kernel of which everything is there, newest first:
#   RELEASE VERSION SERIES IMAGE-PACKAGE MODULES-PACKAGE
complete_sets() {
	awk '
		/^Package: / { name = $2 }
		/^Version: / && name ~ /^linux-(source|headers|modules|image|binary-unsigned)-[0-9]/ { there[name, $2] = 1; version[name] = $2 }
		END {
			for (name in version) {
				if (name !~ /^linux-headers-[0-9.]+\+deb[0-9]+-amd64$/)
					continue
				release = substr(name, length("linux-headers-") + 1)
				v = version[name]
				split(release, part, /[.+]/)
				series = part[1] "." part[2]
				image = modules = ""
				if (there["linux-binary-unsigned-" release, v]) image = "linux-binary-unsigned-" release
				else if (there["linux-image-" release "-unsigned", v]) image = "linux-image-" release "-unsigned"
				else if (there["linux-image-" release, v]) image = "linux-image-" release
				if (there["linux-modules-" release, v]) modules = "linux-modules-" release
				else if (image ~ /^linux-image-/) modules = image
				if (image && modules && there["linux-source-" series, v])
					print release, v, series, image, modules
			}
		}' | sort -rV
}

# download PACKAGE=VERSION...: into the current folder
download() {
	run_apt apt-get download "$@"
}

# fetch_deb PACKAGE=VERSION FILE
fetch_deb() {
	deb_folder=$KIT/debs/${1%%=*}
	remove "$deb_folder"
	mkdir -p "$deb_folder"
	(cd "$deb_folder" && download "$1")
	mv "$deb_folder"/*.deb "$2"
	rmdir "$deb_folder"
}

# fetch_headers RELEASE VERSION: its config and Module.symvers, as headers/RELEASE
fetch_headers() {
	# What was made of another revision of a release serves no longer.
	case $(set_of "$1" 2) in
	'' | "$2") ;;
	*)
		rm -f "$KIT"/stamp/*/"$1"
		remove "$KIT/headers/$1"
		;;
	esac
	[ ! -f "$KIT/headers/$1/config" ] || return 0
	remove "$KIT/headers/$1.new"
	mkdir -p "$KIT/headers/$1.new" "$KIT/debs"
	fetch_deb "linux-headers-$1=$2" "$KIT/debs/headers-$1.deb"
	dpkg-deb --fsys-tarfile "$KIT/debs/headers-$1.deb" |
		tar -x -C "$KIT/headers/$1.new" --strip-components=4 "./usr/src/linux-headers-$1/.config" "./usr/src/linux-headers-$1/Module.symvers"
	mv "$KIT/headers/$1.new/.config" "$KIT/headers/$1.new/config"
	mv "$KIT/headers/$1.new" "$KIT/headers/$1"
	rm "$KIT/debs/headers-$1.deb"
}

has_rust() {
	grep -qx CONFIG_RUST=y "$KIT/headers/$1/config"
}

# first_with_rust: reads lines of complete_sets, prints the first line whose kernel was built with Rust
first_with_rust() {
	while read -r release version rest; do
		fetch_headers "$release" "$version" >&2
		if has_rust "$release"; then
			echo "$release $version $rest"
			return
		fi
	done
}

# config_text RELEASE OPTION: a string option's value
config_text() {
	sed -n "s/^$2=\"\\(.*\\)\"\$/\\1/p" "$KIT/headers/$1/config"
}

# What a root must have to build for a kernel: the compilers that its .config names.
toolchain_of() {
	echo "$(config_text "$1" CONFIG_CC_VERSION_TEXT) $(config_text "$1" CONFIG_RUSTC_VERSION_TEXT)"
}

# Looks for KERNEL in the default lane, then in the newer suites; sets SUITE and leaves $KIT/apt/sets.
find_kernel_suite() {
	for SUITE in $STABLE $NEWER_SUITES; do
		if [ "$SUITE" = "$STABLE" ]; then
			list=$BACKPORTS
		else
			list=$SUITE
			fetch_index "$STABLE" "$BACKPORTS" "$SUITE"
		fi
		packages_of "$list" | complete_sets >"$KIT/apt/sets"
		! grep -qF "$1 " "$KIT/apt/sets" || return 0
	done
	offered=$(packages_of "$BACKPORTS" | complete_sets | cut -d' ' -f1 | tr '\n' ' ')
	fail "the archive has no complete set of packages for KERNEL=$1; $BACKPORTS offers: $offered"
}

# Chooses the kernels and writes them down for every later run.
step_kernels() {
	fetch_index "$STABLE" "$BACKPORTS"
	if [ -n "${KERNEL:-}" ]; then
		find_kernel_suite "$KERNEL"
		running=$(grep -F "$KERNEL " "$KIT/apt/sets" | first_with_rust)
		[ -n "$running" ] || fail "KERNEL=$KERNEL was built without Rust (CONFIG_RUST is not set in its .config): choose another"
	else
		SUITE=$STABLE
		packages_of "$BACKPORTS" | complete_sets >"$KIT/apt/sets"
		running=$(first_with_rust <"$KIT/apt/sets")
		[ -n "$running" ] || fail "$BACKPORTS of $MIRROR holds no complete Rust-enabled kernel now: name one with KERNEL=RELEASE"
	fi
	RUNNING=${running%% *}
	echo "running kernel: $running"

	# The second running kernel is the newest of the next older series that the same root can build for.
	running2=$(awk -v running="$RUNNING" '
		$1 == running { series = $3; next }
		series && $3 != series { print }' "$KIT/apt/sets" | first_with_rust)
	RUNNING2=${running2%% *}
	if [ -n "$RUNNING2" ] && [ "$(toolchain_of "$RUNNING")" != "$(toolchain_of "$RUNNING2")" ]; then
		echo "$RUNNING2 was built by another toolchain than $RUNNING: left out"
		RUNNING2=
		running2=
	fi
	echo "second running kernel: $running2"

	# Only the BTF of this one is used, so any suite's will do.
	built_for=$(grep -vF "$RUNNING " "$KIT/apt/sets" | sort -V | first_with_rust)
	[ -n "$built_for" ] || built_for=$(packages_of "$BACKPORTS" | complete_sets | grep -vF "$RUNNING " | sort -V | first_with_rust)
	[ -n "$built_for" ] || fail "the archive holds $RUNNING only, and modules have to be built for an older kernel: try another archive with DEBIAN_MIRROR"
	BUILT_FOR=${built_for%% *}
	echo "modules are built for: $built_for"

	compiler=$(config_text "$RUNNING" CONFIG_CC_VERSION_TEXT)
	compiler=${compiler%% *}
	case $compiler in
	*gcc-*) ;;
	*) fail "$RUNNING was built with $compiler: the kit builds with gcc only, choose another KERNEL" ;;
	esac
	{
		echo "SUITE=$SUITE"
		echo "ROOT_NAME=root$([ "$SUITE" = "$STABLE" ] || echo ".$SUITE")"
		echo "CC=$compiler"
		echo "RUNNING=$RUNNING"
		echo "RUNNING2=$RUNNING2"
		echo "BUILT_FOR=$BUILT_FOR"
		# One line a kernel: RELEASE VERSION SERIES IMAGE-PACKAGE MODULES-PACKAGE
		printf "SETS='%s\n%s\n%s'\n" "$running" "$running2" "$built_for"
	} >"$KIT/apt/kernels.new"
	mv "$KIT/apt/kernels.new" "$(kernels_file)"
}

# set_of RELEASE FIELD: 2 version, 3 series, 4 image package, 5 modules package
set_of() {
	# shellcheck disable=SC2153 # from the kernels file
	printf '%s\n' "${SETS:-}" | awk -v release="$1" -v field="$2" '$1 == release { print $field; exit }'
}
