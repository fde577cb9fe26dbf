# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Plain roots of Debian stable, as a user's machine is: packages are installed, used and removed in them. An image is
# made once and kept in the kit; each test unpacks a copy of its own and throws it away.
# Source it after lib.sh, and host.sh, archive.sh and root.sh of this folder, once find_kit was called:
#
#	trixie_image dkms dkms pahole           an image with these packages, made where it is not there yet
#	copy=$(trixie_folder)
#	trixie_copy dkms "$copy"
#	trixie_apt "$copy" install PACKAGE      or in_trixie "$copy" dpkg -i "$REPO/build/PACKAGE.deb"
#	in_trixie "$copy" COMMAND...
#	trixie_remove "$copy"

TRIXIE_FOLDER=$KIT/trixie
# Beside what is essential: apt, for https as well.
TRIXIE_PACKAGES="apt ca-certificates"
# Counts the ways in which images were made.
TRIXIE_RECIPE=1

# as_trixie COMMAND...: an ordinary user is root in a namespace of his own, with as many users as /etc/subuid gives him.
as_trixie() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare --user --map-root-user --map-auto "$@"
	fi
}

# trixie_image NAME [PACKAGE...]: makes the image NAME, where it is not there: a plain root, with these packages. The
# image of no packages is called plain.
trixie_image() {
	image_name=$1
	shift
	mkdir -p "$TRIXIE_FOLDER/archives/partial"
	image_key=$(echo "$TRIXIE_RECIPE $TRIXIE_PACKAGES $*" | cksum)
	! is_trixie_image "$image_name" || return 0
	[ "$image_name" = plain ] || (trixie_image plain)
	exec 8>"$TRIXIE_FOLDER/$image_name.lock"
	flock 8
	is_trixie_image "$image_name" || {
		image_begin=$(now)
		image_log=$TRIXIE_FOLDER/$image_name.log
		# Packages, the root that they are unpacked in, and its archive.
		check_space 3000
		say "making a root of $STABLE for tests: $image_name"
		(
			set -e
			make_trixie_image "$@"
		) >"$image_log" 2>&1 8>&- </dev/null &
		wait $! || {
			tail -n 20 "$image_log" >&2
			die "could not make the root $image_name (all of it in $image_log)"
		}
		echo "$image_key" >"$TRIXIE_FOLDER/$image_name.key"
		say "made it: $(seconds_since "$image_begin"), $(du -m "$(trixie_tar "$image_name")" | cut -f1) MB"
	}
	exec 8>&-
}

trixie_tar() {
	echo "$TRIXIE_FOLDER/$1.tar.zst"
}

is_trixie_image() {
	[ -f "$(trixie_tar "$1")" ] && [ "$(cat "$TRIXIE_FOLDER/$1.key" 2>/dev/null)" = "$image_key" ]
}

make_trixie_image() {
	image=$TRIXIE_FOLDER/$image_name.new
	rm -f "$TRIXIE_FOLDER/$image_name.key" "$image"
	# Of a run that was killed.
	trixie_remove "$TRIXIE_FOLDER/$image_name".??????
	if [ $# = 0 ]; then
		make_plain_trixie
	else
		made=$(mktemp -d "$TRIXIE_FOLDER/$image_name.XXXXXX")
		trixie_copy plain "$made"
		trixie_apt "$made" install "$@"
		as_trixie tar -c --one-file-system --numeric-owner -C "$made" . >"$image"
		trixie_remove "$made"
	fi
	in_root zstd -q -1 -T0 -f "$image" -o "$image.zst"
	rm "$image"
	mv "$image.zst" "$(trixie_tar "$image_name")"
}

make_plain_trixie() {
	check_mirror
	ways=$TRIXIE_FOLDER/apt.conf
	{
		apt_ways
		echo 'Acquire::Languages "none"; Acquire::Retries "3"; Acquire::GzipIndexes "true"; Dpkg::Use-Pty "false";'
		echo 'APT::Install-Recommends "false"; APT::Keep-Downloaded-Packages "true"; APT::Sandbox::User "root";'
	} >"$ways"
	{
		echo "deb $MIRROR $STABLE main"
		echo "deb $MIRROR $BACKPORTS main"
	} >"$TRIXIE_FOLDER/sources.list"
	mode=unshare
	contain=
	if [ "$(id -u)" = 0 ]; then
		mode=root
		contain=contained
	fi
	# shellcheck disable=SC2086 # none, or one word
	$contain mmdebstrap --mode=$mode --variant=essential --format=tar --architectures=amd64 --keyring="$KEYRING" \
		--include="$(echo "$TRIXIE_PACKAGES" | tr ' ' ,)" --aptopt="$ways" --dpkgopt=force-unsafe-io \
		--skip=cleanup/apt/lists --verbose "$STABLE" "$image" "$TRIXIE_FOLDER/sources.list"
}

# trixie_copy NAME FOLDER: unpacks a copy of an image there.
trixie_copy() {
	mkdir -p "$2"
	in_root zstd -dc "$(trixie_tar "$1")" | as_trixie tar -x --numeric-owner -C "$2" --exclude='./dev/*'
}

# trixie_folder: a new folder for a copy, in the kit; remove it with trixie_remove
trixie_folder() {
	# Of runs that were killed.
	find "$TRIXIE_FOLDER" -maxdepth 1 -name 'run.*' -mtime +0 | while read -r old; do
		trixie_remove "$old"
	done
	mktemp -d "$TRIXIE_FOLDER/run.XXXXXX"
}

trixie_remove() {
	as_trixie rm -rf --one-file-system -- "$@"
}

# in_trixie FOLDER COMMAND [ARGUMENT]...: runs COMMAND in a copy, as its root, in a clean environment. The repository is
# there under its own path.
in_trixie() {
	in_folder=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	enter='
		root=$1 archives=$2 repo=$3
		shift 3
		mount -t tmpfs -o mode=755 tmpfs "$root/dev"
		for node in null zero full random urandom tty; do
			: >"$root/dev/$node"
			mount --bind "/dev/$node" "$root/dev/$node"
		done
		ln -s /proc/self/fd "$root/dev/fd"
		mkdir -m 1777 "$root/dev/shm"
		mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
		for pair in /etc/resolv.conf:/etc/resolv.conf /etc/hosts:/etc/hosts "$archives:/var/cache/apt/archives" "$repo:$repo" \
			/etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt; do
			from=${pair%%:*} to=$root${pair#*:}
			[ -r "$from" ] || continue
			if [ -d "$from" ]; then
				mkdir -p "$to"
			elif [ ! -e "$to" ]; then
				mkdir -p "${to%/*}"
				: >"$to"
			fi
			mount --bind "$from" "$to"
		done
		exec chroot "$root" /usr/bin/env -i "$@"
	'
	as_trixie unshare --mount --propagation private --pid --fork --kill-child sh -euc "$enter" sh \
		"$in_folder" "$TRIXIE_FOLDER/archives" "$REPO" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
}

# trixie_apt FOLDER ARGUMENT...: apt-get in a copy; what it fetches is kept for the next one. The lists are as old as the
# image: where the archive has moved on, they are fetched anew.
trixie_apt() {
	apt_folder=$1
	shift
	in_trixie "$apt_folder" apt-get -qy "$@" || {
		in_trixie "$apt_folder" apt-get -q update
		in_trixie "$apt_folder" apt-get -qy "$@"
	}
}

# trixie_kernel FOLDER: a kernel of the kit whose image the archive has. The signed packages of a kernel may lag behind
# the unsigned ones, which the kit goes by.
trixie_kernel() {
	for with_image in $RUNNING $RUNNING2; do
		if in_trixie "$1" apt-cache show "linux-image-$with_image=$(set_of "$with_image" 2)" >/dev/null 2>&1; then
			echo "$with_image"
			return
		fi
	done
	die "the archive has no linux-image of $RUNNING${RUNNING2:+ or $RUNNING2}: scripts/kit update may choose others"
}
