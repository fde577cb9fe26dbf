#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# scripts/tool host, where libelf is not there to build with, and where Rust is too old or missing.
set -eu
cd "$(dirname "$0")/../.."
work=$PWD/build/check/tool-test
rm -rf "$work"
mkdir -p "$work/poison" "$work/bin"

fail() {
	echo "FAILED: $*"
	exit 1
}

# What would be found first says that it is not there.
for header in libelf.h gelf.h zlib.h; do
	echo "#error $header is not here" >"$work/poison/$header"
done
echo 'INPUT(not-here)' >"$work/poison/libelf.so"
export C_INCLUDE_PATH="$work/poison" LIBRARY_PATH="$work/poison"
! echo '#include <libelf.h>' | cc -E - >/dev/null 2>&1 || fail "libelf's headers can still be read"

manifest=scripts/btfreloc/Cargo.toml
! cargo tree --locked --edges normal,build --manifest-path $manifest | grep -E 'bpf|elf-sys' || fail "it is built with libbpf"
cargo tree --locked --edges normal --features encode --manifest-path $manifest | grep -q libbpf-sys || fail "encode is not"
# Other tests want the one with all features again.
cp build/bin/btfreloc "$work/kept"
trap 'mv "$work/kept" build/bin/btfreloc' EXIT
scripts/tool host 2>"$work/log" || fail "$(cat "$work/log")"
grep -E '^built: .*/build/bin/btfreloc \(for this machine; -encode\)$' "$work/log" || fail "$(cat "$work/log")"
! ldd build/bin/btfreloc | grep -E 'libelf|libz|libbpf' || fail "it is linked with them"
cargo test --locked --manifest-path $manifest --target-dir build/cargo >"$work/tests" 2>&1 ||
	fail "$(tail -n 60 "$work/tests")"
grep -q '^test what_is_left_out_says_how_it_is_had ... ok$' "$work/tests" || fail "the tests are those with encode"

# lacks WHAT: with rustc and the like as in $work/bin alone
lacks() {
	! env PATH="$work/bin" sh scripts/tool host 2>"$work/log" || fail "it builds without $1"
	grep -F "tool: this machine has $1: install it (" "$work/log" || fail "$(cat "$work/log")"
}

for tool in sh dirname cut sed sort head; do
	ln -s "$(command -v $tool)" "$work/bin/$tool"
done
lacks "no cargo and rustc"
printf '#!/bin/sh\necho "rustc 1.63.0 (x 2022-08-08)"\n' >"$work/bin/rustc"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/cargo"
chmod +x "$work/bin/rustc" "$work/bin/cargo"
lacks "rustc 1.63.0, where 1.85 is needed"
printf '#!/bin/sh\necho "rustc 1.100.0 (x 2027-08-08)"\n' >"$work/bin/rustc"
lacks "no C compiler (cc)"
