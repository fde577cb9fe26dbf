// SPDX-License-Identifier: GPL-2.0

//! The form in which a result holds a type that its kernel has no match for.

use super::compare::{check, same_type};
use super::{Btf, Type, ARRAY, ENUM, ENUM64, FWD, INT, PTR, STRUCT, UNION};

/// What the type became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// What it was: an INT, a FLOAT or a FWD.
    Same,
    /// A FWD of its flavour.
    Declared,
    /// A type of its size without a name; a STRUCT or UNION with a member of this type.
    Unnamed(Option<u32>),
}

/// The form in which `new`, a type of `after`, stands for `old`, a type of `before`; the error says
/// that it is none.
pub(super) fn form(
    (before, old): (&Btf<'_>, Type<'_>),
    (after, new): (&Btf<'_>, Type<'_>),
) -> Result<Form, String> {
    match (old.kind(), new.kind()) {
        (STRUCT | UNION, FWD) => {
            let flavour = new.kflag() == (old.kind() == UNION);
            let same = flavour && new.name == old.name && new.word() == 0 && new.vlen() == 0;
            check(same, || "declared, and not as it was").map(|()| Form::Declared)
        }
        (STRUCT | UNION, kind) if kind == old.kind() => {
            let array = new.rest().get(1).copied();
            let member = one_element(after, old, new, 0);
            check(member && !new.kflag(), || "not of one member of its name")?;
            hollow(after, array.ok_or("no member")?)?;
            Ok(Form::Unnamed(array))
        }
        (ENUM | ENUM64, ENUM) => {
            let value = one_element(after, old, new, 0);
            check(value, || "not of one value of its name").map(|()| Form::Unnamed(None))
        }
        _ => same_type(before, old, after, new, |_, _| Ok(())).map(|()| Form::Same),
    }
}

/// Whether `new` has no name, the size of `old`, and one element named as `old` that ends in `last`.
fn one_element(after: &Btf<'_>, old: Type<'_>, new: Type<'_>, last: u32) -> bool {
    let named = |name: &u32| after.string(*name) == old.name;
    let element = new.rest().first().is_some_and(named) && new.rest().last() == Some(&last);
    new.name.is_empty() && new.word() == old.word() && new.vlen() == 1 && element
}

/// Checks that `id` is an array of no pointers to void, and that the pointer stands before it.
pub(super) fn hollow(btf: &Btf<'_>, id: u32) -> Result<(), String> {
    let type_ = |id| btf.get(id).ok_or("past the end");
    let (pointer, array) = (type_(id.wrapping_sub(1))?, type_(id)?);
    let plain = |type_: Type<'_>, kind| {
        let info = (type_.kind(), type_.kflag(), type_.vlen());
        type_.name.is_empty() && info == (kind, false, 0) && type_.word() == 0
    };
    check(plain(pointer, PTR) && plain(array, ARRAY), || {
        "not a pointer to void and an array"
    })?;
    let [elem, index, count] = array.rest() else {
        return Err("not an array".to_owned());
    };
    let named = |id| Ok::<_, String>((type_(id)?.kind(), type_(id)?.name));
    let by_int = *index < btf.start_id() && named(*index)? == (INT, b"int");
    check((*elem, *count) == (id - 1, 0), || {
        "not an array of no pointers"
    })?;
    check(by_int || *index == id - 1, || {
        "an array indexed by another type"
    })
}
