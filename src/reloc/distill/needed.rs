// SPDX-License-Identifier: GPL-2.0

//! Which types of the base a module needs, and how many of those have a lower id.

use super::put;
use crate::btf::to_usize;

/// A set of type ids that grows.
pub(super) struct Growing<'a> {
    bits: &'a mut [u32],
    /// For each word of `bits`, how many ids are in those ahead of it.
    ahead: &'a mut [u32],
}

/// A set of type ids that gives each its rank.
#[derive(Clone, Copy)]
pub(super) struct Needed<'a> {
    bits: &'a [u32],
    ahead: &'a [u32],
}

/// Words of `bits` for the ids below `end`.
fn bits_len(end: u32) -> usize {
    to_usize(end / 32).saturating_add(1)
}

impl<'a> Growing<'a> {
    /// Words for the ids below `end`.
    pub(super) fn needs(end: u32) -> usize {
        bits_len(end).saturating_mul(2)
    }

    /// The empty set in `words`, of [`Growing::needs`] words.
    pub(super) fn new(words: &'a mut [u32], end: u32) -> Option<Self> {
        let (bits, ahead) = words.split_at_mut_checked(bits_len(end))?;
        bits.fill(0);
        Some(Growing { bits, ahead })
    }

    /// Puts `id` into the set, and tells whether it was there before.
    #[inline]
    pub(super) fn set(&mut self, id: u32) -> bool {
        let Some(word) = self.bits.get_mut(to_usize(id / 32)) else {
            return true;
        };
        let was = *word & bit(id) != 0;
        *word |= bit(id);
        was
    }

    /// All ids are in it.
    pub(super) fn ranked(self) -> Needed<'a> {
        let mut count = 0u32;
        for (at, word) in self.bits.iter().enumerate() {
            put(self.ahead, at, count);
            if *word != 0 {
                count = count.saturating_add(word.count_ones());
            }
        }
        Needed {
            bits: self.bits,
            ahead: self.ahead,
        }
    }
}

impl Needed<'_> {
    /// How many ids of the set are lower than `id`; `None` where it is not in the set.
    #[inline]
    pub(super) fn rank(&self, id: u32) -> Option<usize> {
        let at = to_usize(id / 32);
        let word = *self.bits.get(at)?;
        if word & bit(id) == 0 {
            return None;
        }
        let lower = word & bit(id).wrapping_sub(1);
        Some(to_usize(
            self.ahead.get(at)?.wrapping_add(lower.count_ones()),
        ))
    }
}

#[inline]
fn bit(id: u32) -> u32 {
    1 << (id % 32)
}
