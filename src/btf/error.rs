// SPDX-License-Identifier: GPL-2.0

//! What can be wrong with BTF, as values: where it was found and why it is refused.

use super::{Kind, KindLayout};

/// The section an [`Error`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `.BTF` of a module.
    Btf,
    /// `.BTF.base`, the distilled base of a module.
    BtfBase,
    /// `.BTF.inline` of a module, split off its `.BTF`.
    BtfInline,
    /// `.BTF_ids` of a module.
    BtfIds,
    /// The BTF of the running kernel.
    Vmlinux,
    /// The BTF of the kernel that a module was built for, supplied by the operator.
    Supplied,
}

/// What is wrong with a type, by itself: byte offset in its record, and why it is refused.
pub type Fault = (u32, Reason);

/// One of the three parts of a BTF section that its header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Part {
    Types,
    Strings,
    Layout,
}

/// Why BTF is refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The section it was found in.
    pub section: Section,
    /// Byte offset in that section.
    pub offset: u32,
    /// Id of the type it was found in; 0 where it is in no type.
    pub type_id: u32,
    /// What was found.
    pub reason: Reason,
}

/// What a reference leads to, by where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A type, with or without a size: of a pointer or a modifier.
    Type,
    /// A type with a size: of a member, an element, a parameter, a result or a variable.
    Sized,
    /// A FUNC_PROTO: of a FUNC.
    Prototype,
    /// A VAR: of a DATASEC.
    Variable,
    /// What a DECL_TAG may be on.
    Tagged,
}

/// What was found. Every variant carries the value that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The section has no room for a header of the length it declares.
    HeaderTruncated { len: u32, needed: u32 },
    /// Not BTF, or of the other byte order.
    BadMagic(u16),
    /// A version other than 1.
    BadVersion(u8),
    /// Flags other than 0.
    BadFlags(u8),
    /// A byte past the known header is not 0.
    HeaderUnknown(u8),
    /// Base BTF with no data after its header.
    NoData,
    /// A part starts past the end, overlaps another or leaves a gap before it.
    PartMisplaced {
        part: Part,
        expected: u32,
        found: u32,
    },
    /// A part is longer than what is left.
    PartTooLong { part: Part, left: u32, len: u32 },
    /// Bytes that belong to no part.
    TrailingBytes(u32),
    /// With the short header, strings must come last.
    StringsNotLast,
    /// The string part is empty or longer than string offsets reach.
    StringsLength(u32),
    /// The string part does not end with NUL.
    StringsUnterminated,
    /// The string part of a base does not begin with the empty string.
    StringsNoEmpty,
    /// The section is too large for 32-bit offsets.
    TooLarge,
    /// More types than ids.
    TooManyTypes(u32),
    /// The type part ends inside a record.
    RecordTruncated { left: u32, needed: u32 },
    /// A kind that is not known.
    BadKind(u32),
    /// The layout part does not start at a multiple of 4 bytes after the header; holds where.
    LayoutMisaligned(u32),
    /// The layout part is not made of whole entries; holds its length.
    LayoutLength(u32),
    /// The layout part says of a kind that is known what is not so.
    LayoutContradicts { kind: Kind, found: KindLayout },
    /// A name's offset is past the string part.
    NameOffset(u32),
    /// A name's offset is inside a string.
    NameInside(u32),
    /// The name is none a type of this kind may have; holds its offset.
    BadName { kind: Kind, name_off: u32 },
    /// A type of this kind must have a name.
    NameMissing(Kind),
    /// A type of this kind must not have a name; holds its offset.
    NameUnexpected { kind: Kind, name_off: u32 },
    /// A vlen that this kind does not allow.
    BadVlen { kind: Kind, vlen: u32 },
    /// The kind_flag is set on a kind that has none.
    BadKflag(Kind),
    /// A size that this kind does not allow.
    BadSize { kind: Kind, size: u32 },
    /// Unused bits of an integer's description are set.
    IntUnusedBits(u32),
    /// An integer of more bits than its size or 128 has.
    IntBits { bits: u32, size: u32 },
    /// An integer with more than one encoding.
    IntEncoding(u32),
    /// A reference that this kind does not allow (void, or above the largest id).
    BadReference { kind: Kind, id: u32 },
    /// A reference past the last type.
    ReferenceOutOfRange { id: u32, end: u32 },
    /// A reference to what does not belong there; void has no kind.
    WrongTarget {
        element: Option<u32>,
        id: u32,
        found: Option<Kind>,
        expected: Target,
    },
    /// A member or variable whose type takes more bits than there are up to the next one.
    ElementTooLarge { element: u32, bits: u64, room: u64 },
    /// A bit-field of more bits than its type has.
    BitFieldTooWide { element: u32, bits: u32, size: u64 },
    /// A forward declaration with a type.
    FwdHasType(u32),
    /// A linkage that this kind does not know.
    BadLinkage { kind: Kind, linkage: u32 },
    /// A member of a union that does not start at 0.
    UnionMemberOffset { member: u32, bits: u32 },
    /// A member that starts before its predecessor.
    MemberOrder {
        member: u32,
        bits: u32,
        previous: u32,
    },
    /// A member that starts past the end of its struct.
    MemberOutside { member: u32, bits: u32, size: u32 },
    /// A member, parameter, value or variable with a bad name; holds its index and name offset.
    ElementName { element: u32, name_off: u32 },
    /// A member or variable with a bad reference; holds its index.
    ElementReference { element: u32, id: u32 },
    /// A variable that overlaps its predecessor or starts past the end of its section.
    VarOffset { element: u32, offset: u32 },
    /// A variable with no size or one larger than its section.
    VarSize { element: u32, size: u32 },
    /// A declaration tag for no component.
    BadComponent(i32),
    /// Modifiers that form a loop or a chain of more than 32.
    ChainTooLong,
    /// A kind that a distilled base may not hold.
    NotDistilled(Kind),
    /// Scratch or output is smaller than what the core asked for.
    ShortBuffer,
    /// After relocation there would be more types or strings than BTF can number.
    OutputTooLarge,
}
