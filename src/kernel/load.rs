// SPDX-License-Identifier: GPL-2.0

//! The story of one load: what becomes of a module's BTF, decided while nothing is touched yet.

use super::{
    base::Vmlinux, carried::Carried, cause::Cause, firmware::Loader, loading::Loading,
    notifier::Coming, relocation::Relocation, stats::Stats,
};
use crate::reloc::Policy;
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

/// Decides what to do with the BTF of `module`; `None` where it has none.
#[inline(never)]
pub(crate) fn decide<'a>(
    vmlinux: &Vmlinux,
    stats: &Stats,
    loader: &Loader,
    policy: Policy,
    module: Coming<'a>,
) -> Option<Decision<'a>> {
    let carried = Carried::of(module).transpose()?;
    let planned = carried.and_then(|carried| {
        Loading::new(stats, loader, policy, module, &carried).plan(&vmlinux.base())
    });
    Some(match planned {
        Ok(None) => Decision::LeftAlone,
        Ok(Some(relocation)) => Decision::Relocate(relocation),
        Err(cause) if policy == Policy::Opaque && cause.costs_btf() => Decision::Drop(cause),
        Err(cause) => Decision::LeftToKernel(cause),
    })
}
