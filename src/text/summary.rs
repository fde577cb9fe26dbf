// SPDX-License-Identifier: GPL-2.0

//! The words for figures: what a relocation or a rebase comes to, on one line.

use core::fmt::{Display, Formatter, Result};

use super::short;
use crate::reloc::RelocationCounts;

/// How many opaque types a summary names.
const NAMES_SHOWN: usize = 8;

impl Display for RelocationCounts {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let RelocationCounts {
            split,
            mapped,
            opaque,
        } = self;
        write!(
            f,
            "{split} types, {mapped} base types mapped, {opaque} opaque"
        )
    }
}

/// The names of the opaque types, which are what the function returns; nothing where there are none.
pub struct OpaqueNames<F>(pub F);

impl<'n, F, I> Display for OpaqueNames<F>
where
    F: Fn() -> I,
    I: Iterator<Item = &'n [u8]>,
{
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut names = (self.0)();
        let mut separator = " (";
        for name in names.by_ref().take(NAMES_SHOWN) {
            write!(f, "{separator}{}", short(name))?;
            separator = ", ";
        }
        let mut more = 0_u32;
        for _ in names {
            more = more.saturating_add(1);
        }
        match more {
            0 if separator == " (" => Ok(()),
            0 => f.write_str(")"),
            more => write!(f, " and {more} more)"),
        }
    }
}

/// How many types of standalone BTF are another in vmlinux.
pub struct Conflicting(pub u32);

impl Display for Conflicting {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} differ from vmlinux's", self.0)
    }
}

/// What became of the ids in `.BTF_ids` of a module whose BTF is relocated or rebased.
pub struct IdsChanged {
    /// How many there are.
    pub ids: u32,
    /// How many got another value.
    pub changed: u32,
}

impl Display for IdsChanged {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} of {} .BTF_ids changed", self.changed, self.ids)
    }
}
