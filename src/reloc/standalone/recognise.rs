// SPDX-License-Identifier: GPL-2.0

//! Whether a module's BTF is standalone, judged by its ids, its names and its string part.

use crate::btf::{Blob, Error, Form, Kind, Records, Section, Table};

/// What shows that BTF is standalone: everything it refers to is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Number of types.
    pub types: u32,
    /// The largest id that one of them refers to; at most `types`.
    pub largest_id: u32,
    /// Length of the string part in bytes.
    pub strings_len: u32,
    /// The largest string offset in use; below `strings_len`, and not 0.
    pub largest_string: u32,
}

/// Why BTF is not taken for standalone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStandalone {
    /// A header, a part or a record is not what it is in standalone BTF. The string part of
    /// split BTF is among those: it is empty or does not begin with the empty string.
    Unreadable(Error),
    /// There is no type.
    NoTypes,
    /// No type and no element has a name.
    NoNames,
    /// The type `type_id`, of this kind, refers to `id`, which is past the last.
    Reference { type_id: u32, kind: Kind, id: u32 },
    /// The type `type_id`, of this kind, uses the string offset `off`, where no string starts.
    Name { type_id: u32, kind: Kind, off: u32 },
}

/// Finds out whether `btf`, a whole `.BTF` section, is standalone.
///
/// Split BTF made by pahole or libbpf shows by its string part alone: its first string is not
/// empty, as offset 0 is its base's. What only looks like standalone BTF betrays itself by
/// an id or a name that is its base's. Whether the kernel would take each type is not asked.
///
/// # Errors
///
/// What speaks against it, first the form, then the types in their order.
pub fn recognise(btf: &[u8]) -> Result<Evidence, NotStandalone> {
    let blob = Blob::parse(Section::Btf, Form::Base, btf).map_err(NotStandalone::Unreadable)?;
    let types = Table::count(&blob, 1).map_err(NotStandalone::Unreadable)?;
    if types == 0 {
        return Err(NotStandalone::NoTypes);
    }
    let mut evidence = Evidence {
        types,
        largest_id: 0,
        strings_len: blob.strings_len(),
        largest_string: 0,
    };
    evidence.gather(&blob, blob.records())?;
    match evidence.largest_string {
        0 => Err(NotStandalone::NoNames),
        _ => Ok(evidence),
    }
}

impl Evidence {
    fn gather(&mut self, blob: &Blob<'_>, records: Records<'_>) -> Result<(), NotStandalone> {
        for (type_id, record) in (1..u32::MAX).zip(records) {
            let kind = record.kind();
            record.each_id(|_, id| {
                self.largest_id = self.largest_id.max(id);
                match id <= self.types {
                    true => Ok(()),
                    false => Err(NotStandalone::Reference { type_id, kind, id }),
                }
            })?;
            record.each_string(|_, off| {
                self.largest_string = self.largest_string.max(off);
                match blob.starts_string(off) {
                    true => Ok(()),
                    false => Err(NotStandalone::Name { type_id, kind, off }),
                }
            })?;
        }
        Ok(())
    }
}
