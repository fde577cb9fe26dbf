# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the host has to give: programs, an archive to fetch from, and space.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

host_packages() {
	have mmdebstrap || echo mmdebstrap
	have bwrap || echo bubblewrap
	have apt-get || echo apt
	have xz || echo xz-utils
	have setpriv && have flock || echo util-linux
	[ -r "$KEYRING" ] || echo debian-archive-keyring
	if [ "$(id -u)" != 0 ]; then
		have newuidmap || echo uidmap
	fi
}

check_host() {
	[ "$(uname -sm)" = "Linux x86_64" ] || die "this host is $(uname -sm), the kit's kernels and tools are for Linux x86_64"
	missing=$(host_packages | tr '\n' ' ' | sed 's/ $//')
	[ -z "$missing" ] || install_on_host "$missing"
	way_in >/dev/null
}

install_on_host() {
	if [ "$(id -u)" = 0 ] && have apt-get; then
		say "installing on the host: $1"
		# shellcheck disable=SC2086 # a list of words
		{
			apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $1
		} >"$KIT/log/host" 2>&1 || die "could not install on the host: $1 (log: $KIT/log/host); install them by hand and run scripts/kit again"
	else
		die "missing on the host: $1; install them (Debian, Ubuntu: sudo apt install $1) and run scripts/kit again"
	fi
}

# Prints the Debian archive that this machine's own apt uses. The roots that are made here use it, too: they see no file
# of this machine, so it has to be one of the network.
find_mirror() {
	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "$DEBIAN_MIRROR"
		return
	fi
	# shellcheck disable=SC2016 # apt's own placeholders
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN)/$(LABEL)/$(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
		awk '$2 == "Debian/Debian/main" { print $1 }' | first_of_network)
	if [ -z "$mirror" ]; then
		# Before the first apt-get update the origins are not known: on a Debian it is the one of its own release.
		# shellcheck disable=SC2016
		mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)/$(COMPONENT)' 2>/dev/null |
			awk -v own="$(host_codename)/main" '$2 == own { print $1 }' | first_of_network)
	fi
	echo "$mirror"
}

# first_of_network: of the addresses on standard input, the first that other roots reach as well; for a list of mirrors in
# a file, as clouds have it, the first of its entries
first_of_network() {
	while read -r address; do
		case $address in
		mirror+file:*) address=$(grep -m 1 -oE '^(https?|ftp)://[^[:space:]]+' "${address#mirror+file:}" 2>/dev/null) || address= ;;
		esac
		if is_of_network "$address"; then
			echo "$address"
			return
		fi
	done
}

is_of_network() {
	case $1 in
	http://* | https://* | ftp://* | mirror://* | mirror+http://* | mirror+https://*) ;;
	*) return 1 ;;
	esac
}

host_codename() {
	# shellcheck source=/dev/null
	(. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-}") 2>/dev/null || :
}

check_mirror() {
	MIRROR=$(find_mirror)
	[ -n "$MIRROR" ] || die "this machine's apt names no Debian archive of the network: set DEBIAN_MIRROR to the address of one and run scripts/kit again"
	is_of_network "$MIRROR" || die "DEBIAN_MIRROR=$MIRROR: give an address that begins with http:// or https://, as the roots that are made here see no files of this machine"
	MIRROR=${MIRROR%/}
}

# check_space MEGABYTES
check_space() {
	free=$(df -Pm "$KIT" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$1" ] || die "$KIT has $free MB free, the kit needs $1 MB more: make room, or set BTFRELOC_KIT to a folder on a larger disk"
}
