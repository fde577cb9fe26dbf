// SPDX-License-Identifier: GPL-2.0

//! Reads BTF once more, without the core and trusting every byte: what tests compare with.

use crate::record::{self, Role, FIXED};

/// A type with its name looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// Number of the kind.
    pub kind: u32,
    pub name: String,
    pub kflag: bool,
    pub vlen: u32,
    /// Size or type id.
    pub word: u32,
    /// The words after `struct btf_type`.
    pub rest: Vec<u32>,
}

/// A word after a type's name and info, by what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    Id(u32),
    Name(String),
    Plain(u32),
}

/// All types by id, void included, and all strings by offset, those of the base first.
#[derive(Clone, Debug)]
pub struct Model {
    pub types: Vec<Type>,
    /// Id of the first type that is not the base's.
    pub first_id: u32,
    strings: Vec<u8>,
}

impl Model {
    /// Reads standalone BTF.
    pub fn base(bytes: &[u8]) -> Self {
        let void = Type {
            kind: 0,
            name: String::new(),
            kflag: false,
            vlen: 0,
            word: 0,
            rest: Vec::new(),
        };
        let nothing = Model {
            types: vec![void],
            first_id: 1,
            strings: Vec::new(),
        };
        nothing.split(bytes)
    }

    /// Reads BTF split off this.
    pub fn split(&self, bytes: &[u8]) -> Self {
        let mut model = self.clone();
        model.first_id = self.end_id();
        let part = |at| {
            let start = (word(bytes, 4) + word(bytes, at)) as usize;
            &bytes[start..start + word(bytes, at + 4) as usize]
        };
        model.strings.extend_from_slice(part(16));
        let mut types = part(8);
        while !types.is_empty() {
            let (type_, rest) = model.first_type(types);
            model.types.push(type_);
            types = rest;
        }
        model
    }

    /// One more than the last id.
    pub fn end_id(&self) -> u32 {
        u32::try_from(self.types.len()).unwrap()
    }

    pub fn get(&self, id: u32) -> &Type {
        &self.types[id as usize]
    }

    /// The string at this offset.
    pub fn string(&self, off: u32) -> String {
        let tail = &self.strings[off as usize..];
        let end = tail.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8_lossy(&tail[..end]).into_owned()
    }

    /// The types that are not the base's, with their ids.
    pub fn own(&self) -> impl Iterator<Item = (u32, &Type)> {
        (self.first_id..self.end_id()).map(|id| (id, self.get(id)))
    }

    /// What stands in a type after its name and info.
    pub fn words(&self, type_: &Type) -> Vec<Word> {
        let words = std::iter::once(&type_.word).chain(&type_.rest);
        let words = (FIXED - 1..).zip(words);
        words
            .map(|(at, word)| match record::role(type_.kind, at) {
                Role::Id => Word::Id(*word),
                Role::Name => Word::Name(self.string(*word)),
                Role::Plain => Word::Plain(*word),
            })
            .collect()
    }

    fn first_type<'b>(&self, bytes: &'b [u8]) -> (Type, &'b [u8]) {
        let (kind, kflag, vlen) = record::info(word(bytes, 4));
        let rest = record::words_after(kind, vlen);
        let type_ = Type {
            kind,
            name: self.string(word(bytes, 0)),
            kflag,
            vlen,
            word: word(bytes, 8),
            rest: (0..rest).map(|index| word(bytes, 12 + 4 * index)).collect(),
        };
        (type_, &bytes[12 + 4 * rest..])
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}
