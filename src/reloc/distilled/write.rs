// SPDX-License-Identifier: GPL-2.0

//! Writes the relocated BTF: header, types with new ids and strings, layout, strings.

use super::opaque::Opaque;
use super::RelocationPlan;
use crate::btf::{copy, len_u32, rewrite, to_usize, write_header, Error, Reason};
use crate::reloc::hollow::Hollow;

impl RelocationPlan<'_> {
    /// Length in bytes of the BTF that [`RelocationPlan::write`] makes.
    pub fn output_len(&self) -> usize {
        let blob = self.btf.blob();
        let header = self.btf.blob().output_header_len();
        let parts = [
            blob.layout().len(),
            blob.strings().len(),
            to_usize(self.strings.appended_len()),
        ];
        let rest = parts
            .iter()
            .fold(header, |sum, len| sum.saturating_add(*len));
        rest.saturating_add(to_usize(self.types_len()))
    }

    /// Writes the relocated BTF to `out`, of [`RelocationPlan::output_len`] bytes; it is split BTF on the base
    /// the plan was made for.
    ///
    /// # Errors
    ///
    /// [`Reason::ShortBuffer`] where `out` has another length.
    pub fn write(&self, out: &mut [u8]) -> Result<(), Error> {
        let short = self.btf.blob().error(0, 0, Reason::ShortBuffer);
        if out.len() != self.output_len() {
            return Err(short);
        }
        self.write_all(out).ok_or(short)
    }

    fn write_all(&self, out: &mut [u8]) -> Option<()> {
        let blob = self.btf.blob();
        let (header, rest) = out.split_at_mut_checked(self.btf.blob().output_header_len())?;
        let strings = blob
            .strings_len()
            .checked_add(self.strings.appended_len())?;
        write_header(header, self.types_len(), len_u32(blob.layout())?, strings)?;
        let rest = self.write_types(rest)?;
        let rest = copy(rest, blob.layout())?;
        let rest = copy(rest, blob.strings())?;
        rest.fill(0);
        self.strings.append(&self.btf, rest)
    }

    /// Bytes of the type part: the module's own types and the opaque ones.
    fn types_len(&self) -> u32 {
        let own = len_u32(self.btf.blob().types()).unwrap_or(u32::MAX);
        let hollow = self.hollow.map_or(0, |_| Hollow::LEN);
        let opaque = self.opaque.iter().filter_map(|word| {
            let opaque = Opaque::from_word(*word);
            let len = opaque.len(&self.btf.record(opaque.id())?);
            u32::try_from(len).ok()
        });
        opaque.fold(own.saturating_add(hollow), u32::saturating_add)
    }

    /// The module's types, each opaque type in front of the one its place names.
    fn write_types<'b>(&self, out: &'b mut [u8]) -> Option<&'b mut [u8]> {
        let types = self.btf.blob().types();
        let (mut out, mut done) = (out, 0usize);
        let mut hollow = self.hollow;
        for (word, place) in self.opaque.iter().zip(self.places) {
            let next = self.btf.record(self.btf.start_id().checked_add(*place)?);
            let at = next.map_or(types.len(), |next| to_usize(next.at()));
            out = self.write_own(out, types.get(done..at)?)?;
            if let Some(hollow) = hollow.take() {
                out = hollow.write(out)?;
            }
            out = self.write_opaque(out, Opaque::from_word(*word))?;
            done = at;
        }
        self.write_own(out, types.get(done..)?)
    }

    /// A run of the module's own types.
    #[inline(never)]
    fn write_own<'b>(&self, out: &'b mut [u8], types: &[u8]) -> Option<&'b mut [u8]> {
        let (new, rest) = out.split_at_mut_checked(types.len())?;
        copy(new, types)?;
        let (ids, offsets) = (self.ids, self.strings.offsets());
        rewrite(
            new,
            move |id| ids.get(to_usize(id)).copied(),
            move |off| offsets.new_offset(off),
        )?;
        Some(rest)
    }

    fn write_opaque<'b>(&self, out: &'b mut [u8], opaque: Opaque) -> Option<&'b mut [u8]> {
        let record = self.btf.record(opaque.id())?;
        let name_off = self.strings.new_offset(record.name_off());
        opaque.write(out, &record, name_off, self.hollow)
    }
}
