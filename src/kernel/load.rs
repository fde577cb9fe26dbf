// SPDX-License-Identifier: GPL-2.0

//! The story of one load: what becomes of a module's BTF, decided while nothing is touched yet.

use super::{
    base::Vmlinux, carried::Carried, cause::Cause, firmware::Loader, loading::Loading, memory,
    notifier::Coming, relocation::Relocation, stats::Stats,
};
use crate::reloc::Policy;
/// What is done with the BTF of a loading module.
pub(crate) enum Decision<'a> {
    /// Nothing: the kernel takes it as it is.
    LeftAlone,
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(Cause),
    /// The kernel is shown another, or none.
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
    let carried = Carried::of(module).map_err(Cause::from).transpose()?;
    let planned = carried.and_then(|carried| {
        // Not on the stack, which all that follows is below.
        let base = memory::boxed(|| Ok::<_, Cause>(vmlinux.running()))?;
        let loading = Loading::new(stats, loader, policy, module, &carried);
        match loading.plan(&base) {
            Err(cause) if drops(policy, &cause) => loading.dropped(cause).map(Some),
            planned => planned,
        }
    });
    Some(match planned {
        Ok(None) => Decision::LeftAlone,
        Ok(Some(relocation)) => Decision::Relocate(relocation),
        // Its file is not known well enough to look for `.BTF_ids`.
        Err(cause) if drops(policy, &cause) => match Relocation::without(cause) {
            Ok(relocation) => Decision::Relocate(relocation),
            Err(cause) => Decision::LeftToKernel(cause),
        },
        Err(cause) => Decision::LeftToKernel(cause),
    })
}

/// Whether the kernel is shown no BTF for `cause`.
fn drops(policy: Policy, cause: &Cause) -> bool {
    policy == Policy::Opaque && cause.costs_btf()
}
