// SPDX-License-Identifier: GPL-2.0

//! BTF to which types are added, after those it has.

use rust_btfreloc::btf::{put_u32, to_usize, write_header, Btf, Kind, Record, HEADER_LEN};

/// A copy of BTF to which types are added.
pub(super) struct ExtendedBtf<'a> {
    /// What it was before.
    pub(super) before: Btf<'a>,
    types: Vec<u8>,
    strings: Vec<u8>,
    next_id: u32,
}

impl<'a> ExtendedBtf<'a> {
    pub(super) fn new(before: Btf<'a>) -> Self {
        ExtendedBtf {
            types: before.blob().types().to_vec(),
            strings: before.blob().strings().to_vec(),
            next_id: before.end_id(),
            before,
        }
    }

    /// All of it, without a layout part; `None` where it is too long for BTF.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; to_usize(HEADER_LEN)];
        let [types, strings] = [&self.types, &self.strings].map(|part| u32::try_from(part.len()));
        write_header(&mut bytes, types.ok()?, 0, strings.ok()?)?;
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        Some(bytes)
    }

    /// Makes the type `id`, one of those that were there before, refer to `to`.
    pub(super) fn refer(&mut self, id: u32, to: u32) {
        if let Some(record) = self.before.record(id) {
            // After name and info.
            put_u32(&mut self.types, to_usize(record.at()) + 8, to);
        }
    }

    /// Adds a type that refers to `to`.
    pub(super) fn reference(&mut self, kind: Kind, name: &[u8], to: u32) -> u32 {
        self.add(kind, false, 0, name, &[to])
    }

    /// Adds a type attribute.
    pub(super) fn type_attribute(&mut self, name: &[u8], to: u32) -> u32 {
        self.add(Kind::TypeTag, true, 0, name, &[to])
    }

    /// Adds a declaration tag as `like` is, or one that is for all of what it is for.
    pub(super) fn tag(&mut self, name: &[u8], to: u32, like: Option<&Record<'_>>) -> u32 {
        let component = like.map_or(u32::MAX, Record::extra);
        let kflag = like.is_some_and(Record::kflag);
        self.add(Kind::DeclTag, kflag, 0, name, &[to, component])
    }

    /// Adds a function of this linkage.
    pub(super) fn function(&mut self, name: &[u8], linkage: u32, prototype: u32) -> u32 {
        self.add(Kind::Func, false, linkage, name, &[prototype])
    }

    /// Adds a prototype; `parameters` are the offset of the name and the type of each.
    pub(super) fn prototype(&mut self, returned: u32, parameters: &[(u32, u32)]) -> u32 {
        let words = parameters.iter().flat_map(|(name, id)| [*name, *id]);
        let words: Vec<_> = [returned].into_iter().chain(words).collect();
        let vlen = u32::try_from(parameters.len()).unwrap_or(u32::MAX);
        self.add(Kind::FuncProto, false, vlen, b"", &words)
    }

    fn add(&mut self, kind: Kind, kflag: bool, vlen: u32, name: &[u8], words: &[u32]) -> u32 {
        let info = (u32::from(kflag) << 31) | (u32::from(kind as u8) << 24) | vlen;
        let head = [self.string(name), info];
        let words = head.iter().chain(words);
        self.types.extend(words.flat_map(|word| word.to_ne_bytes()));
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The offset of a name; that it may be there already is left to deduplication.
    fn string(&mut self, name: &[u8]) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let own = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        self.strings.extend(name);
        self.strings.push(0);
        self.before.start_str_off().saturating_add(own)
    }
}
