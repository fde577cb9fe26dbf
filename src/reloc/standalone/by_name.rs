// SPDX-License-Identifier: GPL-2.0

//! Finds a module's types by name, for what the index of vmlinux does not hold.

use crate::btf::{read_u32, to_usize, Btf, Kind, Record};
use crate::reloc::tables::{hash, put, Words};

/// Types of one hash that are looked at. What comes after them is passed over and so stays the
/// module's: names made to collide cost matches and not time.
const STEPS: usize = 64;

/// A module's types by what [`key`] finds them under: for each hash a list, linked by ids.
pub(super) struct ByName<'a> {
    heads: &'a mut [u32],
    next: &'a mut [u32],
}

/// String offset of what a type is found under, 0 where it is not: the name, and for an ENUM
/// without one the name of its first value.
pub(super) fn key(record: &Record<'_>) -> u32 {
    match (record.kind(), record.name_off()) {
        (Kind::Enum | Kind::Enum64, 0) => {
            let first = record.elements().next();
            first.and_then(|value| read_u32(value, 0)).unwrap_or(0)
        }
        (Kind::Typedef | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64, name) => name,
        _ => 0,
    }
}

impl<'a> ByName<'a> {
    /// Words for `types` types.
    pub(super) fn needs(types: u32) -> usize {
        to_usize(buckets(types)).saturating_add(to_usize(types))
    }

    /// Nothing to be found yet, in `words`, of [`ByName::needs`] words.
    pub(super) fn new(words: &'a mut [u32], types: u32) -> Option<Self> {
        let mut rest = Words(words);
        let heads = rest.take(to_usize(buckets(types)))?;
        heads.fill(0);
        let next = rest.take(to_usize(types))?;
        Some(ByName { heads, next })
    }

    /// Enters the types of `btf`.
    pub(super) fn fill(&mut self, btf: &Btf<'_>) {
        for (id, record) in btf.own_records() {
            let key = key(&record);
            if key == 0 {
                continue;
            }
            let bucket = self.bucket(btf.name(key).unwrap_or(&[]));
            let head = self.heads.get(bucket).copied().unwrap_or(0);
            put(self.next, to_usize(id.wrapping_sub(1)), head);
            put(self.heads, bucket, id);
        }
    }

    /// The types of `btf` that are found under `name`.
    pub(super) fn named<'b>(
        &'b self,
        btf: &'b Btf<'_>,
        name: &'b [u8],
    ) -> impl Iterator<Item = (u32, Record<'b>)> + 'b {
        let first = self.heads.get(self.bucket(name)).copied();
        let next = |id: &u32| {
            let index = id.checked_sub(1)?;
            self.next.get(to_usize(index)).copied()
        };
        core::iter::successors(first, next)
            .take_while(|id| *id != 0)
            .zip(0..STEPS)
            .filter_map(|(id, _)| Some((id, btf.record(id)?)))
            .filter(|(_, record)| btf.string_is(key(record), name))
    }

    fn bucket(&self, name: &[u8]) -> usize {
        to_usize(hash(name)) & self.heads.len().wrapping_sub(1)
    }
}

/// Number of lists for `types` types: a power of two, so that a mask finds the list.
fn buckets(types: u32) -> u32 {
    types.max(1).checked_next_power_of_two().unwrap_or(1 << 31)
}
