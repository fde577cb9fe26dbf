// SPDX-License-Identifier: GPL-2.0

//! `.BTF.inline`: where functions were inlined, in BTF that is split off the module's own.
//!
//! Its ids and strings go on where those of `.BTF` end. As a relocation changes both ends, it moves
//! with `.BTF`, or its references lead elsewhere. Of the strings of the distilled base, those that
//! `.BTF` does not use as well are appended to its own.
//!
//! Kernels up to 7.3 read no such section. [`crate::btf::Known`] says which does.

use super::strings::Strings;
use super::RelocationPlan;
use crate::btf::{
    copy, len_u32, rewrite, to_usize, verify, write_header, Blob, Error, Fault, Form, Reason,
    Record, Section, Table, MAX_NAME_OFFSET, MAX_TYPE,
};

/// A `.BTF.inline` section that moves with the `.BTF` of a [`RelocationPlan`], in which nothing can go wrong any
/// more.
pub struct Inline<'p, 'a> {
    plan: &'p RelocationPlan<'a>,
    blob: Blob<'p>,
    /// Ids and strings of its own: where they started, and where they will.
    ids: Moved,
    own_strings: Moved,
    /// The strings of the distilled base, and those of `.BTF`.
    strings: Strings<'p>,
}

/// Numbers that go on from one place, and will from another.
#[derive(Clone, Copy)]
struct Moved {
    from: u32,
    to: u32,
}

impl Moved {
    /// The new number; `None` for one from before the place.
    fn renumber(self, number: u32) -> Option<u32> {
        let own = number.checked_sub(self.from)?;
        Some(self.to.wrapping_add(own))
    }
}

impl<'p, 'a> Inline<'p, 'a> {
    /// Length in words of the scratch that [`Inline::new`] needs.
    pub fn scratch_len(plan: &RelocationPlan<'_>) -> usize {
        to_usize(plan.btf.start_str_off())
    }

    /// Plans how `bytes`, the whole `.BTF.inline` of the module that `plan` is for, moves with it.
    ///
    /// What a kernel asks of the types is left to it. The content of `scratch` does not matter.
    ///
    /// # Errors
    ///
    /// A header or a record that is invalid, a reference or a string out of range, a result that
    /// BTF cannot number, or `scratch` too short.
    pub fn new(
        plan: &'p RelocationPlan<'a>,
        bytes: &'p [u8],
        scratch: &'p mut [u32],
    ) -> Result<Self, Error> {
        let blob = Blob::parse(Section::BtfInline, Form::Split, bytes)?;
        let failed = |reason| blob.error(0, 0, reason);
        let map = scratch.get_mut(..Self::scratch_len(plan));
        let map = map.ok_or(failed(Reason::ShortBuffer))?;
        let ids = Moved {
            from: plan.btf.end_id(),
            to: plan.end_id(),
        };
        let own_strings = Moved {
            from: plan.btf.end_str_off(),
            to: plan.strings.end(),
        };
        let count = Table::count(&blob, ids.from)?;
        let mut inline = Inline {
            plan,
            blob,
            ids,
            own_strings,
            strings: plan.strings.after(map, blob.strings_len()),
        };
        let end = ids.from.saturating_add(count);
        Table::walk(&blob, ids.from, |_, record| inline.check(record, end))?;
        let last = ids.to.saturating_add(count).saturating_sub(1);
        if last > MAX_TYPE || inline.strings.end().saturating_sub(1) > MAX_NAME_OFFSET {
            return Err(failed(Reason::OutputTooLarge));
        }
        Ok(inline)
    }

    /// Finds all references and strings of `record` in range, and keeps the strings.
    fn check(&mut self, record: &Record<'_>, end: u32) -> Result<(), Fault> {
        record.each_id(|at, id| verify::reference_below(at, id, end))?;
        let end = self.own_strings.from;
        let end = end.saturating_add(self.blob.strings_len());
        record.each_string(|at, off| {
            // The empty string is there without a byte of its own.
            if off != 0 && off >= end {
                return Err((at, Reason::NameOffset(off)));
            }
            self.strings.keep(&self.plan.btf, off);
            Ok(())
        })
    }

    /// Length in bytes of what [`Inline::write`] makes.
    pub fn output_len(&self) -> usize {
        let blob = &self.blob;
        let parts = [blob.types(), blob.layout(), blob.strings()].map(<[u8]>::len);
        let appended = to_usize(self.strings.appended_len());
        parts
            .iter()
            .fold(blob.output_header_len(), |sum, len| {
                sum.saturating_add(*len)
            })
            .saturating_add(appended)
    }

    /// Writes the section to `out`, of [`Inline::output_len`] bytes; it is split BTF on what
    /// [`RelocationPlan::write`] makes.
    ///
    /// # Errors
    ///
    /// [`Reason::ShortBuffer`] where `out` has another length.
    pub fn write(&self, out: &mut [u8]) -> Result<(), Error> {
        let short = self.blob.error(0, 0, Reason::ShortBuffer);
        if out.len() != self.output_len() {
            return Err(short);
        }
        self.write_all(out).ok_or(short)
    }

    fn write_all(&self, out: &mut [u8]) -> Option<()> {
        let blob = &self.blob;
        let (header, rest) = out.split_at_mut_checked(blob.output_header_len())?;
        let strings = blob
            .strings_len()
            .checked_add(self.strings.appended_len())?;
        write_header(
            header,
            len_u32(blob.types())?,
            len_u32(blob.layout())?,
            strings,
        )?;
        let (types, rest) = rest.split_at_mut_checked(blob.types().len())?;
        copy(types, blob.types())?;
        rewrite(types, |id| self.new_id(id), |off| self.new_string(off))?;
        let rest = copy(rest, blob.layout())?;
        let rest = copy(rest, blob.strings())?;
        rest.fill(0);
        self.strings.append(&self.plan.btf, rest)
    }

    fn new_id(&self, id: u32) -> Option<u32> {
        self.ids.renumber(id).or_else(|| self.plan.new_id(id))
    }

    fn new_string(&self, off: u32) -> u32 {
        let own = self.own_strings.renumber(off).filter(|_| off != 0);
        own.unwrap_or_else(|| self.strings.new_offset(off))
    }
}

impl RelocationPlan<'_> {
    /// One more than the last id after relocation.
    fn end_id(&self) -> u32 {
        let last = self.ids.iter().copied().max().unwrap_or(0);
        last.saturating_add(1).max(self.base_end)
    }
}
