// SPDX-License-Identifier: GPL-2.0

//! Finds the distilled types that a module's types hold by value, so that their size counts.

use crate::btf::{Bits, Btf, Kind};

/// Marks in `embedded`, by index, each distilled type that is a member of a module's struct or
/// union, the type of a variable, or passed or returned by value; through typedefs, qualifiers,
/// type tags and arrays, not through pointers.
///
/// `walked` has a bit for each type of the module: none is followed twice, so that the cost stays
/// linear and a loop of arrays ends.
pub(super) fn mark(btf: &Btf<'_>, embedded: &mut Bits<'_>, walked: &mut Bits<'_>) {
    for (_, record) in btf.own_records() {
        let holds = matches!(
            record.kind(),
            Kind::Struct | Kind::Union | Kind::Var | Kind::FuncProto
        );
        if !holds {
            continue;
        }
        let _ = record.each_id(|_, id| -> Result<(), core::convert::Infallible> {
            follow(btf, id, embedded, walked);
            Ok(())
        });
    }
}

/// Follows `id` to the type it holds by value, and marks that if it is distilled.
fn follow(btf: &Btf<'_>, id: u32, embedded: &mut Bits<'_>, walked: &mut Bits<'_>) {
    let mut id = id;
    loop {
        let Some(own) = id.checked_sub(btf.start_id()) else {
            if let Some(index) = id.checked_sub(1) {
                embedded.set(index);
            }
            return;
        };
        if walked.set(own) {
            return;
        }
        id = match btf.record(id) {
            Some(record) if record.kind().is_modifier() => record.type_id(),
            Some(record) if record.kind() == Kind::Array => record.array().0,
            _ => return,
        };
    }
}
