// SPDX-License-Identifier: GPL-2.0

//! Which types of a module refer to a type, and where in them.

use crate::btf::{to_usize, Btf};
use crate::reloc::tables::{put, Words};

/// The references of a module's types, by the type that is referred to.
pub(super) struct ReverseRefs<'a> {
    /// For each type, by id, where its references start; one more for where the last end.
    starts: &'a mut [u32],
    /// For each reference the id of the type it stands in,
    ids: &'a mut [u32],
    /// and the byte offset in that.
    offsets: &'a mut [u32],
}

impl<'a> ReverseRefs<'a> {
    /// Words for `types` types that hold `references` references.
    pub(super) fn needs(types: u32, references: u32) -> usize {
        let starts = to_usize(types).saturating_add(2);
        starts.saturating_add(to_usize(references).saturating_mul(2))
    }

    /// No reference yet, in `words`, of [`ReverseRefs::needs`] words.
    pub(super) fn new(words: &'a mut [u32], types: u32) -> Option<Self> {
        let mut rest = Words(words);
        let starts = rest.take(to_usize(types).saturating_add(2))?;
        starts.fill(0);
        let half = rest.0.len() / 2;
        Some(ReverseRefs {
            starts,
            ids: rest.take(half)?,
            offsets: rest.take(half)?,
        })
    }

    /// Notes all references of `btf`, of which each is in range.
    pub(super) fn fill(&mut self, btf: &Btf<'_>) {
        each(btf, |_, _, target| {
            if let Some(start) = self.starts.get_mut(to_usize(target)) {
                *start = start.saturating_add(1);
            }
        });
        let mut end = 0u32;
        for start in self.starts.iter_mut() {
            end = end.saturating_add(*start);
            *start = end;
        }
        each(btf, |id, at, target| {
            let Some(start) = self.starts.get_mut(to_usize(target)) else {
                return;
            };
            *start = start.saturating_sub(1);
            put(self.ids, to_usize(*start), id);
            put(self.offsets, to_usize(*start), at);
        });
    }

    /// The references to the type `id`: the type each stands in, and the byte offset in that.
    pub(super) fn of(&self, id: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let bounds = self.starts.get(to_usize(id)..);
        let bounds = bounds.and_then(<[u32]>::first_chunk::<2>);
        let range = bounds.map_or(0..0, |[start, end]| to_usize(*start)..to_usize(*end));
        let ids = self.ids.get(range.clone()).unwrap_or(&[]);
        let offsets = self.offsets.get(range).unwrap_or(&[]);
        ids.iter().copied().zip(offsets.iter().copied())
    }
}

/// Calls `visit` with each reference: the type it stands in, the byte offset there, and the id.
fn each(btf: &Btf<'_>, mut visit: impl FnMut(u32, u32, u32)) {
    for (id, record) in btf.own_records() {
        let _ = record.each_id(|at, target| -> Result<(), core::convert::Infallible> {
            visit(id, at, target);
            Ok(())
        });
    }
}
