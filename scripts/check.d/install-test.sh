#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# install-test.sh TREE RELEASE CC: make install, uninstall, install-tool and uninstall-tool, below a folder; in the
# kit's root.
set -eu
cd "$(dirname "$0")/../.."
tree=$1 release=$2 cc=$3
work=$PWD/build/check/install-test
top=$work/root
rm -rf "$work"
mkdir -p "$work"

fail() {
	echo "FAILED: $*"
	cat "$work/log"
	exit 1
}

kbuild() {
	make -s "$@" KDIR="$tree" CC="$cc" HOSTCC="${cc#x86_64-linux-gnu-}" KERNELRELEASE="$release" \
		INSTALL_MOD_PATH="$top" >"$work/log" 2>&1
}

# has WHAT: modprobe and modinfo know of it
has() {
	grep -q '^updates/rust_btfreloc\.ko[.a-z]*:' "$top/lib/modules/$release/modules.dep" || fail "$1: depmod was not run"
	[ "$(modinfo -b "$top" -k "$release" -F name rust_btfreloc)" = rust_btfreloc ] || fail "$1: modinfo does not find it"
}

# The kit's trees have no key.
grep -qx CONFIG_MODULE_SIG_ALL=y "$tree/include/config/auto.conf" || fail "this kernel signs no modules: nothing is tested"
! kbuild install || fail "a module that could not be signed counts as installed"
grep -q "/updates/rust_btfreloc.ko[.a-z]* is installed, but not signed, as " "$work/log" || fail "it does not say so"
grep -q "make install KDIR=$tree CONFIG_MODULE_SIG_ALL=$" "$work/log" || fail "it does not say what to do"
has "unsigned"
cp "$work/log" "$work/unsigned"
kbuild install CONFIG_MODULE_SIG_ALL= || fail "unsigned where that is wanted"
has "unsigned where that is wanted"
rm "$top/lib/modules/$release/updates/"*
kbuild install CONFIG_MODULE_SIG_ALL= RUSTC=/none || fail "root, without a rustc, cannot install what was built"
has "by who has no rustc"

# As it says: signed with a key of the user's own.
openssl req -new -nodes -utf8 -sha256 -days 36500 -batch -x509 -subj /CN=throwaway -outform DER \
	-out "$work/signing_key.x509" -keyout "$work/signing_key.pem" 2>"$work/log" || fail "no key"
command=$(sed -n "s|^  \(.*sign-file\) \(.*\) KEY CERTIFICATE \(.*\)$|\1 \2 $work/signing_key.pem $work/signing_key.x509 \3|p" "$work/unsigned")
$command >"$work/log" 2>&1 || fail "the command that is shown: $command"
kbuild install CONFIG_MODULE_SIG_ALL= || fail "signed by hand"
[ "$(modinfo -b "$top" -k "$release" -F signer rust_btfreloc)" = throwaway ] || fail "signed by hand, it is not installed so"
rm build/kdir/rust_btfreloc.ko

# With a key kbuild signs, with whatever it compresses.
signed=$work/tree
mkdir -p "$signed/certs"
for name in "$tree"/* "$tree"/.config; do
	[ "${name##*/}" = certs ] || ln -s "$name" "$signed/"
done
cp "$work/signing_key.x509" "$signed/certs"
tree=$signed
! kbuild install RUSTC=/none || fail "what was built for another tree is installed"
grep -q "no rustc on this host" "$work/log" || fail "it is not built for this one"
for compression in GZIP XZ ZSTD; do
	kbuild install CONFIG_MODULE_SIG_KEY="$work/signing_key.pem" CONFIG_MODULE_COMPRESS_ALL=y \
		"CONFIG_MODULE_COMPRESS_$compression=y" || fail "signed and compressed by $compression"
	[ "$(find "$top/lib/modules/$release/updates" -type f | wc -l)" = 1 ] || fail "one compressed otherwise is left"
	has "signed and compressed by $compression"
	[ "$(modinfo -b "$top" -k "$release" -F signer rust_btfreloc)" = throwaway ] || fail "it is not signed"
done

kbuild uninstall || fail "uninstall"
[ -z "$(find "$top/lib/modules/$release/updates" -type f)" ] || fail "something is left"
! grep -q rust_btfreloc "$top/lib/modules/$release/modules.dep" || fail "depmod was not run after it"
kbuild uninstall || fail "nothing to remove is no failure"
grep -q "nothing to remove: there is no rust_btfreloc.ko in $top/lib/modules/$release/updates" "$work/log" ||
	fail "it does not say that there is none"
mkdir -p "$work/readonly"
: >"$work/readonly/lib"
top=$work/readonly
! kbuild install CONFIG_MODULE_SIG_ALL= || fail "it counts as installed where there can be no folder"
for target in install uninstall; do
	! make -s $target >"$work/log" 2>&1 || fail "$target needs no KDIR"
	grep -q "make $target KDIR=/lib/modules/" "$work/log" || fail "$target does not say what it needs"
done

# The tool.
make -s install-tool DESTDIR="$work/tool" PREFIX=/usr >"$work/log" 2>&1 || fail "install-tool"
find "$work/tool" -type f | sed "s|^$work/tool||" | sort >"$work/files"
cat >"$work/wanted" <<-END
	/usr/bin/btfreloc
	/usr/share/bash-completion/completions/btfreloc
	/usr/share/btfreloc/btfreloc.schema.json
	/usr/share/fish/vendor_completions.d/btfreloc.fish
	/usr/share/man/man1/btfreloc-check.1
	/usr/share/man/man1/btfreloc-completions.1
	/usr/share/man/man1/btfreloc-diff.1
	/usr/share/man/man1/btfreloc-distill.1
	/usr/share/man/man1/btfreloc-encode.1
	/usr/share/man/man1/btfreloc-extract.1
	/usr/share/man/man1/btfreloc-funcs-add.1
	/usr/share/man/man1/btfreloc-funcs.1
	/usr/share/man/man1/btfreloc-inspect.1
	/usr/share/man/man1/btfreloc-man.1
	/usr/share/man/man1/btfreloc-min-core.1
	/usr/share/man/man1/btfreloc-relocate.1
	/usr/share/man/man1/btfreloc-resolve-ids.1
	/usr/share/man/man1/btfreloc-status.1
	/usr/share/man/man1/btfreloc.1
	/usr/share/zsh/site-functions/_btfreloc
END
diff "$work/wanted" "$work/files" >"$work/log" || fail "other files than wanted"
bash -n "$work/tool/usr/share/bash-completion/completions/btfreloc" || fail "bash does not take its completions"
cmp -s build/bin/btfreloc "$work/tool/usr/bin/btfreloc" || fail "another tool"
make -s uninstall-tool DESTDIR="$work/tool" PREFIX=/usr >"$work/log" 2>&1 || fail "uninstall-tool"
[ -z "$(find "$work/tool" -type f)" ] || fail "uninstall-tool leaves something"
make -s install-tool DESTDIR="$work/tool" >"$work/log" 2>&1 || fail "install-tool"
[ -x "$work/tool/usr/local/bin/btfreloc" ] || fail "it does not go below /usr/local by itself"
rm -rf "$work"
