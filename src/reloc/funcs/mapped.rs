// SPDX-License-Identifier: GPL-2.0

//! The table on BTF that the kernel reads instead of the module's own.

use super::{error, Error, FuncFlags, FuncRecord, Funcs, Reason};
use crate::btf::{Btf, Kind};
use crate::reloc::btf_ids::GONE;

/// A table whose records are valid.
#[derive(Clone, Copy)]
pub struct MappedFuncs<'r, 'a> {
    funcs: Funcs<'a>,
    btf: &'r Btf<'a>,
    new_id: &'r NewId<'r>,
}

/// Maps an id of the module's file to that in the BTF which the kernel reads, [`GONE`] for a type that
/// was left out; `None` for an id of no type.
type NewId<'f> = dyn Fn(u32) -> Option<u32> + 'f;

/// A function of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedFunc<'a> {
    /// Its record, with the id of its FUNC in the BTF that the kernel reads.
    pub record: FuncRecord,
    /// Name of its FUNC.
    pub name: &'a [u8],
}

impl<'r, 'a> MappedFuncs<'r, 'a> {
    /// Checks each record against `btf`, which the kernel reads, and against where the module's code
    /// is.
    ///
    /// # Errors
    ///
    /// The first record that is invalid.
    pub fn new(
        funcs: Funcs<'a>,
        btf: &'r Btf<'a>,
        new_id: &'r NewId<'r>,
        is_code: impl Fn(u64) -> bool,
    ) -> Result<Self, Error> {
        let mapped = MappedFuncs { funcs, btf, new_id };
        funcs.records().try_for_each(|(offset, record)| {
            let id = mapped.id(record.type_id);
            let id = id.map_err(|reason| error(offset, reason))?;
            mapped
                .check(record, id, &is_code)
                .map_err(|(at, reason)| error(offset.saturating_add(at), reason))
        })?;
        Ok(mapped)
    }

    /// The new id; `None` where the type was left out.
    fn id(&self, id: u32) -> Result<Option<u32>, Reason> {
        match (self.new_id)(id).filter(|_| id != GONE) {
            None => Err(Reason::NotOwn(id)),
            Some(GONE) => Ok(None),
            Some(new) => Ok(Some(new)),
        }
    }

    /// Checks a record, `id` being the new one of its FUNC; an error has the byte offset in the record.
    fn check(
        &self,
        record: FuncRecord,
        id: Option<u32>,
        is_code: impl Fn(u64) -> bool,
    ) -> Result<(), (u32, Reason)> {
        if !record.flags.is_known() {
            return Err((super::FLAGS, Reason::Flags(record.flags.0)));
        }
        match record.flags.has(FuncFlags::INIT) {
            true if record.addr != 0 => return Err((super::ADDR, Reason::InitAddress)),
            false if !is_code(record.addr) => return Err((super::ADDR, Reason::Outside)),
            _ => {}
        }
        let Some(id) = id else {
            return Ok(());
        };
        let own = self.btf.record(id).filter(|_| id >= self.btf.start_id());
        match own.map(|own| own.kind()) {
            None => Err((0, Reason::NotOwn(record.type_id))),
            Some(Kind::Func) => Ok(()),
            Some(kind) => Err((
                0,
                Reason::NotFunc {
                    id: record.type_id,
                    kind,
                },
            )),
        }
    }

    /// Number of functions, those whose FUNC is not there included.
    pub fn count(&self) -> u32 {
        self.funcs.count()
    }

    /// Calls `visit` with the id of each record in the module's file and the new one, where there is one.
    pub fn each_id(&self, mut visit: impl FnMut(u32, u32)) {
        for (_, record) in self.funcs.records() {
            if let Ok(Some(id)) = self.id(record.type_id) {
                visit(record.type_id, id);
            }
        }
    }

    /// Calls `visit` with each function whose FUNC is there, in the order of the section.
    pub fn each(&self, mut visit: impl FnMut(MappedFunc<'a>)) {
        for (_, record) in self.funcs.records() {
            if let Some(func) = self.func(record) {
                visit(func);
            }
        }
    }

    fn func(&self, record: FuncRecord) -> Option<MappedFunc<'a>> {
        let type_id = self.id(record.type_id).ok()??;
        let name_off = self.btf.record(type_id)?.name_off();
        Some(MappedFunc {
            record: FuncRecord { type_id, ..record },
            name: self.btf.name(name_off)?,
        })
    }
}
