// SPDX-License-Identifier: GPL-2.0

//! The words for what can be wrong with BTF, and where.

use core::fmt::{Display, Formatter, Result};

use super::{element_noun, short};
use crate::btf::{Error, Kind, Part, Reason, Section, Target};
use crate::reloc::Described;

impl Display for Section {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Section::Btf => ".BTF",
            Section::BtfBase => ".BTF.base",
            Section::BtfInline => ".BTF.inline",
            Section::BtfIds => ".BTF_ids",
            Section::Vmlinux => "vmlinux BTF",
            Section::Supplied => "supplied BTF",
        })
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Part::Types => "types",
            Part::Strings => "strings",
            Part::Layout => "layout",
        })
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.name())
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Target::Type => "a type",
            Target::Sized => "a type with a size",
            Target::Prototype => "a FUNC_PROTO",
            Target::Variable => "a VAR",
            Target::Tagged => "what can be tagged",
        })
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        place(self, f)?;
        write!(f, ": {}", self.reason)
    }
}

impl Display for Described<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        place(&self.error, f)?;
        if let Some(kind) = self.kind {
            write!(f, " {kind}")?;
        }
        // A bad name comes below.
        let bad_name = matches!(
            self.error.reason,
            Reason::BadName { .. } | Reason::NameInside(_)
        );
        if !self.name.is_empty() && !bad_name {
            write!(f, " {}", short(self.name))?;
        }
        let what = self.kind.map_or("element", element_noun);
        match (self.error.reason, self.string) {
            (Reason::ElementName { element, name_off }, Some(string)) => {
                let string = short(string);
                write!(
                    f,
                    ": {what} {element} is named \"{string}\" (string offset {name_off})"
                )
            }
            (Reason::BadName { name_off, .. }, Some(string)) => {
                write!(
                    f,
                    ": it is named \"{}\" (string offset {name_off})",
                    short(string)
                )
            }
            (Reason::ElementReference { element, id }, _) => {
                write!(f, ": {what} {element} has a bad type id {id}")
            }
            (Reason::NameInside(_), Some(string)) => {
                write!(f, ": {}, before \"{}\"", self.error.reason, short(string))
            }
            (
                Reason::WrongTarget {
                    element: Some(element),
                    ..
                },
                _,
            ) => {
                write!(f, ": {what} {element} {}", self.error.reason)
            }
            (Reason::ElementTooLarge { element, .. }, _) => {
                write!(f, ": {what} {element} {}", self.error.reason)
            }
            (reason, _) => write!(f, ": {reason}"),
        }
    }
}

/// The section, the offset and the type.
fn place(error: &Error, f: &mut Formatter<'_>) -> Result {
    write!(f, "{} offset {}", error.section, error.offset)?;
    match error.type_id {
        0 => Ok(()),
        id => write!(f, ", type [{id}]"),
    }
}

impl Display for Reason {
    // A row for each reason.
    #[rustfmt::skip]
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            // A header or a part.
            Reason::HeaderTruncated { len, needed } => write!(f, "section of {len} bytes, header of {needed}"),
            Reason::BadMagic(found) => write!(f, "magic {found:#06x} is not that of BTF (0xeb9f)"),
            Reason::BadVersion(found) => write!(f, "version {found}, only 1 is known"),
            Reason::BadFlags(found) => write!(f, "header flags {found:#x}, none is known"),
            Reason::HeaderUnknown(byte) => write!(f, "unknown header field is {byte:#x}, not 0"),
            Reason::NoData => f.write_str("no data after the header"),
            Reason::PartMisplaced { part, expected, found } => write!(f, "{part} start {found} bytes after the header, expected {expected}"),
            Reason::PartTooLong { part, left, len } => write!(f, "{part} of {len} bytes where {left} are left"),
            Reason::TrailingBytes(count) => write!(f, "{count} bytes belong to no part"),
            Reason::StringsNotLast => f.write_str("strings are not last"),
            Reason::StringsLength(len) => write!(f, "string part of {len} bytes"),
            Reason::StringsUnterminated => f.write_str("last string has no NUL"),
            Reason::StringsNoEmpty => f.write_str("first string is not empty"),
            Reason::TooLarge => f.write_str("section is larger than 32-bit offsets reach"),
            // A type.
            Reason::TooManyTypes(id) => write!(f, "more types than ids, at id {id}"),
            Reason::RecordTruncated { left, needed } => write!(f, "type of {needed} bytes where {left} are left"),
            Reason::BadKind(kind) => write!(f, "kind {kind} is not known"),
            Reason::LayoutMisaligned(at) => write!(f, "layout starts {at} bytes after the header, no multiple of 4"),
            Reason::LayoutLength(len) => write!(f, "layout of {len} bytes, no multiple of 4"),
            Reason::LayoutContradicts { kind, found } => write!(f, "layout gives {} {} bytes and {} an element", kind, found.extra, found.elem),
            Reason::NameOffset(off) => write!(f, "name offset {off} is past the strings"),
            Reason::NameInside(off) => write!(f, "name offset {off} is inside a string"),
            Reason::BadName { kind, name_off } => write!(f, "{kind} has a bad name (string offset {name_off})"),
            Reason::NameMissing(kind) => write!(f, "{kind} has no name"),
            Reason::NameUnexpected { kind, name_off } => write!(f, "{kind} has a name (string offset {name_off})"),
            Reason::BadVlen { kind, vlen } => write!(f, "{kind} has vlen {vlen}, not 0"),
            Reason::BadKflag(kind) => write!(f, "{kind} has the kind_flag set"),
            Reason::BadSize { kind, size } => write!(f, "{kind} has a bad size {size}"),
            Reason::IntUnusedBits(bits) => write!(f, "INT has unused bits set ({bits:#x})"),
            Reason::IntBits { bits, size } => write!(f, "INT of {bits} bits in {size} bytes"),
            Reason::IntEncoding(encoding) => write!(f, "INT has encoding {encoding:#x}"),
            Reason::BadReference { kind, id } => write!(f, "{kind} has a bad type id {id}"),
            Reason::ReferenceOutOfRange { id, end } => write!(f, "type id {id} is past the last one ({})", end.saturating_sub(1)),
            Reason::FwdHasType(id) => write!(f, "FWD has type {id}, not 0"),
            Reason::BadLinkage { kind, linkage } => write!(f, "{kind} has linkage {linkage}"),
            Reason::BadComponent(index) => write!(f, "DECL_TAG has component {index}"),
            Reason::ChainTooLong => f.write_str("more than 32 modifiers in a row, or a loop"),
            Reason::NotDistilled(kind) => write!(f, "{kind} has no place in a distilled base"),
            // An element of a type: a member, value, parameter or variable.
            Reason::ElementName { element, name_off } => write!(f, "element {element} has a bad name (string offset {name_off})"),
            Reason::ElementReference { element, id } => write!(f, "element {element} has a bad type id {id}"),
            Reason::UnionMemberOffset { member, bits } => write!(f, "union member {member} starts at bit {bits}, not 0"),
            Reason::MemberOrder { member, bits, previous } => write!(f, "member {member} starts at bit {bits}, before the member that precedes it ({previous})"),
            Reason::MemberOutside { member, bits, size } => write!(f, "member {member} starts at bit {bits}, past the {size} bytes of its type"),
            Reason::VarOffset { element, offset } => write!(f, "variable {element} has a bad offset {offset}"),
            Reason::VarSize { element, size } => write!(f, "variable {element} has a bad size {size}"),
            Reason::WrongTarget { id, found: Some(kind), expected, .. } => write!(f, "refers to {kind} [{id}], where {expected} belongs"),
            Reason::WrongTarget { found: None, expected, .. } => write!(f, "refers to void, where {expected} belongs"),
            Reason::ElementTooLarge { bits, room, .. } => write!(f, "takes {bits} bits by its type, where {room} are left"),
            Reason::BitFieldTooWide { element, bits, size } => write!(f, "member {element} is a bit-field of {bits} bits in a type of {size}"),
            // What is made of it.
            Reason::OutputTooLarge => f.write_str("more types or strings than BTF can number"),
            Reason::ShortBuffer => f.write_str("a buffer is shorter than asked for"),
        }
    }
}
