// SPDX-License-Identifier: GPL-2.0

//! The words for what stands in the way of a relocation, and what can be done about it.

use core::fmt::{Display, Formatter, Result};

use super::supplied::{instead_of, FIRMWARE};
use super::{short, Name};
use crate::reloc::{btf_ids, Cause, CauseKind, InputKind, SuppliedName, Unmatched};

impl Display for Cause<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Cause::NoTypes => {
                f.write_str("it describes no type, and some programs fail to read such BTF")
            }
            Cause::Malformed(found) if found.is_named_by_rust() => write!(
                f,
                "malformed BTF: {found}; names such as these are allowed in no BTF: encode it with \
                 pahole --lang_exclude=rust"
            ),
            Cause::Malformed(found) => write!(f, "malformed BTF: {found}; build the module again"),
            Cause::Newer(found) => write!(
                f,
                "this kernel knows more BTF than rust_btfreloc: {found}; install a newer rust_btfreloc"
            ),
            Cause::Stale {
                found,
                release: Some(release),
                another_build: true,
            } => {
                let (name, file) = (Name(release), SuppliedName { release, number: 0 });
                write!(
                    f,
                    "made with another build of {name} than this kernel: {found}; boot that build, \
                     install the modules of this one, or rebuild the module (is the vmlinux in its \
                     build tree this kernel's?); or put the vmlinux BTF of that build at \
                     {FIRMWARE}/{file} (where it was installed over this one: btfreloc extract \
                     /boot/vmlinuz-{name} --firmware {FIRMWARE}/btfreloc)"
                )
            }
            Cause::Stale { found, release, .. } => {
                write!(f, "not for this kernel: {found}; rebuild it with .BTF.base")?;
                let Some(release) = release else {
                    return Ok(());
                };
                let (name, file) = (Name(release), SuppliedName { release, number: 0 });
                write!(f, ", or put the vmlinux BTF of {name} at {FIRMWARE}/{file}")
            }
            Cause::Supplied { found, file } => {
                write!(
                    f,
                    "firmware {file} is not the vmlinux BTF that the module was built with: {found}"
                )?;
                instead_of(file, f)
            }
            Cause::SuppliedOwn { file } => {
                write!(
                    f,
                    "firmware {file} is the running kernel's own BTF, with which the module was not \
                     built"
                )?;
                instead_of(file, f)
            }
            Cause::TooLarge(error) => {
                write!(
                    f,
                    "cannot be relocated: {error}; build the module with fewer types"
                )
            }
            Cause::Unmatched(unmatched) => {
                write!(
                    f,
                    "policy is strict: {unmatched}; rebuild it for this kernel, "
                )?;
                f.write_str("or load rust_btfreloc with policy=1")
            }
            Cause::Inline => f.write_str(
                "this kernel reads .BTF.inline, which cannot be relocated with .BTF while a module loads; \
                 rebuild it for this kernel",
            ),
            Cause::Ids(error) => {
                let advice = match error.reason {
                    btf_ids::Reason::NoSymbols => "use strip --strip-debug",
                    _ => "build the module again",
                };
                write!(f, "{error}; {advice}")
            }
            Cause::Symbols => f.write_str(
                ".BTF_ids cannot be interpreted: the symbol table is damaged; build the module again",
            ),
            Cause::Outside => f.write_str(
                "malformed BTF: a section is not inside the ELF file; build the module again",
            ),
            Cause::NoImage => f.write_str(
                "its ELF file was not found in memory: its BTF is allocated, and it was stripped \
                 of the symbols of .modinfo; build the module again",
            ),
        }
    }
}

/// One word, for figures.
impl Display for InputKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            InputKind::Distilled => "distilled",
            InputKind::Split => "split",
            InputKind::Standalone => "standalone",
        })
    }
}

/// One word, for figures.
impl Display for CauseKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            CauseKind::NoTypes => "no_types",
            CauseKind::Malformed => "malformed",
            CauseKind::Newer => "newer",
            CauseKind::Stale => "stale",
            CauseKind::Supplied => "supplied_base",
            CauseKind::TooLarge => "too_large",
            CauseKind::Unmatched => "unmatched",
            CauseKind::Inline => "inline",
            CauseKind::Ids => "btf_ids",
            CauseKind::Symbols => "symbols",
            CauseKind::NoImage => "no_image",
        })
    }
}

impl Display for Unmatched<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (id, kind, name) = (self.type_id, self.kind, short(self.name));
        write!(f, ".BTF.base type [{id}] {kind} {name}: {}", self.why)
    }
}
