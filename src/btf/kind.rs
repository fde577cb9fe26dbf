// SPDX-License-Identifier: GPL-2.0

//! The kinds of BTF types, each with one row that says where its ids and strings are.
//!
//! A kernel takes those up to its own `BTF_KIND_MAX`: see [`super::Known`].

use super::{to_usize, RECORD_LEN};

/// What follows `struct btf_type` for one kind, and where its type ids and strings are.
///
/// Lengths are bytes.
pub struct Shape {
    /// The kind this row describes.
    pub kind: Kind,
    /// What the kernel calls it.
    pub name: &'static str,
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
    /// Two type ids.
    TwoIds,
    /// A string offset, and a type id after it.
    NameAndId,
}

/// Makes the kinds and their shapes of one row each.
macro_rules! kinds {
    ($($number:literal $kind:ident $name:literal:
       $extra:literal $elem:literal $refers:literal $extra_ids:literal $starts:ident;)*) => {
        /// Kind of a type (`BTF_KIND_*` in `include/uapi/linux/btf.h`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Kind {
            $($kind = $number),*
        }

        /// One row a kind, in the order of the kinds' numbers, from 1.
        static SHAPES: [Shape; [$($number),*].len()] = [
            $(Shape {
                kind: Kind::$kind,
                name: $name,
                extra: $extra,
                elem: $elem,
                refers: $refers,
                extra_ids: $extra_ids,
                starts: Starts::$starts,
            }),*
        ];
    };
}

// The columns are those of `Shape`. What the kernel asks of a new kind, `verify::types` has to say.
#[rustfmt::skip]
kinds! {
    1 Int "INT":               4  0 false 0 Plain;
    2 Ptr "PTR":               0  0 true  0 Plain;
    3 Array "ARRAY":          12  0 false 2 Plain;
    4 Struct "STRUCT":         0 12 false 0 NameAndId;
    5 Union "UNION":           0 12 false 0 NameAndId;
    6 Enum "ENUM":             0  8 false 0 Name;
    7 Fwd "FWD":               0  0 false 0 Plain;
    8 Typedef "TYPEDEF":       0  0 true  0 Plain;
    9 Volatile "VOLATILE":     0  0 true  0 Plain;
    10 Const "CONST":          0  0 true  0 Plain;
    11 Restrict "RESTRICT":    0  0 true  0 Plain;
    12 Func "FUNC":            0  0 true  0 Plain;
    13 FuncProto "FUNC_PROTO": 0  8 true  0 NameAndId;
    14 Var "VAR":              4  0 true  0 Plain;
    15 Datasec "DATASEC":      0 12 false 0 Id;
    16 Float "FLOAT":          0  0 false 0 Plain;
    17 DeclTag "DECL_TAG":     4  0 true  0 Plain;
    18 TypeTag "TYPE_TAG":     0  0 true  0 Plain;
    19 Enum64 "ENUM64":        0 12 false 0 Name;
    20 LocParam "LOC_PARAM":   4  4 false 0 Plain;
    21 LocProto "LOC_PROTO":   0  4 false 0 Id;
    22 Locsec "LOCSEC":        0 12 false 0 TwoIds;
}

// A row has its place, what reads elements is compiled for their lengths, and all ids are inside.
const _: () = {
    let mut at = 0;
    while at < SHAPES.len() {
        let shape = &SHAPES[at];
        assert!(shape.kind as usize == at + 1);
        assert!(matches!(shape.elem, 0 | 4 | 8 | 12));
        assert!(match shape.starts {
            Starts::Plain => true,
            Starts::Name | Starts::Id => shape.elem >= 4,
            Starts::TwoIds | Starts::NameAndId => shape.elem >= 8,
        });
        assert!(shape.extra_ids * 4 <= shape.extra);
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
    /// The largest number of a kind that is known here (`BTF_KIND_MAX`).
    pub const MAX: u32 = SHAPES.len() as u32;

    /// What the kernel calls it.
    pub fn name(self) -> &'static str {
        Shape::of(self as u32).map_or("", |shape| shape.name)
    }

    /// Of the kinds that describe where a function was inlined, and what became of its parameters.
    #[inline]
    pub const fn is_location(self) -> bool {
        matches!(self, Kind::LocParam | Kind::LocProto | Kind::Locsec)
    }

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
