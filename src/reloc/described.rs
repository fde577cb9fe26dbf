// SPDX-License-Identifier: GPL-2.0

//! An error with the type and the name it speaks of, read from the BTF it was found in.

use super::{Base, Survey};
use crate::btf::{Btf, Error, Kind, Reason, Section};

/// An error, and what its type id and its string offset stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described<'a> {
    /// The error.
    pub error: Error,
    /// Kind of the type, where the error is in one that can be read.
    pub kind: Option<Kind>,
    /// Name of the type; empty where it has none.
    pub name: &'a [u8],
    /// The string that was refused, where the reason holds its offset.
    pub string: Option<&'a [u8]>,
}

/// An error of which nothing can be read, as its headers or records are invalid.
impl From<Error> for Described<'_> {
    fn from(error: Error) -> Self {
        Described {
            error,
            kind: None,
            name: &[],
            string: None,
        }
    }
}

impl Described<'_> {
    /// Whether a name was refused that only types of Rust have, such as `core::fmt::Formatter` or
    /// `&str`.
    pub fn is_named_by_rust(&self) -> bool {
        let string = self.string.unwrap_or(&[]);
        let path = string.windows(2).any(|two| two == b"::");
        path || string.iter().any(|byte| b"<&(".contains(byte))
    }
}

impl<'a> Survey<'a> {
    /// Reads what `error`, found in the module of this survey on `base`, speaks of.
    pub fn describe(&self, base: &Base<'a>, error: Error) -> Described<'a> {
        let mut described = Described::from(error);
        let btf = self.btf(base, error.section);
        // Standalone BTF has lower ids than what is split off vmlinux.
        let btf = match &self.alone {
            Some(alone) if error.type_id < base.btf().end_id() => Some(alone.btf()),
            _ => btf,
        };
        let Some(btf) = btf else {
            return described;
        };
        let mut types = btf.own_records();
        if let Some((_, record)) = types.find(|(id, _)| *id == error.type_id) {
            described.kind = Some(record.kind());
            described.name = btf.string(record.name_off()).unwrap_or(&[]);
        }
        if let Reason::ElementName { name_off, .. }
        | Reason::BadName { name_off, .. }
        | Reason::NameInside(name_off) = error.reason
        {
            described.string = btf.string(name_off);
        }
        described
    }

    /// The BTF in this section of the module: its types in their order and its strings, without the
    /// tables that find a type by its id.
    fn btf(&self, base: &Base<'a>, section: Section) -> Option<Btf<'a>> {
        let distilled = self
            .distilled
            .map(|blob| Btf::without_table(None, blob, self.sizes.distilled));
        match section {
            Section::Btf => {
                let base = distilled.unwrap_or(*base.btf());
                let count = self.sizes.split;
                Some(Btf::without_table(Some(&base), self.split, count))
            }
            Section::BtfBase => distilled,
            Section::BtfInline | Section::BtfIds | Section::Vmlinux | Section::Supplied => None,
        }
    }
}
