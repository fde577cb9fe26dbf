// SPDX-License-Identifier: GPL-2.0

//! What a decision needs from whoever wants it.

use super::{MappedIds, Relocated};
use crate::elf::Section;
use crate::reloc::btf_ids::Asked;
use crate::reloc::funcs::MappedFuncs;
use crate::reloc::{standalone, Base, Cause, InputKind, RelocationPlan, SuppliedName, Unread};
use core::ops::{Deref, DerefMut};

/// Whoever wants a decision: memory, the files that the operator supplied, and what is to be reported.
///
/// What borrows from the module or from a plan is gone after the call, so that each hook keeps what
/// it needs.
pub trait Shell {
    /// Memory for a list.
    type List<T: Copy>: DerefMut<Target = [T]>;
    /// Memory for a value that is large, where a kernel's stack is small.
    type Boxed<T>: DerefMut<Target = T>;
    /// Why the shell itself cannot go on, most often for want of memory.
    type Failure: Into<Unread>;
    /// What stands in the way, kept.
    type Cause;
    /// A file that the operator supplied.
    type File: Deref<Target = [u8]>;
    /// `.BTF_ids` as it is to be, ready to be written.
    type Ids;
    /// What is reported of `.BTF_ids`.
    type IdReport;
    /// What is reported of BTF that was replaced.
    type Report;
    /// What is kept of the table of function addresses.
    type Funcs;

    /// `len` times `item`.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn list<T: Copy>(&self, item: T, len: usize) -> Result<Self::List<T>, Self::Failure>;

    /// `len` times 0.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn words(&self, len: usize) -> Result<Self::List<u32>, Self::Failure>;

    /// `len` times 0.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn bytes(&self, len: usize) -> Result<Self::List<u8>, Self::Failure>;

    /// What `make` gives, in memory of its own.
    ///
    /// # Errors
    ///
    /// There is no memory; what `make` returns.
    fn boxed<T, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Result<Self::Boxed<T>, E>, Self::Failure>;

    /// Keeps `cause`.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn cause(&self, cause: &Cause<'_>) -> Result<Self::Cause, Self::Failure>;

    /// The shell itself cannot go on.
    fn failed(&self, why: Self::Failure) -> Self::Cause;

    /// The module's BTF is stale, and `file`, which was supplied for it, cannot be used.
    fn unread(&self, file: SuppliedName<'_>, why: Unread) -> Self::Cause;

    /// The module's BTF is of this kind; called where its headers are valid.
    fn identified(&self, _: InputKind) {}

    /// The vmlinux BTF that the operator supplied under this name; `None` where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn supplied(&self, _: SuppliedName<'_>) -> Result<Option<Self::File>, Self::Failure> {
        Ok(None)
    }

    /// What [`Base::build`] made of the whole of `file` before, without names; `None` where it is to be
    /// built.
    fn built<'f>(&self, _: &'f Self::File) -> Option<Base<'f>> {
        None
    }

    /// The bytes of `section`, which stays in the module's memory, as they are there; in its file they
    /// are these `bytes`.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    fn live(&self, section: &Section<'_>, bytes: &[u8]) -> Result<Self::List<u8>, Self::Failure>;

    /// Gets ready to write `bytes` where the module reads `section`, `.BTF_ids`.
    ///
    /// # Errors
    ///
    /// They could not be written.
    fn ids(&self, section: &Section<'_>, bytes: Self::List<u8>)
        -> Result<Self::Ids, Self::Failure>;

    /// Whether code of the module is at this address, which stays there.
    fn is_code(&self, addr: u64) -> bool;

    /// Keeps the table of function addresses.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn funcs(&self, funcs: &MappedFuncs<'_, '_>) -> Result<Self::Funcs, Self::Failure>;

    /// Keeps what is reported of `.BTF_ids`.
    fn id_report(&self, ids: &MappedIds<'_, '_>) -> Self::IdReport;

    /// Keeps what is reported of split BTF that is relocated.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn relocated(
        &self,
        plan: &RelocationPlan<'_>,
        of: Relocated<'_>,
        ids: Option<Self::IdReport>,
    ) -> Result<Self::Report, Self::Failure>;

    /// Keeps what is reported of standalone BTF that is rebased.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn rebased(
        &self,
        plan: &standalone::RebasePlan<'_>,
        ids: Option<Self::IdReport>,
    ) -> Result<Self::Report, Self::Failure>;

    /// Keeps what is reported of split BTF of which nothing changes but that types are left out; `btf` is
    /// the rest.
    ///
    /// # Errors
    ///
    /// There is no memory.
    fn reduced(
        &self,
        btf: &[u8],
        ids: Option<Self::IdReport>,
    ) -> Result<Self::Report, Self::Failure>;
}

/// A list of what lists of ids ask for.
pub(super) type AskedList<'n, S> = <S as Shell>::List<Asked<'n>>;
