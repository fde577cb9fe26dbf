// SPDX-License-Identifier: GPL-2.0

//! The kernel's own verdict on a module's BTF, reached before the kernel looks.
//!
//! What is accepted here is what `btf_parse_module` in `kernel/bpf/btf.c` accepts: the header and
//! the string part ([`super::Blob::parse`]), each type by itself (the `check_meta` callbacks) and
//! the length of chains of modifiers. Like the kernel, it does not ask whether a reference is in
//! range; [`references`] does.

mod fault;
mod names;
mod types;

use super::{Bits, Btf, Error, Fault, Known, Reason, Record, Table};
use names::Names;
use types::check_type;

/// Checks every type that is not the base's, as the kernel does.
///
/// `known` is what the kernel knows. `identifiers` has room for each byte of the string part: it remembers which strings were found
/// to be identifiers, as most are used several times.
///
/// # Errors
///
/// The first type that the kernel would refuse, with the byte it would stop at.
pub fn kernel_verdict(
    btf: &Btf<'_>,
    known: &Known,
    identifiers: &mut Bits<'_>,
) -> Result<(), Error> {
    let mut names = Names::new(btf, identifiers);
    for (id, record) in btf.own_records() {
        check_kind(known, &record)
            .and_then(|()| check_type(&mut names, &record))
            .map_err(|(at, reason)| btf.error(id, &record, at, reason))?;
    }
    chains(btf)
}

/// As [`kernel_verdict`], gives `btf` the table of its types on the way, and calls `visit` with each.
///
/// `btf` has no table yet ([`Btf::without_table`]); `offsets` has a word for each type.
///
/// # Errors
///
/// As [`kernel_verdict`] and [`Table::build`], and the first that `visit` finds.
// In a frame of its own: a kernel's stack is small.
#[inline(never)]
pub fn build<'a>(
    btf: &mut Btf<'a>,
    known: &Known,
    offsets: &'a mut [u32],
    identifiers: &mut Bits<'_>,
    mut visit: impl FnMut(&Record<'_>) -> Result<(), Fault>,
) -> Result<(), Error> {
    let mut names = Names::new(btf, identifiers);
    let check = |_, record: &Record<'_>| {
        check_kind(known, record)?;
        check_type(&mut names, record)?;
        visit(record)
    };
    let table = Table::build_with(btf.blob(), btf.start_id(), offsets, 0, check)?;
    btf.set_table(table);
    chains(btf)
}

/// Checks that the kernel knows this kind.
#[inline]
fn check_kind(known: &Known, record: &Record<'_>) -> Result<(), Fault> {
    let kind = record.kind() as u32;
    match kind <= known.kind_max {
        true => Ok(()),
        false => Err((0, Reason::BadKind(kind))),
    }
}

/// Checks that every reference of the types that are not the base's names a type or void.
///
/// # Errors
///
/// The first reference that does not.
pub fn references(btf: &Btf<'_>) -> Result<(), Error> {
    let end = btf.end_id();
    for (id, record) in btf.own_records() {
        record
            .each_id(|at, id| reference_below(at, id, end))
            .map_err(|(at, reason)| btf.error(id, &record, at, reason))?;
    }
    Ok(())
}

/// Checks that `id`, at byte `at` of a record, is below `end`.
///
/// # Errors
///
/// It is not.
#[inline]
pub fn reference_below(at: u32, id: u32, end: u32) -> Result<(), Fault> {
    match id < end {
        true => Ok(()),
        false => Err((at, Reason::ReferenceOutOfRange { id, end })),
    }
}

/// `btf_check_modifier_chain_length`: a chain may not be longer than 32, nor loop.
fn chains(btf: &Btf<'_>) -> Result<(), Error> {
    let mut good_id = btf.start_id().saturating_sub(1);
    for (id, record) in btf.own_records() {
        if record.kind().is_modifier() {
            chain(btf, id, record, good_id).map_err(|reason| btf.error(id, &record, 8, reason))?;
            good_id = id;
        }
    }
    Ok(())
}

fn chain(btf: &Btf<'_>, id: u32, record: Record<'_>, good_id: u32) -> Result<(), Reason> {
    const CHAIN_LIMIT: u32 = 32;
    let end = btf.end_id();
    let (mut id, mut record) = (id, record);
    for steps in 1..=CHAIN_LIMIT {
        if id <= good_id || !record.kind().is_modifier() {
            break;
        }
        id = record.type_id();
        // Nothing before the last good modifier is walked again.
        if id == 0 || (id <= good_id && steps < CHAIN_LIMIT) {
            break;
        }
        record = btf
            .record(id)
            .ok_or(Reason::ReferenceOutOfRange { id, end })?;
        if steps == CHAIN_LIMIT && record.kind().is_modifier() {
            return Err(Reason::ChainTooLong);
        }
    }
    Ok(())
}
