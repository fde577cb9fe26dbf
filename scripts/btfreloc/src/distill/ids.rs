// SPDX-License-Identifier: GPL-2.0

//! `.BTF_ids` once the types have other ids.

use std::convert::Infallible;

use rust_btfreloc::elf::{Elf, Section};
use rust_btfreloc::reloc::btf_ids::{BtfIds, Form};
use rust_btfreloc::reloc::Cause;
use rust_btfreloc::text::Name;

use super::Distilled;

/// The section with its ids mapped and its sets sorted again.
pub struct Mapped {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What has no place in the distilled BTF, so that its id became 0, as `resolve_btfids` has it;
    /// and whether it is in a list, where its symbol still names it.
    pub lost: Vec<(String, bool)>,
}

/// The ids in the `.BTF_ids` of `elf`.
///
/// # Errors
///
/// What is in it cannot be identified.
pub fn roots(elf: &Elf<'_>) -> Result<Vec<u32>, Cause<'static>> {
    let Some((section, original)) = section(elf) else {
        return Ok(Vec::new());
    };
    let symbols = elf.symbols().map_err(|_| Cause::Symbols)?;
    let symbols = symbols.in_section(&section);
    let mut bytes = vec![0; original.len()];
    let ids = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(Cause::Ids)?;
    let mut roots = Vec::new();
    let Ok(()) = ids.each(symbols, |entry| -> Result<(), Infallible> {
        roots.push(entry.id);
        Ok(())
    });
    Ok(roots)
}

impl Mapped {
    /// Maps the `.BTF_ids` of `elf`; `None` where there is none.
    ///
    /// # Errors
    ///
    /// What is in it cannot be identified.
    pub fn of(elf: &Elf<'_>, distilled: &Distilled) -> Result<Option<Self>, Cause<'static>> {
        let Some((section, original)) = section(elf) else {
            return Ok(None);
        };
        let symbols = elf.symbols().map_err(|_| Cause::Symbols)?;
        let symbols = symbols.in_section(&section);
        let mut bytes = vec![0; original.len()];
        let ids = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(Cause::Ids)?;
        let new_id = |id| distilled.new_id(id).unwrap_or(0);
        let mut lost = Vec::new();
        let Ok(()) = ids.each(symbols, |entry| -> Result<(), Infallible> {
            if entry.id != 0 && new_id(entry.id) == 0 {
                let in_list = matches!(entry.form, Form::Id { .. });
                lost.push((format!("{} (id {})", named(entry.form), entry.id), in_list));
            }
            Ok(())
        });
        ids.patch(|id| Some(new_id(id))).map_err(Cause::Ids)?;
        Ok(Some(Mapped { bytes, lost }))
    }
}

fn section<'a>(elf: &Elf<'a>) -> Option<(Section<'a>, &'a [u8])> {
    let section = elf.section(b".BTF_ids")?;
    let bytes = elf.data(&section)?;
    (!bytes.is_empty()).then_some((section, bytes))
}

/// Of a set only the name is known: the symbols of its ids say what was there before it was
/// sorted.
fn named(form: Form<'_>) -> String {
    match form {
        Form::Id { kind, name } => format!("{} {}", Name(kind), Name(name)),
        Form::Set(name) | Form::Set8 { name, .. } => format!("a type in the set {}", Name(name)),
    }
}
