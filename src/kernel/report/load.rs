// SPDX-License-Identifier: GPL-2.0

//! What became of a module's BTF, kept as long as the module is loaded and put into words only
//! when somebody reads it.

use super::{
    debugfs::Show, rebased::RebasedReport, reduced::ReducedReport, relocated::RelocatedReport,
    DroppedReport, IdReport, Reader,
};
use crate::reloc::{standalone, LeftOut, RelocationPlan, SuppliedName};
use core::fmt::Display;
use kernel::{alloc::AllocError, fmt, prelude::*, sync::UniqueArc};

/// What became of the BTF of one module.
pub(crate) enum ModuleReport {
    /// It was relocated.
    Relocated(RelocatedReport),
    /// It was standalone, and was rebased.
    Rebased(RebasedReport),
    /// Nothing of it changed but that types were left out.
    Reduced(ReducedReport),
    /// It was dropped.
    Dropped(DroppedReport),
}

/// A [`ModuleReport`], and what the kernel made of it.
pub(crate) struct LoadReport {
    module: ModuleReport,
    /// The types of kinds that this kernel does not know.
    left_out: Option<LeftOut>,
    refused: bool,
}

impl LoadReport {
    /// The kernel has yet to see what it is shown.
    fn new(module: ModuleReport) -> Result<UniqueArc<Self>, AllocError> {
        let report = Self {
            module,
            left_out: None,
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

    /// Nothing changed but that types were left out.
    #[inline(never)]
    pub(crate) fn reduced(ids: Option<IdReport>) -> Result<UniqueArc<Self>, AllocError> {
        Self::new(ModuleReport::Reduced(ReducedReport(ids)))
    }

    /// The BTF was dropped.
    #[inline(never)]
    pub(crate) fn dropped(dropped: DroppedReport) -> Result<UniqueArc<Self>, AllocError> {
        Self::new(ModuleReport::Dropped(dropped))
    }

    /// These types were left out of the BTF before.
    pub(crate) fn without(&mut self, left_out: Option<LeftOut>) {
        self.left_out = left_out;
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
    pub(crate) fn summary(&self) -> LoadSummary<'_> {
        LoadSummary(self)
    }
}

impl Show for LoadReport {
    fn show(&self, f: &mut fmt::Formatter<'_>, _: &Reader<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        match &self.module {
            ModuleReport::Relocated(relocated) => relocated.show(f),
            ModuleReport::Rebased(rebased) => rebased.show(f),
            ModuleReport::Reduced(reduced) => reduced.show(f),
            ModuleReport::Dropped(dropped) => dropped.show(f),
        }
    }
}

/// A [`LoadReport`] on one line.
pub(crate) struct LoadSummary<'a>(&'a LoadReport);

impl Display for LoadSummary<'_> {
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
            ModuleReport::Reduced(reduced) => reduced.summary(f),
            ModuleReport::Dropped(dropped) => dropped.summary(f),
        }?;
        match &self.0.left_out {
            Some(left_out) => write!(f, "; left out: {left_out}"),
            None => Ok(()),
        }
    }
}
