// SPDX-License-Identifier: GPL-2.0

//! What each word of the section is, noted in a buffer of the section's length.

use super::{error, Error, Reason, WORD};
use crate::btf::{put_u32, read_u32, to_usize};

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// No symbol says.
    Unknown = 0,
    /// An id, alone or in a list.
    Id,
    /// The count of a set.
    Set,
    /// The count of a set8.
    Set8,
    /// An id in a set or set8.
    Member,
    /// Flags of a set8 or of an id in it.
    Flags,
}

impl Mark {
    fn read(number: u32) -> Option<Self> {
        use Mark::{Flags, Id, Member, Set, Set8, Unknown};
        let all = [Unknown, Id, Set, Set8, Member, Flags];
        all.into_iter().find(|mark| *mark as u32 == number)
    }
}

/// A [`Mark`] in the place of each word; written over as the words themselves are put there.
pub(super) struct Marks<'a>(&'a mut [u8]);

impl<'a> Marks<'a> {
    pub(super) fn new(buffer: &'a mut [u8]) -> Self {
        buffer.fill(Mark::Unknown as u8);
        Marks(buffer)
    }

    /// What the word at `at` is; `None` past the end.
    pub(super) fn at(&self, at: u32) -> Option<Mark> {
        Mark::read(read_u32(self.0, to_usize(at))?)
    }

    /// Claims the words from `at` on; gives the offset of the word after them.
    pub(super) fn claim(&mut self, at: u32, marks: &[Mark]) -> Result<u32, Error> {
        let mut at = at;
        for mark in marks {
            self.claim_word(at, *mark)?;
            at = at.saturating_add(WORD);
        }
        Ok(at)
    }

    /// Symbols come in any order: an id may turn out to be a set's, and a set's ids have symbols.
    fn claim_word(&mut self, at: u32, mark: Mark) -> Result<(), Error> {
        let mark = match (self.at(at), mark) {
            (Some(Mark::Unknown), mark) => mark,
            (Some(Mark::Id), Mark::Id) => Mark::Id,
            (Some(Mark::Id), Mark::Member) | (Some(Mark::Member), Mark::Id) => Mark::Member,
            _ => return Err(error(at, Reason::Overlap)),
        };
        self.put(at, mark as u32);
        Ok(())
    }

    /// Puts a word in the place of its mark.
    pub(super) fn put(&mut self, at: u32, word: u32) {
        // Past the end there is no mark to ask for a word.
        let _ = put_u32(self.0, to_usize(at), word);
    }

    /// The bytes from `start` to `end`; none where they are not all there.
    pub(super) fn between(&mut self, start: u32, end: u32) -> &mut [u8] {
        self.0
            .get_mut(to_usize(start)..to_usize(end))
            .unwrap_or_default()
    }

    pub(super) fn into_bytes(self) -> &'a [u8] {
        self.0
    }
}
