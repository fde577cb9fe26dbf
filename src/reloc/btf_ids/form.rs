// SPDX-License-Identifier: GPL-2.0

//! What the name of a symbol says about the words it stands at.

use super::Reason;

/// What an id is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form<'n> {
    /// Alone or in a list.
    Id {
        /// `func`, `struct`, `union` or `typedef`.
        kind: &'n [u8],
        /// Name of the type.
        name: &'n [u8],
    },
    /// In the set of this name.
    Set(&'n [u8]),
    /// In a set8.
    Set8 {
        /// Name of the set8.
        name: &'n [u8],
        /// The flags that go with the id.
        flags: u32,
    },
}

impl<'n> Form<'n> {
    /// Reads the name of a symbol; `None` where it is not one for `.BTF_ids`.
    ///
    /// # Errors
    ///
    /// [`Reason::UnknownForm`]
    pub fn of(symbol: &'n [u8]) -> Option<Result<Self, Reason>> {
        let text = symbol.strip_prefix(b"__BTF_ID__")?;
        Some(Form::parse(text).ok_or(Reason::UnknownForm))
    }

    fn parse(text: &'n [u8]) -> Option<Self> {
        // No kind has an underscore.
        let end = text.iter().position(|byte| *byte == b'_')?;
        let kind = text.get(..end)?;
        let name = text.get(end..)?.strip_prefix(b"__")?;
        match kind {
            b"func" | b"struct" | b"union" | b"typedef" => Some(Form::Id {
                kind,
                name: without_number(name),
            }),
            b"set" => Some(Form::Set(name)),
            b"set8" => Some(Form::Set8 { name, flags: 0 }),
            _ => None,
        }
    }
}

/// The name without what makes its symbol unique: `__` and digits.
fn without_number(name: &[u8]) -> &[u8] {
    let mut rest = name;
    while let [head @ .., b'0'..=b'9'] = rest {
        rest = head;
    }
    rest.strip_suffix(b"__").unwrap_or(name)
}
