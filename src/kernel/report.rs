// SPDX-License-Identifier: GPL-2.0

//! What became of a module's BTF, kept as long as the module is loaded and put into words only
//! when somebody reads it.

use super::{cause::Cause, debugfs::Show, ids::IdReport, memory};
use crate::reloc::{self, Counts, Fate, Name, Plan};
use core::fmt::Display;
use kernel::{alloc::AllocError, fmt, prelude::*};

/// How many opaque types the kernel log names; debugfs names all.
const NAMES_IN_LOG: usize = 8;

/// What became of the BTF of one module.
pub(crate) enum Report {
    /// It was relocated.
    Relocated(Relocated),
    /// It was dropped.
    Dropped(Cause),
}

impl Report {
    /// The report on one line.
    pub(crate) fn line(&self) -> Line<'_> {
        Line(self)
    }
}

impl Show for Report {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.line())?;
        match self {
            Self::Relocated(relocated) => relocated.show(f),
            Self::Dropped(_) => Ok(()),
        }
    }
}

/// A [`Report`] on one line.
pub(crate) struct Line<'a>(&'a Report);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Report::Relocated(relocated) => relocated.line(f),
            Report::Dropped(cause) => write!(f, "BTF dropped: {cause}"),
        }
    }
}

/// A relocation that was done.
pub(crate) struct Relocated {
    counts: Counts,
    btf_base: KVVec<u8>,
    fates: KVVec<u32>,
    new_ids: KVVec<u32>,
    ids: Option<IdReport>,
}

impl Relocated {
    /// Keeps what the report is made of.
    pub(crate) fn new(
        plan: &Plan<'_>,
        btf_base: &[u8],
        ids: Option<IdReport>,
    ) -> Result<Self, AllocError> {
        let (fates, new_ids) = plan.words();
        Ok(Self {
            counts: plan.counts(),
            btf_base: memory::copied(btf_base)?,
            fates: memory::copied(fates)?,
            new_ids: memory::copied(new_ids)?,
            ids,
        })
    }

    /// How many types became what.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    fn entries(&self) -> Option<impl Iterator<Item = reloc::Entry<'_>>> {
        let report = reloc::Report::new(&self.btf_base, &self.fates, &self.new_ids);
        Some(report.ok()?.entries())
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.entries().into_iter().flatten() {
            writeln!(f, "{entry}")?;
        }
        self.ids.iter().try_for_each(|ids| ids.show(f))
    }

    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            split,
            mapped,
            opaque,
        } = self.counts;
        write!(
            f,
            "BTF relocated: {split} types, {mapped} base types mapped, {opaque} opaque"
        )?;
        self.opaque_names(f)?;
        if let Some(ids) = &self.ids {
            write!(f, ", {ids}")?;
        }
        Ok(())
    }

    fn opaque_names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries().into_iter().flatten();
        let mut opaque = entries.filter(|entry| matches!(entry.fate, Fate::Opaque(_)));
        let mut separator = " (";
        for entry in opaque.by_ref().take(NAMES_IN_LOG) {
            write!(f, "{separator}{}", Name(entry.name))?;
            separator = ", ";
        }
        let more = opaque.fold(0_u32, |more, _| more.saturating_add(1));
        match (self.counts.opaque, more) {
            (0, _) => Ok(()),
            (_, 0) => f.write_str(")"),
            (_, more) => write!(f, " and {more} more)"),
        }
    }
}
