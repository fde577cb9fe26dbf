#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# `btfreloc status` says of each loaded module what holds of it: without rust_btfreloc and with it, to root and to
# an ordinary user.
# It comes first: what the log says of modules that other tests loaded is not of those that are loaded now.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

tool=$PWD/build/bin/btfreloc
folder=/lib/modules/$RELEASE
bases=$MODULES/base

# look: what is reported to root and to the user, in $root and $user, with $root_status and $user_status
look() {
	root_status=0 user_status=0
	root=$("$tool" status --format json "$@" 2>&1) || root_status=$?
	user=$(su somebody -s /bin/sh -c "$tool status --format json $*" 2>&1) || user_status=$?
}

# field JSON MODULE NAME: a word of what is said of a module
field() {
	printf '%s\n' "$1" | awk -v module="\"$2\"," -v name="\"$3\":" '
		$1 == "\"module\":" { inside = $2 == module }
		inside && $1 == name { sub(/^[^:]*: /, ""); gsub(/^"|",?$|,$/, ""); print; exit }'
}

# state WHAT MODULE ROOT [USER]: the state that is reported to root, and to the user, if not the same
state() {
	check_equal "$1: root" "$3" "$(field "$root" "$2" state)"
	check_equal "$1: an ordinary user" "${4-$3}" "$(field "$user" "$2" state)"
}

# install_module KO NAME: the file of that module, for those who ask modules.dep
install_module() {
	mkdir -p "$folder/updates"
	cp "$1" "$folder/updates/$2.ko"
	grep -q "^updates/$2.ko:" "$folder/modules.dep" || echo "updates/$2.ko:" >>"$folder/modules.dep"
}

# insert KO NAME: the same, and it is loaded
insert() {
	install_module "$@"
	load "$1"
}

echo 'somebody:x:1000:1000::/:/bin/sh' >>/etc/passwd
echo 1 >/proc/sys/kernel/dmesg_restrict
check_not "an ordinary user sees no debugfs" su somebody -s /bin/sh -c 'ls /sys/kernel/debug'

# Without rust_btfreloc.
modprobe e1000
look
state "without: an in-tree module" e1000 as-built
check_equal "without: all is well for root" 0 $root_status
check_equal "without: and for an ordinary user" 0 $user_status
check_has "without: rust_btfreloc is not loaded" '"loaded": false' "$root"
check_has "without: what is not seen is reported to an ordinary user" 'the kernel log [(]/dev/kmsg[)]: .*run as root' "$user"
check_has "without: nothing is reported as not seen to root" '"not_seen": \[\]' "$root"

insert "$MODULES/own/distilled/btfreloc_demo.ko" btfreloc_demo
insert "$MODULES/broken/nobtf.ko" btfreloc_small
insert "$MODULES/plain/vpoll.ko" vpoll
insert "$MODULES/plain/btfreloc_asked.ko" btfreloc_asked
look
state "without: a module that the kernel relocates" btfreloc_demo as-built
state "without: a module without BTF" btfreloc_small no-btf
state "without: a module that the kernel refused" vpoll failed ""
state "without: a module that the kernel takes with wrong types" btfreloc_asked wrong-types
check_equal "without: there is something to do, for root" 1 $root_status
check_equal "without: and for an ordinary user" 1 $user_status
check_has "without: what to do, as it is not installed" "^install rust_btfreloc and load it, then modprobe vpoll" \
	"$(field "$root" vpoll to_do)"
check_has "without: what to do, for an ordinary user" "^install rust_btfreloc and load it, then unload btfreloc_asked" \
	"$(field "$user" btfreloc_asked to_do)"
check_has "without: what it would do" "^dropped: made with another build of " "$(field "$root" vpoll with_rust_btfreloc)"
check_has "without: what the kernel said" "^Invalid name [(]error -22[)]" "$(field "$root" vpoll reason)"
look vpoll
state "without: named, one that is not loaded" vpoll failed not-loaded-finding
look e1000e
state "without: named, one that would be as built" e1000e not-loaded
check_equal "without: that is well" "0 0" "$root_status $user_status"
look no_such_module
check_has "without: named, one that is not there" \
	"btfreloc: no_such_module: no such file, and no module of that name in /lib/modules/" "$user"
check_equal "without: that is an error" "2 2" "$root_status $user_status"
unload btfreloc_demo btfreloc_small

# With it.
install_module "$RELOC" rust_btfreloc
look
check_has "not loaded, but installed: what to do" '"to_do": "modprobe rust_btfreloc"' "$user"
load "$RELOC"
look
check_has "with: it is loaded" '"loaded": true' "$user"
check_has "with: root sees the policy" '"policy": "1"' "$root"
check_has "with: what is not seen is reported to an ordinary user" 'what rust_btfreloc reports .*run as root' "$user"
state "with: a module from before" e1000 as-built
state "with: one with wrong types" btfreloc_asked wrong-types
check_equal "with: what to do about it" \
	"it was loaded before rust_btfreloc: unload btfreloc_asked and load it again" "$(field "$user" btfreloc_asked to_do)"
unload btfreloc_asked

insert "$MODULES/distilled/btfreloc_demo.ko" btfreloc_demo
insert "$MODULES/plain/vpoll.ko" vpoll
insert "$MODULES/own/distilled/acpi_call.ko" acpi_call
modprobe e1000e
look
state "with: opaque types" btfreloc_demo opaque
state "with: dropped BTF" vpoll dropped
state "with: relocated" acpi_call relocated
state "with: an in-tree module" e1000e as-built valid
for who in root user; do
	report=
	eval "report=\$$who"
	check_equal "with, $who: by whom" rust_btfreloc "$(field "$report" btfreloc_demo by)"
	check_has "with, $who: what became of .BTF_ids" "^$(demo_ids) of $(demo_ids) .BTF_ids changed" \
		"$(field "$report" btfreloc_demo ids)"
	check_has "with, $who: why it was dropped" "^made with another build of " "$(field "$report" vpoll reason)"
done
umount /sys/kernel/debug
look
check_has "without debugfs, how to see it is reported to root" "mount -t debugfs none /sys/kernel/debug" "$root"
check_equal "without debugfs, the log has it" opaque "$(field "$root" btfreloc_demo state)"
mount -t debugfs none /sys/kernel/debug
unload btfreloc_demo vpoll acpi_call

mkdir -p /lib/firmware/btfreloc
cp "$bases/base.btf" "/lib/firmware/btfreloc/$RELEASE.btf"
load "$MODULES/plain/vpoll.ko"
insert "$MODULES/standalone/acpi_call.ko" acpi_call
insert "$MODULES/kinds/plain.ko" btfreloc_demo
insert "$MODULES/empty/plain.ko" btfreloc_small
look
state "with: a supplied base" vpoll repaired
check_has "with: which" "^btfreloc/.*[.]btf$" "$(field "$root" vpoll supplied)"
state "with: standalone BTF" acpi_call rebased
state "with: types of unknown kinds" btfreloc_demo reduced
state "with: BTF without types" btfreloc_small no-btf

# What people read.
for columns in 40 132; do
	text=$(COLUMNS=$columns "$tool" status -v)
	check_has "$columns columns: the kernel" "^Linux .*: rust_btfreloc" "$text"
	wide=$(echo "$text" | awk -v columns=$columns 'length($0) > columns && NF > 1')
	check_equal "$columns columns: no line is longer" "" "$(echo "$wide" | grep -v -e / -e '\.ko')"
done
check_equal "no colour where there is no terminal" "" "$(CLICOLOR_FORCE='' "$tool" status | grep "$(printf '\033')")"
diagnose "$("$tool" status)"
diagnose "$(su somebody -s /bin/sh -c "$tool status")"

# Modules come and go while it looks at them.
(for _ in 1 2 3 4 5 6; do
	rmmod e1000e
	insmod "$(find "$folder" -name 'e1000e.ko*')"
done) >/dev/null 2>&1 &
churn=$! failed=0
for _ in 1 2 3 4 5; do
	"$tool" status >/tmp/text 2>&1 || [ $? = 1 ] || failed=$((failed + 1))
done
wait $churn
check_equal "while modules come and go, it never fails" 0 $failed

unload btfreloc_demo acpi_call vpoll btfreloc_small
unload rust_btfreloc
# What comes after this finds nothing of it.
rm -r /lib/firmware/btfreloc "$folder/updates"
sed -i '/^updates\//d' "$folder/modules.dep"
look btfreloc_demo
check_equal "what the log names, and is gone, is an error" "2 2" "$root_status $user_status"
rmmod e1000 e1000e btfreloc_asked 2>/dev/null
echo 0 >/proc/sys/kernel/dmesg_restrict
ktap_end
