// SPDX-License-Identifier: GPL-2.0

//! A set of numbers that gives each its rank, how many in it are lower: ids or offsets that move together.

use super::words::put;
use crate::btf::to_usize;

/// A set that grows.
pub(in crate::reloc) struct RankSetBuilder<'a> {
    bits: &'a mut [u32],
    /// For each word of `bits`, how many numbers are in the words before it.
    before: &'a mut [u32],
}

/// A set that gives each number in it its rank.
#[derive(Clone, Copy)]
pub(in crate::reloc) struct RankSet<'a> {
    bits: &'a [u32],
    before: &'a [u32],
}

/// Words of `bits` for the numbers below `end`.
fn bits_len(end: u32) -> usize {
    to_usize(end / 32).saturating_add(1)
}

impl<'a> RankSetBuilder<'a> {
    /// Words for the numbers below `end`.
    pub(in crate::reloc) fn needs(end: u32) -> usize {
        bits_len(end).saturating_mul(2)
    }

    /// The empty set in `words`, of [`RankSetBuilder::needs`] words.
    pub(in crate::reloc) fn new(words: &'a mut [u32], end: u32) -> Option<Self> {
        let (bits, before) = words.split_at_mut_checked(bits_len(end))?;
        bits.fill(0);
        Some(RankSetBuilder { bits, before })
    }

    /// Puts `number` into the set, and returns whether it was there before.
    #[inline]
    pub(in crate::reloc) fn set(&mut self, number: u32) -> bool {
        let Some(word) = self.bits.get_mut(to_usize(number / 32)) else {
            return true;
        };
        let was = *word & bit(number) != 0;
        *word |= bit(number);
        was
    }

    /// All numbers are in it.
    pub(in crate::reloc) fn build(self) -> RankSet<'a> {
        let mut count = 0u32;
        for (at, word) in (0..usize::MAX).zip(self.bits.iter()) {
            put(self.before, at, count);
            if *word != 0 {
                count = count.saturating_add(word.count_ones());
            }
        }
        RankSet {
            bits: self.bits,
            before: self.before,
        }
    }
}

impl RankSet<'_> {
    /// How many numbers of the set are lower than `number`; `None` where it is not in the set.
    #[inline]
    pub(in crate::reloc) fn rank(&self, number: u32) -> Option<usize> {
        let at = to_usize(number / 32);
        let word = *self.bits.get(at)?;
        if word & bit(number) == 0 {
            return None;
        }
        let lower = word & bit(number).wrapping_sub(1);
        Some(to_usize(
            self.before.get(at)?.wrapping_add(lower.count_ones()),
        ))
    }
}

#[inline]
fn bit(number: u32) -> u32 {
    1 << (number % 32)
}
