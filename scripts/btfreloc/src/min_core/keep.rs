// SPDX-License-Identifier: GPL-2.0

//! Which types, members and values have to be kept so that every relocation finds what it finds in
//! all of the BTF, and no more.
//!
//! | asked | kept of each candidate |
//! | --- | --- |
//! | a field | name and size; the members on the way, with as much of their types as is compared |
//! | a type | the type, and what follows it through pointers, arrays and prototypes |
//! | whether a type matches | all members, by value all of theirs, and after a pointer a name |
//! | a value of an enum | that value |
//!
//! A candidate without what is asked for is kept by name: where there is one in vmlinux, modules are not
//! looked at. Typedefs and qualifiers in between are left out, as every comparison looks through them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rust_btfreloc::btf::{to_usize, Btf, Kind};

use super::compat::parameters;
use super::matching::Found;
use super::relocation::{About, RelocationKind};
use super::spec::MAX_STEPS;

/// What is kept of one type.
#[derive(Clone, Debug, Default)]
pub struct Need {
    /// It is a candidate, so that its name counts.
    pub is_candidate: bool,
    /// All members or values.
    pub all: bool,
    /// Some of them, by index.
    pub some: BTreeSet<u32>,
    /// What a pointer points to, and the parameters and the result of a prototype.
    pub follow: bool,
}

/// What is kept, by type id.
pub type Kept = BTreeMap<u32, Need>;

/// What is kept of vmlinux and of a module; of vmlinux alone, `own` stays empty.
pub struct Keep<'a, 'k> {
    /// The BTF that candidates are in.
    pub btf: Btf<'a>,
    /// The first id that is not vmlinux's.
    pub split_at: u32,
    /// Of vmlinux.
    pub base: &'k mut Kept,
    /// Of the module.
    pub own: &'k mut Kept,
    /// What is kept whole already, and whether after a pointer.
    pub whole: HashSet<(u32, bool)>,
}

impl Keep<'_, '_> {
    /// Keeps what a relocation of this kind looks at in the candidate `id`, where it found `found`.
    pub fn candidate(&mut self, kind: RelocationKind, id: u32, found: Option<&Found>) {
        self.need(id).is_candidate = true;
        match (kind.about(), kind) {
            (About::Type, RelocationKind::TypeMatches) => self.whole(id, false),
            (About::Type, _) => self.compared(id),
            (About::Field | About::Value, _) => {
                self.shape(id);
            }
        }
        let Some(found) = found else {
            return;
        };
        for (id, index) in &found.members {
            self.member(*id, *index);
        }
        if let Some((id, index)) = found.value {
            self.need(id).some.insert(index);
        }
    }

    /// The candidate `id` by its name and its shape alone.
    pub fn name(&mut self, id: u32) {
        self.need(id).is_candidate = true;
        self.shape(id);
    }

    fn need(&mut self, id: u32) -> &mut Need {
        match id < self.split_at {
            true => self.base.entry(id).or_default(),
            false => self.own.entry(id).or_default(),
        }
    }

    /// Keeps the type `id`, seen through modifiers, by kind, name and size, and of an array that of its
    /// elements; returns its id.
    fn shape(&mut self, mut id: u32) -> Option<u32> {
        let first = self.btf.unmodified(id)?.0;
        // An array of arrays of arrays and so on; damaged, it has no end.
        for _ in 0..=MAX_STEPS {
            let (bare, record) = self.btf.unmodified(id)?;
            self.need(bare);
            if record.kind() != Kind::Array {
                break;
            }
            let (element, index, _) = record.array();
            if let Some((index, _)) = self.btf.unmodified(index) {
                self.need(index);
            }
            id = element;
        }
        Some(first)
    }

    fn member(&mut self, id: u32, index: u32) {
        let Some(record) = self.btf.record(id) else {
            return;
        };
        self.need(id).some.insert(index);
        let Some(member) = record.members().nth(to_usize(index)) else {
            return;
        };
        self.shape(member.type_id);
        // The last member is of any length where it is an array without elements: one that is not the
        // last stays so.
        let field = self.btf.unmodified(member.type_id);
        let is_empty =
            field.is_some_and(|(_, field)| field.kind() == Kind::Array && field.array().2 == 0);
        if let Some(last) = record
            .vlen()
            .checked_sub(1)
            .filter(|last| is_empty && *last > index)
        {
            self.need(id).some.insert(last);
            if let Some(member) = record.members().last() {
                self.shape(member.type_id);
            }
        }
    }

    /// Keeps what `bpf_core_types_are_compat` looks at.
    fn compared(&mut self, id: u32) {
        let Some((bare, record)) = self.shape(id).and_then(|_| self.btf.unmodified(id)) else {
            return;
        };
        match record.kind() {
            Kind::Array | Kind::Ptr | Kind::FuncProto => {
                if std::mem::replace(&mut self.need(bare).follow, true) {
                    return;
                }
                match record.kind() {
                    Kind::Array => self.compared(record.array().0),
                    _ => self.compared(record.type_id()),
                }
                if record.kind() == Kind::FuncProto {
                    for id in parameters(&record) {
                        self.compared(id);
                    }
                }
            }
            _ => {}
        }
    }

    /// Keeps what `bpf_core_types_match` looks at.
    fn whole(&mut self, id: u32, pointed: bool) {
        let Some((bare, record)) = self.shape(id).and_then(|_| self.btf.unmodified(id)) else {
            return;
        };
        if !self.whole.insert((bare, pointed)) {
            return;
        }
        match record.kind() {
            Kind::Array => self.whole(record.array().0, pointed),
            Kind::Enum | Kind::Enum64 => self.need(bare).all = true,
            Kind::Struct | Kind::Union if !pointed => {
                self.need(bare).all = true;
                for member in record.members() {
                    self.whole(member.type_id, false);
                }
            }
            Kind::Ptr => {
                self.need(bare).follow = true;
                self.whole(record.type_id(), true);
            }
            Kind::FuncProto => {
                self.need(bare).follow = true;
                self.whole(record.type_id(), pointed);
                for id in parameters(&record) {
                    self.whole(id, pointed);
                }
            }
            _ => {}
        }
    }
}
