// SPDX-License-Identifier: GPL-2.0

//! Cuts the words the caller handed over into the tables that a plan needs.

use crate::btf::{to_usize, Bits, Table};

/// Words for each table, all of them bounded by the size of the module's BTF.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Types of the distilled base.
    pub(super) distilled: u32,
    /// Types of the split BTF.
    pub(super) split: u32,
    /// Bytes of the distilled base's strings.
    pub(super) distilled_strings: u32,
    /// Bytes of the split BTF's strings.
    pub(super) split_strings: u32,
}

/// The tables; see [`super::Plan`] for what each holds.
pub(super) struct Tables<'a> {
    pub(super) distilled_offsets: &'a mut [u32],
    pub(super) split_offsets: &'a mut [u32],
    pub(super) fates: &'a mut [u32],
    pub(super) ids: &'a mut [u32],
    pub(super) opaque: &'a mut [u32],
    pub(super) places: &'a mut [u32],
    pub(super) strings: &'a mut [u32],
    pub(super) embedded: Bits<'a>,
    pub(super) walked: Bits<'a>,
    pub(super) distilled_names: Bits<'a>,
    pub(super) split_names: Bits<'a>,
}

impl Sizes {
    /// Words of all tables together.
    pub(super) fn total(&self) -> usize {
        let per_distilled = to_usize(self.distilled).saturating_mul(5);
        per_distilled
            .saturating_add(Table::needs(self.split, 0))
            .saturating_add(to_usize(self.distilled_strings))
            .saturating_add(Bits::needs(self.distilled))
            .saturating_add(Bits::needs(self.split))
            .saturating_add(Bits::needs(self.distilled_strings))
            .saturating_add(Bits::needs(self.split_strings))
    }

    /// Cuts `words`, and clears what is not written before it is read; `None` where there are fewer
    /// than [`Sizes::total`].
    pub(super) fn cut<'a>(&self, words: &'a mut [u32]) -> Option<Tables<'a>> {
        let mut rest = Words(words.get_mut(..self.total())?);
        let mut take = |len| rest.take(len);
        let distilled = to_usize(self.distilled);
        Some(Tables {
            distilled_offsets: take(distilled)?,
            split_offsets: take(Table::needs(self.split, 0))?,
            fates: take(distilled)?,
            ids: take(distilled)?,
            opaque: take(distilled)?,
            places: take(distilled)?,
            strings: clear(take(to_usize(self.distilled_strings))?),
            embedded: Bits::new(take(Bits::needs(self.distilled))?),
            walked: Bits::new(take(Bits::needs(self.split))?),
            distilled_names: Bits::new(take(Bits::needs(self.distilled_strings))?),
            split_names: Bits::new(take(Bits::needs(self.split_strings))?),
        })
    }
}

fn clear(words: &mut [u32]) -> &mut [u32] {
    words.fill(0);
    words
}

/// Words that are left to be handed out.
pub(super) struct Words<'a>(pub(super) &'a mut [u32]);

impl<'a> Words<'a> {
    /// Cuts off the first `len`; `None` where fewer are left.
    pub(super) fn take(&mut self, len: usize) -> Option<&'a mut [u32]> {
        let (head, tail) = core::mem::take(&mut self.0).split_at_mut_checked(len)?;
        self.0 = tail;
        Some(head)
    }
}

/// Stores `value` at `at`, a place that is there.
pub(super) fn put(words: &mut [u32], at: usize, value: u32) {
    if let Some(word) = words.get_mut(at) {
        *word = value;
    }
}

/// Exchanges the words at two places that are there.
pub(super) fn swap(words: &mut [u32], a: usize, b: usize) {
    if let (Some(x), Some(y)) = (words.get(a).copied(), words.get(b).copied()) {
        put(words, a, y);
        put(words, b, x);
    }
}
