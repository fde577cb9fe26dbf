// SPDX-License-Identifier: GPL-2.0

//! Finds the distilled types that a module's types hold by value, so that their size counts, and
//! those that arrays have for elements.

use crate::btf::{Bits, Btf, Kind, Record};

/// Whether `record` holds the types it refers to by value: the members of a struct or union, the
/// type of a variable, and what is passed or returned by value.
#[inline]
pub(super) fn holds(record: &Record<'_>) -> bool {
    matches!(
        record.kind(),
        Kind::Struct | Kind::Union | Kind::Var | Kind::FuncProto
    )
}

/// Adds to `held`, the ids of types held by value or in arrays, what those of the module stand for:
/// typedefs, qualifiers, type tags and arrays hold what they refer to; pointers do not.
///
/// A type that is in it already is not followed again from another, so that the cost stays linear
/// and a loop of arrays ends.
pub(super) fn follow(btf: &Btf<'_>, held: &mut Bits<'_>) {
    for start in btf.start_id()..btf.end_id() {
        let mut id = start;
        while held.get(id) {
            let next = match btf.record(id) {
                Some(record) if record.kind().is_modifier() => record.type_id(),
                Some(record) if record.kind() == Kind::Array => record.array().0,
                _ => break,
            };
            if held.set(next) || next < btf.start_id() {
                break;
            }
            id = next;
        }
    }
}
