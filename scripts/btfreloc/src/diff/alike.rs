// SPDX-License-Identifier: GPL-2.0

//! Whether two kernels mean the same by a type, by the core's comparison of two types.
//!
//! A reference to a type with a name is the same where kind and name are: what changed in that type
//! is reported once, with it. All that has no name is followed.

use std::cell::RefCell;
use std::collections::HashMap;

use rust_btfreloc::btf::{Btf, Kind, Record};
use rust_btfreloc::reloc::standalone::Sides;

/// References in a row that are followed, more than the kernel allows.
const DEPTH: u32 = 64;

/// The BTF of both kernels.
pub(super) struct Alike<'s, 'a> {
    sides: Sides<'s, 'a>,
    /// Pairs that were compared, by their ids; those that are being compared are taken for the same.
    known: RefCell<HashMap<(u32, u32), bool>>,
}

impl<'s, 'a> Alike<'s, 'a> {
    pub(super) fn new(old: &'s Btf<'a>, new: &'s Btf<'a>) -> Self {
        Alike {
            sides: Sides {
                own: old,
                base: new,
            },
            known: RefCell::default(),
        }
    }

    /// The BTF of the first kernel.
    pub(super) fn old(&self) -> &'s Btf<'a> {
        self.sides.own
    }

    /// That of the second.
    pub(super) fn new_btf(&self) -> &'s Btf<'a> {
        self.sides.base
    }

    /// Whether a reference to `old` on the first kernel and one to `new` on the second lead to the same.
    pub(super) fn references(&self, old: u32, new: u32) -> bool {
        self.follow(old, new, DEPTH)
    }

    /// Whether these two types are the same, whatever they are called.
    pub(super) fn types(&self, old: u32, new: u32) -> bool {
        self.compare(old, new, DEPTH)
    }

    fn follow(&self, old: u32, new: u32, depth: u32) -> bool {
        let (old, new) = self.sides.next(old, new);
        if old == 0 || new == 0 {
            return old == new;
        }
        let records = self.old().record(old).zip(self.new_btf().record(new));
        if records.is_some_and(|(old, new)| self.are_namesakes(&old, &new)) {
            return true;
        }
        if let Some(known) = self.known.borrow().get(&(old, new)) {
            return *known;
        }
        self.known.borrow_mut().insert((old, new), true);
        let same = self.compare(old, new, depth);
        self.known.borrow_mut().insert((old, new), same);
        same
    }

    fn compare(&self, old: u32, new: u32, depth: u32) -> bool {
        let records = self.old().record(old).zip(self.new_btf().record(new));
        let (Some((own, theirs)), Some(depth)) = (records, depth.checked_sub(1)) else {
            return false;
        };
        let visit = |old, new| match self.follow(old, new, depth) {
            true => Ok(()),
            // Any will do: where it differs is not asked.
            false => Err(rust_btfreloc::reloc::standalone::Difference::Name),
        };
        let compared = self.sides.compare(&own, &theirs);
        compared
            .and_then(|_| self.sides.each_next((old, &own), (new, &theirs), visit))
            .is_ok()
    }

    /// Whether both are types, or declarations of types, of one name.
    fn are_namesakes(&self, old: &Record<'_>, new: &Record<'_>) -> bool {
        let family = Family::of(old);
        let named = old.name_off() != 0 && family.is_some() && family == Family::of(new);
        let name = self.old().name(old.name_off()).filter(|_| named);
        name.is_some_and(|name| self.new_btf().string_is(new.name_off(), name))
    }
}

/// Kinds whose types C looks up by one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Family {
    Struct,
    Union,
    Enum,
    Typedef,
}

impl Family {
    /// That of a type which is known by its name.
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        Some(match record.kind() {
            Kind::Fwd if record.kflag() => Family::Union,
            Kind::Fwd | Kind::Struct => Family::Struct,
            Kind::Union => Family::Union,
            Kind::Enum | Kind::Enum64 => Family::Enum,
            Kind::Typedef => Family::Typedef,
            _ => return None,
        })
    }
}
