// SPDX-License-Identifier: GPL-2.0

//! Finds the types of a base by name, in memory that follows the number of named types.

use crate::btf::{to_usize, Btf, Error, Kind, Reason, Record};

/// A hash index over the named types of a base that a distilled type may become.
///
/// `heads` holds, for each bucket, where its entries start, and one word more for where the last
/// ends. An entry is a type id with 12 bits of the name's hash above it; the entries of a bucket
/// are in the order of their ids.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    heads: &'a [u32],
    entries: &'a [u32],
}

const ID_BITS: u32 = 20;
const ID_MASK: u32 = (1 << ID_BITS) - 1;

/// Whether a distilled type may become a type of this kind.
fn is_indexed(record: &Record<'_>) -> bool {
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

/// FNV-1a, which needs no table and is quick on names of some twenty bytes.
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Number of buckets for `count` entries: a power of two, so that a mask finds the bucket.
fn buckets(count: u32) -> u32 {
    count.max(1).checked_next_power_of_two().unwrap_or(1 << 31)
}

impl<'a> Index<'a> {
    /// Number of entries the types of `btf` need.
    pub(super) fn count(btf: &Btf<'_>) -> u32 {
        let named = btf.own_records().filter(|(_, record)| is_indexed(record));
        named.fold(0, |count, _| count.saturating_add(1))
    }

    /// Length in words of an index of `count` entries.
    pub(super) fn needs(count: u32) -> usize {
        to_usize(buckets(count).saturating_add(1).saturating_add(count))
    }

    /// Fills `words`, of [`Index::needs`] words, with the named types of `btf`.
    ///
    /// # Errors
    ///
    /// [`Reason::ShortBuffer`] where `words` is too short.
    pub(super) fn build(btf: &Btf<'_>, count: u32, words: &'a mut [u32]) -> Result<Self, Error> {
        let short = btf.blob().error(0, 0, Reason::ShortBuffer);
        let (heads, entries) = split(words, count).ok_or(short)?;
        heads.fill(0);
        let mask = buckets(count).wrapping_sub(1);
        for (_, hash) in named(btf) {
            let head = heads.get_mut(to_usize(hash & mask)).ok_or(short)?;
            *head = head.saturating_add(1);
        }
        // Each head becomes the end of its bucket; filling from the last type on makes it the start.
        let mut end = 0u32;
        for head in heads.iter_mut() {
            end = end.saturating_add(*head);
            *head = end;
        }
        for (id, hash) in named(btf) {
            let head = heads.get_mut(to_usize(hash & mask)).ok_or(short)?;
            *head = head.saturating_sub(1);
            *entries.get_mut(to_usize(*head)).ok_or(short)? = (hash & !ID_MASK) | (id & ID_MASK);
        }
        let index = Index { heads, entries };
        Ok(index)
    }

    /// The index that [`Index::build`] made of these very `words` for this very `count`.
    ///
    /// Any other values give wrong types or none, never a read out of bounds.
    pub(super) fn from_parts(words: &'a [u32], count: u32) -> Self {
        let heads = to_usize(buckets(count).saturating_add(1)).min(words.len());
        let (heads, entries) = words.split_at_checked(heads).unwrap_or((&[], &[]));
        Index { heads, entries }
    }

    /// The types of `btf` with this name, in the order of their ids.
    pub(super) fn named<'b>(
        &self,
        btf: &'b Btf<'a>,
        name: &'b [u8],
    ) -> impl Iterator<Item = (u32, Record<'a>)> + Clone + 'b
    where
        'a: 'b,
    {
        let hash = hash(name);
        let candidates = self.bucket(hash).iter().rev().filter_map(move |entry| {
            if (entry ^ hash) & !ID_MASK != 0 {
                return None;
            }
            let id = entry & ID_MASK;
            let record = btf.record(id)?;
            btf.string_is(record.name_off(), name)
                .then_some((id, record))
        });
        candidates
    }

    fn bucket(&self, hash: u32) -> &'a [u32] {
        let buckets = self.heads.len().saturating_sub(1);
        let at = to_usize(hash) & buckets.wrapping_sub(1);
        let bounds = self.heads.get(at..).and_then(<[u32]>::first_chunk::<2>);
        let range = bounds.map(|[start, end]| to_usize(*start)..to_usize(*end));
        range
            .and_then(|range| self.entries.get(range))
            .unwrap_or(&[])
    }
}

/// `words` as heads and entries.
fn split(words: &mut [u32], count: u32) -> Option<(&mut [u32], &mut [u32])> {
    words.split_at_mut_checked(to_usize(buckets(count).checked_add(1)?))
}

/// The types to be indexed: id and hash of the name.
fn named<'a>(btf: &Btf<'a>) -> impl Iterator<Item = (u32, u32)> + 'a {
    let btf = *btf;
    let named = btf.own_records().filter(|(_, record)| is_indexed(record));
    named.map(move |(id, record)| (id, hash(btf.string(record.name_off()).unwrap_or(&[]))))
}
