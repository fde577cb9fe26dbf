// SPDX-License-Identifier: GPL-2.0

//! The report on BTF that was relocated from a distilled base.

use super::IdReport;
use crate::reloc::{self, Fate, RelocationCounts, RelocationPlan, SuppliedName};
use crate::shell::{memory, text::Text};
use crate::text;
use kernel::{alloc::AllocError, fmt, prelude::*, str::CString};

/// A relocation that was done.
pub(crate) struct RelocatedReport {
    counts: RelocationCounts,
    /// The file with the base that the operator supplied.
    supplied: Option<CString>,
    /// `None` where there was no memory for it.
    base: Option<RelocatedBase>,
    ids: Option<IdReport>,
}

/// What became of each type of the distilled base.
struct RelocatedBase {
    btf_base: KVVec<u8>,
    fates: KVVec<u32>,
    new_ids: KVVec<u32>,
}

impl RelocatedBase {
    fn new(plan: &RelocationPlan<'_>, btf_base: &[u8]) -> Result<Self, AllocError> {
        let (fates, new_ids) = plan.words();
        Ok(Self {
            btf_base: memory::copied(btf_base)?,
            fates: memory::copied(fates)?,
            new_ids: memory::copied(new_ids)?,
        })
    }

    /// `None` never is: what the plan was made from can be read again.
    fn entries(&self) -> Option<impl Iterator<Item = reloc::DistilledType<'_>>> {
        let report = reloc::Report::new(&self.btf_base, &self.fates, &self.new_ids);
        Some(report.ok()?.entries())
    }
}

impl RelocatedReport {
    /// Keeps what the report is made of, or less of it where memory is short; `supplied` is the
    /// file with the BTF that the operator supplied to distill the module against.
    pub(super) fn new(
        plan: &RelocationPlan<'_>,
        btf_base: &[u8],
        ids: Option<IdReport>,
        supplied: Option<SuppliedName<'_>>,
    ) -> Self {
        let file = |file| CString::try_from_fmt(fmt!("{}", Text(file))).ok();
        Self {
            counts: plan.counts(),
            supplied: supplied.and_then(file),
            base: RelocatedBase::new(plan, btf_base).ok(),
            ids,
        }
    }

    /// How many types became opaque.
    pub(crate) fn opaque(&self) -> u32 {
        self.counts.opaque
    }

    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            Some(base) => {
                for entry in Entries(base.entries()) {
                    writeln!(f, "{entry}")?;
                }
            }
            None => writeln!(f, "no memory was left to list the base types")?,
        }
        self.ids.iter().try_for_each(|ids| ids.show(f))
    }

    pub(super) fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("relocated")?;
        if let Some(file) = &self.supplied {
            let file = file.to_str().unwrap_or_default();
            write!(f, " by way of firmware {file}")?;
        }
        write!(f, ": {}", self.counts)?;
        if let Some(base) = &self.base {
            write!(
                f,
                "{}",
                text::OpaqueNames(|| Opaque(Entries(base.entries())))
            )?;
        }
        if let Some(ids) = &self.ids {
            write!(f, ", {ids}")?;
        }
        Ok(())
    }
}

// Adapters of core would do, but for names of functions that are too long for objtool.

/// The types, or none.
struct Entries<I>(Option<I>);

impl<I: Iterator> Iterator for Entries<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.as_mut()?.next()
    }
}

/// The names of those that are opaque.
struct Opaque<I>(I);

impl<'r, I: Iterator<Item = reloc::DistilledType<'r>>> Iterator for Opaque<I> {
    type Item = &'r [u8];

    fn next(&mut self) -> Option<&'r [u8]> {
        loop {
            let entry = self.0.next()?;
            if matches!(entry.fate, Fate::Opaque(_)) {
                return Some(entry.name);
            }
        }
    }
}
