#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests imports.py on small trees: an import that is not below its file is noticed, however it is written.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect STATUS PATTERN FILE: FILE has the text of standard input
expect() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/src/kernel/report" "$(dirname -- "$work/tree/src/$3")"
	: >"$work/tree/src/kernel/memory.rs"
	cat >"$work/tree/src/$3"
	status=0
	python3 "$here/imports.py" "$work/tree" >"$work/output" 2>&1 || status=$?
	[ $status != 0 ] || echo fine >>"$work/output"
	if [ $status != "$1" ] || ! grep -Eq -- "$2" "$work/output"; then
		echo "$3: expected $1 and $2, found $status and:"
		cat "$work/output"
		exit 1
	fi
}

expect 0 '^fine$' reloc/plain/mod.rs <<'.'
use super::{base::Base, tables};
use crate::{
    btf::{Kind, Record}, // and not crate::text
    elf::Elf,
};
use core::fmt::{self, Display};
.
expect 1 'imports reloc::Base,' btf/kind.rs <<'.'
use crate::reloc::Base;
.
expect 1 'imports text::Name,' reloc/index.rs <<'.'
use crate::{btf::{self, Kind}, text::{self, Name}};
.
expect 1 'imports shell::memory,' reloc/decision/ids.rs <<'.'
fn words() { crate::shell::memory() }
.
expect 1 'imports reloc::cause,' elf/mod.rs <<'.'
use super::reloc::cause;
.
expect 0 '^fine$' kernel/track/loads.rs <<'.'
use super::notifier::Event;
use crate::shell::{decide::{self, Action}, report::Stats, memory};
.
expect 1 'imports shell::track::Key,' kernel/commit/alias.rs <<'.'
use crate::shell::{
    memory,
    track::{Key},
};
.
expect 1 'imports kernel::report::Stats,' kernel/image/search.rs <<'.'
use super::super::report::Stats;
.
expect 1 'imports shell::Stats,' kernel/track/loads.rs <<'.'
use crate::shell::Stats;
.
expect 1 'imports kernel::report::Stats,' kernel/memory.rs <<'.'
use super::report::Stats;
.
expect 1 'of which nothing says what it imports' kernel/other/mod.rs </dev/null
