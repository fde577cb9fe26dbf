// SPDX-License-Identifier: GPL-2.0

//! What the words of a BTF type are, once more than in the core and by themselves: what tests read
//! types with.

#![allow(missing_docs)]

pub const INT: u32 = 1;
pub const PTR: u32 = 2;
pub const ARRAY: u32 = 3;
pub const STRUCT: u32 = 4;
pub const UNION: u32 = 5;
pub const ENUM: u32 = 6;
pub const FWD: u32 = 7;
pub const TYPEDEF: u32 = 8;
pub const VOLATILE: u32 = 9;
pub const CONST: u32 = 10;
pub const RESTRICT: u32 = 11;
pub const FUNC_PROTO: u32 = 13;
pub const VAR: u32 = 14;
pub const FLOAT: u32 = 16;
pub const TYPE_TAG: u32 = 18;
pub const ENUM64: u32 = 19;

/// Words of `struct btf_type`.
pub const FIXED: usize = 3;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Id,
    Name,
    Plain,
}

/// The second word of a type in parts: number of its kind, kflag and vlen.
pub fn info(word: u32) -> (u32, bool, u32) {
    ((word >> 24) & 0x7f, word >> 31 == 1, word & 0x00ff_ffff)
}

/// How many words stand after `struct btf_type`.
pub fn words_after(kind: u32, vlen: u32) -> usize {
    let vlen = vlen as usize;
    match kind {
        1 | 14 | 17 => 1,
        3 => 3,
        4 | 5 | 15 | 19 => 3 * vlen,
        6 | 13 => 2 * vlen,
        20 => 1 + vlen,
        21 => vlen,
        22 => 3 * vlen,
        _ => 0,
    }
}

/// What the word at this place of a type of this kind is.
pub fn role(kind: u32, at: usize) -> Role {
    use Role::{Id, Name, Plain};
    match (kind, at) {
        (_, 0) => Name,
        (_, 1) => Plain,
        (2 | 8..=14 | 17 | 18, 2) => Id,
        (_, 2) => Plain,
        (3, 3 | 4) => Id,
        (4 | 5, at) => [Name, Id, Plain][at % 3],
        (6, at) => [Plain, Name][at % 2],
        (13, at) => [Id, Name][at % 2],
        (15, at) => [Id, Plain, Plain][at % 3],
        (19, at) => [Name, Plain, Plain][at % 3],
        (21, _) => Id,
        (22, at) => [Id, Id, Plain][at % 3],
        _ => Plain,
    }
}
