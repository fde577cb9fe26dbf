// SPDX-License-Identifier: GPL-2.0

//! Cuts the words the caller handed over into tables.

use crate::btf::{to_usize, Bits, Table};

/// How much of what a module's BTF has.
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

/// The tables of a module that is verified; see [`super::Verified`] for what each holds.
pub(super) struct Tables<'a> {
    pub(super) distilled_offsets: &'a mut [u32],
    pub(super) split_offsets: &'a mut [u32],
    pub(super) held: Bits<'a>,
    pub(super) used: Bits<'a>,
    pub(super) distilled_names: Bits<'a>,
    pub(super) split_names: Bits<'a>,
}

impl Sizes {
    /// Words for each of the tables, in their order.
    fn lens(&self) -> [usize; 6] {
        [
            Table::needs(self.distilled, 0),
            Table::needs(self.split, 0),
            Bits::needs(self.ids()),
            Bits::needs(self.distilled_strings),
            Bits::needs(self.distilled_strings),
            Bits::needs(self.split_strings),
        ]
    }

    /// Words of all tables together.
    pub(super) fn total(&self) -> usize {
        let lens = self.lens();
        lens.iter().fold(0, |sum, len| sum.saturating_add(*len))
    }

    /// Cuts `words`, and clears what is not written before it is read; `None` where there are fewer
    /// than [`Sizes::total`].
    pub(super) fn cut<'a>(&self, words: &'a mut [u32]) -> Option<Tables<'a>> {
        let mut rest = Words(words);
        let [distilled, split, held, used, distilled_names, split_names] = self.lens();
        Some(Tables {
            distilled_offsets: rest.take(distilled)?,
            split_offsets: rest.take(split)?,
            held: Bits::new(rest.take(held)?),
            used: Bits::new(rest.take(used)?),
            distilled_names: Bits::new(rest.take(distilled_names)?),
            split_names: Bits::new(rest.take(split_names)?),
        })
    }
}

/// The tables of a plan; see [`super::Plan`] for what each holds.
pub(super) struct PlanTables<'a> {
    pub(super) fates: &'a mut [u32],
    pub(super) opaque: &'a mut [u32],
    pub(super) places: &'a mut [u32],
    pub(super) ids: &'a mut [u32],
    pub(super) strings: &'a mut [u32],
}

impl Sizes {
    /// Words of all tables of a plan together.
    pub(super) fn plan_total(&self) -> usize {
        let per_distilled = to_usize(self.distilled).saturating_mul(3);
        per_distilled
            .saturating_add(to_usize(self.ids()))
            .saturating_add(to_usize(self.distilled_strings))
    }

    /// Cuts `words`; `None` where there are fewer than [`Sizes::plan_total`].
    pub(super) fn cut_plan<'a>(&self, words: &'a mut [u32]) -> Option<PlanTables<'a>> {
        let mut rest = Words(words);
        let distilled = to_usize(self.distilled);
        Some(PlanTables {
            fates: rest.take(distilled)?,
            opaque: rest.take(distilled)?,
            places: rest.take(distilled)?,
            ids: rest.take(to_usize(self.ids()))?,
            strings: rest.take(to_usize(self.distilled_strings))?,
        })
    }

    /// One more than the last id of the module's own types.
    fn ids(&self) -> u32 {
        self.distilled.saturating_add(self.split).saturating_add(1)
    }
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
