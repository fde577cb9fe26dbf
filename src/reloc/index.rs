// SPDX-License-Identifier: GPL-2.0

//! Finds the types of a base by name, in memory that follows the number of named types.

use super::tables::hash;
use crate::btf::{to_usize, Btf, Fault, Kind, Reason, Record};

/// A hash index over the named types of a base that a distilled type may become.
///
/// A type is in the first slot that was free, from the one its name's hash gives on. As types are
/// added in the order of their ids, those of one name are found in that order. Half of the slots
/// stay free, so that a search ends soon.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    /// For each slot, a type id with 12 bits of the name's hash above it; 0 where it is free.
    entries: &'a [u32],
    /// For each slot, the byte offset of the type in the type part.
    offsets: &'a [u32],
}

const ID_BITS: u32 = 20;
const ID_MASK: u32 = (1 << ID_BITS) - 1;

/// Whether a distilled type may become a type of this kind.
#[inline]
pub(super) fn is_indexed(record: &Record<'_>) -> bool {
    let kind = matches!(
        record.kind(),
        Kind::Int
            | Kind::Float
            | Kind::Enum
            | Kind::Enum64
            | Kind::Struct
            | Kind::Union
            | Kind::Fwd
    );
    kind && record.name_off() != 0
}

/// Number of slots for `count` types.
fn slots(count: u32) -> usize {
    to_usize(count.saturating_mul(2).saturating_add(1))
}

/// Length in words of the index of `count` types.
pub(super) fn needs(count: u32) -> usize {
    slots(count).saturating_mul(2)
}

/// An index being filled with the types of a base, in the order of their ids.
pub(super) struct Builder<'a> {
    entries: &'a mut [u32],
    offsets: &'a mut [u32],
}

impl<'a> Builder<'a> {
    /// Starts in `words`, of [`needs`] words; `None` where there are fewer.
    pub(super) fn new(words: &'a mut [u32], count: u32) -> Option<Self> {
        let words = words.get_mut(..needs(count))?;
        let (entries, offsets) = words.split_at_mut_checked(slots(count))?;
        entries.fill(0);
        Some(Builder { entries, offsets })
    }

    /// Adds a type of `btf`, one of those that were counted.
    pub(super) fn add(&mut self, btf: &Btf<'_>, id: u32, record: &Record<'_>) -> Result<(), Fault> {
        // A longer name is none that a distilled type is matched by.
        let Some(name) = btf.name(record.name_off()) else {
            return Ok(());
        };
        let hash = hash(name);
        let free = Slots::new(self.entries, hash).find(|(_, entry)| *entry == 0);
        let (entry, offset) = free
            .and_then(|(at, _)| self.entries.get_mut(at).zip(self.offsets.get_mut(at)))
            .ok_or((0, Reason::ShortBuffer))?;
        *entry = tagged(hash, id);
        *offset = record.at();
        Ok(())
    }

    /// All types are added.
    pub(super) fn built(self) -> Index<'a> {
        Index {
            entries: self.entries,
            offsets: self.offsets,
        }
    }
}

impl<'a> Index<'a> {
    /// The index that a [`Builder`] made of these very `words` for this very `count`.
    ///
    /// Any other values give wrong types or none, never a read out of bounds.
    pub(super) fn from_parts(words: &'a [u32], count: u32) -> Self {
        let parts = words.split_at_checked(slots(count));
        let (entries, offsets) = parts.unwrap_or((&[], &[]));
        Index { entries, offsets }
    }

    /// The types of `btf` with this name, in the order of their ids.
    #[inline]
    pub(super) fn named<'b>(
        &self,
        btf: &'b Btf<'a>,
        name: &'b [u8],
    ) -> impl Iterator<Item = (u32, Record<'a>)> + Clone + 'b
    where
        'a: 'b,
    {
        let hash = hash(name);
        let offsets = self.offsets;
        let used = Slots::new(self.entries, hash).take_while(|(_, entry)| *entry != 0);
        used.filter_map(move |(at, entry)| {
            let id = entry & ID_MASK;
            if entry != tagged(hash, id) {
                return None;
            }
            let record = Record::parse(btf.blob().types(), *offsets.get(at)?).ok()?;
            let same = btf.string_is(record.name_off(), name);
            same.then_some((id, record))
        })
    }
}

/// The slots from the one that a hash gives on, and around to it: each with its place.
#[derive(Clone)]
struct Slots<'a> {
    entries: &'a [u32],
    at: usize,
    left: usize,
}

impl<'a> Slots<'a> {
    #[inline]
    fn new(entries: &'a [u32], hash: u32) -> Self {
        // The high bits of the hash, scaled to the number of slots.
        let slots = u64::try_from(entries.len()).unwrap_or(0);
        let home = u64::from(hash).wrapping_mul(slots) >> 32;
        Slots {
            entries,
            at: usize::try_from(home).unwrap_or(0),
            left: entries.len(),
        }
    }
}

impl Iterator for Slots<'_> {
    type Item = (usize, u32);

    #[inline]
    fn next(&mut self) -> Option<(usize, u32)> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at;
        let entry = *self.entries.get(at)?;
        self.at = at.wrapping_add(1);
        if self.at == self.entries.len() {
            self.at = 0;
        }
        Some((at, entry))
    }
}

/// A type id with the low bits of its name's hash above it.
#[inline]
fn tagged(hash: u32, id: u32) -> u32 {
    hash << ID_BITS | id & ID_MASK
}
