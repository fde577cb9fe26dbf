// SPDX-License-Identifier: GPL-2.0

//! Finds a type by its place in the type part, from the offset of every few types.

use super::{to_usize, Blob, Error, Fault, Reason, Record, MAX_TYPE};

/// Where the types of a blob are.
///
/// `offsets` holds the byte offset, in the type part, of every `1 << shift`-th type. A large blob
/// (vmlinux has some 125,000 types) is kept with a `shift` that trades a few steps for memory.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    offsets: &'a [u32],
    shift: u32,
    count: u32,
}

impl<'a> Table<'a> {
    /// Number of types in `blob`.
    ///
    /// # Errors
    ///
    /// The first record that is cut short or of a kind not known.
    pub fn count(blob: &Blob<'_>, first_id: u32) -> Result<u32, Error> {
        Self::walk(blob, first_id, |_, _| Ok(()))
    }

    /// Calls `visit` with the id and the record of every type of `blob`, and counts them.
    ///
    /// # Errors
    ///
    /// As [`Table::count`], and the first that `visit` finds.
    #[inline]
    pub fn walk(
        blob: &Blob<'_>,
        first_id: u32,
        mut visit: impl FnMut(u32, &Record<'_>) -> Result<(), Fault>,
    ) -> Result<u32, Error> {
        let types = blob.types();
        let (mut at, mut id) = (0u32, first_id);
        while to_usize(at) < types.len() {
            let error = |(within, reason)| {
                let start = blob.types_start().saturating_add(at);
                blob.error(start.saturating_add(within), id, reason)
            };
            let record = Record::parse(types, at).map_err(|reason| error((0, reason)))?;
            if id > MAX_TYPE {
                return Err(error((0, Reason::TooManyTypes(id))));
            }
            visit(id, &record).map_err(error)?;
            at = record.end();
            id = id.wrapping_add(1);
        }
        Ok(id.saturating_sub(first_id))
    }

    /// Length in words of the table of `count` types.
    pub fn needs(count: u32, shift: u32) -> usize {
        let shift = shift & 31;
        let whole = count >> shift;
        let rest = u32::from(whole << shift != count);
        to_usize(whole.saturating_add(rest))
    }

    /// Fills `offsets`, of [`Table::needs`] words, and counts the types of `blob`.
    ///
    /// # Errors
    ///
    /// As [`Table::count`]; [`Reason::ShortBuffer`] where `offsets` is too short.
    pub fn build(
        blob: &Blob<'_>,
        first_id: u32,
        offsets: &'a mut [u32],
        shift: u32,
    ) -> Result<Self, Error> {
        Self::build_with(blob, first_id, offsets, shift, |_, _| Ok(()))
    }

    /// As [`Table::build`], and calls `visit` as [`Table::walk`] does.
    ///
    /// # Errors
    ///
    /// As [`Table::build`], and the first that `visit` finds.
    #[inline]
    pub fn build_with(
        blob: &Blob<'_>,
        first_id: u32,
        offsets: &'a mut [u32],
        shift: u32,
        mut visit: impl FnMut(u32, &Record<'_>) -> Result<(), Fault>,
    ) -> Result<Self, Error> {
        let mut slots = offsets.iter_mut();
        let mask = (1u32 << (shift & 31)).wrapping_sub(1);
        let count = Self::walk(blob, first_id, |id, record| {
            if id.wrapping_sub(first_id) & mask == 0 {
                *slots.next().ok_or((0, Reason::ShortBuffer))? = record.at();
            }
            visit(id, record)
        })?;
        Ok(Table {
            offsets,
            shift,
            count,
        })
    }

    /// The table that [`Table::build`] made of these very `offsets`, `shift` and `count`.
    ///
    /// Any other values give wrong types or none, never a read out of bounds.
    pub fn from_parts(offsets: &'a [u32], shift: u32, count: u32) -> Self {
        Table {
            offsets,
            shift,
            count,
        }
    }

    /// Number of types.
    #[inline]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is no type.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The type at `index`, counted from 0, in the type part `types`.
    #[inline]
    pub fn record<'b>(&self, types: &'b [u8], index: u32) -> Option<Record<'b>> {
        if index >= self.count {
            return None;
        }
        let slot = index.checked_shr(self.shift)?;
        let mut at = *self.offsets.get(to_usize(slot))?;
        let steps = index.wrapping_sub(slot.checked_shl(self.shift)?);
        for _ in 0..steps {
            at = Record::end_of(types, at)?;
        }
        Record::parse(types, at).ok()
    }
}
