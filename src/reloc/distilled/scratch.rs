// SPDX-License-Identifier: GPL-2.0

//! The tables of a relocation, cut from the words that the caller lends.

use crate::btf::{to_usize, Bits, Table};
use crate::reloc::tables::Words;

/// How much of what a module's BTF has.
#[derive(Clone, Copy)]
pub(in crate::reloc) struct Sizes {
    /// Types of the distilled base.
    pub(in crate::reloc) distilled: u32,
    /// Types of the split BTF.
    pub(in crate::reloc) split: u32,
    /// Bytes of the distilled base's strings.
    pub(in crate::reloc) distilled_strings: u32,
    /// Bytes of the split BTF's strings.
    pub(in crate::reloc) split_strings: u32,
}

/// The tables of a module that is verified; see [`super::Verified`] for what each holds.
pub(in crate::reloc) struct Tables<'a> {
    pub(in crate::reloc) distilled_offsets: &'a mut [u32],
    pub(in crate::reloc) split_offsets: &'a mut [u32],
    pub(in crate::reloc) held: Bits<'a>,
    pub(in crate::reloc) elements: Bits<'a>,
    pub(in crate::reloc) used: Bits<'a>,
    pub(in crate::reloc) distilled_names: Bits<'a>,
    pub(in crate::reloc) split_names: Bits<'a>,
}

impl Sizes {
    /// Words for each of the tables, in their order.
    fn lens(&self) -> [usize; 7] {
        [
            Table::needs(self.distilled, 0),
            Table::needs(self.split, 0),
            Bits::needs(self.ids()),
            Bits::needs(self.ids()),
            Bits::needs(self.distilled_strings),
            Bits::needs(self.distilled_strings),
            Bits::needs(self.split_strings),
        ]
    }

    /// Words of all tables together.
    pub(in crate::reloc) fn total(&self) -> usize {
        let lens = self.lens();
        lens.iter().fold(0, |sum, len| sum.saturating_add(*len))
    }

    /// Cuts `words`, and clears what is not written before it is read; `None` where there are fewer
    /// than [`Sizes::total`].
    pub(in crate::reloc) fn cut<'a>(&self, words: &'a mut [u32]) -> Option<Tables<'a>> {
        let mut rest = Words(words);
        let [distilled, split, held, elements, used, distilled_names, split_names] = self.lens();
        Some(Tables {
            distilled_offsets: rest.take(distilled)?,
            split_offsets: rest.take(split)?,
            held: Bits::new(rest.take(held)?),
            elements: Bits::new(rest.take(elements)?),
            used: Bits::new(rest.take(used)?),
            distilled_names: Bits::new(rest.take(distilled_names)?),
            split_names: Bits::new(rest.take(split_names)?),
        })
    }
}

/// The tables of a plan; see [`super::RelocationPlan`] for what each holds.
pub(in crate::reloc) struct PlanTables<'a> {
    pub(in crate::reloc) fates: &'a mut [u32],
    pub(in crate::reloc) opaque: &'a mut [u32],
    pub(in crate::reloc) places: &'a mut [u32],
    pub(in crate::reloc) ids: &'a mut [u32],
    pub(in crate::reloc) strings: &'a mut [u32],
}

impl Sizes {
    /// Words of all tables of a plan together.
    pub(in crate::reloc) fn plan_total(&self) -> usize {
        let per_distilled = to_usize(self.distilled).saturating_mul(3);
        per_distilled
            .saturating_add(to_usize(self.ids()))
            .saturating_add(to_usize(self.distilled_strings))
    }

    /// Cuts `words`; `None` where there are fewer than [`Sizes::plan_total`].
    pub(in crate::reloc) fn cut_plan<'a>(&self, words: &'a mut [u32]) -> Option<PlanTables<'a>> {
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
