// SPDX-License-Identifier: GPL-2.0

//! All that is to be written into a loading module, ready: writing it cannot fail half-way.

use super::{Alias, ReplacedBtf};
use crate::shell::{module::Coming, report::LoadReport};
use kernel::{prelude::*, sync::UniqueArc};

/// What the kernel is to read as a module's BTF, and its `.BTF_ids`, with nothing written yet.
pub(crate) struct Prepared<'a> {
    /// `None` where the kernel is to find none.
    btf: Option<KVVec<u8>>,
    ids: Option<PatchedIds<'a>>,
    report: UniqueArc<LoadReport>,
}

/// `.BTF_ids` with its ids mapped, and the way to put it where the module reads it.
pub(crate) struct PatchedIds<'a> {
    pub(crate) bytes: KVVec<u8>,
    pub(crate) alias: Alias<'a>,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
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
    /// As for [`ReplacedBtf::replace`].
    pub(crate) unsafe fn commit(
        self,
        module: Coming<'_>,
    ) -> Result<(ReplacedBtf, UniqueArc<LoadReport>)> {
        let replaced = match self.btf {
            // SAFETY: The requirements are those of this function.
            Some(btf) => unsafe { ReplacedBtf::replace(module, btf)? },
            // SAFETY: As above.
            None => unsafe { ReplacedBtf::hide(module) },
        };
        if let Some(ids) = self.ids {
            // SAFETY: `.BTF_ids` is for the module's code, and for what that calls; none of it has
            // run, and none does before the notifier returns. `ids.bytes` is memory of ours.
            unsafe { ids.alias.write(&ids.bytes) };
        }
        Ok((replaced, self.report))
    }
}
