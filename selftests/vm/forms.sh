#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Modules in the forms they are shipped in: signed, compressed, stripped; each with .BTF.base and with BTF that stands
# alone.
. selftests/vm/ktap.sh
. selftests/vm/guest.sh

forms=$MODULES/forms
probe=build/$RELEASE/bpf/btfprobe
ids=/sys/module/btfreloc_demo/parameters/ids
ln -sf "$(command -v kmod)" /tmp/insmod

# load_form FILE: by kmod, which gives a file to the kernel as it is where that can decompress it
load_form() {
	paced /tmp/insmod "$1"
}

# same_as_plain: what was loaded last has the BTF and the ids that it has as it was built
same_as_plain() {
	cmp "/tmp/$sort.btf" /sys/kernel/btf/btfreloc_demo && cmp "/tmp/$sort.ids" $ids
}

check_equal "the kernel decompresses xz" xz "$(cat /sys/module/compression)"
load "$RELOC"
for sort in distilled standalone; do
	[ $sort = distilled ] && done=relocated || done=rebased
	load "$MODULES/$sort/btfreloc_demo.ko"
	cp /sys/kernel/btf/btfreloc_demo "/tmp/$sort.btf"
	cat $ids >"/tmp/$sort.ids"
	unload btfreloc_demo
	for form in signed/btfreloc_demo.ko compressed/btfreloc_demo.ko.xz compressed/btfreloc_demo.ko.zst; do
		check "$sort, $form: loads" load_form "$forms/$sort/$form"
		check_has "$sort, $form: is $done" "rust_btfreloc: btfreloc_demo: BTF $done" "$logged"
		check "$sort, $form: in the same way" same_as_plain
		check "$sort, $form: fentry fires in it" "$probe" fentry btfreloc_demo btfreloc_demo_poke \
			"echo 1 >/sys/module/btfreloc_demo/parameters/poke"
		unload btfreloc_demo
	done

	# Its ids cannot be mapped, and the kernel would refuse its BTF, or read it as another.
	check "$sort, without the symbols that nobody needs: loads" load_form "$forms/$sort/unneeded/btfreloc_demo.ko"
	check_not "$sort, without the symbols that nobody needs: has no BTF" has_btf btfreloc_demo
	check_has "$sort, without the symbols that nobody needs: the log says why, and what became of the ids" \
		"BTF dropped: .BTF_ids offset 0: the module was stripped of .*; its .BTF_ids stay, and name other types here$" \
		"$logged"
	unload btfreloc_demo
	check_not "$sort, without any symbol: the kernel refuses it" load_form "$forms/$sort/no-symbols/btfreloc_demo.ko"
	check_equal "$sort, without any symbol: before we see it" "" "$(echo "$logged" | grep rust_btfreloc)"

	check "$sort, malformed: loads" load_form "$forms/$sort/malformed/btfreloc_demo.ko"
	check_has "$sort, malformed: its ids are those of no type" \
		"BTF dropped: malformed BTF: .*; $(demo_ids) of $(demo_ids) .BTF_ids set to 0$" "$logged"
	check_equal "$sort, malformed: as its code sees" 0 "$(awk '$1 == "list" && $3 != 0' $ids | wc -l)"
	unload btfreloc_demo
done
unload rust_btfreloc
ktap_end
