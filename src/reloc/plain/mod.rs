// SPDX-License-Identifier: GPL-2.0

//! Split BTF without a distilled base: whether the kernel would take it as it is, and whether it
//! was made for this vmlinux.
//!
//! The kernel follows no reference before BTF is used, so that it takes split BTF of another build,
//! whose ids name the wrong types. That shows in what no compiler makes: a string offset inside a
//! string, a FUNC with an INT for a prototype, a member that runs into the next one.

mod layout;
mod place;
mod read_budget;

use super::{Base, Survey};
use crate::btf::{verify, Btf, Error, Kind, Reason, Record};
use read_budget::{Extent, ReadBudget, Stop};

/// Checks plain split BTF against `base` as the kernel will.
///
/// `scratch` has the length that [`Survey::verify_len`] gives.
///
/// # Errors
///
/// What the kernel would refuse; `Reason::ShortBuffer` where `scratch` is too short.
pub fn check(base: &Base<'_>, survey: &Survey<'_>, scratch: &mut [u32]) -> Result<(), Error> {
    let mut btf = Btf::without_table(Some(base.btf()), survey.split, survey.sizes.split);
    verify(&mut btf, base, survey, scratch)
}

/// Checks plain split BTF against `base` as [`check`] does, and looks in some of its types for what
/// contradicts `base`.
///
/// # Errors
///
/// As [`check`], and the first contradiction.
pub fn fits(base: &Base<'_>, survey: &Survey<'_>, scratch: &mut [u32]) -> Result<(), Error> {
    look(base, survey, scratch, Extent::Sample)
}

/// As [`fits`], in all of its types: BTF that is to be rewritten by the names in `base` must be of it.
///
/// # Errors
///
/// As [`fits`].
pub fn fits_throughout(
    base: &Base<'_>,
    survey: &Survey<'_>,
    scratch: &mut [u32],
) -> Result<(), Error> {
    look(base, survey, scratch, Extent::All)
}

/// Looks for a contradiction, which is the error.
fn look(
    base: &Base<'_>,
    survey: &Survey<'_>,
    scratch: &mut [u32],
    extent: Extent,
) -> Result<(), Error> {
    let mut btf = Btf::without_table(Some(base.btf()), survey.split, survey.sizes.split);
    verify(&mut btf, base, survey, scratch)?;
    let mut budget = ReadBudget::new(&btf, extent);
    for (id, record) in evenly(&btf) {
        match witness(&mut budget, &record) {
            Ok(()) => {}
            Err(Stop::Contradiction(at, reason)) => return Err(btf.error(id, &record, at, reason)),
            Err(Stop::Spent) => break,
        }
    }
    Ok(())
}

#[inline(never)]
fn verify<'a>(
    btf: &mut Btf<'a>,
    base: &Base<'_>,
    survey: &Survey<'_>,
    scratch: &'a mut [u32],
) -> Result<(), Error> {
    let tables = survey.sizes.cut(scratch);
    let mut tables = tables.ok_or_else(|| survey.split.error(0, 0, Reason::ShortBuffer))?;
    let (offsets, names) = (tables.split_offsets, &mut tables.split_names);
    verify::build(btf, &base.known(), offsets, names, |_| Ok(()))
}

/// Whether BTF with this fault may be right on another base: what was found is of the base.
pub(super) fn is_stale(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::NameOffset(_)
            | Reason::NameInside(_)
            | Reason::BadName { .. }
            | Reason::ElementName { .. }
            | Reason::ReferenceOutOfRange { .. }
            | Reason::ChainTooLong
            | Reason::WrongTarget { .. }
            | Reason::ElementTooLarge { .. }
            | Reason::BitFieldTooWide { .. }
    )
}

/// The types of `btf`, as many as it has, so that the first of them are evenly spread over it,
/// wherever one stops: steps of the golden section never meet.
fn evenly<'b>(btf: &'b Btf<'_>) -> impl Iterator<Item = (u32, Record<'b>)> + 'b {
    const GOLDEN_SECTION: u32 = 0x9e37_79b9;
    let count = btf.own_count();
    (0..count).filter_map(move |step| {
        let place = u64::from(step.wrapping_mul(GOLDEN_SECTION)).wrapping_mul(u64::from(count));
        let index = u32::try_from(place >> 32).unwrap_or(0);
        let id = btf.start_id().saturating_add(index);
        Some((id, btf.record(id)?))
    })
}

/// Checks that nothing in `record` contradicts the base.
fn witness(budget: &mut ReadBudget<'_, '_>, record: &Record<'_>) -> Result<(), Stop> {
    names(budget, record)?;
    match record.kind() {
        Kind::Struct | Kind::Union => layout::members(budget, record),
        Kind::Datasec => {
            place::check(budget, record)?;
            layout::variables(budget, record)
        }
        _ => place::check(budget, record),
    }
}

/// libbpf stores a string once and refers to its start.
fn names(budget: &mut ReadBudget<'_, '_>, record: &Record<'_>) -> Result<(), Stop> {
    record.each_string(|at, name_off| match budget.starts_string(name_off)? {
        true => Ok(()),
        false => Err(Stop::Contradiction(at, Reason::NameInside(name_off))),
    })
}
