// SPDX-License-Identifier: GPL-2.0

//! Sorts a set in place by id, as the kernel's binary search wants it.

use super::PAIR;
use crate::btf::{put_u32, read_u32, to_usize};
use crate::reloc::tables::heap_sort;

/// The entries of a set (an id each) or of a set8 (an id and its flags each).
struct Entries<'a> {
    bytes: &'a mut [u8],
    /// Bytes in an entry.
    step: usize,
}

/// Sorts `entries`, of `step` bytes each, the id first; whether any was out of order.
pub(super) fn sort(entries: &mut [u8], step: u32) -> bool {
    let step = to_usize(step);
    let len = entries.len().checked_div(step).unwrap_or(0);
    let mut entries = Entries {
        bytes: entries,
        step,
    };
    if entries.sorted(len) {
        return false;
    }
    heap_sort(&mut entries, len, Entries::less, |entries, a, b| {
        // Both are below `len`.
        let _ = entries.swap(a, b);
    });
    true
}

/// Makes 0 of the last of the sorted `entries`, of `step` bytes each, as long as their id is `id`; how
/// many.
pub(super) fn drop_last(entries: &mut [u8], step: u32, id: u32) -> u32 {
    let (mut end, mut dropped) = (entries.len(), 0u32);
    while let Some(at) = end.checked_sub(to_usize(step)) {
        let last = entries.get_mut(at..end);
        let Some(last) = last.filter(|last| read_u32(last, 0) == Some(id)) else {
            break;
        };
        last.fill(0);
        (end, dropped) = (at, dropped.saturating_add(1));
    }
    dropped
}

impl Entries<'_> {
    fn sorted(&self, len: usize) -> bool {
        (1..len).all(|index| !self.less(index, index.wrapping_sub(1)))
    }

    #[inline]
    fn less(&self, a: usize, b: usize) -> bool {
        self.entry(a) < self.entry(b)
    }

    #[inline]
    fn swap(&mut self, a: usize, b: usize) -> Option<()> {
        let (of_a, of_b) = (self.entry(a)?, self.entry(b)?);
        self.put(a, of_b)?;
        self.put(b, of_a)
    }

    /// Id and, so that entries of one id have an order too, flags.
    #[inline]
    fn entry(&self, index: usize) -> Option<(u32, u32)> {
        let at = index.checked_mul(self.step)?;
        let flags = self.flags_at(at).and_then(|at| read_u32(self.bytes, at));
        Some((read_u32(self.bytes, at)?, flags.unwrap_or(0)))
    }

    #[inline]
    fn put(&mut self, index: usize, (id, flags): (u32, u32)) -> Option<()> {
        let at = index.checked_mul(self.step)?;
        put_u32(self.bytes, at, id)?;
        match self.flags_at(at) {
            Some(at) => put_u32(self.bytes, at, flags),
            None => Some(()),
        }
    }

    /// Where the flags of the entry at byte `at` are.
    #[inline]
    fn flags_at(&self, at: usize) -> Option<usize> {
        (self.step == to_usize(PAIR)).then_some(at.wrapping_add(to_usize(PAIR / 2)))
    }
}
