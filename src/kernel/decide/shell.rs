// SPDX-License-Identifier: GPL-2.0

//! What the core asks of the kernel while a module loads: memory, files, `.BTF_ids` as they are, and
//! somewhere to keep its answers.

use crate::elf::Section;
use crate::reloc::{
    self,
    decision::{self, MappedIds, Relocated},
    funcs::MappedFuncs,
    standalone::RebasePlan,
    InputKind, RelocationPlan, SuppliedName, Unread,
};
use crate::shell::{
    base::{FirmwareFile, Loader, ReadTime},
    commit::{self, Alias, PatchedIds},
    memory,
    module::Coming,
    region,
    report::{FuncsReport, IdReport, LoadReport, OwnedCause, Stats},
    text::Text,
};
use core::cell::Cell;
use kernel::{prelude::*, str::CString, sync::UniqueArc};

/// The kernel, as the core sees it while `module` loads.
pub(super) struct KernelShell<'l, 'a> {
    stats: &'l Stats,
    loader: &'l Loader,
    module: Coming<'a>,
    read_time: ReadTime,
    /// BTF that is reduced is identified again.
    identified: Cell<bool>,
}

impl<'l, 'a> KernelShell<'l, 'a> {
    pub(super) fn new(stats: &'l Stats, loader: &'l Loader, module: Coming<'a>) -> Self {
        KernelShell {
            stats,
            loader,
            module,
            read_time: ReadTime::new(),
            identified: Cell::new(false),
        }
    }

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
    type File = FirmwareFile;
    type Ids = PatchedIds<'a>;
    type IdReport = IdReport;
    type Report = UniqueArc<LoadReport>;
    type Funcs = UniqueArc<FuncsReport>;

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
        if !self.identified.replace(true) {
            self.stats.identified(kind);
        }
    }

    #[inline(never)]
    fn supplied(&self, file: SuppliedName<'_>) -> Result<Option<FirmwareFile>> {
        let name = CString::try_from_fmt(fmt!("{}", Text(file)))?;
        match self.loader.read(name, &self.read_time) {
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

    fn is_code(&self, addr: u64) -> bool {
        let addr = usize::try_from(addr).unwrap_or(0);
        region::is_in(self.module, core::iter::once(region::CODE), addr, 1)
    }

    fn funcs(&self, funcs: &MappedFuncs<'_, '_>) -> Result<UniqueArc<FuncsReport>> {
        Ok(FuncsReport::new(funcs)?)
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

    fn reduced(&self, _: &[u8], ids: Option<IdReport>) -> Result<UniqueArc<LoadReport>> {
        Ok(LoadReport::reduced(ids)?)
    }
}

/// What went wrong in a read.
impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Unread::of(error.to_errno().wrapping_neg())
    }
}
