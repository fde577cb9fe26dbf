// SPDX-License-Identifier: GPL-2.0

//! Asks the core what becomes of a loading module's BTF, while nothing is touched yet.

use super::shell::KernelShell;
use crate::reloc::{
    decision::{self, DroppedIds, NoFuncs, Patched, Replacement},
    Policy,
};
use crate::shell::{
    base::{Loader, Vmlinux},
    commit::Prepared,
    image,
    module::Coming,
    report::{DroppedReport, FuncsReport, LoadReport, OwnedCause, Stats},
};
use kernel::{alloc::AllocError, prelude::*, sync::UniqueArc};

/// What is done with the BTF of a loading module.
pub(crate) enum Action<'a> {
    /// Nothing: the kernel takes it as it is.
    LeaveAlone(Option<Funcs>),
    /// Nothing, though it is not what this kernel wants.
    LeaveToKernel(OwnedCause),
    /// The kernel reads another, or none.
    Commit(Prepared<'a>, Option<Funcs>),
}

/// [`decision::TakenFuncs`] of the kernel's shell.
pub(crate) type Funcs = Result<UniqueArc<FuncsReport>, NoFuncs<Error>>;

/// Decides what to do with the BTF of `module`; `None` where it has none.
#[inline(never)]
pub(crate) fn decide<'a>(
    vmlinux: &Vmlinux,
    stats: &Stats,
    loader: &Loader,
    policy: Policy,
    module: Coming<'a>,
) -> Option<Action<'a>> {
    let sections = match boxed(|| image::sections(module)) {
        Ok(sections) => sections,
        Err(error) => return Some(Action::LeaveToKernel(error.into())),
    };
    let sections = sections.as_ref().map(Option::as_ref).transpose()?;
    let shell = KernelShell::new(stats, loader, module);
    // Not on the stack, which all that follows is below.
    let base = match boxed(|| vmlinux.running()) {
        Ok(base) => base,
        Err(error) => return Some(Action::LeaveToKernel(error.into())),
    };
    let decided = decision::decide(&shell, &base, policy, sections);
    Some(action(decided))
}

/// What the decision of the core means here.
#[inline(never)]
fn action<'a>(decided: decision::Decision<KernelShell<'_, 'a>>) -> Action<'a> {
    match decided {
        decision::Decision::LeaveAlone(funcs) => Action::LeaveAlone(funcs),
        decision::Decision::LeaveToKernel(cause) => Action::LeaveToKernel(cause),
        decision::Decision::Replace(replaced) => {
            let Replacement {
                btf,
                ids,
                mut report,
                funcs,
                left_out,
            } = replaced;
            report.without(left_out);
            Action::Commit(Prepared::new(Some(btf), ids, report), funcs)
        }
        decision::Decision::Drop { cause, ids } => {
            let (patched, ids) = match ids {
                Some(DroppedIds::Cleared(Patched { ids, report })) => (ids, Some(Ok(report))),
                Some(DroppedIds::Kept(why)) => (None, Some(Err(why))),
                None => (None, None),
            };
            match LoadReport::dropped(DroppedReport { cause, ids }) {
                // Without BTF their ids are those of no type.
                Ok(report) => Action::Commit(Prepared::new(None, patched, report), None),
                Err(error) => Action::LeaveToKernel(error.into()),
            }
        }
    }
}

/// What `make` gives, in memory of its own: it is large, and the kernel's stack is small.
#[inline(never)]
fn boxed<T>(make: impl FnOnce() -> T) -> Result<KBox<T>, AllocError> {
    KBox::new(make(), GFP_KERNEL)
}
