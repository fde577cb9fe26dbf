// SPDX-License-Identifier: GPL-2.0

//! Makes the patched copy: from the section, mapped, into the place of the marks.

use super::mark::{Mark, Marks};
use super::set::{drop_last, sort};
use super::{error, set_end, word_at, Error, Patched, Reason, GONE, PAIR, WORD};

/// A copy on the way.
pub(super) struct Patch<'a, F> {
    pub(super) section: &'a [u8],
    pub(super) output: Marks<'a>,
    pub(super) map: F,
    /// What was done so far; its bytes come last.
    pub(super) done: Patched<'a>,
}

impl<'a, F: Fn(u32) -> Option<u32>> Patch<'a, F> {
    pub(super) fn run(mut self) -> Result<Patched<'a>, Error> {
        let mut at = 0;
        while let Some(mark) = self.output.at(at) {
            at = match mark {
                Mark::Set => self.set(at, WORD)?,
                Mark::Set8 => self.set(at, PAIR)?,
                mark => self.word(at, mark)?,
            };
        }
        self.done.bytes = self.output.into_bytes();
        Ok(self.done)
    }

    /// Copies a whole set and sorts it; gives the offset of the word after it.
    fn set(&mut self, at: u32, step: u32) -> Result<u32, Error> {
        let end = set_end(self.section, at, step)?;
        let mut next = at;
        while let Some(mark) = self.output.at(next).filter(|_| next < end) {
            next = self.word(next, mark)?;
        }
        let entries = self.output.between(at.saturating_add(step), end);
        let moved = sort(entries, step);
        let gone = drop_last(entries, step, GONE);
        self.output
            .put(at, word_at(self.section, at).saturating_sub(gone));
        self.done.sets = self.done.sets.saturating_add(1);
        self.done.sorted = self.done.sorted.saturating_add(u32::from(moved));
        Ok(end)
    }

    /// Copies a word, mapped where it is an id; gives the offset of the word after it.
    fn word(&mut self, at: u32, mark: Mark) -> Result<u32, Error> {
        let word = word_at(self.section, at);
        let copied = match (mark, word) {
            (Mark::Id | Mark::Member, 1..) => match self.map(at, word)? {
                // In a set it is found by what it is sorted to.
                GONE if mark == Mark::Id => 0,
                id => id,
            },
            _ => word,
        };
        self.output.put(at, copied);
        Ok(at.saturating_add(WORD))
    }

    fn map(&mut self, at: u32, id: u32) -> Result<u32, Error> {
        let unmapped = Error {
            id,
            ..error(at, Reason::Unmapped)
        };
        // No type has this id: one that stays it is not one that is gone.
        let mapped = (self.map)(id).filter(|mapped| (*mapped, id) != (GONE, GONE));
        let mapped = mapped.ok_or(unmapped)?;
        self.done.ids = self.done.ids.saturating_add(1);
        self.done.changed = self.done.changed.saturating_add(u32::from(mapped != id));
        Ok(mapped)
    }
}
