// SPDX-License-Identifier: GPL-2.0

//! A set of small numbers, one bit each, in words that the caller lends.

use super::to_usize;

/// The numbers below 32 times the number of words; those past them are never in it.
pub struct Bits<'a>(&'a mut [u32]);

impl<'a> Bits<'a> {
    /// The empty set in `words`, of [`Bits::needs`] words.
    pub fn new(words: &'a mut [u32]) -> Self {
        words.fill(0);
        Bits(words)
    }

    /// Words for the numbers below `count`.
    pub fn needs(count: u32) -> usize {
        to_usize(count / 32 + u32::from(count % 32 != 0))
    }

    /// Whether `at` is in the set.
    #[inline]
    pub fn get(&self, at: u32) -> bool {
        let word = self.0.get(to_usize(at / 32)).copied().unwrap_or(0);
        word & (1 << (at % 32)) != 0
    }

    /// Puts `at` into the set, and returns whether it was there before.
    #[inline]
    pub fn set(&mut self, at: u32) -> bool {
        let was = self.get(at);
        if let Some(word) = self.0.get_mut(to_usize(at / 32)) {
            *word |= 1 << (at % 32);
        }
        was
    }

    /// The numbers in the set, in their order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let words = (0..u32::MAX).step_by(32).zip(self.0.iter());
        words.flat_map(|(start, word)| Word { start, rest: *word })
    }
}

/// The numbers in one word.
struct Word {
    start: u32,
    rest: u32,
}

impl Iterator for Word {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let at = self.rest.trailing_zeros();
        // Without its lowest bit.
        self.rest &= self.rest.checked_sub(1)?;
        Some(self.start.wrapping_add(at))
    }
}
