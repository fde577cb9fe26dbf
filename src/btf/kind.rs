// SPDX-License-Identifier: GPL-2.0

//! The kinds of BTF types, each with one row that says where its ids and strings are.

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
/// All figures are bytes. Offsets of `ids` count from the start of the record, those of `elem_id`
/// and `elem_str` from the start of an element.
pub struct Shape {
    /// The kind this row describes.
    pub kind: Kind,
    /// Bytes after `struct btf_type`, before the elements.
    pub extra: u8,
    /// Bytes of each of the vlen elements; 0 where vlen does not count elements.
    pub elem: u8,
    /// Where type ids are in the fixed part.
    pub ids: &'static [u8],
    /// Where the type id is in an element.
    pub elem_id: Option<u8>,
    /// Where the string offset is in an element.
    pub elem_str: Option<u8>,
}

const fn row(
    kind: Kind,
    extra: u8,
    elem: u8,
    ids: &'static [u8],
    elem_id: Option<u8>,
    elem_str: Option<u8>,
) -> Shape {
    Shape {
        kind,
        extra,
        elem,
        ids,
        elem_id,
        elem_str,
    }
}

/// One row a kind, in the order of the kinds' numbers, from 1.
static SHAPES: [Shape; 19] = [
    row(Kind::Int, 4, 0, &[], None, None),
    row(Kind::Ptr, 0, 0, &[8], None, None),
    row(Kind::Array, 12, 0, &[12, 16], None, None),
    row(Kind::Struct, 0, 12, &[], Some(4), Some(0)),
    row(Kind::Union, 0, 12, &[], Some(4), Some(0)),
    row(Kind::Enum, 0, 8, &[], None, Some(0)),
    row(Kind::Fwd, 0, 0, &[], None, None),
    row(Kind::Typedef, 0, 0, &[8], None, None),
    row(Kind::Volatile, 0, 0, &[8], None, None),
    row(Kind::Const, 0, 0, &[8], None, None),
    row(Kind::Restrict, 0, 0, &[8], None, None),
    row(Kind::Func, 0, 0, &[8], None, None),
    row(Kind::FuncProto, 0, 8, &[8], Some(4), Some(0)),
    row(Kind::Var, 4, 0, &[8], None, None),
    row(Kind::Datasec, 0, 12, &[], Some(0), None),
    row(Kind::Float, 0, 0, &[], None, None),
    row(Kind::DeclTag, 4, 0, &[8], None, None),
    row(Kind::TypeTag, 0, 0, &[8], None, None),
    row(Kind::Enum64, 0, 12, &[], None, Some(0)),
];

impl Shape {
    /// The row of the kind with this number; `None` for 0 and for kinds not known.
    #[inline]
    pub fn of(number: u32) -> Option<&'static Shape> {
        SHAPES.get(usize::try_from(number).ok()?.checked_sub(1)?)
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
