// SPDX-License-Identifier: GPL-2.0

//! One type: `struct btf_type` and what follows it, read in place.

use super::bytes::read_u32;
use super::{len_u32, to_usize, Kind, Reason, Shape, Starts};

/// Bytes of `struct btf_type`.
pub const RECORD_LEN: u32 = 12;

const KFLAG: u32 = 1 << 31;
/// The bits of the second word of a record that are its vlen.
pub(super) const VLEN: u32 = 0x00ff_ffff;

/// The number of the kind in the second word of a record.
#[inline]
pub(super) fn number_of(info: u32) -> u32 {
    (info >> 24) & 0x7f
}

/// What the second word of a record says: its shape and its vlen; `None` for a kind not known.
#[inline]
pub(super) fn shape_of(info: u32) -> Option<(&'static Shape, u32)> {
    Some((Shape::of(number_of(info))?, info & VLEN))
}

/// The second word of a record of this kind, of which `vlen` has at most 24 bits.
#[inline]
pub fn info(kind: Kind, kflag: bool, vlen: u32) -> u32 {
    let flag = if kflag { KFLAG } else { 0 };
    flag | u32::from(kind as u8) << 24 | vlen & VLEN
}

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
        let head = tail.first_chunk::<{ to_usize(RECORD_LEN) }>();
        let info = head.and_then(|head| read_u32(head, 4));
        let info = info.ok_or(truncated(RECORD_LEN))?;
        let (shape, vlen) = shape_of(info).ok_or(Reason::BadKind(number_of(info)))?;
        // At most 12 + 12 + 12 * 0xffffff, which fits.
        let len = shape.fixed_len().wrapping_add(shape.elements_len(vlen));
        let bytes = tail.get(..to_usize(len)).ok_or(truncated(len))?;
        Ok(Record {
            bytes,
            at,
            info,
            shape,
        })
    }

    /// Byte offset of the record after the one at byte `at`; `None` where that cannot be read.
    #[inline]
    pub(super) fn end_of(types: &[u8], at: u32) -> Option<u32> {
        let info = read_u32(types.get(to_usize(at)..)?, 4)?;
        let shape = Shape::of(number_of(info))?;
        // Fits, as in `Record::parse`.
        let elements = u32::from(shape.elem).wrapping_mul(info & VLEN);
        let len = elements.wrapping_add(RECORD_LEN + u32::from(shape.extra));
        at.checked_add(len)
    }

    /// All bytes of the record.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes in front of the elements.
    #[inline]
    pub fn fixed_bytes(&self) -> &'a [u8] {
        let fixed = to_usize(self.shape.fixed_len());
        self.bytes.get(..fixed).unwrap_or(self.bytes)
    }

    /// Byte offset of the record in the type part.
    #[inline]
    pub fn at(&self) -> u32 {
        self.at
    }

    /// Byte offset in the type part of the record after this one.
    #[inline]
    pub fn end(&self) -> u32 {
        // The type part, which it is in, has a 32-bit length.
        self.at.wrapping_add(len_u32(self.bytes).unwrap_or(0))
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

    /// The word after `struct btf_type`: an INT's description, a VAR's linkage, a DECL_TAG's
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
            rest: self.after_fixed(),
            // Where they have no length there is nothing; of that, too, no byte can be cut off.
            len: usize::from(self.shape.elem.max(1)),
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
        if self.shape.refers {
            visit(8, self.type_id())?;
        }
        let extra = (RECORD_LEN..u32::MAX).step_by(4);
        for at in extra.take(usize::from(self.shape.extra_ids)) {
            visit(at, self.word(to_usize(at)))?;
        }
        match self.shape.starts {
            Starts::Id => self.each_element(0, visit),
            Starts::NameAndId => self.each_element(4, visit),
            Starts::TwoIds => self.each_element(0, |at, id| {
                visit(at, id)?;
                let second = at.wrapping_add(4);
                visit(second, self.word(to_usize(second)))
            }),
            Starts::Plain | Starts::Name => Ok(()),
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
        match self.shape.starts {
            Starts::Name | Starts::NameAndId => self.each_element(0, visit),
            Starts::Plain | Starts::Id | Starts::TwoIds => Ok(()),
        }
    }

    #[inline]
    fn each_element<E>(
        &self,
        at: u32,
        visit: impl FnMut(u32, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.shape.elem {
            12 => self.each_of::<12, E>(at, visit),
            8 => self.each_of::<8, E>(at, visit),
            4 => self.each_of::<4, E>(at, visit),
            _ => Ok(()),
        }
    }

    /// As `each_element`, for elements of `N` bytes.
    #[inline]
    fn each_of<const N: usize, E>(
        &self,
        at: u32,
        mut visit: impl FnMut(u32, u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = self.after_fixed();
        let mut place = self.shape.fixed_len().wrapping_add(at);
        while let Some((element, after)) = rest.split_first_chunk::<N>() {
            visit(place, read_u32(element, to_usize(at)).unwrap_or(0))?;
            place = place.wrapping_add(u32::from(self.shape.elem));
            rest = after;
        }
        Ok(())
    }

    /// The bytes of the elements.
    #[inline]
    fn after_fixed(&self) -> &'a [u8] {
        let fixed = to_usize(self.shape.fixed_len());
        self.bytes.get(fixed..).unwrap_or(&[])
    }

    /// The word at byte `at`, which the shape of the record holds.
    #[inline]
    fn word(&self, at: usize) -> u32 {
        read_u32(self.bytes, at).unwrap_or(0)
    }
}
