// SPDX-License-Identifier: GPL-2.0

//! The types that a module's ids are to name, looked up together in one walk.

use std::collections::HashMap;

use rust_btfreloc::btf::{Btf, Kind};

/// Names, each with the types that have it.
pub(super) struct Wanted<'n> {
    found: HashMap<&'n [u8], Vec<(Kind, u32)>>,
    /// Of standalone BTF, the same for what is only declared: rust_btfreloc makes vmlinux's
    /// struct of it, and its id with it.
    declared: HashMap<&'n [u8], (Kind, u32)>,
    /// The first id that is the module's.
    start_id: u32,
}

impl<'n> Wanted<'n> {
    /// Looks up `names` in `btf` and in its base.
    pub(super) fn find(names: impl Iterator<Item = &'n [u8]>, btf: &Btf<'_>) -> Self {
        let mut found: HashMap<_, Vec<_>> = names.map(|name| (name, Vec::new())).collect();
        let mut declared = HashMap::new();
        let start_id = btf.start_id();
        let base = (1..start_id).filter_map(|id| Some((id, btf.record(id)?)));
        for (id, record) in base.chain(btf.own_records()) {
            let name = btf.name(record.name_off()).unwrap_or(&[]);
            let wanted = found.get_key_value(name).map(|(name, _)| *name);
            match (wanted, record.kind()) {
                (Some(name), Kind::Fwd) if start_id == 1 => {
                    let kind = if record.kflag() {
                        Kind::Union
                    } else {
                        Kind::Struct
                    };
                    declared.entry(name).or_insert((kind, id));
                }
                (Some(name), kind) => found.entry(name).or_default().push((kind, id)),
                (None, _) => {}
            }
        }
        Wanted {
            found,
            declared,
            start_id,
        }
    }

    /// The ids of all types of this kind and name, the one that they stand for first: the lowest,
    /// but of functions the module's own, as no other can be meant.
    pub(super) fn ids(&self, kind: Kind, name: &[u8]) -> Vec<u32> {
        let types = self.found.get(name).into_iter().flatten();
        let ids = types.filter_map(|(found, id)| (*found == kind).then_some(*id));
        let mut ids: Vec<_> = ids.collect();
        ids.sort_by_key(|id| kind == Kind::Func && *id < self.start_id);
        let declared = self.declared.get(name).filter(|(found, _)| *found == kind);
        match (&ids[..], declared) {
            ([], Some((_, id))) => vec![*id],
            _ => ids,
        }
    }
}
