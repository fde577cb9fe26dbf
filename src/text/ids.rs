// SPDX-License-Identifier: GPL-2.0

//! The words for what is wrong with `.BTF_ids`, and what became of it.

use core::fmt::{Display, Formatter, Result};

use crate::btf::Section;
use crate::reloc::btf_ids;

/// What became of the ids in `.BTF_ids` of a module whose BTF is dropped: all are 0.
pub struct IdsCleared {
    /// How many there are.
    pub ids: u32,
    /// How many were not.
    pub changed: u32,
}

impl Display for IdsCleared {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} of {} .BTF_ids set to 0", self.changed, self.ids)
    }
}

/// That ids in `.BTF_ids` of a module whose BTF is dropped stay, and why.
pub struct IdsKept<'a>(pub Option<&'a dyn Display>);

impl Display for IdsKept<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("its .BTF_ids stay, and name other types here")?;
        match self.0 {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}

impl Display for btf_ids::Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} offset {}: ", Section::BtfIds, self.offset)?;
        f.write_str(match self.reason {
            btf_ids::Reason::Length => "the section is no array of words",
            btf_ids::Reason::NoSymbols => {
                "the module was stripped of the symbols that identify its ids"
            }
            btf_ids::Reason::NoSymbol(_) => "no symbol says what this word is",
            btf_ids::Reason::UnknownForm => "a symbol of a form that is not known",
            btf_ids::Reason::Misaligned => "a symbol inside a word",
            btf_ids::Reason::Outside => "a symbol past the end",
            btf_ids::Reason::SetTooLong(_) => "a set that goes on past the end",
            btf_ids::Reason::Overlap => "symbols disagree about this word",
            btf_ids::Reason::Changed => "a set that was changed after the module was built",
            btf_ids::Reason::Unmapped => "an id of no type of the module",
            btf_ids::Reason::Output => "the copy has another length",
        })
    }
}
