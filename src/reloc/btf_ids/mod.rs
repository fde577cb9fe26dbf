// SPDX-License-Identifier: GPL-2.0

//! `.BTF_ids`: the type ids that a module's code reads at run time, mapped to those of the kernel.
//!
//! Format: `include/linux/btf_ids.h`, filled in by `tools/bpf/resolve_btfids`. The section is an
//! array of words; only symbols say what a word is:
//!
//! | symbol | words |
//! | --- | --- |
//! | `__BTF_ID__KIND__NAME__NUMBER` | id |
//! | `__BTF_ID__set__NAME` | count, then count times: id |
//! | `__BTF_ID__set8__NAME` | count, flags, then count times: id, flags |
//!
//! Lists are ids side by side. Ids in sets have symbols of their own, which name what stood there
//! before the set was sorted. A word without a symbol is 0 (`BTF_ID_UNUSED`), which is no id.
//!
//! [`BtfIds::read`] plans: it notes in the output what each word is. [`BtfIds::patch`] makes the
//! patched copy there, from the section, which it only reads. So no id is mapped twice, and what
//! is left to do is one copy that cannot fail.
//!
//! ```
//! use rust_btfreloc::reloc::btf_ids::BtfIds;
//! let section: Vec<u8> = [2u32, 7, 9, 5].iter().flat_map(|word| word.to_ne_bytes()).collect();
//! let symbols = [(0, &b"__BTF_ID__set__funcs"[..]), (12, b"__BTF_ID__struct__file__1")];
//! let mut output = vec![0; section.len()];
//! let ids = BtfIds::read(&section, symbols.into_iter(), &mut output)?;
//! let patched = ids.patch(|id| Some(100 - id))?;
//! let words: Vec<u8> = [2u32, 91, 93, 95].iter().flat_map(|word| word.to_ne_bytes()).collect();
//! assert_eq!(patched.bytes, words);
//! # Ok::<(), rust_btfreloc::reloc::btf_ids::Error>(())
//! ```

mod asked;
mod form;
mod mark;
mod patch;
mod set;

pub use asked::{fill, kind_of, Asked};
pub use form::Form;

use crate::btf::{len_u32, read_u32, to_usize};
use mark::{Mark, Marks};
use patch::Patch;

/// What an id is mapped to that stands for nothing any more: it is 0 then, and no member of a set.
pub const GONE: u32 = u32::MAX;

/// Bytes in a word; in an entry of a set and before its first.
const WORD: u32 = 4;
/// Bytes in an entry of a set8 and before its first.
const PAIR: u32 = 8;

/// Why `.BTF_ids` is refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset in the section.
    pub offset: u32,
    /// The id that stands there; 0 where it is not about an id.
    pub id: u32,
    /// What was found.
    pub reason: Reason,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The section is not made of words, or has more than 32-bit offsets reach.
    Length,
    /// The output is not as long as the section.
    Output,
    /// No symbol says what the words are: the module was stripped of them.
    NoSymbols,
    /// No symbol says what this word is, which is not 0; holds the word.
    NoSymbol(u32),
    /// A symbol of a form that is not known.
    UnknownForm,
    /// A symbol that is not at the start of a word.
    Misaligned,
    /// A symbol past the end of the section.
    Outside,
    /// A set that goes on past the end of the section; holds how many ids it claims to have.
    SetTooLong(u32),
    /// A word of which symbols say two different things.
    Overlap,
    /// A part of a set that is another where the module reads it than in its file.
    Changed,
    /// An id that the map does not know.
    Unmapped,
}

impl Reason {
    /// Whether the section may be valid all the same: it was stripped of symbols, or has some of a form
    /// that came later.
    pub fn may_be_valid(self) -> bool {
        matches!(
            self,
            Reason::NoSymbols | Reason::NoSymbol(_) | Reason::UnknownForm
        )
    }
}

/// A `.BTF_ids` section of which is known what each word is.
pub struct BtfIds<'a> {
    section: &'a [u8],
    marks: Marks<'a>,
}

/// The patched copy of a section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patched<'a> {
    /// As long as the section.
    pub bytes: &'a [u8],
    /// How many ids there are, without those that are 0.
    pub ids: u32,
    /// How many of them the map changed.
    pub changed: u32,
    /// How many sets and set8s there are.
    pub sets: u32,
    /// How many of them had to be sorted again.
    pub sorted: u32,
}

/// An id as it stands in the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdEntry<'n> {
    /// Byte offset in the section.
    pub offset: u32,
    /// What the id is part of.
    pub form: Form<'n>,
    /// The id, not mapped; 0 where none was found when the module was built.
    pub id: u32,
}

impl<'a> BtfIds<'a> {
    /// Finds out what the words of `section` are, from byte offset and name of its symbols.
    ///
    /// Symbols of other names are passed over. `output` is as long as `section`; what it holds
    /// does not matter.
    ///
    /// # Errors
    ///
    /// All reasons but [`Reason::Changed`] and [`Reason::Unmapped`].
    pub fn read<'n>(
        section: &'a [u8],
        symbols: impl Iterator<Item = (u64, &'n [u8])>,
        output: &'a mut [u8],
    ) -> Result<Self, Error> {
        let len = len_u32(section).filter(|len| len % WORD == 0);
        let len = len.ok_or(error(0, Reason::Length))?;
        if output.len() != section.len() {
            return Err(error(len, Reason::Output));
        }
        let mut ids = BtfIds {
            section,
            marks: Marks::new(output),
        };
        let mut known = section.is_empty();
        for (offset, name) in symbols {
            known |= ids.symbol(offset, name)?;
        }
        if !known {
            return Err(error(0, Reason::NoSymbols));
        }
        ids.all_known()?;
        Ok(ids)
    }

    /// Goes on with `live`, the section as it is where the module reads it.
    ///
    /// What of it the kernel has changed since it was copied there, by relocations for one, is no id
    /// any more, and is left alone.
    ///
    /// # Errors
    ///
    /// [`Reason::Output`] where it has another length, [`Reason::Changed`] where a set differs.
    pub fn in_place(mut self, live: &'a [u8]) -> Result<Self, Error> {
        if live.len() != self.section.len() {
            return Err(error(len_u32(live).unwrap_or(0), Reason::Output));
        }
        let mut at = 0;
        while let Some(mark) = self.marks.at(at) {
            match mark {
                _ if word_at(live, at) == word_at(self.section, at) => {}
                Mark::Unknown | Mark::Id => self.marks.put(at, Mark::Unknown as u32),
                _ => return Err(error(at, Reason::Changed)),
            }
            at = at.saturating_add(WORD);
        }
        self.section = live;
        Ok(self)
    }

    /// Calls `visit` with each id, those that are 0 included, in the order of `symbols`, which are
    /// those that the section was read with; once more where a second symbol says the same.
    ///
    /// # Errors
    ///
    /// The first that `visit` returns.
    pub fn each<'n, E>(
        &self,
        symbols: impl Iterator<Item = (u64, &'n [u8])>,
        mut visit: impl FnMut(IdEntry<'n>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (offset, name) in symbols {
            let (Ok(at), Some(Ok(form))) = (u32::try_from(offset), Form::of(name)) else {
                continue;
            };
            match (form, self.marks.at(at)) {
                (Form::Id { .. }, Some(Mark::Id)) => visit(self.entry(at, form))?,
                (Form::Set(_), Some(Mark::Set)) => self.members(at, WORD, form, &mut visit)?,
                (Form::Set8 { .. }, Some(Mark::Set8)) => {
                    self.members(at, PAIR, form, &mut visit)?;
                }
                // Visited as a member of its set.
                _ => {}
            }
        }
        Ok(())
    }

    /// Maps every id but 0 and sorts the sets again; flags stay, and counts but for ids that are
    /// [`GONE`]. Mapped to 0, they are what they are where the module's build found no type.
    ///
    /// # Errors
    ///
    /// [`Reason::Unmapped`] for the first id of which `map` knows none.
    pub fn patch(self, map: impl Fn(u32) -> Option<u32>) -> Result<Patched<'a>, Error> {
        let patch = Patch {
            section: self.section,
            output: self.marks,
            map,
            done: Patched::default(),
        };
        patch.run()
    }

    /// Marks what a symbol says; whether it is one that says anything.
    fn symbol(&mut self, offset: u64, name: &[u8]) -> Result<bool, Error> {
        let Some(form) = Form::of(name) else {
            return Ok(false);
        };
        let at = self.place(offset)?;
        match form.map_err(|reason| error(at, reason))? {
            Form::Id { .. } => self.marks.claim(at, &[Mark::Id]).map(drop)?,
            Form::Set(_) => self.set(at, &[Mark::Set], &[Mark::Member])?,
            Form::Set8 { .. } => {
                self.set(at, &[Mark::Set8, Mark::Flags], &[Mark::Member, Mark::Flags])?;
            }
        }
        Ok(true)
    }

    /// The offset of a symbol as that of a word in the section.
    fn place(&self, offset: u64) -> Result<u32, Error> {
        let outside = error(u32::try_from(offset).unwrap_or(u32::MAX), Reason::Outside);
        let at = u32::try_from(offset).map_err(|_| outside)?;
        if at % WORD != 0 {
            return Err(error(at, Reason::Misaligned));
        }
        self.marks.at(at).map(|_| at).ok_or(outside)
    }

    /// Marks a set: what is before its entries, and each entry, which is as long.
    fn set(&mut self, at: u32, head: &[Mark], entry: &[Mark]) -> Result<(), Error> {
        let step = len_u32(entry).unwrap_or(0).saturating_mul(WORD);
        let end = set_end(self.section, at, step)?;
        let mut at = self.marks.claim(at, head)?;
        while at < end {
            at = self.marks.claim(at, entry)?;
        }
        Ok(())
    }

    /// Finds no word that is not 0 and of which no symbol says what it is.
    fn all_known(&self) -> Result<(), Error> {
        let mut at = 0;
        while let Some(mark) = self.marks.at(at) {
            match (mark, word_at(self.section, at)) {
                (Mark::Unknown, word @ 1..) => return Err(error(at, Reason::NoSymbol(word))),
                _ => at = at.saturating_add(WORD),
            }
        }
        Ok(())
    }

    fn members<'n, E>(
        &self,
        at: u32,
        step: u32,
        form: Form<'n>,
        visit: &mut impl FnMut(IdEntry<'n>) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = set_end(self.section, at, step).unwrap_or(at);
        let mut at = at.saturating_add(step);
        while at < end {
            visit(self.entry(at, form))?;
            at = at.saturating_add(step);
        }
        Ok(())
    }

    fn entry<'n>(&self, offset: u32, form: Form<'n>) -> IdEntry<'n> {
        let id = word_at(self.section, offset);
        let flags = word_at(self.section, offset.saturating_add(WORD));
        match form {
            Form::Set8 { name, .. } => IdEntry {
                offset,
                form: Form::Set8 { name, flags },
                id,
            },
            form => IdEntry { offset, form, id },
        }
    }
}

/// Offset of the word after the set at `at`, whose entries are of `step` bytes, as is their head.
fn set_end(section: &[u8], at: u32, step: u32) -> Result<u32, Error> {
    let count = word_at(section, at);
    let len = count
        .checked_add(1)
        .and_then(|entries| entries.checked_mul(step));
    let end = len.and_then(|len| len.checked_add(at));
    let inside = end.filter(|end| to_usize(*end) <= section.len());
    inside.ok_or(error(at, Reason::SetTooLong(count)))
}

/// The word at `at`; past the end, 0.
fn word_at(section: &[u8], at: u32) -> u32 {
    read_u32(section, to_usize(at)).unwrap_or(0)
}

fn error(offset: u32, reason: Reason) -> Error {
    Error {
        offset,
        id: 0,
        reason,
    }
}
