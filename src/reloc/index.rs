// SPDX-License-Identifier: GPL-2.0

//! Finds the types of a base by name, in memory that follows the number of named types.

use crate::btf::{to_usize, Blob, Kind, Reason, Record};

/// A hash index over the named types of a base that a distilled type may become.
///
/// `heads` holds, for each bucket, where its entries start, and one word more for where the last
/// ends. An entry is a word of `ids`, a type id with 12 bits of the name's hash above it, and one
/// of `offsets`, the byte offset of the type in the type part. The entries of a bucket are in
/// falling order of their ids.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    heads: &'a [u32],
    ids: &'a [u32],
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

/// FNV-1a, which needs no table and is quick on names of some twenty bytes; `strings` begins with
/// the name and its NUL.
fn hash(strings: &[u8]) -> u32 {
    let name = strings.iter().take_while(|byte| **byte != 0);
    name.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Number of buckets for `count` entries: a power of two, so that a mask finds the bucket.
fn buckets(count: u32) -> u32 {
    count.max(1).checked_next_power_of_two().unwrap_or(1 << 31)
}

/// Length in words of the index of `count` types.
pub(super) fn needs(count: u32) -> usize {
    let heads = buckets(count).saturating_add(1);
    to_usize(heads.saturating_add(count).saturating_add(count))
}

/// An index being filled, in two walks over the same types: [`Builder::count`] each, then
/// [`Builder::place`] each, in the order of their ids.
pub(super) struct Builder<'a> {
    heads: &'a mut [u32],
    ids: &'a mut [u32],
    offsets: &'a mut [u32],
}

impl<'a> Builder<'a> {
    /// Starts in `words`, of [`needs`] words; `None` where there are fewer.
    pub(super) fn new(words: &'a mut [u32], count: u32) -> Option<Self> {
        let words = words.get_mut(..needs(count))?;
        let heads = to_usize(buckets(count).checked_add(1)?);
        let (heads, entries) = words.split_at_mut_checked(heads)?;
        let (ids, offsets) = entries.split_at_mut_checked(to_usize(count))?;
        heads.fill(0);
        Some(Builder {
            heads,
            ids,
            offsets,
        })
    }

    /// Makes room for one of the types of `blob`.
    pub(super) fn count(&mut self, blob: &Blob<'_>, record: &Record<'_>) -> Result<(), Reason> {
        let head = self.head(name_hash(blob, record))?;
        *head = head.saturating_add(1);
        Ok(())
    }

    /// All types are counted: each head becomes the end of its bucket.
    pub(super) fn counted(&mut self) {
        let mut end = 0u32;
        for head in self.heads.iter_mut() {
            end = end.saturating_add(*head);
            *head = end;
        }
    }

    /// Places one of the types that were counted; the last of a bucket makes its head the start.
    pub(super) fn place(
        &mut self,
        blob: &Blob<'_>,
        id: u32,
        record: &Record<'_>,
    ) -> Result<(), Reason> {
        let hash = name_hash(blob, record);
        let head = self.head(hash)?;
        *head = head.saturating_sub(1);
        let at = to_usize(*head);
        *self.ids.get_mut(at).ok_or(Reason::ShortBuffer)? = (hash & !ID_MASK) | (id & ID_MASK);
        *self.offsets.get_mut(at).ok_or(Reason::ShortBuffer)? = record.at();
        Ok(())
    }

    /// All types are placed.
    pub(super) fn built(self) -> Index<'a> {
        Index {
            heads: self.heads,
            ids: self.ids,
            offsets: self.offsets,
        }
    }

    fn head(&mut self, hash: u32) -> Result<&mut u32, Reason> {
        let mask = self.heads.len().wrapping_sub(2);
        let head = self.heads.get_mut(to_usize(hash) & mask);
        head.ok_or(Reason::ShortBuffer)
    }
}

fn name_hash(blob: &Blob<'_>, record: &Record<'_>) -> u32 {
    let strings = blob.strings().get(to_usize(record.name_off())..);
    hash(strings.unwrap_or(&[]))
}

impl<'a> Index<'a> {
    /// The index that a [`Builder`] made of these very `words` for this very `count`.
    ///
    /// Any other values give wrong types or none, never a read out of bounds.
    pub(super) fn from_parts(words: &'a [u32], count: u32) -> Self {
        let heads = to_usize(buckets(count).saturating_add(1));
        let (heads, entries) = words.split_at_checked(heads).unwrap_or((&[], &[]));
        let (ids, offsets) = entries
            .split_at_checked(to_usize(count))
            .unwrap_or((&[], &[]));
        Index {
            heads,
            ids,
            offsets,
        }
    }

    /// The types of `blob` with this name, in the order of their ids.
    pub(super) fn named<'b>(
        &self,
        blob: &'b Blob<'a>,
        name: &'b [u8],
    ) -> impl Iterator<Item = (u32, Record<'a>)> + Clone + 'b
    where
        'a: 'b,
    {
        let hash = hash(name);
        let (ids, offsets) = self.bucket(hash);
        let entries = ids.iter().rev().zip(offsets.iter().rev());
        entries.filter_map(move |(entry, offset)| {
            if (entry ^ hash) & !ID_MASK != 0 {
                return None;
            }
            let record = Record::parse(blob.types(), *offset).ok()?;
            let same = blob.string_is(record.name_off(), name);
            same.then_some((entry & ID_MASK, record))
        })
    }

    fn bucket(&self, hash: u32) -> (&'a [u32], &'a [u32]) {
        let at = to_usize(hash) & self.heads.len().wrapping_sub(2);
        let bounds = self.heads.get(at..).and_then(<[u32]>::first_chunk::<2>);
        let range = bounds.map_or(0..0, |[start, end]| to_usize(*start)..to_usize(*end));
        let ids = self.ids.get(range.clone());
        (ids.unwrap_or(&[]), self.offsets.get(range).unwrap_or(&[]))
    }
}
