// SPDX-License-Identifier: GPL-2.0

//! Cuts the words the caller handed over into the tables that a plan needs.

use crate::btf::{to_usize, Table};

/// Words for each table, all of them bounded by the size of the module's BTF.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Types of the distilled base.
    pub(super) distilled: u32,
    /// Types of the split BTF.
    pub(super) split: u32,
    /// Bytes of the distilled base's strings.
    pub(super) strings: u32,
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
}

impl Sizes {
    /// Words of all tables together.
    pub(super) fn total(&self) -> usize {
        let per_distilled = to_usize(self.distilled).saturating_mul(5);
        per_distilled
            .saturating_add(Table::needs(self.split, 0))
            .saturating_add(to_usize(self.strings))
            .saturating_add(Bits::needs(self.distilled))
            .saturating_add(Bits::needs(self.split))
    }

    /// Cuts `words` and clears them; `None` where there are fewer than [`Sizes::total`].
    pub(super) fn cut<'a>(&self, words: &'a mut [u32]) -> Option<Tables<'a>> {
        let mut rest = words.get_mut(..self.total())?;
        rest.fill(0);
        let mut take = |len: usize| {
            let (head, tail) = core::mem::take(&mut rest).split_at_mut_checked(len)?;
            rest = tail;
            Some(head)
        };
        let distilled = to_usize(self.distilled);
        Some(Tables {
            distilled_offsets: take(distilled)?,
            split_offsets: take(Table::needs(self.split, 0))?,
            fates: take(distilled)?,
            ids: take(distilled)?,
            opaque: take(distilled)?,
            places: take(distilled)?,
            strings: take(to_usize(self.strings))?,
            embedded: Bits(take(Bits::needs(self.distilled))?),
            walked: Bits(take(Bits::needs(self.split))?),
        })
    }
}

/// One bit a type.
pub(super) struct Bits<'a>(&'a mut [u32]);

impl Bits<'_> {
    fn needs(count: u32) -> usize {
        to_usize(count.div_ceil(32))
    }

    /// Whether bit `at` is set; no bit past the end is.
    pub(super) fn get(&self, at: u32) -> bool {
        let word = self.0.get(to_usize(at / 32)).copied().unwrap_or(0);
        word & (1 << (at % 32)) != 0
    }

    /// Sets bit `at`, and tells whether it was set before.
    pub(super) fn set(&mut self, at: u32) -> bool {
        let was = self.get(at);
        if let Some(word) = self.0.get_mut(to_usize(at / 32)) {
            *word |= 1 << (at % 32);
        }
        was
    }
}
