// SPDX-License-Identifier: GPL-2.0

//! Writes the distilled base and the split BTF on it.

use super::DistillPlan;
use crate::btf::{
    copy, info, len_u32, put_u32, rewrite, to_usize, write_header, Error, Kind, Reason, Record,
    RECORD_LEN,
};

/// Lengths of the parts of a section, in bytes.
#[derive(Clone, Copy)]
struct Parts {
    types: u32,
    layout: u32,
    strings: u32,
}

impl DistillPlan<'_> {
    /// Length in bytes of the distilled base, the new `.BTF.base`.
    pub fn base_len(&self) -> usize {
        self.section_len(self.base_parts())
    }

    /// Length in bytes of the split BTF on it, the new `.BTF`.
    pub fn split_len(&self) -> usize {
        self.section_len(self.split_parts())
    }

    /// Writes the distilled base to `base`, of [`DistillPlan::base_len`] bytes, and the split BTF on it to
    /// `split`, of [`DistillPlan::split_len`] bytes.
    ///
    /// Both get the module's own form of header; a layout part stays with the split BTF.
    ///
    /// # Errors
    ///
    /// [`Reason::ShortBuffer`] where one of them has another length.
    pub fn write(&self, base: &mut [u8], split: &mut [u8]) -> Result<(), Error> {
        let short = self.survey.btf.blob().error(0, 0, Reason::ShortBuffer);
        if base.len() != self.base_len() || split.len() != self.split_len() {
            return Err(short);
        }
        self.write_base(base).ok_or(short)?;
        self.write_split(split).ok_or(short)
    }

    fn write_base(&self, out: &mut [u8]) -> Option<()> {
        let mut out = self.write_header(out, self.base_parts())?;
        for record in self.distilled() {
            out = self.write_distilled(out, &record)?;
        }
        self.strings.write(out, 0, self.split_strings)
    }

    fn write_split(&self, out: &mut [u8]) -> Option<()> {
        let parts = self.split_parts();
        let out = self.write_header(out, parts)?;
        let (types, out) = out.split_at_mut_checked(to_usize(parts.types))?;
        self.copy_types(types)?;
        rewrite(
            types,
            |id| self.new_id(id),
            |off| self.strings.new_offset(off),
        )?;
        let out = copy(out, self.survey.btf.blob().layout())?;
        self.strings
            .write(out, self.split_strings, self.strings.end())
    }

    /// The types in their new order, as they were.
    fn copy_types(&self, out: &mut [u8]) -> Option<()> {
        if self.places.are_kept() {
            let mut out = copy(out, self.survey.btf.blob().types())?;
            for record in self.copied() {
                out = copy(out, record.bytes())?;
            }
            return Some(());
        }
        let (mut out, counts) = (out, self.counts());
        for place in 0..counts.own.checked_add(counts.copied)? {
            out = copy(out, self.split_record(place)?.bytes())?;
        }
        Some(())
    }

    fn base_parts(&self) -> Parts {
        let lens = self.distilled().map(|record| distilled_len(&record));
        Parts {
            types: lens.fold(0, u32::saturating_add),
            layout: 0,
            strings: self.split_strings,
        }
    }

    fn split_parts(&self) -> Parts {
        let blob = self.survey.btf.blob();
        let own = len_u32(blob.types()).unwrap_or(u32::MAX);
        let copied = self.copied().map(|record| len_u32(record.bytes()));
        Parts {
            types: copied.fold(own, |sum, len| sum.saturating_add(len.unwrap_or(u32::MAX))),
            layout: len_u32(blob.layout()).unwrap_or(u32::MAX),
            strings: self.strings.end().saturating_sub(self.split_strings),
        }
    }

    fn section_len(&self, parts: Parts) -> usize {
        to_usize(parts.types)
            .saturating_add(to_usize(parts.layout))
            .saturating_add(to_usize(parts.strings))
            .saturating_add(self.survey.btf.blob().output_header_len())
    }

    fn write_header<'b>(&self, out: &'b mut [u8], parts: Parts) -> Option<&'b mut [u8]> {
        let (header, rest) =
            out.split_at_mut_checked(self.survey.btf.blob().output_header_len())?;
        write_header(header, parts.types, parts.layout, parts.strings)?;
        Some(rest)
    }

    fn write_distilled<'b>(&self, out: &'b mut [u8], record: &Record<'_>) -> Option<&'b mut [u8]> {
        let len = distilled_len(record);
        let (new, rest) = out.split_at_mut_checked(to_usize(len))?;
        copy(new, record.bytes().get(..to_usize(len))?)?;
        put_u32(new, 0, self.strings.new_offset(record.name_off()))?;
        if let Some(kind) = bare(record.kind()) {
            put_u32(new, 4, info(kind, false, 0))?;
        }
        Some(rest)
    }
}

/// The kind that a type has in a distilled base where no more than its size is kept.
fn bare(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Struct | Kind::Union | Kind::Enum => Some(kind),
        Kind::Enum64 => Some(Kind::Enum),
        _ => None,
    }
}

/// Length in bytes of a type in a distilled base.
fn distilled_len(record: &Record<'_>) -> u32 {
    match bare(record.kind()) {
        Some(_) => RECORD_LEN,
        None => len_u32(record.bytes()).unwrap_or(RECORD_LEN),
    }
}
