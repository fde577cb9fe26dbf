// SPDX-License-Identifier: GPL-2.0

//! Which types of a kernel stand for a type of a program: those of its name and kind, where
//! `___` and what follows it do not count (`bpf_core_add_cands` in `tools/lib/bpf/libbpf.c`).

use std::collections::{HashMap, HashSet};

use rust_btfreloc::btf::{Btf, Kind, Record};

/// The name and the kind that candidates have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The name, without its flavour.
    pub name: Vec<u8>,
    /// The number of the kind; that of ENUM for ENUM64.
    pub kind: u8,
}

/// The candidates in one BTF, in the order of their ids.
pub type Candidates = HashMap<Key, Vec<u32>>;

/// A name without its flavour (`bpf_core_essential_name_len`).
pub fn essential(name: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"___";
    // Something has to be before the mark and after it, both without an underscore.
    let is_flavour = |at: &usize| {
        let around = [name.get(*at), name.get(at + 4)];
        name[at + 1..].starts_with(MARK)
            && around
                .iter()
                .all(|byte| matches!(byte, Some(byte) if **byte != b'_'))
    };
    match (0..name.len()).rev().find(is_flavour) {
        Some(at) => &name[..=at],
        None => name,
    }
}

impl Key {
    /// What candidates for `record`, a type in `btf`, have; `None` where there can be none.
    pub fn of(btf: &Btf<'_>, record: &Record<'_>) -> Option<Self> {
        let kind = match record.kind() {
            Kind::Enum64 => Kind::Enum,
            // Others match nothing.
            kind @ (Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Fwd
            | Kind::Typedef
            | Kind::Float) => kind,
            _ => return None,
        };
        let name = btf
            .name(record.name_off())
            .filter(|name| !name.is_empty())?;
        Some(Key {
            name: essential(name).to_vec(),
            kind: kind as u8,
        })
    }
}

/// The types of `btf` that are not its base's and have one of the keys `wanted`.
pub fn find(btf: &Btf<'_>, wanted: &HashSet<Key>) -> Candidates {
    let mut found = Candidates::new();
    for (id, record) in btf.own_records() {
        if let Some(key) = Key::of(btf, &record).filter(|key| wanted.contains(key)) {
            found.entry(key).or_default().push(id);
        }
    }
    found
}
