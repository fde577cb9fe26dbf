// SPDX-License-Identifier: GPL-2.0

//! libbpf as the peer: BTF that it parses, distills and relocates, with a safe interface.
//!
//! `btf_relocate.c` is one source for libbpf and the kernel, so what libbpf makes of a module is
//! what the kernel would make of it. All reading of types here is libbpf's, none is the core's.

mod carried;
mod compare;
pub mod core;
pub mod dedup;
pub mod distill;
mod flatten;
pub mod judge;
mod kernel;
mod libbpf;
mod table;
pub mod walk;

pub use flatten::{flatten, Flat};
pub use libbpf::{version, Btf, Refused};

use crate::record::{self, Role};
pub use crate::record::{
    ARRAY, CONST, ENUM, ENUM64, FLOAT, FUNC_PROTO, FWD, INT, PTR, RESTRICT, STRUCT, TYPEDEF,
    TYPE_TAG, UNION, VAR, VOLATILE,
};

/// A type as libbpf holds it.
#[derive(Clone, Copy)]
pub struct Type<'a> {
    pub name: &'a [u8],
    words: &'a [u32],
}

/// What a word of a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Id(u32),
    Name(u32),
    Plain(u32),
}

impl<'a> Type<'a> {
    pub fn kind(&self) -> u32 {
        record::info(self.words[1]).0
    }

    pub fn kflag(&self) -> bool {
        record::info(self.words[1]).1
    }

    pub fn vlen(&self) -> u32 {
        record::info(self.words[1]).2
    }

    /// Size or type id.
    pub fn word(&self) -> u32 {
        self.words[2]
    }

    /// The words after `struct btf_type`.
    pub fn rest(&self) -> &'a [u32] {
        &self.words[3..]
    }

    /// All words, each with what it is.
    pub fn parts(&self) -> impl Iterator<Item = Word> + 'a {
        let kind = self.kind();
        let words = self.words.iter().enumerate();
        words.map(move |(at, word)| match record::role(kind, at) {
            Role::Id => Word::Id(*word),
            Role::Name => Word::Name(*word),
            Role::Plain => Word::Plain(*word),
        })
    }

    /// The type ids in it.
    pub fn ids(&self) -> impl Iterator<Item = u32> + 'a {
        self.parts().filter_map(|part| match part {
            Word::Id(id) => Some(id),
            _ => None,
        })
    }
}
