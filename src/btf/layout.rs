// SPDX-License-Identifier: GPL-2.0

//! How long the types of each kind are, as BTF says of itself, so that kinds that are not known can be
//! stepped over.
//!
//! Format: `struct btf_layout` in `include/uapi/linux/btf.h`, one a kind, from kind 0. The kernel reads
//! it of BTF that programs load, and of no module.

use super::record::number_of;
use super::{
    len_u32, read_u32, to_usize, Blob, Error, Reason, Record, Shape, MAX_TYPE, RECORD_LEN,
};

/// Bytes of `struct btf_layout`.
pub const LAYOUT_LEN: u32 = 4;

/// The layout part of BTF, which agrees with what is known here.
#[derive(Clone, Copy)]
pub struct Layout<'a>(&'a [u8]);

/// What it says of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindLayout {
    /// Bytes after `struct btf_type`, before the elements.
    pub extra: u8,
    /// Bytes of each of the vlen elements.
    pub elem: u8,
    /// Flags; none is defined.
    pub flags: u16,
}

/// A type of any kind.
pub struct AnyRecord<'a> {
    /// Number of its kind.
    pub kind: u32,
    /// All its bytes.
    pub bytes: &'a [u8],
    /// The type, where its kind is known here.
    pub record: Option<Record<'a>>,
}

impl<'a> Layout<'a> {
    /// The layout part of `blob`; `None` where it has none.
    ///
    /// # Errors
    ///
    /// It does not start at a multiple of 4 bytes, is not made of whole entries, or contradicts what
    /// is known here of a kind.
    pub fn of(blob: &Blob<'a>) -> Result<Option<Self>, Error> {
        let (start, bytes) = (blob.layout_start(), blob.layout());
        if bytes.is_empty() {
            return Ok(None);
        }
        let within = start.saturating_sub(blob.header_len());
        if within % LAYOUT_LEN != 0 {
            return Err(blob.error(start, 0, Reason::LayoutMisaligned(within)));
        }
        let len = len_u32(bytes).unwrap_or(u32::MAX);
        if len % LAYOUT_LEN != 0 {
            return Err(blob.error(start, 0, Reason::LayoutLength(len)));
        }
        let layout = Layout(bytes);
        for (kind, found) in (0..u32::MAX).zip(layout.kinds()) {
            let Some(shape) = Shape::of(kind) else {
                continue;
            };
            if (shape.extra, shape.elem) != (found.extra, found.elem) {
                let at = start.saturating_add(kind.saturating_mul(LAYOUT_LEN));
                let kind = shape.kind;
                return Err(blob.error(at, 0, Reason::LayoutContradicts { kind, found }));
            }
        }
        Ok(Some(layout))
    }

    /// What it says of each kind, from kind 0.
    pub fn kinds(&self) -> impl Iterator<Item = KindLayout> + 'a {
        let bytes = self.0;
        let entries = (0..bytes.len()).step_by(to_usize(LAYOUT_LEN));
        entries.filter_map(|at| read_u32(bytes, at)).map(|word| {
            let [extra, elem, low, high] = word.to_ne_bytes();
            KindLayout {
                extra,
                elem,
                flags: u16::from_ne_bytes([low, high]),
            }
        })
    }

    /// What it says of the kind with this number.
    pub fn kind(&self, number: u32) -> Option<KindLayout> {
        self.kinds().nth(to_usize(number))
    }
}

/// Bytes of a type whose second word is `info`; `None` where nothing says how long its kind is.
fn len_of(info: u32, layout: Option<&Layout<'_>>) -> Option<u32> {
    let number = number_of(info);
    let (extra, elem) = match Shape::of(number) {
        Some(shape) => (shape.extra, shape.elem),
        None => {
            let found = layout?.kind(number)?;
            (found.extra, found.elem)
        }
    };
    // At most 12 + 255 + 255 * 0xffffff, which fits.
    let elements = u32::from(elem).wrapping_mul(info & super::record::VLEN);
    Some(elements.wrapping_add(RECORD_LEN.wrapping_add(u32::from(extra))))
}

/// Calls `visit` with the place, from 0, of every type of `blob` and with the type, and counts them;
/// steps over kinds that are not known here by `layout`.
///
/// # Errors
///
/// The first record that is cut short, or of a kind that neither is known nor stands in `layout`; the
/// first that `visit` finds.
pub fn walk_any<'a>(
    blob: &Blob<'a>,
    layout: Option<&Layout<'_>>,
    mut visit: impl FnMut(u32, &AnyRecord<'a>) -> Result<(), Reason>,
) -> Result<u32, Error> {
    let mut rest = blob.types();
    let (mut at, mut place) = (blob.types_start(), 0u32);
    while !rest.is_empty() {
        let error = |reason| blob.error(at, 0, reason);
        let truncated = |needed| Reason::RecordTruncated {
            left: len_u32(rest).unwrap_or(u32::MAX),
            needed,
        };
        let info = read_u32(rest, 4).filter(|_| rest.len() >= to_usize(RECORD_LEN));
        let info = info.ok_or_else(|| error(truncated(RECORD_LEN)))?;
        let kind = number_of(info);
        let len = len_of(info, layout).ok_or_else(|| error(Reason::BadKind(kind)))?;
        let (bytes, after) = rest
            .split_at_checked(to_usize(len))
            .ok_or_else(|| error(truncated(len)))?;
        if place > MAX_TYPE {
            return Err(error(Reason::TooManyTypes(place)));
        }
        let record = Record::parse(bytes, 0).ok();
        let any = AnyRecord {
            kind,
            bytes,
            record,
        };
        visit(place, &any).map_err(error)?;
        rest = after;
        at = at.saturating_add(len);
        place = place.saturating_add(1);
    }
    Ok(place)
}
