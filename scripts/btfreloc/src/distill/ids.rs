// SPDX-License-Identifier: GPL-2.0

//! `.BTF_ids` once the types have other ids.

use std::collections::HashMap;
use std::convert::Infallible;

use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::{BtfIds, Form};
use rust_btfreloc::reloc::Cause;
use rust_btfreloc::text::Name;

use super::Distilled;

/// The section with its ids mapped and its sets sorted again.
pub struct Mapped {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What is not in the distilled BTF, so that its id became 0, as `resolve_btfids` has it.
    pub lost: Vec<String>,
}

impl Mapped {
    /// Maps the `.BTF_ids` of `elf`; `None` where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be told what is in it.
    pub fn of(elf: &Elf<'_>, distilled: &Distilled) -> Result<Option<Self>, Cause<'static>> {
        let found = elf.section(b".BTF_ids");
        let found = found.and_then(|found| Some((found, elf.data(&found)?)));
        let Some((section, original)) = found.filter(|(_, bytes)| !bytes.is_empty()) else {
            return Ok(None);
        };
        let symbols = elf.symbols().map_err(|_| Cause::Symbols)?;
        let symbols = symbols.in_section(&section);
        let mut bytes = vec![0; original.len()];
        let ids = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(Cause::Ids)?;
        let (mut lost, mut others) = (Vec::new(), HashMap::new());
        let Ok(()) = ids.each(symbols, |entry| -> Result<(), Infallible> {
            if distilled.new_id(entry.id).is_none() {
                match own(entry.form, distilled) {
                    Some(id) => drop(others.insert(entry.id, id)),
                    None => lost.push(format!("{} (id {})", named(entry.form), entry.id)),
                }
            }
            Ok(())
        });
        let other = |id| others.get(&id).copied().unwrap_or(0);
        let map = |id| Some(distilled.new_id(id).unwrap_or_else(|| other(id)));
        ids.patch(map).map_err(Cause::Ids)?;
        Ok(Some(Mapped { bytes, lost }))
    }
}

/// The module's own type of that name, which is what its source knows by it.
fn own(form: Form<'_>, distilled: &Distilled) -> Option<u32> {
    match form {
        Form::Id { kind, name } => distilled.own(kind, name),
        Form::Set(_) | Form::Set8 { .. } => None,
    }
}

/// Of a set only the name is known: the symbols of its ids tell what stood there before it was
/// sorted.
fn named(form: Form<'_>) -> String {
    match form {
        Form::Id { kind, name } => format!("{} {}", Name(kind), Name(name)),
        Form::Set(name) | Form::Set8 { name, .. } => format!("a type in the set {}", Name(name)),
    }
}
