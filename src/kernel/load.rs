// SPDX-License-Identifier: GPL-2.0

//! The story of one load: what becomes of a module's BTF, decided while nothing is touched yet.

use super::{
    alias::Alias, base::Vmlinux, carried::Carried, cause::Cause, handover::Handover,
    loading::Loading, notifier::Coming, report::ModuleReport, stats::Stats,
};
use crate::reloc::Policy;
use kernel::prelude::*;

/// What is done with the BTF of a loading module.
pub(crate) enum Decision<'a> {
    /// Nothing: the kernel takes it as it is.
    LeftAlone,
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(Cause),
    /// The kernel is shown none.
    Drop(Cause),
    /// The kernel is shown another.
    Relocate(Relocation<'a>),
}

/// A relocation that is ready to be committed.
pub(crate) struct Relocation<'a> {
    btf: KVVec<u8>,
    ids: Option<PatchedIds<'a>>,
    report: KBox<ModuleReport>,
}

/// `.BTF_ids` with its ids mapped, and the way to put it where the module reads it.
pub(super) struct PatchedIds<'a> {
    pub(super) bytes: KVVec<u8>,
    pub(super) alias: Alias<'a>,
}

/// Decides what to do with the BTF of `module`; `None` where it has none.
#[inline(never)]
pub(crate) fn decide<'a>(
    vmlinux: &Vmlinux,
    stats: &Stats,
    policy: Policy,
    module: Coming<'a>,
) -> Option<Decision<'a>> {
    let carried = Carried::of(module).transpose()?;
    let planned = carried
        .and_then(|carried| Loading::new(stats, policy, module, &carried).plan(&vmlinux.base()));
    Some(match planned {
        Ok(None) => Decision::LeftAlone,
        Ok(Some(relocation)) => Decision::Relocate(relocation),
        Err(cause) if policy == Policy::Opaque && cause.lies_in_btf() => Decision::Drop(cause),
        Err(cause) => Decision::LeftToKernel(cause),
    })
}

impl<'a> Relocation<'a> {
    pub(super) fn new(
        btf: KVVec<u8>,
        ids: Option<PatchedIds<'a>>,
        report: ModuleReport,
    ) -> Result<Self, Cause> {
        let report = KBox::new(report, GFP_KERNEL)?;
        Ok(Self { btf, ids, report })
    }

    /// Shows the kernel the relocated BTF and writes the ids where the module reads them.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` where the BTF is larger than the kernel can be told; nothing is changed then.
    ///
    /// # Safety
    ///
    /// As for [`Handover::replace`].
    pub(crate) unsafe fn commit(
        self,
        module: Coming<'_>,
    ) -> Result<(Handover, KBox<ModuleReport>)> {
        // SAFETY: The requirements are those of this function.
        let handover = unsafe { Handover::replace(module, self.btf)? };
        if let Some(ids) = self.ids {
            // SAFETY: `.BTF_ids` is for the module's code, and for what that calls; none of it has
            // run, and none does before the notifier returns. `ids.bytes` is memory of ours.
            unsafe { ids.alias.write(&ids.bytes) };
        }
        Ok((handover, self.report))
    }
}
