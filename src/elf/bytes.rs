// SPDX-License-Identifier: GPL-2.0

//! Numbers, ranges and strings in an image, with every bound checked.

/// The `N` bytes at byte `at`.
#[inline]
fn array<const N: usize>(bytes: &[u8], at: u64) -> Option<[u8; N]> {
    let at = usize::try_from(at).ok()?;
    bytes.get(at..)?.first_chunk::<N>().copied()
}

#[inline]
pub(super) fn u8_at(bytes: &[u8], at: u64) -> Option<u8> {
    array(bytes, at).map(u8::from_ne_bytes)
}

#[inline]
pub(super) fn u16_at(bytes: &[u8], at: u64) -> Option<u16> {
    array(bytes, at).map(u16::from_ne_bytes)
}

#[inline]
pub(super) fn u32_at(bytes: &[u8], at: u64) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

#[inline]
pub(super) fn u64_at(bytes: &[u8], at: u64) -> Option<u64> {
    array(bytes, at).map(u64::from_ne_bytes)
}

/// The `size` bytes at byte `offset`.
#[inline]
pub(super) fn range(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let end = offset.checked_add(size)?;
    bytes.get(usize::try_from(offset).ok()?..usize::try_from(end).ok()?)
}

/// A string table: its last byte is NUL, so that each string in it ends.
#[derive(Clone, Copy, Default)]
pub(super) struct Strings<'a>(Option<&'a [u8]>);

impl<'a> Strings<'a> {
    /// `None` where `bytes` does not end with NUL.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.last() == Some(&0)).then_some(Strings(Some(bytes)))
    }

    /// The string at byte `offset`, without its NUL; of no table at all, the empty string.
    #[inline]
    pub(super) fn at(&self, offset: u32) -> Option<&'a [u8]> {
        let Some(bytes) = self.0 else {
            return Some(&[]);
        };
        let tail = bytes.get(usize::try_from(offset).ok()?..)?;
        tail.split(|byte| *byte == 0)
            .next()
            .filter(|_| !tail.is_empty())
    }

    /// Whether a string starts at byte `offset`; cheaper than [`Strings::at`].
    #[inline]
    pub(super) fn holds(&self, offset: u32) -> bool {
        let len = self.0.map_or(0, <[u8]>::len);
        usize::try_from(offset).is_ok_and(|offset| offset < len)
    }
}
