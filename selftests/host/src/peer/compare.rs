// SPDX-License-Identifier: GPL-2.0

//! Two types held against each other, and how it is reported that something does not hold.

use super::{Btf, Type, Word};

/// Word for word the same, strings as text; what ids are is for `ids` to say.
pub(super) fn same_type(
    of_a: &Btf<'_>,
    a: Type<'_>,
    of_b: &Btf<'_>,
    b: Type<'_>,
    mut ids: impl FnMut(u32, u32) -> Result<(), String>,
) -> Result<(), String> {
    check(a.parts().count() == b.parts().count(), || "another length")?;
    for (at, parts) in a.parts().zip(b.parts()).enumerate() {
        match parts {
            (Word::Id(a), Word::Id(b)) => ids(a, b)?,
            (Word::Name(a), Word::Name(b)) => check(of_a.string(a) == of_b.string(b), || {
                format!("string in word {at}")
            })?,
            (a, b) => check(a == b, || format!("word {at}: {a:?}, {b:?}"))?,
        }
    }
    Ok(())
}

pub(super) fn check<T: Into<String>>(holds: bool, what: impl FnOnce() -> T) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(what().into()),
    }
}
