// SPDX-License-Identifier: GPL-2.0

//! What a reference may lead to, by where it stands.

use super::read_budget::{ReadBudget, Stop};
use crate::btf::{read_u32, to_usize, Kind, Reason, Record, Target, RECORD_LEN};

/// Checks that every reference of `record` leads to what belongs there.
pub(super) fn check(budget: &mut ReadBudget<'_, '_>, record: &Record<'_>) -> Result<(), Stop> {
    if record.kind().is_location() {
        return in_range(budget, record);
    }
    let expected = expected(record.kind());
    record.each_id(|at, id| {
        let found = budget.record(id)?.map(|target| target.kind());
        let belongs = match found {
            Some(kind) => allows(expected, kind),
            None if id == 0 => may_be_void(record, at),
            None => {
                let end = budget.end_id();
                let reason = Reason::ReferenceOutOfRange { id, end };
                return Err(Stop::Contradiction(at, reason));
            }
        };
        match belongs {
            true => Ok(()),
            false => Err(Stop::Contradiction(
                at,
                wrong(record, at, id, found, expected),
            )),
        }
    })
}

/// Checks that every reference of `record` leads somewhere: no kernel that knows its kind is
/// released, so that what belongs where is left to it.
fn in_range(budget: &ReadBudget<'_, '_>, record: &Record<'_>) -> Result<(), Stop> {
    let end = budget.end_id();
    record.each_id(|at, id| match id < end {
        true => Ok(()),
        false => {
            let reason = Reason::ReferenceOutOfRange { id, end };
            Err(Stop::Contradiction(at, reason))
        }
    })
}

/// What the references of a type of this kind lead to.
fn expected(kind: Kind) -> Target {
    match kind {
        Kind::Func => Target::Prototype,
        Kind::Datasec => Target::Variable,
        Kind::DeclTag => Target::Tagged,
        Kind::Ptr => Target::Type,
        kind if kind.is_modifier() => Target::Type,
        _ => Target::Sized,
    }
}

fn allows(expected: Target, kind: Kind) -> bool {
    let declaration = matches!(kind, Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag)
        || kind.is_location();
    match expected {
        Target::Type => !declaration,
        // A prototype may name a type that is not complete.
        Target::Sized => !declaration && kind != Kind::FuncProto,
        Target::Prototype => kind == Kind::FuncProto,
        Target::Variable => kind == Kind::Var,
        Target::Tagged => {
            kind.is_composite() || matches!(kind, Kind::Func | Kind::Var | Kind::Typedef)
        }
    }
}

/// Pointers and modifiers lead to void, functions return it, and as the last parameter, without a
/// name, it stands for any more.
fn may_be_void(record: &Record<'_>, at: u32) -> bool {
    match (record.kind(), at) {
        (Kind::FuncProto, RECORD_LEN..) => {
            let name_off = read_u32(record.bytes(), to_usize(at.saturating_sub(4)));
            name_off == Some(0) && to_usize(at.saturating_add(4)) == record.bytes().len()
        }
        (Kind::FuncProto, _) => true,
        (kind, _) => expected(kind) == Target::Type,
    }
}

fn wrong(record: &Record<'_>, at: u32, id: u32, found: Option<Kind>, expected: Target) -> Reason {
    let elem = u32::from(record.shape().elem);
    let element = at
        .checked_sub(RECORD_LEN)
        .and_then(|at| at.checked_div(elem));
    Reason::WrongTarget {
        element,
        id,
        found,
        expected,
    }
}
