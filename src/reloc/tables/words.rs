// SPDX-License-Identifier: GPL-2.0

//! Words that the caller lends, cut into tables.

/// Words that are left to be handed out.
pub(in crate::reloc) struct Words<'a>(pub(in crate::reloc) &'a mut [u32]);

impl<'a> Words<'a> {
    /// Cuts off the first `len`; `None` where fewer are left.
    pub(in crate::reloc) fn take(&mut self, len: usize) -> Option<&'a mut [u32]> {
        let (head, tail) = core::mem::take(&mut self.0).split_at_mut_checked(len)?;
        self.0 = tail;
        Some(head)
    }
}

/// Stores `value` at `at`, a place that is there.
pub(in crate::reloc) fn put(words: &mut [u32], at: usize, value: u32) {
    if let Some(word) = words.get_mut(at) {
        *word = value;
    }
}

/// Exchanges the words at two places that are there.
pub(in crate::reloc) fn swap(words: &mut [u32], a: usize, b: usize) {
    if let (Some(x), Some(y)) = (words.get(a).copied(), words.get(b).copied()) {
        put(words, a, y);
        put(words, b, x);
    }
}
