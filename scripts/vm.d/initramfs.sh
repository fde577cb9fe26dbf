# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # the parts of scripts/vm share their variables
# The guest's initramfs: a part that serves every run of a kit, and the caller's files.

# Reads names that end in NUL.
pack() {
	"$busybox" cpio -o -H newc -R 0:0 -0 "$@" 2>"$run/cpio" ||
		die "cannot make the initramfs: $(grep -v ' blocks$' "$run/cpio")"
}

# Lists a path and all below it, after the folders that lead there, each with a NUL at its end.
list_path() {
	rest=$1
	parent=
	while [ "$rest" != "${rest#*/}" ]; do
		parent=${parent:+$parent/}${rest%%/*}
		rest=${rest#*/}
		case $parent in
		bin | sbin | lib | lib64 | mnt) ;; # the guest has them, partly as links
		*) printf '%s\0' "$parent" ;;
		esac
	done
	# A link that leads nowhere cannot be packed.
	find -H "$1" \( ! -type l -o -exec test -e {} \; \) -print0
}

# Packs lines of names, relative to a folder, under the same names.
pack_from() {
	(cd "$1" && while IFS= read -r path; do
		list_path "$path"
	done | pack -L)
}

# The part of the initramfs that does not depend on the caller: kept and used again.
base_initramfs() {
	programs=
	# BusyBox's shell, timeout and such would run BusyBox's own insmod, not kmod's.
	for name in kmod dash env find timeout xargs $(echo "$tools" | tr , ' '); do
		if at=$(program "$name"); then
			programs="$programs $at"
		elif [ "$root" ]; then
			die "there is no program $name in ${root:-/usr}: run scripts/kit"
		fi
	done
	key=$({
		cat "$REPO_SCRIPTS/vm.d/initramfs.sh" "$REPO_SCRIPTS/vm.d/init"
		for at in $programs ${busybox#"$root"}; do
			ls -lL "$root$at"
		done
	} | cksum)
	base=$KIT/vm/base-${key%% *}.cpio
	if [ -e "$base" ]; then
		touch "$base"
		return
	fi

	stage=$run/base
	for dir in dev proc sys tmp run root mnt modules vm etc var usr/bin usr/sbin usr/lib usr/lib64; do
		mkdir -p "$stage/$dir"
	done
	for dir in bin sbin lib lib64; do
		ln -s "usr/$dir" "$stage/$dir"
	done
	cp "$REPO_SCRIPTS/vm.d/init" "$stage/init"
	chmod 755 "$stage/init"
	"$busybox" --list | while IFS= read -r name; do
		ln -s busybox "$stage/usr/bin/$name"
	done
	rm -f "$stage/usr/bin/busybox"
	cp "$busybox" "$stage/usr/bin/busybox"
	for at in $programs; do
		name=${at##*/}
		rm -f "$stage/usr/bin/$name"
		case $name in
		dash) names="sh" ;;
		kmod) names="insmod rmmod modprobe lsmod modinfo depmod" ;;
		*) names= ;;
		esac
		for name in $names; do
			ln -sf "${at##*/}" "$stage/usr/bin/$name"
		done
	done
	{
		(cd "$stage" && find . -print0 | pack)
		# shellcheck disable=SC2086 # names of programs hold no blanks
		for at in $programs $(libraries $programs); do
			echo "${at#/}"
		done | pack_from "$root/"
	} >"$run/base.cpio"
	find "$KIT/vm" -name 'base-*.cpio' -mtime +0 -exec rm -f {} +
	mv "$run/base.cpio" "$base"
}

# The libraries of the ELF executables among the caller's files. The root does
# not see all of the host, so ldd looks at copies.
caller_libraries() {
	mkdir "$run/executables"
	copies=0
	while IFS= read -r path; do
		find -H "$path" -type f -perm -u+x ! -name '*.ko'
	done <"$run/paths" | while IFS= read -r path; do
		if [ "$(head -c 4 "$path" | tr '\177\0' '@@')" = @ELF ]; then
			copies=$((copies + 1))
			cp "$path" "$run/executables/$copies"
		fi
	done
	if [ "$(ls "$run/executables")" ]; then
		libraries "$run/executables/"*
	fi
}

# Modules of the running kernel's own package, and what modprobe needs to find them.
stock_modules() {
	top=$KIT/modules/$release
	below=lib/modules/$release
	[ -d "$top/$below" ] || die "there are no modules of $release in the kit: run scripts/kit"
	[ -e "$top/$below/modules.dep.bin" ] || in_root depmod -b "$top" "$release"
	# shellcheck disable=SC2046 # names of modules hold no blanks
	in_root modprobe -d "$top" -S "$release" --show-depends --all $(echo "$stock" | tr , ' ') >"$run/depends" ||
		die "--stock-modules: $release has not all of ${stock#,}"
	sed -n "s|^insmod .*/\($below/[^ ]*\).*|\1|p" "$run/depends" | sort -u
	(cd "$top" && find "$below" -maxdepth 1 -name 'modules.*')
}

# The caller's part: nothing is copied, cpio follows links to where the files are.
caller_initramfs() {
	links=$run/links
	mkdir "$links"
	ln -s "$start" "$links/mnt"
	ln -s "$run" "$links/vm"
	{
		echo vm/command
		[ "$first" = 0 ] || echo vm/first
	} | pack_from "$links"
	sed 's|^|mnt/|' "$run/relative" | pack_from "$links"
	sed 's|^/||' "$run/absolute" | pack_from /
	if [ "$modules" ]; then
		ln -s "$modules" "$links/modules"
		(cd "$links" && find modules/ ! -path modules/ \
			\( -type d -o -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' \) -print0 | pack -L)
	fi
	if [ "$stock" ]; then
		pack_from "$KIT/modules/$release" <"$run/stock"
	fi
	caller_libraries | sed 's|^/||' | pack_from "$root/"
}

# The whole of it, in $run/initramfs.
make_initramfs() {
	base_initramfs
	[ -z "$stock" ] || stock_modules >"$run/stock"
	caller_initramfs >"$run/caller.cpio"
	cat "$base" "$run/caller.cpio" >"$run/initramfs"
}
