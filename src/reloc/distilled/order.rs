// SPDX-License-Identifier: GPL-2.0

//! Where opaque types stand among a module's own, and the ids that follow from it.

use super::opaque::Opaque;
use super::Fate;
use crate::btf::{len_u32, to_usize, Btf};
use crate::reloc::hollow::Hollow;
use crate::reloc::tables::{is_less, name_of, put, sort_by_key, Name};

/// Puts `opaque`, words of [`Opaque`], in the order of the names they will have and finds each its
/// place: the index of the module's type that it goes before. Where the module's types are not
/// sorted, or one has a name too long to be compared again and again, all go last.
pub(super) fn arrange(btf: &Btf<'_>, opaque: &mut [u32], places: &mut [u32]) {
    let key = |word| Opaque::from_word(word).key(btf);
    let named = |word| key(word).map(|(name, id)| (Name::whole(name), id));
    if opaque.is_empty() || !is_sorted(btf) || !sort_by_key(opaque, named) {
        places.fill(btf.own_count());
        return;
    }
    for (word, place) in opaque.iter().zip(places) {
        *place = upper_bound(btf, key(*word).map_or(&[], |(name, _)| name));
    }
}

/// Fills in the new id of every type of a module and its distilled base, by id, void's first, and
/// returns the id of the first of those before the opaque types, where `hollow` asks for them.
///
/// `ids` has a word for each; `None` where it is shorter.
pub(super) fn number(
    base_end: u32,
    fates: &[u32],
    opaque: &[u32],
    places: &[u32],
    hollow: bool,
    ids: &mut [u32],
) -> Option<u32> {
    let (void, ids) = ids.split_first_mut()?;
    *void = 0;
    let (distilled, own) = ids.split_at_mut_checked(fates.len())?;
    for (id, fate) in distilled.iter_mut().zip(fates) {
        if let Fate::Mapped(mapped) = Fate::from_word(*fate) {
            *id = mapped;
        }
    }
    let (mut next, mut done, mut own) = (base_end, 0u32, own);
    let mut hollow_id = None;
    for (word, place) in opaque.iter().zip(places) {
        let run = to_usize(place.checked_sub(done)?);
        let (before, after) = own.split_at_mut_checked(run)?;
        next = count_from(next, before);
        if hollow && hollow_id.is_none() {
            hollow_id = Some(next);
            next = next.saturating_add(Hollow::TYPES);
        }
        let id = Opaque::from_word(*word).id();
        put(distilled, to_usize(id.checked_sub(1)?), next);
        next = next.saturating_add(1);
        (own, done) = (after, *place);
    }
    count_from(next, own);
    Some(hollow_id.unwrap_or(0))
}

/// Numbers `ids` from `first` on, and gives the number after the last.
fn count_from(first: u32, ids: &mut [u32]) -> u32 {
    for (id, number) in ids.iter_mut().zip(first..u32::MAX) {
        *id = number;
    }
    first.saturating_add(len_u32(ids).unwrap_or(u32::MAX))
}

/// As `btf_check_sorted` in `kernel/bpf/btf.c` has it: no name is less than its predecessor.
fn is_sorted(btf: &Btf<'_>) -> bool {
    let mut previous: &[u8] = &[];
    btf.own_records().all(|(_, record)| {
        let Some(name) = btf.name(record.name_off()) else {
            return false;
        };
        let sorted = !is_less(name, previous);
        previous = name;
        sorted
    })
}

/// Index of the first of the module's types with a name greater than `name`.
fn upper_bound(btf: &Btf<'_>, name: &[u8]) -> u32 {
    let (mut low, mut high) = (0u32, btf.own_count());
    while low < high {
        let middle = low.midpoint(high);
        let other = name_of(btf, btf.start_id().saturating_add(middle));
        if !is_less(name, other.unwrap_or(&[])) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    low
}
