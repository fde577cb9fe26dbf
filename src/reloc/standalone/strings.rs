// SPDX-License-Identifier: GPL-2.0

//! The strings that are still used, moved together: the module's own, in their order.

use crate::btf::{to_usize, Blob, Btf, Reason, Record, MAX_NAME_OFFSET};
use crate::reloc::tables::{RankSet, RankSetBuilder};

/// Where each string of the module is after the others are left out.
pub(super) struct Strings<'a> {
    /// The bytes that are kept, by offset in the string part.
    bytes: RankSet<'a>,
    len: u32,
    /// Where the strings start: after vmlinux's.
    start: u32,
}

impl<'a> Strings<'a> {
    /// Keeps the strings of `records`, whose offsets are in range, in `bytes`, which is empty.
    /// `added` bytes are to follow.
    ///
    /// # Errors
    ///
    /// More strings than BTF can number after `start`.
    pub(super) fn keep<'r>(
        blob: &Blob<'_>,
        mut bytes: RankSetBuilder<'a>,
        start: u32,
        added: u32,
        records: impl Iterator<Item = Record<'r>>,
    ) -> Result<Self, Reason> {
        let mut len = 0u32;
        for record in records {
            let _ = record.each_string(|_, off| -> Result<(), core::convert::Infallible> {
                len = len.saturating_add(mark(blob, &mut bytes, off));
                Ok(())
            });
        }
        // Not all who read BTF take a string part without a byte.
        let len = len.max(1);
        let end = start.saturating_add(len).saturating_add(added);
        if end.saturating_sub(1) > MAX_NAME_OFFSET {
            return Err(Reason::OutputTooLarge);
        }
        let bytes = bytes.build();
        Ok(Strings { bytes, len, start })
    }

    /// Offset of the first byte after them.
    pub(super) fn end(&self) -> u32 {
        self.start.saturating_add(self.len)
    }

    /// Bytes that [`Strings::write`] writes.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The new offset of the string at `off`, which is kept.
    pub(super) fn new_offset(&self, off: u32) -> u32 {
        let rank = self.bytes.rank(off).filter(|_| off != 0);
        let own = rank.and_then(|rank| u32::try_from(rank).ok());
        own.map_or(0, |own| self.start.saturating_add(own))
    }

    /// Writes the strings of `blob`, which they were kept of, to `out`, of [`Strings::len`] bytes.
    pub(super) fn write(&self, blob: &Blob<'_>, out: &mut [u8]) -> Option<()> {
        out.fill(0);
        let mut out = out.iter_mut();
        for (off, byte) in (0..u32::MAX).zip(blob.strings()) {
            if self.bytes.rank(off).is_some() {
                *out.next()? = *byte;
            }
        }
        Some(())
    }
}

/// Keeps the bytes of the string at `off`, its NUL included, and returns how many are new. Where one
/// is kept, so are those after it: strings that end alike are gone through once.
fn mark(blob: &Blob<'_>, bytes: &mut RankSetBuilder<'_>, off: u32) -> u32 {
    if off == 0 {
        return 0;
    }
    let string = blob.strings().get(to_usize(off)..).unwrap_or(&[]);
    let mut count = 0u32;
    for (off, byte) in (off..u32::MAX).zip(string) {
        if bytes.set(off) {
            break;
        }
        count = count.saturating_add(1);
        if *byte == 0 {
            break;
        }
    }
    count
}

/// The records of the types `ids`.
pub(super) fn records<'r>(
    btf: &'r Btf<'_>,
    ids: &'r [u32],
) -> impl Iterator<Item = Record<'r>> + 'r {
    ids.iter().filter_map(|id| btf.record(*id))
}
