// SPDX-License-Identifier: GPL-2.0

//! The kinds of BTF types, each with one row that says where its ids and strings are.

use super::{to_usize, RECORD_LEN};

/// Kind of a type (`BTF_KIND_*` in `include/uapi/linux/btf.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    Int = 1,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    Datasec,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
}

/// What follows `struct btf_type` for one kind, and where its type ids and strings are.
///
/// Lengths are bytes.
pub struct Shape {
    /// The kind this row describes.
    pub kind: Kind,
    /// Bytes after `struct btf_type`, before the elements.
    pub extra: u8,
    /// Bytes of each of the vlen elements; 0 where vlen does not count elements.
    pub elem: u8,
    /// Whether the third word of `struct btf_type` is a type id.
    pub refers: bool,
    /// How many type ids `extra` starts with.
    pub extra_ids: u8,
    /// What each element starts with.
    pub starts: Starts,
}

/// The words at the start of an element that are a string offset or a type id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// Neither.
    Plain,
    /// A string offset.
    Name,
    /// A type id.
    Id,
    /// A string offset, and a type id behind it.
    NameAndId,
}

const fn row(
    kind: Kind,
    extra: u8,
    elem: u8,
    refers: bool,
    extra_ids: u8,
    starts: Starts,
) -> Shape {
    Shape {
        kind,
        extra,
        elem,
        refers,
        extra_ids,
        starts,
    }
}

/// One row a kind, in the order of the kinds' numbers, from 1.
static SHAPES: [Shape; 19] = [
    row(Kind::Int, 4, 0, false, 0, Starts::Plain),
    row(Kind::Ptr, 0, 0, true, 0, Starts::Plain),
    row(Kind::Array, 12, 0, false, 2, Starts::Plain),
    row(Kind::Struct, 0, 12, false, 0, Starts::NameAndId),
    row(Kind::Union, 0, 12, false, 0, Starts::NameAndId),
    row(Kind::Enum, 0, 8, false, 0, Starts::Name),
    row(Kind::Fwd, 0, 0, false, 0, Starts::Plain),
    row(Kind::Typedef, 0, 0, true, 0, Starts::Plain),
    row(Kind::Volatile, 0, 0, true, 0, Starts::Plain),
    row(Kind::Const, 0, 0, true, 0, Starts::Plain),
    row(Kind::Restrict, 0, 0, true, 0, Starts::Plain),
    row(Kind::Func, 0, 0, true, 0, Starts::Plain),
    row(Kind::FuncProto, 0, 8, true, 0, Starts::NameAndId),
    row(Kind::Var, 4, 0, true, 0, Starts::Plain),
    row(Kind::Datasec, 0, 12, false, 0, Starts::Id),
    row(Kind::Float, 0, 0, false, 0, Starts::Plain),
    row(Kind::DeclTag, 4, 0, true, 0, Starts::Plain),
    row(Kind::TypeTag, 0, 0, true, 0, Starts::Plain),
    row(Kind::Enum64, 0, 12, false, 0, Starts::Name),
];

// What reads elements is compiled for these lengths.
const _: () = {
    let mut at = 0;
    while at < SHAPES.len() {
        assert!(matches!(SHAPES[at].elem, 0 | 8 | 12));
        at += 1;
    }
};

impl Shape {
    /// The row of the kind with this number; `None` for 0 and for kinds not known.
    #[inline]
    pub fn of(number: u32) -> Option<&'static Shape> {
        SHAPES.get(to_usize(number.wrapping_sub(1)))
    }

    /// Bytes in front of the elements.
    #[inline]
    pub fn fixed_len(&self) -> u32 {
        RECORD_LEN.wrapping_add(u32::from(self.extra))
    }

    /// Bytes of `vlen` elements; a vlen has 24 bits, so that it fits.
    #[inline]
    pub fn elements_len(&self, vlen: u32) -> u32 {
        u32::from(self.elem).wrapping_mul(vlen)
    }
}

impl Kind {
    /// Struct or union.
    #[inline]
    pub const fn is_composite(self) -> bool {
        matches!(self, Kind::Struct | Kind::Union)
    }

    /// A type that only qualifies or renames another (`btf_type_is_modifier`).
    #[inline]
    pub const fn is_modifier(self) -> bool {
        matches!(
            self,
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag
        )
    }
}
