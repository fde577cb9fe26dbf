// SPDX-License-Identifier: GPL-2.0

//! Where each string offset of a module's types points after relocation.

use crate::btf::{len_u32, to_usize, Btf, MAX_NAME_OFFSET};

/// The new string offsets.
///
/// `map` has a word for each byte of the distilled base's strings: the new offset of the string
/// that starts there, or 0. A string no vmlinux type is named by is appended to the module's own.
pub(super) struct Strings<'a> {
    map: &'a mut [u32],
    /// What is added to the offsets of the module's own strings.
    shift: u32,
    /// Where appended strings start: after vmlinux's and the module's own.
    appended_start: u32,
    appended_len: u32,
}

/// What every string offset of a module becomes.
#[derive(Clone, Copy)]
pub(super) struct Offsets<'a> {
    map: &'a [u32],
    /// What is added to those of the module's own strings.
    shift: u32,
}

impl Offsets<'_> {
    /// The new offset of the string at `off`.
    #[inline]
    pub(super) fn new_offset(&self, off: u32) -> u32 {
        match self.map.get(to_usize(off)) {
            Some(new) => *new,
            None => off.wrapping_add(self.shift),
        }
    }
}

impl<'a> Strings<'a> {
    /// Nothing mapped yet; `map` has a word for each byte of the distilled base's strings, which
    /// `btf` is on, and `base_len` is the length of vmlinux's.
    pub(super) fn new(map: &'a mut [u32], btf: &Btf<'_>, base_len: u32) -> Self {
        map.fill(0);
        let split_len = btf.blob().strings_len();
        Strings {
            map,
            shift: base_len.wrapping_sub(btf.start_str_off()),
            appended_start: base_len.saturating_add(split_len),
            // Not all who read BTF take a string part without a byte.
            appended_len: u32::from(split_len == 0),
        }
    }

    /// The same for BTF of `len` bytes of strings that is split off the module's, with no string
    /// appended yet; `map` is as long as that of the module.
    pub(super) fn after<'m>(&self, map: &'m mut [u32], len: u32) -> Strings<'m> {
        for (new, known) in map.iter_mut().zip(self.map.iter()) {
            *new = *known;
        }
        Strings {
            map,
            shift: self.shift,
            appended_start: self.end().saturating_add(len),
            appended_len: 0,
        }
    }

    /// Records that vmlinux has the distilled base's string at `off` at `base_off`.
    pub(super) fn map(&mut self, off: u32, base_off: u32) {
        if let Some(word) = self.map.get_mut(to_usize(off)) {
            *word = base_off;
        }
    }

    /// Makes sure that the string at `off` of `btf`, as the module's types use it, has a new offset.
    pub(super) fn keep(&mut self, btf: &Btf<'_>, off: u32) {
        let Some(word) = self.map.get_mut(to_usize(off)) else {
            // One of the module's own strings: those stay.
            return;
        };
        // Past the last offset there can be the plan is refused, so there is no more to measure.
        if off == 0 || *word != 0 || self.appended_len > MAX_NAME_OFFSET {
            return;
        }
        let len = btf.string(off).and_then(len_u32).unwrap_or(0);
        *word = self.appended_start.saturating_add(self.appended_len);
        self.appended_len = self.appended_len.saturating_add(len).saturating_add(1);
    }

    /// The new offset of the string at `off`, which was mapped or kept before.
    #[inline]
    pub(super) fn new_offset(&self, off: u32) -> u32 {
        self.offsets().new_offset(off)
    }

    /// The new offsets, to be asked for again and again.
    #[inline]
    pub(super) fn offsets(&self) -> Offsets<'_> {
        Offsets {
            map: self.map,
            shift: self.shift,
        }
    }

    /// Bytes that [`Strings::append`] writes.
    pub(super) fn appended_len(&self) -> u32 {
        self.appended_len
    }

    /// One more than the last new offset.
    pub(super) fn end(&self) -> u32 {
        self.appended_start.saturating_add(self.appended_len)
    }

    /// Writes the appended strings of `btf`, each with its NUL, to `out`, which is all 0 and of
    /// [`Strings::appended_len`] bytes.
    pub(super) fn append(&self, btf: &Btf<'_>, out: &mut [u8]) -> Option<()> {
        if self.appended_len == 0 {
            return Some(());
        }
        for (off, new) in (0..u32::MAX).zip(self.map.iter()) {
            let Some(at) = new.checked_sub(self.appended_start) else {
                continue;
            };
            let string = btf.string(off)?;
            crate::btf::copy(out.get_mut(to_usize(at)..)?, string)?;
        }
        Some(())
    }
}
