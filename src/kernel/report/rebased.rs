// SPDX-License-Identifier: GPL-2.0

//! The report on standalone BTF that was rebased.

use super::IdReport;
use crate::reloc::standalone;
use crate::shell::memory;
use crate::text;
use core::fmt::Display;
use kernel::{fmt, prelude::*};

/// A rebase that was done.
pub(crate) struct RebasedReport {
    counts: standalone::RebaseCounts,
    conflicts: u32,
    /// The conflicts, a line each, as the BTF they are about is soon gone; `None` where there was no
    /// memory for it.
    listed: Option<KVVec<u8>>,
    ids: Option<IdReport>,
}

impl RebasedReport {
    /// Keeps what the report is made of.
    #[inline(never)]
    pub(super) fn new(plan: &standalone::RebasePlan<'_>, ids: Option<IdReport>) -> Self {
        let conflicts = count_conflicts(plan);
        Self {
            counts: plan.counts(),
            conflicts,
            listed: memory::text(&Listed(plan)).ok(),
            ids,
        }
    }

    /// How many types are another in vmlinux.
    pub(crate) fn conflicts(&self) -> u32 {
        self.conflicts
    }

    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.listed {
            Some(listed) => f.write_str(core::str::from_utf8(listed).unwrap_or_default())?,
            None => writeln!(f, "no memory was left to list what differs")?,
        }
        self.ids.iter().try_for_each(|ids| ids.show(f))
    }

    pub(super) fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conflicting = text::Conflicting(self.conflicts);
        write!(f, "rebased: {}, {conflicting}", self.counts)?;
        self.ids.iter().try_for_each(|ids| write!(f, ", {ids}"))
    }
}

#[inline(never)]
fn count_conflicts(plan: &standalone::RebasePlan<'_>) -> u32 {
    plan.conflicts().fold(0, |sum, _| sum.saturating_add(1))
}

/// The conflicts of a plan, a line each.
struct Listed<'p, 'a>(&'p standalone::RebasePlan<'a>);

impl Display for Listed<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for conflict in self.0.conflicts() {
            writeln!(f, "{conflict}")?;
        }
        Ok(())
    }
}
