// SPDX-License-Identifier: GPL-2.0

//! Finds a type by its place in the type part, from the offset of every few types.

use super::{to_usize, Blob, Error, Reason, Record, MAX_TYPE};

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
        let mut count = 0u32;
        each_record(blob, first_id, |_| {
            count = count.saturating_add(1);
            Ok(())
        })?;
        Ok(count)
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
        let mut count = 0u32;
        let mut slots = offsets.iter_mut();
        let mask = (1u32 << (shift & 31)).wrapping_sub(1);
        each_record(blob, first_id, |record| {
            if count & mask == 0 {
                *slots.next().ok_or(Reason::ShortBuffer)? = record.at();
            }
            count = count.saturating_add(1);
            Ok(())
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
        let at = *self.offsets.get(to_usize(slot))?;
        let steps = index.wrapping_sub(slot.checked_shl(self.shift)?);
        let mut record = Record::parse(types, at).ok()?;
        for _ in 0..steps {
            record = Record::parse(types, record.end()).ok()?;
        }
        Some(record)
    }
}

/// Calls `visit` with every record of `blob`.
fn each_record(
    blob: &Blob<'_>,
    first_id: u32,
    mut visit: impl FnMut(&Record<'_>) -> Result<(), Reason>,
) -> Result<(), Error> {
    let types = blob.types();
    let (mut at, mut id) = (0u32, first_id);
    while to_usize(at) < types.len() {
        let error = |reason| blob.error(blob.types_start().saturating_add(at), id, reason);
        let record = Record::parse(types, at).map_err(error)?;
        if id > MAX_TYPE {
            return Err(error(Reason::TooManyTypes(id)));
        }
        visit(&record).map_err(error)?;
        at = record.end();
        id = id.saturating_add(1);
    }
    Ok(())
}
