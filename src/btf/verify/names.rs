// SPDX-License-Identifier: GPL-2.0

//! What the kernel takes for a name (`btf_name_valid_identifier` and `btf_name_valid_section`).

use crate::btf::{Bits, Btf, MAX_NAME_LEN, MAX_NAME_OFFSET};

/// May begin an identifier.
const FIRST: u8 = 1;
/// May follow in an identifier.
const REST: u8 = 2;
/// May stand in the name of a section.
const PRINT: u8 = 4;

/// What each byte may be, by `lib/ctype.c`, which takes the letters of Latin-1 as well.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0u8;
    loop {
        // In a constant, where nothing is left to panic at run time.
        classes[byte as usize] = class(byte);
        if byte == 0xff {
            break classes;
        }
        byte += 1;
    }
};

const fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' => FIRST | REST | PRINT,
        0xd7 | 0xf7 => PRINT,
        0xc0..=0xff => FIRST | REST | PRINT,
        b'0'..=b'9' => REST | PRINT,
        0x20..=0x7e | 0xa0..=0xbf => PRINT,
        _ => 0,
    }
}

/// The names of a BTF, by string offset.
pub(super) struct Names<'n, 'b> {
    btf: &'n Btf<'n>,
    /// The offsets, in the BTF's own string part, that identifiers were found at.
    identifiers: &'n mut Bits<'b>,
    /// Where its own string part starts.
    start: u32,
    /// One more than the last offset a string may have.
    end: u32,
}

impl<'n, 'b> Names<'n, 'b> {
    pub(super) fn new(btf: &'n Btf<'n>, identifiers: &'n mut Bits<'b>) -> Self {
        Names {
            btf,
            identifiers,
            start: btf.start_str_off(),
            end: btf.end_str_off().min(MAX_NAME_OFFSET.saturating_add(1)),
        }
    }

    /// Whether there is a string at `off`.
    #[inline]
    pub(super) fn has(&self, off: u32) -> bool {
        off < self.end
    }

    /// Whether the string at `off` is empty, or there is none.
    pub(super) fn is_empty(&self, off: u32) -> bool {
        matches!(self.btf.strings_from(off), None | Some([] | [0, ..]))
    }

    /// Whether the string at `off` is made of letters, digits, `_` and `.`, none of the digits
    /// first, and of at most 512 bytes.
    #[inline]
    pub(super) fn is_identifier(&mut self, off: u32) -> bool {
        let own = off.checked_sub(self.start);
        if own.is_some_and(|own| self.identifiers.get(own)) {
            return true;
        }
        let found = self.is_name(off, FIRST, REST);
        if let (true, Some(own)) = (found, own) {
            self.identifiers.set(own);
        }
        found
    }

    /// Whether the string at `off` is made of printable characters, at least one and at most 512.
    pub(super) fn is_section(&self, off: u32) -> bool {
        self.is_name(off, PRINT, PRINT)
    }

    fn is_name(&self, off: u32, first: u8, rest: u8) -> bool {
        let Some([head, tail @ ..]) = self.btf.strings_from(off) else {
            return false;
        };
        if class_of(*head) & first == 0 {
            return false;
        }
        let tail = tail.get(..MAX_NAME_LEN).unwrap_or(tail);
        let end = tail.iter().find(|byte| class_of(**byte) & rest == 0);
        end == Some(&0)
    }
}

#[inline]
fn class_of(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}
