// SPDX-License-Identifier: GPL-2.0

//! One type: `struct btf_type` and what follows it, read in place.

use super::bytes::{copy, put_u32, read_u32};
use super::{to_usize, Kind, Reason, Shape};

/// Bytes of `struct btf_type`.
pub const RECORD_LEN: u32 = 12;

const KFLAG: u32 = 1 << 31;
const VLEN: u32 = 0x00ff_ffff;

/// A type, borrowed from the type part it stands in.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    bytes: &'a [u8],
    at: u32,
    info: u32,
    shape: &'static Shape,
}

/// A member of a struct or union (`struct btf_member`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// String offset of the name; 0 for an anonymous member.
    pub name_off: u32,
    /// Type id of the member.
    pub type_id: u32,
    /// Offset from the start of the struct, in bits.
    pub bit_offset: u32,
    /// Width of a bit-field in bits; 0 for a member that is none.
    pub bit_size: u32,
}

/// The records of a type part, one after the other, up to the first that cannot be read.
#[derive(Clone)]
pub struct Records<'a> {
    types: &'a [u8],
    at: u32,
}

impl<'a> Records<'a> {
    pub(super) fn of(types: &'a [u8]) -> Self {
        Records { types, at: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let record = Record::parse(self.types, self.at).ok()?;
        self.at = record.end();
        Some(record)
    }
}

/// The elements of a type. Unlike `chunks_exact` it divides nothing, which is slow, and cannot panic.
#[derive(Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        // What follows the fixed part is a whole number of elements, none where their length is 0.
        if self.rest.is_empty() {
            return None;
        }
        let (element, rest) = self.rest.split_at_checked(self.len)?;
        self.rest = rest;
        Some(element)
    }
}

impl<'a> Record<'a> {
    /// Reads the record at byte `at` of the type part `types`.
    ///
    /// # Errors
    ///
    /// [`Reason::RecordTruncated`] and [`Reason::BadKind`].
    #[inline]
    pub fn parse(types: &'a [u8], at: u32) -> Result<Self, Reason> {
        let tail = types.get(to_usize(at)..).unwrap_or(&[]);
        let truncated = |needed| Reason::RecordTruncated {
            left: u32::try_from(tail.len()).unwrap_or(u32::MAX),
            needed,
        };
        let (Some(info), Some(_)) = (read_u32(tail, 4), read_u32(tail, 8)) else {
            return Err(truncated(RECORD_LEN));
        };
        let number = (info >> 24) & 0x7f;
        let shape = Shape::of(number).ok_or(Reason::BadKind(number))?;
        // At most 12 + 12 + 12 * 0xffffff, which fits.
        let elements = u32::from(shape.elem).saturating_mul(info & VLEN);
        let len = elements
            .saturating_add(RECORD_LEN)
            .saturating_add(u32::from(shape.extra));
        let bytes = tail.get(..to_usize(len)).ok_or(truncated(len))?;
        Ok(Record {
            bytes,
            at,
            info,
            shape,
        })
    }

    /// All bytes of the record.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes in front of the elements.
    #[inline]
    pub fn fixed_bytes(&self) -> &'a [u8] {
        let fixed = RECORD_LEN.saturating_add(u32::from(self.shape.extra));
        self.bytes.get(..to_usize(fixed)).unwrap_or(self.bytes)
    }

    /// The second word of the record with a vlen of 0.
    #[inline]
    pub fn info_without_vlen(&self) -> u32 {
        self.info & !VLEN
    }

    /// Byte offset of the record in the type part.
    #[inline]
    pub fn at(&self) -> u32 {
        self.at
    }

    /// Byte offset in the type part of the record behind this one.
    #[inline]
    pub fn end(&self) -> u32 {
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.at.saturating_add(len)
    }

    /// The kind.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.shape.kind
    }

    /// Where the record's ids and strings are.
    #[inline]
    pub fn shape(&self) -> &'static Shape {
        self.shape
    }

    /// String offset of the name; 0 for an anonymous type.
    #[inline]
    pub fn name_off(&self) -> u32 {
        self.word(0)
    }

    /// Number of elements, or what the kind makes of it (a FUNC's linkage).
    #[inline]
    pub fn vlen(&self) -> u32 {
        self.info & VLEN
    }

    /// The kind_flag.
    #[inline]
    pub fn kflag(&self) -> bool {
        self.info & KFLAG != 0
    }

    /// The third word where it is a size in bytes (INT, ENUM, STRUCT, UNION, DATASEC, FLOAT,
    /// ENUM64).
    #[inline]
    pub fn size(&self) -> u32 {
        self.word(8)
    }

    /// The third word where it is a type id (PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC,
    /// FUNC_PROTO, VAR, DECL_TAG, TYPE_TAG).
    #[inline]
    pub fn type_id(&self) -> u32 {
        self.word(8)
    }

    /// The word behind `struct btf_type`: an INT's description, a VAR's linkage, a DECL_TAG's
    /// component.
    #[inline]
    pub fn extra(&self) -> u32 {
        self.word(12)
    }

    /// Encoding of an INT (`BTF_INT_ENCODING`).
    #[inline]
    pub fn int_encoding(&self) -> u32 {
        (self.extra() >> 24) & 0xf
    }

    /// Element type, index type and number of elements of an ARRAY.
    #[inline]
    pub fn array(&self) -> (u32, u32, u32) {
        (self.word(12), self.word(16), self.word(20))
    }

    /// The elements, each of the length its kind gives it (`Shape::elem`).
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements {
            rest: self.bytes.get(self.fixed_bytes().len()..).unwrap_or(&[]),
            len: usize::from(self.shape.elem),
        }
    }

    /// The members of a STRUCT or UNION; nothing for other kinds.
    #[inline]
    pub fn members(&self) -> impl Iterator<Item = Member> + 'a {
        let kflag = self.kflag();
        let composite = self.kind().is_composite();
        self.elements()
            .filter(move |_| composite)
            .map(move |element| {
                let word = |at| read_u32(element, at).unwrap_or(0);
                let offset = word(8);
                Member {
                    name_off: word(0),
                    type_id: word(4),
                    bit_offset: if kflag { offset & VLEN } else { offset },
                    bit_size: if kflag { offset >> 24 } else { 0 },
                }
            })
    }

    /// Calls `visit` with the byte offset in the record and the value of each type id in it.
    ///
    /// # Errors
    ///
    /// The first that `visit` returns.
    #[inline]
    pub fn each_id<E>(&self, mut visit: impl FnMut(u32, u32) -> Result<(), E>) -> Result<(), E> {
        for at in self.shape.ids {
            visit(u32::from(*at), self.word(usize::from(*at)))?;
        }
        match self.shape.elem_id {
            Some(at) => self.each_element(at, visit),
            None => Ok(()),
        }
    }

    /// Calls `visit` with the byte offset in the record and the value of each string offset in it.
    ///
    /// # Errors
    ///
    /// The first that `visit` returns.
    #[inline]
    pub fn each_string<E>(
        &self,
        mut visit: impl FnMut(u32, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        visit(0, self.name_off())?;
        match self.shape.elem_str {
            Some(at) => self.each_element(at, visit),
            None => Ok(()),
        }
    }

    /// Copies the record to the front of `out`, with each type id and string offset mapped, and
    /// returns what is left of `out`; `None` where it is short or an id has no new one.
    #[inline]
    pub fn rewrite<'b>(
        &self,
        out: &'b mut [u8],
        new_id: impl Fn(u32) -> Option<u32>,
        new_string: impl Fn(u32) -> u32,
    ) -> Option<&'b mut [u8]> {
        let (new, rest) = out.split_at_mut_checked(self.bytes.len())?;
        copy(new, self.bytes)?;
        let ids = self.each_id(|at, id| {
            let id = new_id(id).ok_or(())?;
            put_u32(new, to_usize(at), id).ok_or(())
        });
        ids.ok()?;
        let strings =
            self.each_string(|at, off| put_u32(new, to_usize(at), new_string(off)).ok_or(()));
        strings.ok()?;
        Some(rest)
    }

    #[inline]
    fn each_element<E>(
        &self,
        at: u8,
        mut visit: impl FnMut(u32, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let step = u32::from(self.shape.elem);
        let mut start = RECORD_LEN.saturating_add(u32::from(self.shape.extra));
        for element in self.elements() {
            let value = read_u32(element, usize::from(at)).unwrap_or(0);
            visit(start.saturating_add(u32::from(at)), value)?;
            start = start.saturating_add(step);
        }
        Ok(())
    }

    /// The word at byte `at`, which the shape of the record holds.
    #[inline]
    fn word(&self, at: usize) -> u32 {
        read_u32(self.bytes, at).unwrap_or(0)
    }
}
