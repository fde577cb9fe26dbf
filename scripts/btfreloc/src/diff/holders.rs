// SPDX-License-Identifier: GPL-2.0

//! Which types hold others that changed: as members, in arrays, by a typedef, not through pointers.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;
use rust_btfreloc::btf::{Btf, Kind};

use super::change::{Change, Changed};

/// Types inside of each other that are followed, more than the kernel allows.
const DEPTH: u32 = 64;

/// The types of a kernel, and which of them changed.
pub(super) struct Holders<'s, 'a> {
    btf: &'s Btf<'a>,
    /// Of each type that changed, its number.
    changed: HashMap<u32, usize>,
    /// Of each type that changed in size or layout, whether it did.
    known: RefCell<HashMap<u32, bool>>,
}

impl<'s, 'a> Holders<'s, 'a> {
    /// Of the types `changed` those with a size or layout count: a value more in an ENUM changes
    /// nothing for whoever holds it, and what holds a type that is gone has another member itself.
    pub(super) fn new(btf: &'s Btf<'a>, changed: &[Changed]) -> Self {
        let numbers = changed.iter().enumerate();
        let counts = |changed: &&Changed| {
            let kind = btf.record(changed.id).map(|record| record.kind());
            let kind = kind.filter(|kind| kind.is_composite() || *kind == Kind::Typedef);
            kind.is_some() && changed.change != Change::Gone
        };
        let known = changed
            .iter()
            .filter(counts)
            .map(|changed| (changed.id, true));
        Holders {
            btf,
            changed: numbers.map(|(at, changed)| (changed.id, at)).collect(),
            known: RefCell::new(known.collect()),
        }
    }

    /// The number of the type `id`, where it changed.
    pub(super) fn number(&self, id: u32) -> Option<usize> {
        self.changed.get(&id).copied()
    }

    /// The types with a name that changed, or hold what did, and that the type `id` holds, each once.
    pub(super) fn held(&self, id: u32) -> IndexSet<u32> {
        let mut held = IndexSet::new();
        self.each(id, DEPTH, &mut HashSet::new(), &mut |inner| {
            if self.counts(inner, DEPTH) {
                held.insert(inner);
            }
        });
        held
    }

    /// Whether the type `id`, which has a name, changed or holds what did.
    fn counts(&self, id: u32, depth: u32) -> bool {
        if let Some(known) = self.known.borrow().get(&id) {
            return *known;
        }
        // What holds itself is not valid, and would not end.
        self.known.borrow_mut().insert(id, false);
        let mut counts = false;
        self.each(id, depth, &mut HashSet::new(), &mut |inner| {
            let depth = depth.saturating_sub(1);
            counts = counts || self.counts(inner, depth);
        });
        self.known.borrow_mut().insert(id, counts);
        counts
    }

    /// Calls `visit` with each type with a name that the type `id` holds itself. Those without are looked
    /// into once, and are in `walked` then: each may hold others of them twice, which hold others twice.
    fn each(&self, id: u32, depth: u32, walked: &mut HashSet<u32>, visit: &mut dyn FnMut(u32)) {
        let (Some(record), Some(depth)) = (self.btf.record(id), depth.checked_sub(1)) else {
            return;
        };
        let mut inner = |id| {
            let record = self.btf.record(id);
            let named = record.is_some_and(|record| {
                let kind = record.kind();
                record.name_off() != 0 && (kind.is_composite() || kind == Kind::Typedef)
            });
            match named {
                true => visit(id),
                false if walked.insert(id) => self.each(id, depth, walked, visit),
                false => {}
            }
        };
        match record.kind() {
            Kind::Struct | Kind::Union => record.members().for_each(|member| inner(member.type_id)),
            Kind::Array => inner(record.array().0),
            Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag | Kind::Typedef => {
                inner(record.type_id());
            }
            _ => {}
        }
    }
}
