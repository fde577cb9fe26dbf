// SPDX-License-Identifier: GPL-2.0

//! Reads and writes of numbers at any alignment, with every bound checked.

use super::to_usize;

/// The `u32` in native byte order at byte `at`, or `None` past the end.
#[inline]
pub fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let tail = bytes.get(at..)?;
    Some(u32::from_ne_bytes(*tail.first_chunk::<4>()?))
}

/// The `u16` in native byte order at byte `at`, or `None` past the end.
#[inline]
pub(super) fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let tail = bytes.get(at..)?;
    Some(u16::from_ne_bytes(*tail.first_chunk::<2>()?))
}

/// Stores `value` in native byte order at byte `at`; `None` where it does not fit.
#[inline]
pub fn put_u32(bytes: &mut [u8], at: usize, value: u32) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut::<4>()? = value.to_ne_bytes();
    Some(())
}

/// Copies `from` to the front of `to` and returns what is left of `to`; `None` where it is short.
#[inline]
pub fn copy<'a>(to: &'a mut [u8], from: &[u8]) -> Option<&'a mut [u8]> {
    let (head, tail) = to.split_at_mut_checked(from.len())?;
    for (to, from) in head.iter_mut().zip(from) {
        *to = *from;
    }
    Some(tail)
}

/// Bytes before the first NUL, all of them where there is none (`strnlen`).
#[inline]
pub(super) fn len_to_nul(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let (mut rest, mut len) = (bytes, 0usize);
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // The lowest bit that is set is in the first byte that is 0.
        let zero = word.wrapping_sub(ONES) & !word & HIGH;
        if zero != 0 {
            return len.wrapping_add(to_usize(zero.trailing_zeros() / 8));
        }
        (rest, len) = (tail, len.wrapping_add(8));
    }
    let tail = rest.iter().take_while(|byte| **byte != 0);
    len.wrapping_add(tail.count())
}
