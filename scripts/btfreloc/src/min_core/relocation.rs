// SPDX-License-Identifier: GPL-2.0

//! A CO-RE relocation of a program, as `.BTF.ext` has it: `struct bpf_core_relo` in
//! `include/uapi/linux/bpf.h`.

use anyhow::{Context, Result};
use rust_btfreloc::btf::to_usize;

/// One CO-RE relocation (`struct bpf_core_relo`).
#[derive(Clone, Debug)]
pub struct Relocation {
    /// The section of the instruction.
    pub section: String,
    /// Byte offset of the instruction in it.
    pub instruction: u32,
    /// Type of the program that is looked for.
    pub type_id: u32,
    /// How the field is reached, or which value of an enum it is.
    pub access: String,
    /// What is asked of it.
    pub kind: RelocationKind,
}

/// What a relocation asks (`enum bpf_core_relo_kind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum RelocationKind {
    ByteOffset,
    ByteSize,
    FieldExists,
    Signed,
    LeftShift,
    RightShift,
    TypeIdLocal,
    TypeIdTarget,
    TypeExists,
    TypeSize,
    ValueExists,
    Value,
    TypeMatches,
}

/// What a kind of relocation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A member of a struct, or an element of an array.
    Field,
    /// A type as a whole.
    Type,
    /// A value of an enum.
    Value,
}

impl RelocationKind {
    /// The kind with this number.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn of(number: u32) -> Result<Self> {
        const KINDS: [RelocationKind; 13] = [
            RelocationKind::ByteOffset,
            RelocationKind::ByteSize,
            RelocationKind::FieldExists,
            RelocationKind::Signed,
            RelocationKind::LeftShift,
            RelocationKind::RightShift,
            RelocationKind::TypeIdLocal,
            RelocationKind::TypeIdTarget,
            RelocationKind::TypeExists,
            RelocationKind::TypeSize,
            RelocationKind::ValueExists,
            RelocationKind::Value,
            RelocationKind::TypeMatches,
        ];
        let kind = KINDS.get(to_usize(number)).copied();
        kind.with_context(|| format!("relocation kind {number} is not known"))
    }

    /// What it is about.
    pub fn about(self) -> About {
        match self {
            RelocationKind::ByteOffset
            | RelocationKind::ByteSize
            | RelocationKind::FieldExists
            | RelocationKind::Signed
            | RelocationKind::LeftShift
            | RelocationKind::RightShift => About::Field,
            RelocationKind::ValueExists | RelocationKind::Value => About::Value,
            RelocationKind::TypeIdLocal
            | RelocationKind::TypeIdTarget
            | RelocationKind::TypeExists
            | RelocationKind::TypeSize
            | RelocationKind::TypeMatches => About::Type,
        }
    }

    /// What libbpf calls it.
    pub fn name(self) -> &'static str {
        match self {
            RelocationKind::ByteOffset => "byte_off",
            RelocationKind::ByteSize => "byte_sz",
            RelocationKind::FieldExists => "field_exists",
            RelocationKind::Signed => "signed",
            RelocationKind::LeftShift => "lshift_u64",
            RelocationKind::RightShift => "rshift_u64",
            RelocationKind::TypeIdLocal => "local_type_id",
            RelocationKind::TypeIdTarget => "target_type_id",
            RelocationKind::TypeExists => "type_exists",
            RelocationKind::TypeSize => "type_size",
            RelocationKind::ValueExists => "enumval_exists",
            RelocationKind::Value => "enumval_value",
            RelocationKind::TypeMatches => "type_matches",
        }
    }
}
