// SPDX-License-Identifier: GPL-2.0

//! The strings of the result: each once, in the order of first use, those of the distilled base
//! first.

use super::put;
use crate::btf::{copy, len_u32, to_usize, Btf, Reason, MAX_NAME_OFFSET};
use crate::reloc::tables::hash;

/// String offsets that share a page.
const PAGE: u32 = 128;

/// Slots that are looked at for a string. A string that finds none is kept a second time, so that
/// names made to collide cost bytes and not time.
const PROBES: usize = 32;

/// The pages of string offsets that are used, being counted.
pub(super) struct Seen<'a> {
    pages: &'a mut [u32],
    count: u32,
    uses: u32,
}

/// For each page of the old string offsets its number among those in use, from 1; 0 for the others.
#[derive(Clone, Copy)]
pub(super) struct Pages<'a> {
    pages: &'a [u32],
    count: u32,
    uses: u32,
}

impl<'a> Seen<'a> {
    /// No page is used yet; `pages` has [`Pages::needs`] words.
    pub(super) fn new(pages: &'a mut [u32]) -> Self {
        pages.fill(0);
        Seen {
            pages,
            count: 0,
            uses: 0,
        }
    }

    /// The string at `off` is used once more.
    #[inline]
    pub(super) fn add(&mut self, off: u32) {
        self.uses = self.uses.saturating_add(u32::from(off != 0));
        if let Some(page @ 0) = self.pages.get_mut(to_usize(off / PAGE)) {
            self.count = self.count.saturating_add(1);
            *page = self.count;
        }
    }

    /// All uses are counted.
    pub(super) fn pages(self) -> Pages<'a> {
        Pages {
            pages: self.pages,
            count: self.count,
            uses: self.uses,
        }
    }
}

impl Pages<'_> {
    /// Words for the string offsets below `end`.
    pub(super) fn needs(end: u32) -> usize {
        to_usize(end / PAGE).saturating_add(1)
    }

    /// Words for the new offsets.
    pub(super) fn map_len(&self) -> usize {
        to_usize(self.count).saturating_mul(to_usize(PAGE))
    }

    /// Words for the strings that are kept: two each.
    pub(super) fn kept_len(&self) -> usize {
        self.most().saturating_mul(2)
    }

    /// Words to find them by their text: two a slot, and a power of two of slots, twice as many as
    /// strings.
    pub(super) fn slots_len(&self) -> usize {
        let slots = self.most().saturating_mul(2).max(PROBES);
        let slots = slots.checked_next_power_of_two().unwrap_or(usize::MAX);
        slots.saturating_mul(2)
    }

    /// No more strings than this.
    fn most(&self) -> usize {
        to_usize(self.uses).min(self.map_len())
    }

    /// Where the word for the string offset `off` is in the map.
    #[inline]
    fn slot(&self, off: u32) -> Option<usize> {
        let page = self.pages.get(to_usize(off / PAGE))?.checked_sub(1)?;
        let start = to_usize(page).saturating_mul(to_usize(PAGE));
        Some(start.saturating_add(to_usize(off % PAGE)))
    }
}

/// The new string offsets, and the strings they stand for.
pub(super) struct Strings<'a> {
    btf: Btf<'a>,
    pages: Pages<'a>,
    /// The new offset of each old one; 0 where it is not yet known, and for the empty string.
    map: &'a mut [u32],
    /// Hash of a string, and its number in `kept`, from 1.
    slots: &'a mut [u32],
    /// Old and new offset of each string, in the order of the new ones.
    kept: &'a mut [u32],
    count: usize,
    end: u32,
}

impl<'a> Strings<'a> {
    /// The empty string alone; the words are of the lengths that `pages` gives.
    pub(super) fn new(
        btf: Btf<'a>,
        pages: Pages<'a>,
        map: &'a mut [u32],
        slots: &'a mut [u32],
        kept: &'a mut [u32],
    ) -> Self {
        map.fill(0);
        slots.fill(0);
        Strings {
            btf,
            pages,
            map,
            slots,
            kept,
            count: 0,
            end: 1,
        }
    }

    /// One more than the last new offset so far.
    pub(super) fn end(&self) -> u32 {
        self.end
    }

    /// Makes sure that the string at the old offset `off` has a new one.
    #[inline]
    pub(super) fn keep(&mut self, off: u32) -> Result<(), Reason> {
        match self.new_offset(off) {
            0 if off != 0 => self.keep_new(off),
            _ => Ok(()),
        }
    }

    /// The new offset of the string at `off`, which was kept before.
    #[inline]
    pub(super) fn new_offset(&self, off: u32) -> u32 {
        let word = self.pages.slot(off).and_then(|at| self.map.get(at));
        word.copied().unwrap_or(0)
    }

    #[inline(never)]
    fn keep_new(&mut self, off: u32) -> Result<(), Reason> {
        let name = self.btf.string(off).unwrap_or(&[]);
        if name.is_empty() {
            return Ok(());
        }
        let (hash, len) = (hash(name), len_u32(name).ok_or(Reason::OutputTooLarge)?);
        let (known, vacant) = self.find(name, hash);
        let new = match known {
            Some(new) => new,
            None => self.append(off, hash, len, vacant)?,
        };
        if let Some(at) = self.pages.slot(off) {
            put(self.map, at, new);
        }
        Ok(())
    }

    /// The new offset of a string that is known, or the slot that is free for one that is not.
    fn find(&self, name: &[u8], hash: u32) -> (Option<u32>, Option<usize>) {
        let mask = (self.slots.len() / 2).wrapping_sub(1);
        for probe in 0..PROBES {
            let at = (to_usize(hash).wrapping_add(probe) & mask).wrapping_mul(2);
            let slot = self.slots.get(at..).and_then(<[u32]>::first_chunk::<2>);
            match slot {
                Some([other, number]) if *number != 0 => {
                    let (old, new) = self.kept(to_usize(number.wrapping_sub(1)));
                    if *other == hash && self.btf.string_is(old, name) {
                        return (Some(new), None);
                    }
                }
                _ => return (None, Some(at)),
            }
        }
        (None, None)
    }

    fn append(
        &mut self,
        off: u32,
        hash: u32,
        len: u32,
        vacant: Option<usize>,
    ) -> Result<u32, Reason> {
        let new = self.end;
        self.end = new.saturating_add(len).saturating_add(1);
        // Past the last offset there can be nothing more is measured.
        if self.end.saturating_sub(1) > MAX_NAME_OFFSET {
            return Err(Reason::OutputTooLarge);
        }
        let at = self.count.saturating_mul(2);
        put(self.kept, at, off);
        put(self.kept, at.saturating_add(1), new);
        self.count = self.count.saturating_add(1);
        if let Some(at) = vacant {
            put(self.slots, at, hash);
            // As many strings as 32-bit offsets at most.
            let number = u32::try_from(self.count).unwrap_or(0);
            put(self.slots, at.saturating_add(1), number);
        }
        Ok(new)
    }

    /// Old and new offset of the string with this number.
    fn kept(&self, number: usize) -> (u32, u32) {
        let entry = self.kept.get(number.saturating_mul(2)..);
        let entry = entry.and_then(<[u32]>::first_chunk::<2>);
        entry.map_or((0, self.end), |[old, new]| (*old, *new))
    }

    /// Writes the strings from the new offset `start` to before `end`, each with its NUL.
    pub(super) fn write(&self, out: &mut [u8], start: u32, end: u32) -> Option<()> {
        let mut out = match start {
            // The empty string.
            0 => copy(out, &[0])?,
            _ => out,
        };
        let mut kept = self.all_kept().peekable();
        while let Some((old, new)) = kept.next() {
            let next = kept.peek().map_or(self.end, |(_, new)| *new);
            if new >= start && new < end {
                let len = to_usize(next.checked_sub(new)?);
                out = copy(out, self.btf.strings_from(old)?.get(..len)?)?;
            }
        }
        Some(())
    }

    /// Old and new offset of each string, in the order of the new ones.
    fn all_kept(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        (0..self.count).map(|number| self.kept(number))
    }
}
