// SPDX-License-Identifier: GPL-2.0

//! What becomes of the table of function addresses, `.BTF.funcs`.
//!
//! Nothing depends on it: a table that is refused costs the module neither its BTF nor its load.

use super::ids::NewId;
use super::{Deciding, ModuleFile, Shell};
use crate::btf::{Blob, Btf, Form, Section, Table};
use crate::elf;
use crate::reloc::funcs::{self, Funcs, MappedFuncs};

/// What the shell keeps of a module's table, or why its functions are not shown.
pub type TakenFuncs<S> = Result<<S as Shell>::Funcs, NoFuncs<<S as Shell>::Failure>>;

/// Why the functions of a module that has a table are not shown.
#[derive(Debug)]
pub enum NoFuncs<F> {
    /// Something in the table is invalid.
    Refused(funcs::Error),
    /// The shell cannot keep it.
    Failed(F),
}

impl<S: Shell> Deciding<'_, '_, S> {
    /// Takes the table of a module for which the kernel reads `btf`, in which an id of `sections` is
    /// what `new_id` gives; `None` where the module has none.
    #[inline(never)]
    pub(super) fn taken_funcs(&self, btf: &[u8], new_id: &NewId<'_>) -> Option<TakenFuncs<S>> {
        let ModuleFile::Found(elf) = &self.sections.file else {
            return None;
        };
        let section = elf.section(funcs::SECTION.as_bytes())?;
        self.take_funcs(elf, &section, btf, new_id).transpose()
    }

    #[inline(never)]
    fn take_funcs(
        &self,
        elf: &elf::Elf<'_>,
        section: &elf::Section<'_>,
        btf: &[u8],
        new_id: &NewId<'_>,
    ) -> Result<Option<S::Funcs>, NoFuncs<S::Failure>> {
        let bytes = placed(elf, section).map_err(NoFuncs::Refused)?;
        let live = self.shell.live(section, bytes).map_err(NoFuncs::Failed)?;
        let funcs = Funcs::parse(&live).map_err(NoFuncs::Refused)?;
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
            .map_err(NoFuncs::Failed)?;
        let Ok(table) = Table::build(&blob, base.end_id(), &mut offsets, 0) else {
            return Ok(None);
        };
        let btf = Btf::split(base, blob, table);
        let new_id = |id| self.of_file(new_id, id);
        let is_code = |addr| self.shell.is_code(addr);
        let mapped = MappedFuncs::new(funcs, &btf, &new_id, is_code).map_err(NoFuncs::Refused)?;
        self.shell.funcs(&mapped).map(Some).map_err(NoFuncs::Failed)
    }
}

/// The bytes of `section` in the file, where the loader fills in addresses.
fn placed<'a>(elf: &elf::Elf<'a>, section: &elf::Section<'_>) -> Result<&'a [u8], funcs::Error> {
    let error = |reason| funcs::Error { offset: 0, reason };
    if !section.is_allocated() {
        return Err(error(funcs::Reason::NotAllocated));
    }
    if section.addr % funcs::ALIGN != 0 {
        return Err(error(funcs::Reason::Misaligned));
    }
    elf.data(section).ok_or(error(funcs::Reason::NoData))
}
