// SPDX-License-Identifier: GPL-2.0

//! Memory of a length that a module's BTF decides on.

use core::fmt::{Display, Write};
use kernel::{
    alloc::{
        flags::{__GFP_NOWARN, __GFP_ZERO},
        AllocError,
    },
    prelude::*,
};
use pin_init::Zeroable;

/// `len` times 0.
///
/// That there is not enough is no reason for a warning: the caller does without. The kernel may
/// have killed a process first to make room, as for any allocation that can wait.
pub(super) fn zeroed<T: Zeroable>(len: usize) -> Result<KVVec<T>, AllocError> {
    let mut all = KVVec::with_capacity(len, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)?;
    // SAFETY: There is room for `len`, none of which was taken, and all of it was zeroed, which is
    // a valid `T`.
    unsafe { all.inc_len(len) };
    Ok(all)
}

/// `len` times `value`, for what is not all 0; as [`zeroed`] has it.
pub(super) fn filled<T: Copy>(len: usize, value: T) -> Result<KVVec<T>, AllocError> {
    let mut all = KVVec::with_capacity(len, GFP_KERNEL | __GFP_NOWARN)?;
    for place in all.spare_capacity_mut().iter_mut().take(len) {
        place.write(value);
    }
    // SAFETY: There is room for `len`, all of which was written just now.
    unsafe { all.inc_len(len) };
    Ok(all)
}

/// What `words` print.
pub(super) fn text(words: &impl Display) -> Result<KVVec<u8>, AllocError> {
    let mut length = Written {
        room: &mut [],
        len: 0,
    };
    // It takes whatever is written.
    let _ = write!(length, "{words}");
    let mut all = zeroed(length.len)?;
    let mut text = Written {
        room: &mut all,
        len: 0,
    };
    let _ = write!(text, "{words}");
    Ok(all)
}

/// Text that is written as far as there is room, and measured.
struct Written<'r> {
    room: &'r mut [u8],
    len: usize,
}

impl Write for Written<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.room.iter_mut();
        for (to, from) in room.zip(text.as_bytes()) {
            *to = *from;
        }
        let rest = core::mem::take(&mut self.room);
        self.room = rest.get_mut(text.len()..).unwrap_or_default();
        self.len = self.len.saturating_add(text.len());
        Ok(())
    }
}

/// A copy of `from`.
pub(super) fn copied<T: Zeroable + Copy>(from: &[T]) -> Result<KVVec<T>, AllocError> {
    let mut all = zeroed(from.len())?;
    for (to, from) in all.iter_mut().zip(from) {
        *to = *from;
    }
    Ok(all)
}
