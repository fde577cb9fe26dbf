// SPDX-License-Identifier: GPL-2.0

//! The types that a module's ids are to name, looked up together in one walk.

use std::collections::HashMap;

use rust_btfreloc::btf::{Btf, Kind};

/// Names, each with the types that have it.
pub(super) struct Wanted<'n>(HashMap<&'n [u8], Vec<(Kind, u32)>>);

impl<'n> Wanted<'n> {
    /// Looks up `names` in `btf` and in its base.
    pub(super) fn find(names: impl Iterator<Item = &'n [u8]>, btf: &Btf<'_>) -> Self {
        let mut found: HashMap<_, Vec<_>> = names.map(|name| (name, Vec::new())).collect();
        // The module's own types come first: they are what its code calls by that name.
        let base = 1..btf.start_id();
        let base = base.filter_map(|id| Some((id, btf.record(id)?)));
        for (id, record) in btf.own_records().chain(base) {
            let name = btf.name(record.name_off());
            if let Some(types) = name.and_then(|name| found.get_mut(name)) {
                types.push((record.kind(), id));
            }
        }
        Wanted(found)
    }

    /// The ids of all types of this kind and name, the one that they stand for first.
    pub(super) fn ids(&self, kind: Kind, name: &[u8]) -> Vec<u32> {
        let types = self.0.get(name).into_iter().flatten();
        let ids = types.filter_map(|(found, id)| (*found == kind).then_some(*id));
        ids.collect()
    }
}

/// The kind that a symbol means by `word`.
pub(super) fn kind(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"func" => Kind::Func,
        b"struct" => Kind::Struct,
        b"union" => Kind::Union,
        b"typedef" => Kind::Typedef,
        _ => return None,
    })
}
