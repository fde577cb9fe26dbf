// SPDX-License-Identifier: GPL-2.0

//! BTF as its readers see it: types by id and strings by offset, across a base and what is split
//! off it.

use super::bytes::len_to_nul;
use super::{to_usize, Blob, Error, Reason, Record, Table, MAX_NAME_LEN};

/// A blob with its table, alone or on the one it was split off.
#[derive(Clone, Copy)]
pub struct Btf<'a> {
    base: Option<Layer<'a>>,
    own: Layer<'a>,
}

/// A blob, its table, and where its ids and strings start.
#[derive(Clone, Copy)]
struct Layer<'a> {
    blob: Blob<'a>,
    table: Table<'a>,
    start_id: u32,
    start_str_off: u32,
}

impl<'a> Layer<'a> {
    #[inline]
    fn end_id(&self) -> u32 {
        self.start_id.saturating_add(self.table.len())
    }

    #[inline]
    fn end_str_off(&self) -> u32 {
        self.start_str_off.saturating_add(self.blob.strings_len())
    }

    fn records(&self) -> impl Iterator<Item = (u32, Record<'a>)> + 'a {
        (self.start_id..self.end_id()).zip(self.blob.records())
    }
}

impl<'a> Btf<'a> {
    /// Joins a standalone blob with its table.
    pub fn alone(blob: Blob<'a>, table: Table<'a>) -> Self {
        let own = Layer {
            blob,
            table,
            start_id: 1,
            start_str_off: 0,
        };
        Btf { base: None, own }
    }

    /// Joins a split blob with its table, on a standalone `base`.
    pub fn split(base: &Btf<'a>, blob: Blob<'a>, table: Table<'a>) -> Self {
        let own = Layer {
            blob,
            table,
            start_id: base.end_id(),
            start_str_off: base.end_str_off(),
        };
        Btf {
            base: Some(base.own),
            own,
        }
    }

    /// The blob of `count` types, alone or on a base, with no table: types are found one after the
    /// other only.
    pub fn without_table(base: Option<&Btf<'a>>, blob: Blob<'a>, count: u32) -> Self {
        let table = Table::from_parts(&[], 0, count);
        match base {
            Some(base) => Btf::split(base, blob, table),
            None => Btf::alone(blob, table),
        }
    }

    /// Finds types by the `table` of its own blob from now on.
    pub fn set_table(&mut self, table: Table<'a>) {
        self.own.table = table;
    }

    /// The blob without its base.
    #[inline]
    pub fn blob(&self) -> &Blob<'a> {
        &self.own.blob
    }

    /// Number of types that are not the base's.
    #[inline]
    pub fn own_count(&self) -> u32 {
        self.own.table.len()
    }

    /// Id of the first type that is not the base's.
    #[inline]
    pub fn start_id(&self) -> u32 {
        self.own.start_id
    }

    /// One more than the last id (`btf_nr_types`).
    #[inline]
    pub fn end_id(&self) -> u32 {
        self.own.end_id()
    }

    /// String offset of the first string that is not the base's.
    #[inline]
    pub fn start_str_off(&self) -> u32 {
        self.own.start_str_off
    }

    /// One more than the last string offset.
    #[inline]
    pub fn end_str_off(&self) -> u32 {
        self.own.end_str_off()
    }

    /// The type with this id; `None` for void (0) and past the end.
    #[inline]
    pub fn record(&self, id: u32) -> Option<Record<'a>> {
        let layer = match self.base {
            Some(base) if id < self.own.start_id => base,
            _ => self.own,
        };
        let index = id.checked_sub(layer.start_id)?;
        layer.table.record(layer.blob.types(), index)
    }

    /// The string at this offset, without its NUL.
    #[inline]
    pub fn string(&self, off: u32) -> Option<&'a [u8]> {
        let (blob, off) = self.locate(off)?;
        blob.string(off)
    }

    /// The string at this offset, `None` where it is longer than names are ([`MAX_NAME_LEN`]).
    ///
    /// What is done for each type is done with this: strings may overlap, so that many types could
    /// share one of megabytes.
    #[inline]
    pub fn name(&self, off: u32) -> Option<&'a [u8]> {
        let strings = self.strings_from(off)?;
        let front = strings.get(..=MAX_NAME_LEN).unwrap_or(strings);
        let len = len_to_nul(front);
        // Without NUL it is all of them.
        front.get(..len).filter(|_| len < front.len())
    }

    /// The string at this offset with all that follow it in its string part.
    #[inline]
    pub fn strings_from(&self, off: u32) -> Option<&'a [u8]> {
        let (blob, off) = self.locate(off)?;
        blob.strings().get(to_usize(off)..)
    }

    /// Whether the string at `off` is `name`.
    #[inline]
    pub fn string_is(&self, off: u32, name: &[u8]) -> bool {
        let located = self.locate(off);
        located.is_some_and(|(blob, off)| blob.string_is(off, name))
    }

    /// Whether a string starts at `off`.
    #[inline]
    pub fn starts_string(&self, off: u32) -> bool {
        let located = self.locate(off);
        located.is_some_and(|(blob, off)| blob.starts_string(off))
    }

    /// The blob that holds the string at `off`, and the string's offset there.
    #[inline]
    fn locate(&self, off: u32) -> Option<(&Blob<'a>, u32)> {
        let layer = match &self.base {
            Some(base) if off < self.own.start_str_off => base,
            _ => &self.own,
        };
        Some((&layer.blob, off.checked_sub(layer.start_str_off)?))
    }

    /// The types that are not the base's, each with its id, in the order of their ids.
    pub fn own_records(&self) -> impl Iterator<Item = (u32, Record<'a>)> + 'a {
        self.own.records()
    }

    /// The types of the base, each with its id, in the order of their ids.
    pub fn base_records(&self) -> impl Iterator<Item = (u32, Record<'a>)> + 'a {
        self.base.into_iter().flat_map(|base| base.records())
    }

    /// An error at byte `at` of the type `id`, which `record` holds.
    pub fn error(&self, id: u32, record: &Record<'_>, at: u32, reason: Reason) -> Error {
        let start = self.own.blob.types_start().saturating_add(record.at());
        self.own.blob.error(start.saturating_add(at), id, reason)
    }

    /// The type reached from `id` through typedefs and qualifiers, with its id.
    ///
    /// `None` for void, for an id out of range, and after 32 steps, the most the kernel allows.
    pub fn unmodified(&self, id: u32) -> Option<(u32, Record<'a>)> {
        const CHAIN_LIMIT: u32 = 32;
        let mut id = id;
        for _ in 0..=CHAIN_LIMIT {
            let record = self.record(id)?;
            if !record.kind().is_modifier() {
                return Some((id, record));
            }
            id = record.type_id();
        }
        None
    }
}
