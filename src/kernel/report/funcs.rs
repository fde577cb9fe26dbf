// SPDX-License-Identifier: GPL-2.0

//! The addresses of a module's functions, kept as long as the module is loaded.

use super::{debugfs::Show, OwnedCause, Reader};
use crate::btf;
use crate::reloc::decision::NoFuncs;
use crate::reloc::funcs::{FuncFlags, FuncRecord, MappedFunc, MappedFuncs};
use crate::shell::memory;
use crate::text::Name;
use core::fmt::{Display, Formatter};
use kernel::{alloc::AllocError, prelude::*, str::CStr, sync::UniqueArc};
use pin_init::Zeroable;

impl Display for NoFuncs<Error> {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "{error}"),
            Self::Failed(error) => write!(f, "{}", OwnedCause::Kernel(*error)),
        }
    }
}

/// All functions of a table.
pub(crate) struct FuncsReport {
    funcs: KVVec<Func>,
    /// The names of `funcs`, one after the other.
    names: KVVec<u8>,
}

/// One function.
#[derive(Zeroable)]
struct Func {
    addr: u64,
    type_id: u32,
    flags: u32,
    /// Length of its name; 0 where the function before has the same.
    name_len: usize,
}

impl FuncsReport {
    /// Name of the folder that has a file for each module with a table.
    pub(crate) const FOLDER: &CStr = c"funcs";

    /// Keeps each of `mapped`.
    // In a frame of its own: a kernel's stack is small.
    #[inline(never)]
    pub(crate) fn new(mapped: &MappedFuncs<'_, '_>) -> Result<UniqueArc<Self>, AllocError> {
        let (mut count, mut names_len) = (0_usize, 0_usize);
        each_name(mapped, |_, name| {
            count = count.saturating_add(1);
            names_len = names_len.saturating_add(name.len());
        });
        let mut report = Self {
            funcs: memory::zeroed(count)?,
            names: memory::zeroed(names_len)?,
        };
        report.fill(mapped);
        UniqueArc::new(report, GFP_KERNEL)
    }

    fn fill(&mut self, mapped: &MappedFuncs<'_, '_>) {
        let mut free_funcs = self.funcs.iter_mut();
        let mut free_names: &mut [u8] = &mut self.names;
        each_name(mapped, |record, name| {
            if let Some(func) = free_funcs.next() {
                *func = Func {
                    addr: record.addr,
                    type_id: record.type_id,
                    flags: record.flags.0,
                    name_len: name.len(),
                };
            }
            let room = core::mem::take(&mut free_names);
            free_names = btf::copy(room, name).unwrap_or_default();
        });
    }
}

/// A line for each: address, type id, flags and name.
impl Show for FuncsReport {
    fn show(&self, f: &mut Formatter<'_>, reader: &Reader<'_>) -> core::fmt::Result {
        let shown = reader.sees_addresses();
        let mut names: &[u8] = &self.names;
        let mut name: &[u8] = &[];
        for func in &self.funcs {
            if func.name_len != 0 {
                (name, names) = names.split_at_checked(func.name_len).unwrap_or_default();
            }
            let flags = FuncFlags(func.flags);
            match (flags.has(FuncFlags::INIT), shown) {
                (true, _) => f.write_str("-")?,
                (false, true) => write!(f, "{:016x}", func.addr)?,
                (false, false) => write!(f, "{:016x}", 0)?,
            }
            writeln!(f, " {} {flags} {}", func.type_id, Name(name))?;
        }
        Ok(())
    }
}

/// Calls `visit` with each record and, where it is not that of the one before, its name.
fn each_name(mapped: &MappedFuncs<'_, '_>, mut visit: impl FnMut(FuncRecord, &[u8])) {
    let mut before: &[u8] = &[];
    mapped.each(|MappedFunc { record, name }| {
        visit(record, if name == before { &[] } else { name });
        before = name;
    });
}
