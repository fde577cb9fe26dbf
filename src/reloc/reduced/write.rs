// SPDX-License-Identifier: GPL-2.0

//! Writes the reduced BTF: header, the types that stay, layout, strings.

use super::{Becomes, Reduction};
use crate::btf::{
    copy, info, len_u32, put_u32, read_u32, rewrite, to_usize, write_header, Error, Kind, Reason,
    Record, RECORD_LEN,
};
use crate::reloc::hollow::Hollow;

/// Byte offset of the type of the index in an ARRAY.
const INDEX: usize = 16;

impl Reduction<'_> {
    /// Length in bytes of the BTF that [`Reduction::write`] makes.
    pub fn output_len(&self) -> usize {
        let parts = [
            to_usize(self.hollow.map_or(0, |_| Hollow::LEN)),
            to_usize(self.types_len),
            self.blob.layout().len(),
            self.blob.strings().len(),
        ];
        let header = self.blob.output_header_len();
        parts
            .iter()
            .fold(header, |sum, len| sum.saturating_add(*len))
    }

    /// Writes the reduced BTF to `out`, of [`Reduction::output_len`] bytes; its base is what it was.
    ///
    /// # Errors
    ///
    /// [`Reason::ShortBuffer`] where `out` has another length.
    pub fn write(&self, out: &mut [u8]) -> Result<(), Error> {
        let short = || self.blob.error(0, 0, Reason::ShortBuffer);
        if out.len() != self.output_len() {
            return Err(short());
        }
        let (types, rest) = self.write_header(out).ok_or_else(short)?;
        let mut free = types;
        self.each_kept(|record| {
            let types = core::mem::take(&mut free);
            free = self.write_type(types, record).ok_or(Reason::ShortBuffer)?;
            Ok(())
        })?;
        let rest = copy(rest, self.blob.layout()).ok_or_else(short)?;
        copy(rest, self.blob.strings()).map(drop).ok_or_else(short)
    }

    /// Writes the header and the hollow array; returns the room for the types and that after it.
    fn write_header<'o>(&self, out: &'o mut [u8]) -> Option<(&'o mut [u8], &'o mut [u8])> {
        let hollow = self.hollow.map_or(0, |_| Hollow::LEN);
        let types = self.types_len.checked_add(hollow)?;
        let layout = len_u32(self.blob.layout())?;
        let (header, rest) = out.split_at_mut_checked(self.blob.output_header_len())?;
        write_header(header, types, layout, self.blob.strings_len())?;
        let rest = match self.hollow {
            Some(hollow) => hollow.write(rest)?,
            None => rest,
        };
        rest.split_at_mut_checked(to_usize(self.types_len))
    }

    /// Writes a type that stays to the front of `out`, and returns what is left of it.
    fn write_type<'o>(&self, out: &'o mut [u8], record: &Record<'_>) -> Option<&'o mut [u8]> {
        let len = match record.kind() {
            Kind::Datasec => self.copy_datasec(out, record)?,
            _ => {
                copy(out, record.bytes())?;
                record.bytes().len()
            }
        };
        let (new, rest) = out.split_at_mut_checked(len)?;
        rewrite(new, |id| self.reference(id), |off| off)?;
        match record.kind() {
            Kind::Array => self.mend_index(new, record)?,
            Kind::Struct | Kind::Union => self.mend_bit_fields(new, record)?,
            _ => {}
        }
        Some(rest)
    }

    /// Copies a DATASEC without the entries of variables that are left out, and returns its length.
    fn copy_datasec(&self, out: &mut [u8], record: &Record<'_>) -> Option<usize> {
        let (head, mut rest) = out.split_at_mut_checked(to_usize(RECORD_LEN))?;
        let (mut len, mut vlen) = (head.len(), 0u32);
        for entry in record.elements() {
            if !self.is_left(read_u32(entry, 0)?) {
                rest = copy(rest, entry)?;
                len = len.checked_add(entry.len())?;
                vlen = vlen.checked_add(1)?;
            }
        }
        copy(head, record.bytes().get(..to_usize(RECORD_LEN))?)?;
        put_u32(head, 4, info(Kind::Datasec, record.kflag(), vlen))?;
        Some(len)
    }

    /// Gives an ARRAY another index where the type of that is left out.
    fn mend_index(&self, new: &mut [u8], record: &Record<'_>) -> Option<()> {
        let (_, index, _) = record.array();
        match self.hollow.filter(|_| self.is_left(index)) {
            Some(hollow) => put_u32(new, INDEX, hollow.index_id()),
            None => Some(()),
        }
    }

    /// An array is no bit-field.
    fn mend_bit_fields(&self, new: &mut [u8], record: &Record<'_>) -> Option<()> {
        let mut at = to_usize(RECORD_LEN);
        for member in record.members() {
            let offset = at.checked_add(8)?;
            if member.bit_size != 0 && self.is_left(member.type_id) {
                put_u32(new, offset, member.bit_offset)?;
            }
            at = offset.checked_add(4)?;
        }
        Some(())
    }

    /// What a reference to `id` becomes.
    fn reference(&self, id: u32) -> Option<u32> {
        match self.becomes(id)? {
            Becomes::Kept(id) => Some(id),
            Becomes::LeftOut => Some(self.hollow?.array_id()),
        }
    }

    fn is_left(&self, id: u32) -> bool {
        self.becomes(id) == Some(Becomes::LeftOut)
    }
}
