// SPDX-License-Identifier: GPL-2.0

//! The words for what is wrong with `.BTF.funcs`.

use core::fmt::{Display, Formatter, Result};

use crate::reloc::funcs::{self, FuncFlags};

/// That the functions of a module with a table of them are not shown, and why.
pub struct FuncsNotShown<'a>(pub &'a dyn Display);

impl Display for FuncsNotShown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "function addresses are not shown: {}", self.0)
    }
}

impl Display for funcs::Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, ".BTF.funcs offset {}: ", self.offset)?;
        match self.reason {
            funcs::Reason::NoData => f.write_str("the section has no bytes in the file"),
            funcs::Reason::NotAllocated => {
                f.write_str("the section is not allocated, so that the kernel fills in no address")
            }
            funcs::Reason::Misaligned => f.write_str("the section is not at a multiple of 8 bytes"),
            funcs::Reason::Short(len) => write!(f, "{len} bytes are no header"),
            funcs::Reason::Magic(magic) => write!(f, "magic {magic:#06x}, not 0xfb9f"),
            funcs::Reason::Version(version) => write!(f, "version {version}, not 1"),
            funcs::Reason::HeaderFlags(flags) => write!(f, "flags {flags:#x} in the header, not 0"),
            funcs::Reason::HeaderLen(len) => write!(f, "the header has {len} bytes, not 16"),
            funcs::Reason::RecordLen(len) => write!(f, "a record has {len} bytes, not 16"),
            funcs::Reason::Length { count, len } => {
                write!(f, "{count} records do not fill a section of {len} bytes")
            }
            funcs::Reason::Flags(flags) => {
                write!(f, "flags {flags:#x}, of which some are not known")
            }
            funcs::Reason::NotOwn(id) => write!(f, "id {id} is no type of this module"),
            funcs::Reason::NotFunc { id, kind } => {
                write!(f, "id {id} is a {}, not a FUNC", kind.name())
            }
            funcs::Reason::Outside => f.write_str("an address outside of the module's code"),
            funcs::Reason::InitAddress => {
                f.write_str("an address of what is gone once the module is initialised")
            }
        }
    }
}

/// The words of all flags that are set, `-` where none is.
impl Display for FuncFlags {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut separator = "";
        for (flag, word) in FuncFlags::WORDS {
            if self.has(flag) {
                write!(f, "{separator}{word}")?;
                separator = ",";
            }
        }
        match separator {
            "" => f.write_str("-"),
            _ => Ok(()),
        }
    }
}
