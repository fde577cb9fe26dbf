// SPDX-License-Identifier: GPL-2.0

//! Writes the split BTF: header, the types that stay the module's own, layout, strings.

use super::RebasePlan;
use crate::btf::{copy, len_u32, rewrite, to_usize, write_header, Error, Reason};
use crate::reloc::hollow::Hollow;

impl RebasePlan<'_> {
    /// Length in bytes of the BTF that [`RebasePlan::write`] makes; little more than the
    /// module's had, and only where types are renamed.
    pub fn output_len(&self) -> usize {
        to_usize(self.types_len())
            .saturating_add(self.btf.blob().output_header_len())
            .saturating_add(self.btf.blob().layout().len())
            .saturating_add(to_usize(self.strings.len()))
            .saturating_add(to_usize(self.renamed.len()))
    }

    /// Writes the rebased BTF to `out`, of [`RebasePlan::output_len`] bytes; it is split BTF on the base
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
        let layout = self.btf.blob().layout();
        let (header, rest) = out.split_at_mut_checked(self.btf.blob().output_header_len())?;
        let (own, added) = (self.strings.len(), self.renamed.len());
        let len = self.types_len();
        write_header(header, len, len_u32(layout)?, own.checked_add(added)?)?;
        let (types, rest) = rest.split_at_mut_checked(to_usize(len))?;
        self.write_types(types)?;
        let strings = copy(rest, layout)?;
        let (strings, added) = strings.split_at_mut_checked(to_usize(own))?;
        self.strings.write(self.btf.blob(), strings)?;
        self.renamed.write(&self.btf, self.kept, added)
    }

    fn write_types(&self, out: &mut [u8]) -> Option<()> {
        let types = match self.hollow {
            Some(hollow) => hollow.write(out)?,
            None => out,
        };
        let mut rest = &mut *types;
        for (id, record) in self.kept_records() {
            let len = to_usize(self.renamed.record_len(id, &record));
            let (new, after) = rest.split_at_mut_checked(len)?;
            self.renamed.copy(id, &record, new)?;
            rest = after;
        }
        let new_string = |off| self.strings.new_offset(off);
        rewrite(types, |id| self.new_id(id), new_string)?;
        match self.renamed.len() {
            0 if self.hollow.is_none() => Some(()),
            _ => self.rename(types),
        }
    }

    fn rename(&self, types: &mut [u8]) -> Option<()> {
        let added = self.strings.end();
        let array = self.hollow.map_or(0, Hollow::array_id);
        let mut rest = types;
        for (id, record) in self.kept_records() {
            let len = to_usize(self.renamed.record_len(id, &record));
            let (new, after) = rest.split_at_mut_checked(len)?;
            let plain = self.strings.new_offset(record.name_off());
            let names = (added, array, plain);
            self.renamed.finish(id, &record, names, new)?;
            rest = after;
        }
        Some(())
    }

    fn types_len(&self) -> u32 {
        let hollow = self.hollow.map_or(0, |_| Hollow::LEN);
        let kept = self.kept_records();
        kept.fold(hollow, |sum, (id, record)| {
            sum.saturating_add(self.renamed.record_len(id, &record))
        })
    }
}
