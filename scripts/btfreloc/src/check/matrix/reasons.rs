// SPDX-License-Identifier: GPL-2.0

//! What a verdict shows when it is opened. The same base types meet the same fate in most modules,
//! so types, fates and texts are numbered, and a module is little more than a list of numbers.

use std::collections::BTreeMap;
use std::hash::Hash;

use indexmap::IndexSet;
use serde::Serialize;

use super::super::relocated::BaseType;
use super::super::{text, Row};

/// All that is to be opened; `reasons.js` reads it.
#[derive(Default, Serialize)]
pub(super) struct Reasons {
    texts: IndexSet<String>,
    fates: IndexSet<Fate>,
    types: IndexSet<Type>,
    modules: Vec<Module>,
}

/// What becomes of a base type on a kernel.
#[derive(PartialEq, Eq, Hash, Serialize)]
struct Fate {
    /// A text: its match, or why it is opaque.
    text: usize,
    #[serde(skip_serializing_if = "is_false")]
    opaque: bool,
    /// Texts: its candidates, and what the kernel alone finds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    below: Vec<usize>,
}

/// A base type.
#[derive(PartialEq, Eq, Hash, Serialize)]
struct Type {
    /// A text: its kind, name and size.
    text: usize,
    /// Its fate on each kernel, where there is something to show.
    fates: Vec<Option<usize>>,
}

/// The verdicts on a module.
#[derive(Serialize)]
struct Module {
    /// Its base types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    types: Vec<usize>,
    /// Their ids in `.BTF.base`; nothing where they are 1, 2, 3 and so on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<u32>,
    /// The verdict on each kernel.
    cells: Vec<Cell>,
}

/// What there is to say of a verdict.
#[derive(Serialize)]
struct Cell {
    /// A text: the reason, or the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<usize>,
    /// Texts: of standalone BTF, the types that are not the same in vmlinux.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<usize>,
    /// A text: what the kernel says without rust_btfreloc.
    #[serde(skip_serializing_if = "Option::is_none")]
    alone: Option<usize>,
    /// The new ids of the types that are opaque, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    opaque_ids: Vec<u32>,
}

impl Reasons {
    /// Adds a module by its rows, one for each kernel.
    pub(super) fn add(&mut self, rows: &[Row]) {
        // By id: the type as a text, and its fate on each kernel.
        let mut types = BTreeMap::new();
        for (kernel, row) in rows.iter().enumerate() {
            for base_type in base_types(row) {
                let (text, fate) = (self.of_type(base_type), self.fate(base_type));
                let nothing = (text, vec![None; rows.len()]);
                let (_, fates) = types.entry(base_type.id).or_insert(nothing);
                if let Some(slot) = fates.get_mut(kernel) {
                    *slot = Some(fate);
                }
            }
        }
        let counted = types.keys().copied().eq(1..=types.len() as u32);
        let module = Module {
            ids: match counted {
                true => Vec::new(),
                false => types.keys().copied().collect(),
            },
            types: types
                .into_values()
                .map(|(text, fates)| number(&mut self.types, Type { text, fates }))
                .collect(),
            cells: rows.iter().map(|row| self.cell(row)).collect(),
        };
        self.modules.push(module);
    }

    fn of_type(&mut self, base_type: &BaseType) -> usize {
        let BaseType {
            kind, name, size, ..
        } = base_type;
        number(&mut self.texts, format!("{kind} {name} size {size}"))
    }

    fn fate(&mut self, base_type: &BaseType) -> usize {
        let candidates = base_type.candidates.iter().flatten();
        let below = candidates.map(ToString::to_string);
        let below: Vec<_> = below.chain(text::found_alone(base_type)).collect();
        let fate = Fate {
            text: match &base_type.opaque {
                Some(why) => number(&mut self.texts, why.clone()),
                None => number(&mut self.texts, format!("vmlinux [{}]", base_type.new_id)),
            },
            opaque: base_type.opaque.is_some(),
            below: below
                .into_iter()
                .map(|text| number(&mut self.texts, text))
                .collect(),
        };
        number(&mut self.fates, fate)
    }

    fn cell(&mut self, row: &Row) -> Cell {
        let conflicting = row.rebase.iter().flat_map(|done| &done.conflicting);
        let conflicts = conflicting.map(|conflict| number(&mut self.texts, conflict.text.clone()));
        let conflicts = conflicts.collect();
        let said = text::said(row).map(|said| match row.rebase {
            Some(_) => format!("{}: {said}", text::words(row)),
            None => said,
        });
        let alone = text::alone(row).map(|alone| {
            let answer = text::answer(alone);
            match text::own_reason(row, alone) {
                Some(reason) => format!("{answer}: {reason}"),
                None => answer.to_owned(),
            }
        });
        let opaque = base_types(row).filter(|base_type| base_type.opaque.is_some());
        Cell {
            said: said.map(|said| number(&mut self.texts, said)),
            conflicts,
            alone: alone.map(|alone| number(&mut self.texts, alone)),
            opaque_ids: opaque.map(|base_type| base_type.new_id).collect(),
        }
    }
}

fn base_types(row: &Row) -> impl Iterator<Item = &BaseType> {
    row.relocation.iter().flat_map(|done| &done.base_types)
}

/// The number of `value`, which is kept once.
fn number<T: Hash + Eq>(known: &mut IndexSet<T>, value: T) -> usize {
    known.insert_full(value).0
}

/// As serde asks for it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}
