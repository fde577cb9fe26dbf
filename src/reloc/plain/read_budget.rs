// SPDX-License-Identifier: GPL-2.0

//! How much of vmlinux is read to find out whether a module was made for it.
//!
//! The kernel follows no reference of a module, so that each look at vmlinux is memory that nobody
//! else reads. Stale BTF shows in most of its types: a few of them, and a few more of a large module,
//! show it for less than a twentieth of what the kernel's own notifier spends.

use crate::btf::{Btf, Reason, Record};

/// Effort for any module, and a unit more for so many types of it.
const EFFORT: u32 = 96;
const TYPES_PER_UNIT: u32 = 3;

/// To see whether a string starts somewhere is one read.
const PER_STRING: u32 = 1;
/// As is a type of the module.
const PER_OWN_TYPE: u32 = 1;
/// To find a type of vmlinux is several, far apart, as not each has its place in a table.
const PER_TYPE: u32 = 8;

/// How much is looked at.
pub(super) enum Extent {
    Sample,
    All,
}

/// Why no more is looked at.
pub(super) enum Stop {
    /// A reason, and the byte offset in the record it was found at.
    Contradiction(u32, Reason),
    /// The effort is spent, and nothing was found.
    Spent,
}

/// The BTF of a module, and the effort that is left for it.
pub(super) struct ReadBudget<'l, 'b> {
    btf: &'l Btf<'b>,
    effort: u32,
}

impl<'l, 'b> ReadBudget<'l, 'b> {
    pub(super) fn new(btf: &'l Btf<'b>, extent: Extent) -> Self {
        let effort = match extent {
            Extent::Sample => EFFORT.saturating_add(btf.own_count() / TYPES_PER_UNIT),
            // More than BTF of 16 MiB, the most that a kernel takes, can ask for.
            Extent::All => u32::MAX,
        };
        ReadBudget { btf, effort }
    }

    /// One more than the last id.
    pub(super) fn end_id(&self) -> u32 {
        self.btf.end_id()
    }

    /// The type with this id; `None` for void and past the end.
    pub(super) fn record(&mut self, id: u32) -> Result<Option<Record<'b>>, Stop> {
        self.spend(match id < self.btf.start_id() {
            true => PER_TYPE,
            false => PER_OWN_TYPE,
        })?;
        Ok(self.btf.record(id))
    }

    /// Whether a string starts at `off`.
    pub(super) fn starts_string(&mut self, off: u32) -> Result<bool, Stop> {
        self.spend(PER_STRING)?;
        Ok(self.btf.starts_string(off))
    }

    fn spend(&mut self, effort: u32) -> Result<(), Stop> {
        self.effort = self.effort.checked_sub(effort).ok_or(Stop::Spent)?;
        Ok(())
    }
}
