// SPDX-License-Identifier: GPL-2.0

//! Where opaque types stand among a module's own, and the ids that follow from it.

use super::Fate;
use crate::btf::{len_u32, to_usize, Btf};
use crate::reloc::tables::{is_less, name_of, put, sort_by_name};

/// Puts the ids in `opaque` in the order of their names and finds each its place: the index of the
/// module's type that it goes in front of. Where the module's types are not sorted, or one has a
/// name too long to be compared again and again, all go last.
pub(super) fn arrange(btf: &Btf<'_>, opaque: &mut [u32], places: &mut [u32]) {
    if opaque.is_empty() || !is_sorted(btf) || !sort_by_name(btf, opaque) {
        places.fill(btf.own_count());
        return;
    }
    for (id, place) in opaque.iter().zip(places) {
        *place = upper_bound(btf, name_of(btf, *id).unwrap_or(&[]));
    }
}

/// Fills in the new id of every type of a module and its distilled base, by id, void's first.
///
/// `ids` has a word for each; `None` where it is shorter.
pub(super) fn number(
    base_end: u32,
    fates: &[u32],
    opaque: &[u32],
    places: &[u32],
    ids: &mut [u32],
) -> Option<()> {
    let (void, ids) = ids.split_first_mut()?;
    *void = 0;
    let (distilled, own) = ids.split_at_mut_checked(fates.len())?;
    for (id, fate) in distilled.iter_mut().zip(fates) {
        if let Fate::Mapped(mapped) = Fate::from_word(*fate) {
            *id = mapped;
        }
    }
    let (mut next, mut done, mut own) = (base_end, 0u32, own);
    for (id, place) in opaque.iter().zip(places) {
        let run = to_usize(place.checked_sub(done)?);
        let (ahead, behind) = own.split_at_mut_checked(run)?;
        next = count_from(next, ahead);
        put(distilled, to_usize(id.checked_sub(1)?), next);
        next = next.saturating_add(1);
        (own, done) = (behind, *place);
    }
    count_from(next, own);
    Some(())
}

/// Numbers `ids` from `first` on, and gives the number behind the last.
fn count_from(first: u32, ids: &mut [u32]) -> u32 {
    for (id, number) in ids.iter_mut().zip(first..u32::MAX) {
        *id = number;
    }
    first.saturating_add(len_u32(ids).unwrap_or(u32::MAX))
}

/// As `btf_check_sorted` in `kernel/bpf/btf.c` has it: no name is less than the one ahead of it.
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
