// SPDX-License-Identifier: GPL-2.0

//! What the kernel is shown as a module's BTF, ready to be committed.

use super::{alias::Alias, handover::Handover, notifier::Coming, report::LoadReport};
use kernel::{prelude::*, sync::UniqueArc};

/// A relocation that is ready to be committed.
pub(crate) struct Relocation<'a> {
    /// `None` where the kernel is to find none.
    btf: Option<KVVec<u8>>,
    ids: Option<PatchedIds<'a>>,
    report: UniqueArc<LoadReport>,
}

/// `.BTF_ids` with its ids mapped, and the way to put it where the module reads it.
pub(super) struct PatchedIds<'a> {
    pub(super) bytes: KVVec<u8>,
    pub(super) alias: Alias<'a>,
}

impl<'a> Relocation<'a> {
    pub(super) fn new(
        btf: Option<KVVec<u8>>,
        ids: Option<PatchedIds<'a>>,
        report: UniqueArc<LoadReport>,
    ) -> Self {
        Self { btf, ids, report }
    }

    /// Shows the kernel the BTF and writes the ids where the module reads them.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` where the BTF is larger than `struct module` can say; nothing is changed then.
    ///
    /// # Safety
    ///
    /// As for [`Handover::replace`].
    pub(crate) unsafe fn commit(
        self,
        module: Coming<'_>,
    ) -> Result<(Handover, UniqueArc<LoadReport>)> {
        let handover = match self.btf {
            // SAFETY: The requirements are those of this function.
            Some(btf) => unsafe { Handover::replace(module, btf)? },
            // SAFETY: As above.
            None => unsafe { Handover::hide(module) },
        };
        if let Some(ids) = self.ids {
            // SAFETY: `.BTF_ids` is for the module's code, and for what that calls; none of it has
            // run, and none does before the notifier returns. `ids.bytes` is memory of ours.
            unsafe { ids.alias.write(&ids.bytes) };
        }
        Ok((handover, self.report))
    }
}
