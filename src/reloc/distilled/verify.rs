// SPDX-License-Identifier: GPL-2.0

//! The set-up of a relocation: a module is verified, whatever it is to be relocated to.

use super::embedded;
use super::matching::Use;
use super::scratch::Sizes;
use crate::btf::{verify, Bits, Btf, Error, Fault, Kind, Reason, Record};
use crate::reloc::Survey;

/// A module with a distilled base in which the kernel would find nothing wrong, and what a
/// relocation wants to know of it.
pub struct Verified<'a> {
    /// The module's own types, on those of the distilled base.
    pub(super) btf: Btf<'a>,
    /// The ids of the types that the module's types hold by value.
    pub(super) held: Bits<'a>,
    /// The ids of the types that arrays have for elements, whether or not anything holds the array.
    pub(super) elements: Bits<'a>,
    /// The offsets of the distilled base's strings that the module's types use.
    pub(super) used: Bits<'a>,
    pub(super) sizes: Sizes,
}

impl<'a> Survey<'a> {
    /// Verifies a module with a distilled base.
    ///
    /// `scratch` has the length that [`Survey::verify_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// What the kernel would refuse in either section, a reference out of range, a kind that has no
    /// place in a distilled base, or a `scratch` too short.
    pub fn verify(&self, scratch: &'a mut [u32]) -> Result<Verified<'a>, Error> {
        let blob = self.distilled.as_ref();
        let blob = *blob.ok_or_else(|| self.split.error(0, 0, Reason::NoData))?;
        let short = || blob.error(0, 0, Reason::ShortBuffer);
        let mut tables = self.sizes.cut(scratch).ok_or_else(short)?;

        let mut distilled = Btf::without_table(None, blob, self.sizes.distilled);
        let (offsets, names) = (tables.distilled_offsets, &mut tables.distilled_names);
        verify::build(
            &mut distilled,
            &self.known,
            offsets,
            names,
            check_distilled_type,
        )?;

        let mut btf = Btf::without_table(Some(&distilled), self.split, self.sizes.split);
        let (offsets, names) = (tables.split_offsets, &mut tables.split_names);
        let (end, strings) = (btf.end_id(), btf.start_str_off());
        let (held, used) = (&mut tables.held, &mut tables.used);
        let elements = &mut tables.elements;
        verify::build(&mut btf, &self.known, offsets, names, |record| {
            let holds = embedded::holds(record);
            if record.kind() == Kind::Array {
                elements.set(record.array().0);
            }
            record.each_id(|at, id| {
                if holds {
                    held.set(id);
                }
                verify::reference_below(at, id, end)
            })?;
            record.each_string(|_, off| {
                if off < strings {
                    used.set(off);
                }
                Ok(())
            })
        })?;
        embedded::follow(&btf, held);
        embedded::follow(&btf, elements);
        Ok(Verified {
            btf,
            held: tables.held,
            elements: tables.elements,
            used: tables.used,
            sizes: self.sizes,
        })
    }
}

impl Verified<'_> {
    /// A table has no room.
    pub(super) fn short(&self) -> Error {
        self.btf.blob().error(0, 0, Reason::ShortBuffer)
    }

    /// The most that the module's types use the distilled type `id` for.
    pub(super) fn usage(&self, id: u32) -> Use {
        match (self.held.get(id), self.elements.get(id)) {
            (true, _) => Use::Value,
            (false, true) => Use::Element,
            (false, false) => Use::Name,
        }
    }

    /// Length in words of the scratch that [`super::RelocationPlan::new`] needs.
    pub fn scratch_len(&self) -> usize {
        self.sizes.plan_total()
    }
}

/// Checks that a distilled base holds only named types that refer to no other.
///
/// # Errors
///
/// The first type that has no place there.
pub fn check_distilled(distilled: &Btf<'_>) -> Result<(), Error> {
    for (id, record) in distilled.own_records() {
        check_distilled_type(&record)
            .map_err(|(at, reason)| distilled.error(id, &record, at, reason))?;
    }
    Ok(())
}

fn check_distilled_type(record: &Record<'_>) -> Result<(), Fault> {
    let allowed = matches!(
        record.kind(),
        Kind::Int | Kind::Float | Kind::Enum | Kind::Struct | Kind::Union | Kind::Fwd
    );
    match (allowed, record.name_off()) {
        (false, _) => Err((4, Reason::NotDistilled(record.kind()))),
        (true, 0) => Err((0, Reason::NameMissing(record.kind()))),
        (true, _) => Ok(()),
    }
}
