// SPDX-License-Identifier: GPL-2.0

//! What becomes of the table of function addresses, `.BTF.funcs`.
//!
//! Nothing depends on it: a table that is refused costs the module neither its BTF nor its load.

use super::ids::NewId;
use super::{Deciding, ModuleFile, Shell};
use crate::btf::{Blob, Btf, Form, Section, Table};
use crate::elf;
use crate::reloc::funcs::{self, Error, Funcs, MappedFuncs, Reason};

/// What becomes of a module's table.
pub enum TakenFuncs<S: Shell> {
    /// It is shown.
    Kept(S::Funcs),
    /// It is not, as something in it does not hold.
    Refused(Error),
    /// The shell itself cannot show it.
    Failed(S::Failure),
}

/// Why a table is not shown.
enum NotTaken<S: Shell> {
    Refused(Error),
    Failed(S::Failure),
}

impl<S: Shell> Deciding<'_, '_, S> {
    /// Takes the table of a module for which the kernel reads `btf`, in which an id of `sections` is
    /// what `new_id` gives; `None` where the module has none.
    #[inline(never)]
    pub(super) fn taken_funcs(&self, btf: &[u8], new_id: &NewId<'_>) -> Option<TakenFuncs<S>> {
        let ModuleFile::Found(elf) = &self.sections.file else {
            return None;
        };
        let section = elf.section(funcs::SECTION)?;
        match self.take_funcs(elf, &section, btf, new_id) {
            Ok(funcs) => funcs.map(TakenFuncs::Kept),
            Err(NotTaken::Refused(error)) => Some(TakenFuncs::Refused(error)),
            Err(NotTaken::Failed(why)) => Some(TakenFuncs::Failed(why)),
        }
    }

    #[inline(never)]
    fn take_funcs(
        &self,
        elf: &elf::Elf<'_>,
        section: &elf::Section<'_>,
        btf: &[u8],
        new_id: &NewId<'_>,
    ) -> Result<Option<S::Funcs>, NotTaken<S>> {
        let bytes = placed(elf, section).map_err(NotTaken::Refused)?;
        let live = self.shell.live(section, bytes).map_err(NotTaken::Failed)?;
        let funcs = Funcs::parse(&live).map_err(NotTaken::Refused)?;
        // It was verified, or written here.
        let Ok(blob) = Blob::parse(Section::Btf, Form::Split, btf) else {
            return Ok(None);
        };
        let base = self.base.btf();
        let Ok(count) = Table::count(&blob, base.end_id()) else {
            return Ok(None);
        };
        let mut offsets = self
            .shell
            .words(Table::needs(count, 0))
            .map_err(NotTaken::Failed)?;
        let Ok(table) = Table::build(&blob, base.end_id(), &mut offsets, 0) else {
            return Ok(None);
        };
        let btf = Btf::split(base, blob, table);
        let new_id = |id| self.of_file(new_id, id);
        let is_code = |addr| self.shell.is_code(addr);
        let mapped = MappedFuncs::new(funcs, &btf, &new_id, is_code).map_err(NotTaken::Refused)?;
        self.shell
            .funcs(&mapped)
            .map(Some)
            .map_err(NotTaken::Failed)
    }
}

/// The bytes of `section` in the file, where the loader fills in addresses.
fn placed<'a>(elf: &elf::Elf<'a>, section: &elf::Section<'_>) -> Result<&'a [u8], Error> {
    let error = |reason| Error { offset: 0, reason };
    if !section.is_allocated() {
        return Err(error(Reason::NotAllocated));
    }
    if section.addr % funcs::ALIGN != 0 {
        return Err(error(Reason::Misaligned));
    }
    elf.data(section).ok_or(error(Reason::NoData))
}
