// SPDX-License-Identifier: GPL-2.0

//! The order of the types in the new split BTF.

use super::{put, swap, Words};
use crate::btf::{to_usize, Btf, MAX_NAME_LEN};
use crate::reloc::tables::heap_sort;

/// The order of the types in the new split BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The module's own as they were, then those of the base (`btf__distill_base`).
    Kept,
    /// By name, as a kernel that looks types up by halves wants them (`sort_btf_by_name` in
    /// `tools/bpf/resolve_btfids/main.c`): of one name, or of none, as in [`Order::Kept`].
    ByName,
}

/// Where each type of the new split BTF stands; both empty where the order is kept.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    /// For each place, the index of its type in the order that [`Order::Kept`] gives.
    indexes: &'a [u32],
    /// For each index, the place.
    places: &'a [u32],
}

impl<'a> Places<'a> {
    /// Words for `count` types.
    pub(super) fn needs(order: Order, count: u32) -> usize {
        match order {
            Order::Kept => 0,
            Order::ByName => to_usize(count).saturating_mul(2),
        }
    }

    /// Orders `count` types, of which `name_off` gives the name by index.
    ///
    /// `words` are those that [`Places::needs`] asks for.
    pub(super) fn new(
        order: Order,
        count: u32,
        btf: &Btf<'_>,
        name_off: impl Fn(u32) -> u32,
        words: &'a mut [u32],
    ) -> Option<Self> {
        if order == Order::Kept {
            return Some(Places {
                indexes: &[],
                places: &[],
            });
        }
        let mut rest = Words(words);
        let indexes = rest.take(to_usize(count))?;
        let names = rest.take(to_usize(count))?;
        let anonymous = fill(count, &name_off, indexes, names);
        let (_, indexes_named) = indexes.split_at_mut_checked(anonymous)?;
        let (_, names_named) = names.split_at_mut_checked(anonymous)?;
        let len = indexes_named.len();
        let mut named = Named {
            names: names_named,
            indexes: indexes_named,
        };
        heap_sort(
            &mut named,
            len,
            |named, a, b| named.is_less(btf, a, b),
            Named::swap,
        );
        let places = names;
        for (place, index) in (0..count).zip(indexes.iter()) {
            put(places, to_usize(*index), place);
        }
        Some(Places { indexes, places })
    }

    /// Whether the order is kept.
    pub(super) fn are_kept(&self) -> bool {
        self.indexes.is_empty()
    }

    /// The index of the type at this place.
    #[inline]
    pub(super) fn index(&self, place: u32) -> u32 {
        let index = self.indexes.get(to_usize(place));
        index.copied().unwrap_or(place)
    }

    /// The place of the type with this index.
    #[inline]
    pub(super) fn place(&self, index: u32) -> u32 {
        let place = self.places.get(to_usize(index));
        place.copied().unwrap_or(index)
    }
}

/// Puts the types without a name first, the others after them, and counts the first.
fn fill(
    count: u32,
    name_off: &impl Fn(u32) -> u32,
    indexes: &mut [u32],
    names: &mut [u32],
) -> usize {
    let mut next = 0usize;
    let mut anonymous = 0usize;
    for named in [false, true] {
        anonymous = next;
        for index in 0..count {
            let name = name_off(index);
            if (name != 0) == named {
                put(indexes, next, index);
                put(names, next, name);
                next = next.saturating_add(1);
            }
        }
    }
    anonymous
}

/// Types with a name: string offset and index of each.
struct Named<'a> {
    names: &'a mut [u32],
    indexes: &'a mut [u32],
}

impl Named<'_> {
    /// As `strcmp` has it up to the longest name of a type, and by index where that is the same.
    fn is_less(&self, btf: &Btf<'_>, a: usize, b: usize) -> bool {
        let word = |words: &[u32], at: usize| words.get(at).copied().unwrap_or(0);
        let (name_a, name_b) = (word(self.names, a), word(self.names, b));
        let (index_a, index_b) = (word(self.indexes, a), word(self.indexes, b));
        if name_a == name_b {
            return index_a < index_b;
        }
        match name(btf, name_a).cmp(name(btf, name_b)) {
            core::cmp::Ordering::Equal => index_a < index_b,
            order => order.is_lt(),
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        for words in [&mut *self.names, &mut *self.indexes] {
            swap(words, a, b);
        }
    }
}

/// The bytes of the string at `off`.
fn name<'a>(btf: &Btf<'a>, off: u32) -> impl Iterator<Item = &'a u8> {
    let strings = btf.strings_from(off).unwrap_or(&[]);
    let front = strings.get(..MAX_NAME_LEN).unwrap_or(strings);
    front.iter().take_while(|byte| **byte != 0)
}
