// SPDX-License-Identifier: GPL-2.0

//! What a `.BTF_ids` section holds.

use std::convert::Infallible;

use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::{BtfIds, Form, IdEntry, Reason};
use rust_btfreloc::reloc::Cause;
use rust_btfreloc::text::Name;
use serde::Serialize;

/// A `.BTF_ids` section.
#[derive(Debug, Default, Serialize)]
pub struct Ids {
    /// Its size in bytes.
    pub size: usize,
    /// The ids outside of sets: what they are of, and their values.
    pub listed: Vec<Id>,
    /// The sets.
    pub sets: Vec<Set>,
    /// Whether the symbols that identify what is in it were stripped, as in a kernel's image.
    pub stripped: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
}

/// An id.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Id {
    pub kind: String,
    pub name: String,
    pub id: u32,
}

/// A set or set8.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Set {
    pub kind: &'static str,
    pub name: String,
    pub ids: Vec<u32>,
}

impl Ids {
    /// The section of `elf`; `None` where there is none, or an empty one.
    pub fn of(elf: &Elf<'_>) -> Option<Self> {
        let section = elf.section(b".BTF_ids")?;
        let bytes = elf.data(&section).filter(|bytes| !bytes.is_empty())?;
        let mut ids = Ids {
            size: bytes.len(),
            ..Ids::default()
        };
        let Ok(symbols) = elf.symbols() else {
            ids.malformed = Some(Cause::Symbols.to_string());
            return Some(ids);
        };
        let symbols = symbols.in_section(&section);
        let mut output = vec![0; bytes.len()];
        match BtfIds::read(bytes, symbols.clone(), &mut output) {
            Ok(read) => {
                let Ok(()) = read.each(symbols, |entry| -> Result<(), Infallible> {
                    ids.add(entry);
                    Ok(())
                });
            }
            Err(error) if error.reason == Reason::NoSymbols => ids.stripped = true,
            Err(error) => ids.malformed = Some(Cause::Ids(error).to_string()),
        }
        Some(ids)
    }

    fn add(&mut self, entry: IdEntry<'_>) {
        let (kind, name) = match entry.form {
            Form::Id { kind, name } => {
                self.listed.push(Id {
                    kind: Name(kind).to_string(),
                    name: Name(name).to_string(),
                    id: entry.id,
                });
                return;
            }
            Form::Set(name) => ("set", Name(name).to_string()),
            Form::Set8 { name, .. } => ("set8", Name(name).to_string()),
        };
        match self.sets.last_mut() {
            Some(set) if set.kind == kind && set.name == name => set.ids.push(entry.id),
            _ => self.sets.push(Set {
                kind,
                name,
                ids: vec![entry.id],
            }),
        }
    }
}
