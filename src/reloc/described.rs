// SPDX-License-Identifier: GPL-2.0

//! An error with the type and the name it speaks of, read from the BTF it was found in.

use super::{Base, Survey};
use crate::btf::{Blob, Error, Kind, Reason, Record, Section, Table};

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

impl<'a> Survey<'a> {
    /// Reads what `error`, found in the module of this survey on `base`, speaks of.
    pub fn describe(&self, base: &Base<'a>, error: Error) -> Described<'a> {
        let mut described = Described {
            error,
            kind: None,
            name: &[],
            string: None,
        };
        // Ids and strings of the module's own go on where those of its base end.
        let (blob, below, first_id) = match (error.section, &self.distilled) {
            (Section::Btf, Some(distilled)) => (
                &self.split,
                Some(distilled),
                self.sizes.distilled.saturating_add(1),
            ),
            (Section::Btf, None) => (&self.split, Some(base.btf().blob()), base.btf().end_id()),
            (Section::BtfBase, Some(distilled)) => (distilled, None, 1),
            _ => return described,
        };
        if let Some(record) = record(blob, first_id, error.type_id) {
            described.kind = Some(record.kind());
            described.name = string(blob, below, record.name_off()).unwrap_or(&[]);
        }
        if let Reason::ElementName { name_off, .. } | Reason::BadName { name_off, .. } =
            error.reason
        {
            described.string = string(blob, below, name_off);
        }
        described
    }
}

/// The type `id` of `blob`, whose types start at `first_id`.
fn record<'a>(blob: &Blob<'a>, first_id: u32, id: u32) -> Option<Record<'a>> {
    let mut at = None;
    // What cannot be walked any further was found before this.
    let _ = Table::walk(blob, first_id, |walked, record| {
        if walked == id {
            at = Some(record.at());
        }
        Ok(())
    });
    Record::parse(blob.types(), at?).ok()
}

/// The string at `off` of `blob`, whose strings go on where those of `below` end.
fn string<'a>(blob: &Blob<'a>, below: Option<&Blob<'a>>, off: u32) -> Option<&'a [u8]> {
    let start = below.map_or(0, Blob::strings_len);
    match off.checked_sub(start) {
        Some(own) => blob.string(own),
        None => below?.string(off),
    }
}
