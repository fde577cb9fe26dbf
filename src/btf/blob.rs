// SPDX-License-Identifier: GPL-2.0

//! One BTF section: its header, and the three parts the header names.

use super::bytes::{copy, len_to_nul, put_u32, read_u16, read_u32};
use super::{len_u32, to_usize, Error, Part, Reason, Records, Section, MAX_NAME_OFFSET};

/// `struct btf_header` up to and without the layout fields.
pub const HEADER_LEN: u32 = 24;
/// `struct btf_header` with the layout fields.
pub const HEADER_LEN_LAYOUT: u32 = 32;

const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;

/// Whether BTF is standalone (`vmlinux`, `.BTF.base`) or on a base (a module's `.BTF`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Ids start at 1, strings at 0.
    Base,
    /// Ids and strings go on where the base ends.
    Split,
}

/// A BTF section whose header and parts hold (`btf_parse_hdr`, `btf_parse_str_sec` in
/// `kernel/bpf/btf.c`).
#[derive(Clone, Copy)]
pub struct Blob<'a> {
    section: Section,
    form: Form,
    header_len: u32,
    types_start: u32,
    types: &'a [u8],
    strings: &'a [u8],
    layout_start: u32,
    layout: &'a [u8],
}

/// A part's bytes and where they start in the section.
#[derive(Clone, Copy)]
struct Span<'a> {
    start: u32,
    bytes: &'a [u8],
}

/// A part as the header declares it: offset from the end of the header, and length.
#[derive(Clone, Copy)]
struct Declared {
    part: Part,
    off: u32,
    len: u32,
}

impl<'a> Blob<'a> {
    /// Reads the header of `bytes`, a whole section at any alignment.
    ///
    /// # Errors
    ///
    /// What the kernel refuses in a header or a string part, with the offset of the field.
    pub fn parse(section: Section, form: Form, bytes: &'a [u8]) -> Result<Self, Error> {
        Parser {
            section,
            form,
            bytes,
        }
        .blob()
    }

    /// The section this blob was read from.
    pub fn section(&self) -> Section {
        self.section
    }

    /// Whether the blob is standalone or on a base.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Length of the header in bytes, as it declares it.
    pub fn header_len(&self) -> u32 {
        self.header_len
    }

    /// Length in bytes of the header of BTF that is made from this: the same, or that of the
    /// shortest that names all parts.
    pub fn output_header_len(&self) -> usize {
        to_usize(self.header_len.max(HEADER_LEN))
    }

    /// The type part: records of `struct btf_type`, one after the other.
    #[inline]
    pub fn types(&self) -> &'a [u8] {
        self.types
    }

    /// The types in the order of their ids, up to the first that cannot be read.
    #[inline]
    pub fn records(&self) -> Records<'a> {
        Records::of(self.types)
    }

    /// Byte offset of the type part in the section.
    #[inline]
    pub fn types_start(&self) -> u32 {
        self.types_start
    }

    /// The string part: NUL-terminated strings.
    #[inline]
    pub fn strings(&self) -> &'a [u8] {
        self.strings
    }

    /// Length of the string part in bytes.
    #[inline]
    pub fn strings_len(&self) -> u32 {
        // It was cut by a 32-bit length.
        len_u32(self.strings).unwrap_or(u32::MAX)
    }

    /// The layout part: one `struct btf_layout` a kind; empty where there is none.
    pub fn layout(&self) -> &'a [u8] {
        self.layout
    }

    /// Byte offset of the layout part in the section.
    pub fn layout_start(&self) -> u32 {
        self.layout_start
    }

    /// The string at `off` in this blob's own string part, without its NUL.
    #[inline]
    pub fn string(&self, off: u32) -> Option<&'a [u8]> {
        let tail = self.strings.get(to_usize(off)..)?;
        tail.get(..len_to_nul(tail))
    }

    /// Whether the string at `off` in this blob's own string part is `name`.
    #[inline]
    pub fn string_is(&self, off: u32, name: &[u8]) -> bool {
        let strings = self.strings.get(to_usize(off)..);
        let rest = strings.and_then(|strings| strings.strip_prefix(name));
        rest.and_then(<[u8]>::first) == Some(&0)
    }

    /// Whether a string starts at `off` in this blob's own string part: the byte before it ends
    /// another.
    #[inline]
    pub fn starts_string(&self, off: u32) -> bool {
        let before = match off.checked_sub(1) {
            Some(before) => self.strings.get(to_usize(before)),
            None => Some(&0),
        };
        before == Some(&0) && off < self.strings_len()
    }

    /// An error in this section at byte `offset`.
    pub fn error(&self, offset: u32, type_id: u32, reason: Reason) -> Error {
        Error {
            section: self.section,
            offset,
            type_id,
            reason,
        }
    }
}

/// Where the types of a section start and how long it is, by the first bytes of its header; `None`
/// where they are none.
///
/// Only for a section whose length nothing else says: [`Blob::parse`] checks the rest.
pub fn declared(start: &[u8; 32]) -> Option<(u32, u32)> {
    let parser = Parser {
        section: Section::Vmlinux,
        form: Form::Base,
        bytes: start,
    };
    let header_len = read_u32(start, 4)?;
    if read_u16(start, 0) != Some(MAGIC) {
        return None;
    }
    let parts = parser.declared(header_len);
    let [types, ..] = parts;
    let ends = parts.map(|part| part.off.checked_add(part.len));
    let end = ends
        .into_iter()
        .try_fold(0, |end, next| Some(next?.max(end)))?;
    Some((
        header_len.checked_add(types.off)?,
        header_len.checked_add(end)?,
    ))
}

/// Writes a header that names its parts, in the order types, layout, strings, with no gaps.
///
/// `header` is all of the header, from [`HEADER_LEN`] bytes on; the lengths are those of the parts.
/// `None` where there is no room for what has to be named.
pub fn write_header(header: &mut [u8], types: u32, layout: u32, strings: u32) -> Option<()> {
    let len = len_u32(header)?;
    let [low, high] = MAGIC.to_ne_bytes();
    header.fill(0);
    copy(header, &[low, high, VERSION, 0])?;
    let words = [
        (4, len),
        (12, types),
        (16, types.checked_add(layout)?),
        (20, strings),
    ];
    for (at, word) in words {
        put_u32(header, at, word)?;
    }
    if layout != 0 {
        put_u32(header, 24, types)?;
        put_u32(header, 28, layout)?;
    }
    Some(())
}

struct Parser<'a> {
    section: Section,
    form: Form,
    bytes: &'a [u8],
}

impl<'a> Parser<'a> {
    fn blob(&self) -> Result<Blob<'a>, Error> {
        let total = len_u32(self.bytes).ok_or(self.error(0, Reason::TooLarge))?;
        let header_len = self.header_len(total)?;
        self.fixed_fields(header_len)?;
        if self.form == Form::Base && total == header_len {
            return Err(self.error(header_len, Reason::NoData));
        }
        let parts = self.declared(header_len);
        self.no_gap(total.saturating_sub(header_len), header_len, parts)?;
        let [types, strings, layout] = parts.map(|part| self.span(header_len, part));
        let (types, strings, layout) = (types?, strings?, layout?);
        self.strings(header_len, &strings, total)?;
        Ok(Blob {
            section: self.section,
            form: self.form,
            header_len,
            types_start: types.start,
            types: types.bytes,
            strings: strings.bytes,
            layout_start: layout.start,
            layout: layout.bytes,
        })
    }

    fn header_len(&self, total: u32) -> Result<u32, Error> {
        let truncated = |needed| self.error(0, Reason::HeaderTruncated { len: total, needed });
        let header_len = read_u32(self.bytes, 4).ok_or(truncated(8))?;
        // The kernel takes a missing field of a shorter header for 0; nothing could be named.
        if total < header_len || header_len < 8 {
            return Err(truncated(header_len.max(8)));
        }
        Ok(header_len)
    }

    /// The header as the kernel copies it: fields past `header_len` are 0.
    fn header(&self, header_len: u32) -> [u8; 32] {
        let mut header = [0; 32];
        let declared = self.bytes.iter().take(to_usize(header_len));
        for (to, from) in header.iter_mut().zip(declared) {
            *to = *from;
        }
        header
    }

    fn fixed_fields(&self, header_len: u32) -> Result<(), Error> {
        let beyond = self
            .bytes
            .get(to_usize(HEADER_LEN_LAYOUT)..to_usize(header_len));
        let unknown = (HEADER_LEN_LAYOUT..u32::MAX).zip(beyond.unwrap_or(&[]));
        if let Some((at, byte)) = unknown.into_iter().find(|(_, byte)| **byte != 0) {
            return Err(self.error(at, Reason::HeaderUnknown(*byte)));
        }
        let magic = read_u16(self.bytes, 0).unwrap_or(0);
        let version = self.bytes.get(2).copied().unwrap_or(0);
        let flags = self.bytes.get(3).copied().unwrap_or(0);
        match (magic, version, flags) {
            (MAGIC, VERSION, 0) => Ok(()),
            (MAGIC, VERSION, flags) => Err(self.error(3, Reason::BadFlags(flags))),
            (MAGIC, version, _) => Err(self.error(2, Reason::BadVersion(version))),
            (magic, ..) => Err(self.error(0, Reason::BadMagic(magic))),
        }
    }

    /// The three parts in the order types, strings, layout.
    fn declared(&self, header_len: u32) -> [Declared; 3] {
        let header = self.header(header_len);
        let part = |part, at: usize| Declared {
            part,
            off: read_u32(&header, at).unwrap_or(0),
            len: read_u32(&header, at.saturating_add(4)).unwrap_or(0),
        };
        let mut layout = part(Part::Layout, 24);
        if header_len < HEADER_LEN_LAYOUT {
            layout.len = 0;
        }
        [part(Part::Types, 8), part(Part::Strings, 16), layout]
    }

    /// Walks the parts in the order of their offsets and finds each where the one before ends.
    fn no_gap(&self, room: u32, header_len: u32, parts: [Declared; 3]) -> Result<(), Error> {
        let [a, b, c] = parts;
        let (a, b) = ordered(a, b);
        let (b, c) = ordered(b, c);
        let (a, b) = ordered(a, b);
        let mut end = 0u32;
        for declared in [a, b, c] {
            let Declared { part, off, len } = declared;
            if part == Part::Layout && len == 0 {
                continue;
            }
            let at = header_len.saturating_add(off);
            if off != end {
                let reason = Reason::PartMisplaced {
                    part,
                    expected: end,
                    found: off,
                };
                return Err(self.error(at, reason));
            }
            let left = room.saturating_sub(end);
            if left < len {
                return Err(self.error(at, Reason::PartTooLong { part, left, len }));
            }
            end = end.saturating_add(len);
        }
        if end != room {
            let at = header_len.saturating_add(end);
            return Err(self.error(at, Reason::TrailingBytes(room.saturating_sub(end))));
        }
        Ok(())
    }

    fn span(&self, header_len: u32, declared: Declared) -> Result<Span<'a>, Error> {
        if declared.part == Part::Layout && declared.len == 0 {
            return Ok(Span {
                start: header_len,
                bytes: &[],
            });
        }
        let start = header_len.checked_add(declared.off);
        let end = start.and_then(|start| start.checked_add(declared.len));
        let too_large = self.error(0, Reason::TooLarge);
        let (start, end) = (start.ok_or(too_large)?, end.ok_or(too_large)?);
        let bytes = self
            .bytes
            .get(to_usize(start)..to_usize(end))
            .ok_or(too_large)?;
        Ok(Span { start, bytes })
    }

    fn strings(&self, header_len: u32, strings: &Span<'a>, total: u32) -> Result<(), Error> {
        let start = strings.start;
        let len = len_u32(strings.bytes).unwrap_or(u32::MAX);
        if header_len < HEADER_LEN_LAYOUT && start.saturating_add(len) != total {
            return Err(self.error(start, Reason::StringsNotLast));
        }
        match (self.form, strings.bytes) {
            (Form::Split, []) => Ok(()),
            (_, strings) if strings.is_empty() || len > MAX_NAME_OFFSET.saturating_add(1) => {
                Err(self.error(start, Reason::StringsLength(len)))
            }
            (_, [.., last]) if *last != 0 => {
                let last = start.saturating_add(len).saturating_sub(1);
                Err(self.error(last, Reason::StringsUnterminated))
            }
            (Form::Base, [first, ..]) if *first != 0 => {
                Err(self.error(start, Reason::StringsNoEmpty))
            }
            _ => Ok(()),
        }
    }

    fn error(&self, offset: u32, reason: Reason) -> Error {
        Error {
            section: self.section,
            offset,
            type_id: 0,
            reason,
        }
    }
}

/// The two, the one that starts first before the other; of two that start together, the shorter.
fn ordered(a: Declared, b: Declared) -> (Declared, Declared) {
    if (a.off, a.len) <= (b.off, b.len) {
        (a, b)
    } else {
        (b, a)
    }
}
