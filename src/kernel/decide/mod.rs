// SPDX-License-Identifier: GPL-2.0

//! Asks the core what becomes of a loading module's BTF, while nothing is touched yet.

use crate::elf::Section;
use crate::reloc::{
    self,
    decision::{self, DroppedIds, MappedIds, Patched, Relocated, Replacement},
    standalone::RebasePlan,
    InputKind, Policy, RelocationPlan, SuppliedName, Unread,
};
use crate::shell::{
    base::{Firmware, Loader, Vmlinux},
    commit::{self, Alias, PatchedIds, Prepared},
    image, memory,
    module::Coming,
    report::{DroppedReport, IdReport, LoadReport, OwnedCause, Stats},
    text::Text,
};
use core::ops::Deref;
use kernel::{prelude::*, str::CString, sync::UniqueArc};

/// What is done with the BTF of a loading module.
pub(crate) enum Action<'a> {
    /// Nothing: the kernel takes it as it is.
    LeaveAlone,
    /// Nothing, though it is not what this kernel wants.
    LeaveToKernel(OwnedCause),
    /// The kernel reads another, or none.
    Commit(Prepared<'a>),
}

/// Decides what to do with the BTF of `module`; `None` where it has none.
#[inline(never)]
pub(crate) fn decide<'a>(
    vmlinux: &Vmlinux,
    stats: &Stats,
    loader: &Loader,
    policy: Policy,
    module: Coming<'a>,
) -> Option<Action<'a>> {
    let sections = match boxed(|| Ok::<_, OwnedCause>(image::sections(module))) {
        Ok(sections) => sections,
        Err(cause) => return Some(Action::LeaveToKernel(cause)),
    };
    let sections = sections.as_ref().map(Option::as_ref).transpose()?;
    let shell = KernelShell {
        stats,
        loader,
        module,
    };
    // Not on the stack, which all that follows is below.
    let base = match boxed(|| Ok::<_, OwnedCause>(vmlinux.running())) {
        Ok(base) => base,
        Err(cause) => return Some(Action::LeaveToKernel(cause)),
    };
    Some(carried_out(decision::decide(
        &shell, &base, policy, sections,
    )))
}

/// What there is to commit.
#[inline(never)]
fn carried_out<'a>(decided: decision::Decision<KernelShell<'_, 'a>>) -> Action<'a> {
    match decided {
        decision::Decision::LeaveAlone => Action::LeaveAlone,
        decision::Decision::LeaveToKernel(cause) => Action::LeaveToKernel(cause),
        decision::Decision::Replace(Replacement { btf, ids, report }) => {
            Action::Commit(Prepared::new(Some(btf), ids, report))
        }
        decision::Decision::Drop { cause, ids } => {
            let (patched, ids) = match ids {
                Some(DroppedIds::Cleared(Patched { ids, report })) => (ids, Some(Ok(report))),
                Some(DroppedIds::Kept(why)) => (None, Some(Err(why))),
                None => (None, None),
            };
            match LoadReport::dropped(DroppedReport { cause, ids }) {
                Ok(report) => Action::Commit(Prepared::new(None, patched, report)),
                Err(error) => Action::LeaveToKernel(error.into()),
            }
        }
    }
}

/// The kernel, as the core sees it while `module` loads.
struct KernelShell<'l, 'a> {
    stats: &'l Stats,
    loader: &'l Loader,
    module: Coming<'a>,
}

impl KernelShell<'_, '_> {
    /// Address and length in memory of `section`.
    fn place(section: &Section<'_>) -> Result<(usize, usize)> {
        Ok((
            usize::try_from(section.addr)?,
            usize::try_from(section.size)?,
        ))
    }
}

impl<'a> decision::Shell for KernelShell<'_, 'a> {
    type List<T: Copy> = KVVec<T>;
    type Boxed<T> = KBox<T>;
    type Failure = Error;
    type Cause = OwnedCause;
    type File = Firmware;
    type Ids = PatchedIds<'a>;
    type IdReport = IdReport;
    type Report = UniqueArc<LoadReport>;

    fn list<T: Copy>(&self, item: T, len: usize) -> Result<KVVec<T>> {
        Ok(memory::filled(len, item)?)
    }

    #[inline(never)]
    fn words(&self, len: usize) -> Result<KVVec<u32>> {
        Ok(memory::zeroed(len)?)
    }

    #[inline(never)]
    fn bytes(&self, len: usize) -> Result<KVVec<u8>> {
        Ok(memory::zeroed(len)?)
    }

    #[inline(never)]
    fn boxed<T, E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Result<KBox<T>, E>> {
        let room = KBox::new_uninit(GFP_KERNEL)?;
        Ok(match make() {
            Ok(value) => Ok(KBox::write(room, value)),
            Err(error) => Err(error),
        })
    }

    fn cause(&self, cause: &reloc::Cause<'_>) -> Result<OwnedCause> {
        Ok(OwnedCause::found(cause)?)
    }

    fn failed(&self, why: Error) -> OwnedCause {
        OwnedCause::Kernel(why)
    }

    fn unread(&self, file: SuppliedName<'_>, why: Unread) -> OwnedCause {
        OwnedCause::unread(file, why)
    }

    fn identified(&self, kind: InputKind) {
        self.stats.sort(kind);
    }

    #[inline(never)]
    fn supplied(&self, file: SuppliedName<'_>) -> Result<Option<Firmware>> {
        let name = CString::try_from_fmt(fmt!("{}", Text(file)))?;
        match self.loader.read(name) {
            Err(error) if error == ENOENT => Ok(None),
            read => read.map(Some),
        }
    }

    fn live(&self, section: &Section<'_>, _: &[u8]) -> Result<KVVec<u8>> {
        let (addr, len) = Self::place(section)?;
        commit::copied(self.module, addr, len)
    }

    fn ids(&self, section: &Section<'_>, bytes: KVVec<u8>) -> Result<PatchedIds<'a>> {
        let (addr, _) = Self::place(section)?;
        let alias = Alias::new(self.module, addr, bytes.len())?;
        Ok(PatchedIds { bytes, alias })
    }

    #[inline(never)]
    fn id_report(&self, ids: &MappedIds<'_, '_>) -> IdReport {
        IdReport::new(ids)
    }

    fn relocated(
        &self,
        plan: &RelocationPlan<'_>,
        of: Relocated<'_>,
        ids: Option<IdReport>,
    ) -> Result<UniqueArc<LoadReport>> {
        Ok(LoadReport::relocated(plan, of.btf_base, ids, of.supplied)?)
    }

    fn rebased(
        &self,
        plan: &RebasePlan<'_>,
        ids: Option<IdReport>,
    ) -> Result<UniqueArc<LoadReport>> {
        Ok(LoadReport::rebased(plan, ids)?)
    }
}

impl Deref for Firmware {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

/// What went wrong in a read.
impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Unread::of(error.to_errno().wrapping_neg())
    }
}

/// What `make` gives, in memory of its own: a plan is large, and the kernel's stack is small.
#[inline(never)]
fn boxed<T, E>(make: impl FnOnce() -> Result<T, E>) -> Result<KBox<T>, OwnedCause>
where
    OwnedCause: From<E>,
{
    Ok(KBox::new(make()?, GFP_KERNEL)?)
}
