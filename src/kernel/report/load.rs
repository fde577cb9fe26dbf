// SPDX-License-Identifier: GPL-2.0

//! What became of a module's BTF, kept as long as the module is loaded and put into words only
//! when somebody reads it.

use super::{debugfs::Show, IdReport, OwnedCause};
use crate::reloc::{self, standalone, Counts, Fate, RelocationPlan, SuppliedName};
use crate::shell::{memory, text::Text};
use crate::text;
use core::fmt::Display;
use kernel::{alloc::AllocError, fmt, prelude::*, str::CString, sync::UniqueArc};

/// How many opaque types the kernel log names; debugfs names all.
const NAMES_IN_LOG: usize = 8;

/// What became of the BTF of one module.
pub(crate) enum ModuleReport {
    /// It was relocated.
    Relocated(RelocatedReport),
    /// It was standalone, and was rebased.
    Rebased(RebasedReport),
    /// It was dropped.
    Dropped(DroppedReport),
}

/// A [`ModuleReport`], and what the kernel made of it.
pub(crate) struct LoadReport {
    module: ModuleReport,
    refused: bool,
}

impl LoadReport {
    /// The kernel has yet to see what it is shown.
    fn new(module: ModuleReport) -> Result<UniqueArc<Self>, AllocError> {
        let report = Self {
            module,
            refused: false,
        };
        UniqueArc::new(report, GFP_KERNEL)
    }

    /// What [`RelocatedReport::new`] keeps.
    // In a frame of its own: a kernel's stack is small.
    #[inline(never)]
    pub(crate) fn relocated(
        plan: &RelocationPlan<'_>,
        btf_base: &[u8],
        ids: Option<IdReport>,
        supplied: Option<SuppliedName<'_>>,
    ) -> Result<UniqueArc<Self>, AllocError> {
        let report = RelocatedReport::new(plan, btf_base, ids, supplied);
        Self::new(ModuleReport::Relocated(report))
    }

    /// What [`RebasedReport::new`] keeps.
    #[inline(never)]
    pub(crate) fn rebased(
        plan: &standalone::RebasePlan<'_>,
        ids: Option<IdReport>,
    ) -> Result<UniqueArc<Self>, AllocError> {
        Self::new(ModuleReport::Rebased(RebasedReport::new(plan, ids)))
    }

    /// The BTF was dropped.
    #[inline(never)]
    pub(crate) fn dropped(dropped: DroppedReport) -> Result<UniqueArc<Self>, AllocError> {
        Self::new(ModuleReport::Dropped(dropped))
    }

    /// What became of the BTF.
    pub(crate) fn module(&self) -> &ModuleReport {
        &self.module
    }

    /// The kernel has seen what it was shown, and has `registered` it or not.
    ///
    /// With `CONFIG_MODULE_ALLOW_BTF_MISMATCH` it lets a module load whose BTF it refuses.
    pub(crate) fn seen(&mut self, registered: bool) {
        self.refused = !registered && !matches!(self.module, ModuleReport::Dropped(_));
    }

    /// Whether the kernel refused what it was shown.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// The report on one line.
    pub(crate) fn summary(&self) -> Summary<'_> {
        Summary(self)
    }
}

impl Show for LoadReport {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        match &self.module {
            ModuleReport::Relocated(relocated) => relocated.show(f),
            ModuleReport::Rebased(rebased) => rebased.show(f),
            ModuleReport::Dropped(dropped) => dropped.show(f),
        }
    }
}

/// A [`LoadReport`] on one line.
pub(crate) struct Summary<'a>(&'a LoadReport);

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BTF ")?;
        if self.0.refused {
            f.write_str(
                "refused by the kernel, which does not show it in /sys/kernel/btf; it was ",
            )?;
        }
        match &self.0.module {
            ModuleReport::Relocated(relocated) => relocated.summary(f),
            ModuleReport::Rebased(rebased) => rebased.summary(f),
            ModuleReport::Dropped(dropped) => dropped.summary(f),
        }
    }
}

/// A relocation that was done.
pub(crate) struct RelocatedReport {
    counts: Counts,
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

    fn entries(&self) -> impl Iterator<Item = reloc::Entry<'_>> {
        let report = reloc::Report::new(&self.btf_base, &self.fates, &self.new_ids);
        // What the plan was made from can be read again.
        let entries = report.ok().map(|report| report.entries());
        entries.into_iter().flatten()
    }
}

impl RelocatedReport {
    /// Keeps what the report is made of, or less of it where memory is short; `supplied` is the
    /// file with the BTF that the operator supplied to distill the module against.
    fn new(
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

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.base {
            Some(base) => base
                .entries()
                .try_for_each(|entry| writeln!(f, "{entry}"))?,
            None => writeln!(f, "no memory was left to list the base types")?,
        }
        self.ids.iter().try_for_each(|ids| ids.show(f))
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            split,
            mapped,
            opaque,
        } = self.counts;
        f.write_str("relocated")?;
        if let Some(file) = &self.supplied {
            let file = file.to_str().unwrap_or_default();
            write!(f, " by way of firmware {file}")?;
        }
        write!(
            f,
            ": {split} types, {mapped} base types mapped, {opaque} opaque"
        )?;
        if let Some(base) = &self.base {
            self.opaque_names(base, f)?;
        }
        if let Some(ids) = &self.ids {
            write!(f, ", {ids}")?;
        }
        Ok(())
    }

    fn opaque_names(&self, base: &RelocatedBase, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut opaque = base
            .entries()
            .filter(|entry| matches!(entry.fate, Fate::Opaque(_)));
        let mut separator = " (";
        for entry in opaque.by_ref().take(NAMES_IN_LOG) {
            write!(f, "{separator}{}", text::short(entry.name))?;
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

/// A rebase that was done.
pub(crate) struct RebasedReport {
    counts: standalone::Counts,
    conflicts: u32,
    /// The conflicts, a line each, as the BTF they are about is soon gone; `None` where there was no
    /// memory for it.
    listed: Option<KVVec<u8>>,
    ids: Option<IdReport>,
}

impl RebasedReport {
    /// Keeps what the report is made of.
    #[inline(never)]
    fn new(plan: &standalone::RebasePlan<'_>, ids: Option<IdReport>) -> Self {
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

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.listed {
            Some(listed) => f.write_str(core::str::from_utf8(listed).unwrap_or_default())?,
            None => writeln!(f, "no memory was left to list what differs")?,
        }
        self.ids.iter().try_for_each(|ids| ids.show(f))
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (counts, conflicts) = (self.counts, self.conflicts);
        write!(f, "rebased: {counts}, {conflicts} differ from vmlinux's")?;
        self.ids.iter().try_for_each(|ids| write!(f, ", {ids}"))
    }
}

/// BTF that the kernel was not shown.
pub(crate) struct DroppedReport {
    /// Why.
    pub(crate) cause: OwnedCause,
    /// What became of the ids that the module's code reads, which are those of no types any more;
    /// or why they stay, where that is not the cause as well. `None` where it has none.
    pub(crate) ids: Option<Result<IdReport, Option<OwnedCause>>>,
}

impl DroppedReport {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ids {
            Some(Ok(ids)) => ids.show(f),
            _ => Ok(()),
        }
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropped: {}", self.cause)?;
        match &self.ids {
            Some(Ok(ids)) => write!(f, "; {}", ids.cleared()),
            Some(Err(why)) => {
                let words = why.as_ref().map(|why| why as &dyn Display);
                write!(f, "; {}", text::IdsKept(words))
            }
            None => Ok(()),
        }
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
        let mut conflicts = self.0.conflicts();
        conflicts.try_for_each(|conflict| writeln!(f, "{conflict}"))
    }
}
