// SPDX-License-Identifier: GPL-2.0

//! Writes the split BTF: header, the types that stay the module's own, layout, strings.

use super::RebasePlan;
use crate::btf::{copy, len_u32, rewrite, to_usize, write_header, Error, Reason};

impl RebasePlan<'_> {
    /// Length in bytes of the BTF that [`RebasePlan::write`] makes; never more than the module's had.
    pub fn output_len(&self) -> usize {
        to_usize(self.types_len())
            .saturating_add(self.btf.blob().output_header_len())
            .saturating_add(self.btf.blob().layout().len())
            .saturating_add(to_usize(self.strings.len()))
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
        let (len, strings) = (self.types_len(), self.strings.len());
        write_header(header, len, len_u32(layout)?, strings)?;
        let (types, rest) = rest.split_at_mut_checked(to_usize(len))?;
        let mut kept = self.kept_records();
        kept.try_fold(&mut *types, |types, record| copy(types, record.bytes()))?;
        let new_string = |off| self.strings.new_offset(off);
        rewrite(types, |id| self.new_id(id), new_string)?;
        self.strings.write(self.btf.blob(), copy(rest, layout)?)
    }

    fn types_len(&self) -> u32 {
        let lens = self.kept_records().map(|record| len_u32(record.bytes()));
        lens.fold(0, |sum, len| sum.saturating_add(len.unwrap_or(u32::MAX)))
    }
}
