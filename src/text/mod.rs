// SPDX-License-Identifier: GPL-2.0

//! The words for what was found and decided: kernel log, debugfs and host tool all print through here.

mod elf;
mod standalone;

use core::fmt::{Display, Formatter, Result, Write};

use crate::btf::{Error, Kind, Part, Reason, Section, Target};
use crate::reloc::{
    btf_ids, Cause, CauseKind, Described, Entry, Fate, InputKind, SuppliedName, Unmatched, Unread,
    Why,
};

/// Bytes of a name as text: what is not printable ASCII is escaped.
pub struct Name<'a>(pub &'a [u8]);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for byte in self.0 {
            match byte {
                0x20..=0x7e => f.write_char(char::from(*byte))?,
                byte => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

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

/// Bytes of a name that a message shows.
const NAME_SHOWN: usize = 64;

/// A name, or as much of it as a message shows.
pub fn short(name: &[u8]) -> Name<'_> {
    Name(name.get(..NAME_SHOWN).unwrap_or(name))
}

impl Display for Described<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        place(&self.error, f)?;
        if let Some(kind) = self.kind {
            write!(f, " {kind}")?;
        }
        // A bad name is told below.
        let bad_name = matches!(
            self.error.reason,
            Reason::BadName { .. } | Reason::NameInside(_)
        );
        if !self.name.is_empty() && !bad_name {
            write!(f, " {}", short(self.name))?;
        }
        let what = match self.kind {
            Some(Kind::Struct | Kind::Union) => "member",
            Some(Kind::Enum | Kind::Enum64) => "value",
            Some(Kind::FuncProto) => "parameter",
            Some(Kind::Datasec) => "variable",
            _ => "element",
        };
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
                write!(f, ": {}, ahead of \"{}\"", self.error.reason, short(string))
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

/// Where the firmware loader looks last.
const FIRMWARE: &str = "/lib/firmware";
/// Where the firmware loader looks.
const FIRMWARE_PATH: &str =
    "the firmware path (/lib/firmware, its updates or release folder, or firmware_class.path)";

/// What to do where `file`, the last of those that were supplied, is not the right one.
fn supplied(file: &SuppliedName<'_>, f: &mut Formatter<'_>) -> Result {
    match file.number {
        0 => {}
        1 => f.write_str("; the one before it does not match either")?,
        before => write!(f, "; the {before} before it do not match either")?,
    }
    f.write_str("; put the vmlinux BTF that the module was built with in its place")?;
    let number = file.number.saturating_add(1);
    if number < SuppliedName::MOST {
        write!(f, ", or beside it as {}", SuppliedName { number, ..*file })?;
    }
    write!(f, ", in {FIRMWARE_PATH}")
}

/// What stands in the way, and what can be done about it.
impl Display for Cause<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Cause::NoTypes => {
                f.write_str("it describes no type, and some programs fail to read such BTF")
            }
            Cause::Malformed(found) if found.is_named_by_rust() => write!(
                f,
                "malformed BTF: {found}; names such as these are allowed in no BTF: encode it with \
                 pahole --lang_exclude=rust"
            ),
            Cause::Malformed(found) => write!(f, "malformed BTF: {found}; build the module again"),
            Cause::Newer(found) => write!(
                f,
                "this kernel knows more BTF than rust_btfreloc: {found}; install a newer rust_btfreloc"
            ),
            Cause::Stale {
                found,
                release: Some(release),
                another_build: true,
            } => {
                let (name, file) = (Name(release), SuppliedName { release, number: 0 });
                write!(
                    f,
                    "made with another build of {name} than this kernel: {found}; boot that build, \
                     install the modules of this one, or rebuild the module (is the vmlinux in its \
                     build tree this kernel's?); or put the vmlinux BTF of that build at \
                     {FIRMWARE}/{file}"
                )
            }
            Cause::Stale { found, release, .. } => {
                write!(f, "not for this kernel: {found}; rebuild it with .BTF.base")?;
                let Some(release) = release else {
                    return Ok(());
                };
                let (name, file) = (Name(release), SuppliedName { release, number: 0 });
                write!(f, ", or put the vmlinux BTF of {name} at {FIRMWARE}/{file}")
            }
            Cause::Supplied { found, file } => {
                write!(
                    f,
                    "firmware {file} is not the vmlinux BTF that the module was built with: {found}"
                )?;
                supplied(file, f)
            }
            Cause::SuppliedOwn { file } => {
                write!(
                    f,
                    "firmware {file} is the running kernel's own BTF, with which the module was not \
                     built"
                )?;
                supplied(file, f)
            }
            Cause::TooLarge(error) => {
                write!(
                    f,
                    "cannot be relocated: {error}; build the module with fewer types"
                )
            }
            Cause::Unmatched(unmatched) => {
                write!(
                    f,
                    "policy is strict: {unmatched}; rebuild it for this kernel, "
                )?;
                f.write_str("or load rust_btfreloc with policy=1")
            }
            Cause::Inline => f.write_str(
                "this kernel reads .BTF.inline, which cannot be relocated with .BTF while a module loads; \
                 rebuild it for this kernel",
            ),
            Cause::Ids(error) => {
                let advice = match error.reason {
                    btf_ids::Reason::NoSymbols => "use strip --strip-debug",
                    _ => "build the module again",
                };
                write!(f, "{error}; {advice}")
            }
            Cause::Symbols => f.write_str(
                ".BTF_ids cannot be told: the symbol table is damaged; build the module again",
            ),
            Cause::Outside => f.write_str(
                "malformed BTF: a section is not inside the ELF file; build the module again",
            ),
            Cause::NoImage => f.write_str(
                "its ELF file was not found in memory: its BTF is allocated, and it was stripped \
                 of the symbols of .modinfo; build the module again",
            ),
        }
    }
}

impl Display for SuppliedName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "btfreloc/{}", Name(self.release))?;
        match self.number {
            0 => f.write_str(".btf"),
            number => write!(f, ".{number}.btf"),
        }
    }
}

/// Goes on after the name of the file.
impl Display for Unread {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Unread::Damaged => write!(
                f,
                "is no file, empty, or compressed in a way that the kernel does not read; put it anew in \
                 its place in {FIRMWARE_PATH}, plain, as .zst or as .xz (xz --check=crc32)"
            ),
            Unread::TooLarge => write!(
                f,
                "is too large; put the BTF of vmlinux in its place in {FIRMWARE_PATH}, not vmlinux itself"
            ),
            Unread::Device(errno) => write!(
                f,
                "cannot be read: its file system answers error {errno}; see the kernel log"
            ),
            Unread::Forbidden => f.write_str(
                "may not be read by the kernel; allow it in the policy of the security module (SELinux, IMA, ...)",
            ),
            Unread::Written => {
                f.write_str("is open for writing; load the module again when it is complete")
            }
            Unread::Memory => f.write_str(
                "was not used, as memory is short; load the module again when there is more",
            ),
            Unread::Interrupted => {
                f.write_str("was not used, as the load was interrupted; load the module again")
            }
            Unread::Slow => f.write_str(
                "was not read in time; see what keeps its file system, and load the module again",
            ),
            Unread::Other(errno) => write!(
                f,
                "was not used: the kernel answers error {errno}; load the module again"
            ),
        }
    }
}

/// One word, for figures.
impl Display for InputKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            InputKind::Distilled => "distilled",
            InputKind::Split => "split",
            InputKind::Standalone => "standalone",
        })
    }
}

/// One word, for figures.
impl Display for CauseKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            CauseKind::NoTypes => "no_types",
            CauseKind::Malformed => "malformed",
            CauseKind::Newer => "newer",
            CauseKind::Stale => "stale",
            CauseKind::Supplied => "supplied_base",
            CauseKind::TooLarge => "too_large",
            CauseKind::Unmatched => "unmatched",
            CauseKind::Inline => "inline",
            CauseKind::Ids => "btf_ids",
            CauseKind::Symbols => "symbols",
            CauseKind::NoImage => "no_image",
        })
    }
}

impl Display for Why {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Why::Absent => f.write_str("vmlinux has no type of this name"),
            Why::OtherKind(id) => write!(f, "vmlinux has only another kind, [{id}]"),
            Why::OtherSize(id) => write!(f, "vmlinux has it in another size, [{id}]"),
            Why::OtherEncoding(id) => write!(f, "vmlinux has it in another encoding, [{id}]"),
            Why::Ambiguous(id) => {
                write!(f, "vmlinux has several that differ in layout, first [{id}]")
            }
        }
    }
}

impl Display for Unmatched<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (id, kind, name) = (self.type_id, self.kind, short(self.name));
        write!(f, ".BTF.base type [{id}] {kind} {name}: {}", self.why)
    }
}

impl Display for Entry<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let name = Name(self.name);
        write!(
            f,
            "[{}] {} {} size {} -> ",
            self.distilled_id, self.kind, name, self.size
        )?;
        match self.fate {
            Fate::Mapped(id) => write!(f, "vmlinux [{id}]"),
            Fate::Opaque(why) => write!(f, "opaque [{}]: {why}", self.new_id),
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Reason::HeaderTruncated { .. }
            | Reason::BadMagic(_)
            | Reason::BadVersion(_)
            | Reason::BadFlags(_)
            | Reason::HeaderUnknown(_)
            | Reason::NoData
            | Reason::PartMisplaced { .. }
            | Reason::PartTooLong { .. }
            | Reason::TrailingBytes(_)
            | Reason::StringsNotLast
            | Reason::StringsLength(_)
            | Reason::StringsUnterminated
            | Reason::StringsNoEmpty
            | Reason::TooLarge => header(self, f),
            Reason::ElementName { .. }
            | Reason::ElementReference { .. }
            | Reason::UnionMemberOffset { .. }
            | Reason::MemberOrder { .. }
            | Reason::MemberOutside { .. }
            | Reason::VarOffset { .. }
            | Reason::VarSize { .. }
            | Reason::WrongTarget { .. }
            | Reason::ElementTooLarge { .. }
            | Reason::BitFieldTooWide { .. } => element(self, f),
            _ => whole(self, f),
        }
    }
}

/// What is wrong with a header or a part.
fn header(reason: &Reason, f: &mut Formatter<'_>) -> Result {
    match reason {
        Reason::HeaderTruncated { len, needed } => {
            write!(f, "section of {len} bytes, header of {needed}")
        }
        Reason::BadMagic(found) => write!(f, "magic {found:#06x} is not that of BTF (0xeb9f)"),
        Reason::BadVersion(found) => write!(f, "version {found}, only 1 is known"),
        Reason::BadFlags(found) => write!(f, "header flags {found:#x}, none is known"),
        Reason::HeaderUnknown(byte) => write!(f, "unknown header field is {byte:#x}, not 0"),
        Reason::NoData => f.write_str("no data behind the header"),
        Reason::PartMisplaced {
            part,
            expected,
            found,
        } => {
            write!(
                f,
                "{part} start {found} bytes behind the header, expected {expected}"
            )
        }
        Reason::PartTooLong { part, left, len } => {
            write!(f, "{part} of {len} bytes where {left} are left")
        }
        Reason::TrailingBytes(count) => write!(f, "{count} bytes belong to no part"),
        Reason::StringsNotLast => f.write_str("strings are not last"),
        Reason::StringsLength(len) => write!(f, "string part of {len} bytes"),
        Reason::StringsUnterminated => f.write_str("last string has no NUL"),
        Reason::StringsNoEmpty => f.write_str("first string is not empty"),
        _ => f.write_str("section is larger than 32-bit offsets reach"),
    }
}

/// What is wrong with a member, value, parameter or variable.
fn element(reason: &Reason, f: &mut Formatter<'_>) -> Result {
    match reason {
        Reason::ElementName { element, name_off } => {
            write!(
                f,
                "element {element} has a bad name (string offset {name_off})"
            )
        }
        Reason::ElementReference { element, id } => {
            write!(f, "element {element} has a bad type id {id}")
        }
        Reason::UnionMemberOffset { member, bits } => {
            write!(f, "union member {member} starts at bit {bits}, not 0")
        }
        Reason::MemberOrder {
            member,
            bits,
            previous,
        } => {
            write!(
                f,
                "member {member} starts at bit {bits}, ahead of the one before ({previous})"
            )
        }
        Reason::MemberOutside { member, bits, size } => {
            write!(
                f,
                "member {member} starts at bit {bits}, past the {size} bytes of its type"
            )
        }
        Reason::VarOffset { element, offset } => {
            write!(f, "variable {element} has a bad offset {offset}")
        }
        Reason::VarSize { element, size } => write!(f, "variable {element} has a bad size {size}"),
        Reason::WrongTarget {
            id,
            found,
            expected,
            ..
        } => {
            match found {
                Some(kind) => write!(f, "refers to {kind} [{id}]")?,
                None => f.write_str("refers to void")?,
            }
            write!(f, ", where {expected} belongs")
        }
        Reason::ElementTooLarge { bits, room, .. } => {
            write!(f, "takes {bits} bits by its type, where {room} are left")
        }
        Reason::BitFieldTooWide {
            element,
            bits,
            size,
        } => {
            write!(
                f,
                "member {element} is a bit-field of {bits} bits in a type of {size}"
            )
        }
        other => whole(other, f),
    }
}

/// What is wrong with a type as a whole.
fn whole(reason: &Reason, f: &mut Formatter<'_>) -> Result {
    match reason {
        Reason::TooManyTypes(id) => write!(f, "more types than ids, at id {id}"),
        Reason::RecordTruncated { left, needed } => {
            write!(f, "type of {needed} bytes where {left} are left")
        }
        Reason::BadKind(kind) => write!(f, "kind {kind} is not known"),
        Reason::NameOffset(off) => write!(f, "name offset {off} is past the strings"),
        Reason::NameInside(off) => write!(f, "name offset {off} is inside a string"),
        Reason::BadName { kind, name_off } => {
            write!(f, "{kind} has a bad name (string offset {name_off})")
        }
        Reason::NameMissing(kind) => write!(f, "{kind} has no name"),
        Reason::NameUnexpected { kind, name_off } => {
            write!(f, "{kind} has a name (string offset {name_off})")
        }
        Reason::BadVlen { kind, vlen } => write!(f, "{kind} has vlen {vlen}, not 0"),
        Reason::BadKflag(kind) => write!(f, "{kind} has the kind_flag set"),
        Reason::BadSize { kind, size } => write!(f, "{kind} has a bad size {size}"),
        Reason::IntUnusedBits(bits) => write!(f, "INT has unused bits set ({bits:#x})"),
        Reason::IntBits { bits, size } => write!(f, "INT of {bits} bits in {size} bytes"),
        Reason::IntEncoding(encoding) => write!(f, "INT has encoding {encoding:#x}"),
        Reason::BadReference { kind, id } => write!(f, "{kind} has a bad type id {id}"),
        Reason::ReferenceOutOfRange { id, end } => {
            write!(
                f,
                "type id {id} is past the last one ({})",
                end.saturating_sub(1)
            )
        }
        Reason::FwdHasType(id) => write!(f, "FWD has type {id}, not 0"),
        Reason::BadLinkage { kind, linkage } => write!(f, "{kind} has linkage {linkage}"),
        Reason::BadComponent(index) => write!(f, "DECL_TAG has component {index}"),
        Reason::ChainTooLong => f.write_str("more than 32 modifiers in a row, or a loop"),
        Reason::NotDistilled(kind) => write!(f, "{kind} has no place in a distilled base"),
        Reason::OutputTooLarge => f.write_str("more types or strings than BTF can number"),
        Reason::ShortBuffer => f.write_str("a buffer is shorter than asked for"),
        other => header(other, f),
    }
}

/// What became of the ids in `.BTF_ids` of a module whose BTF is dropped: all are 0.
pub struct IdsCleared {
    /// How many there are.
    pub ids: u32,
    /// How many were not.
    pub changed: u32,
}

impl Display for IdsCleared {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} of {} .BTF_ids set to 0", self.changed, self.ids)
    }
}

/// That ids in `.BTF_ids` of a module whose BTF is dropped stay, and why.
pub struct IdsKept<'a>(pub Option<&'a dyn Display>);

impl Display for IdsKept<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("its .BTF_ids stay, and name other types here")?;
        match self.0 {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}

impl Display for btf_ids::Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} offset {}: ", Section::BtfIds, self.offset)?;
        f.write_str(match self.reason {
            btf_ids::Reason::Length => "the section is no array of words",
            btf_ids::Reason::NoSymbols => {
                "the module was stripped of the symbols that tell its ids"
            }
            btf_ids::Reason::NoSymbol(_) => "no symbol tells what this word is",
            btf_ids::Reason::UnknownForm => "a symbol of a form that is not known",
            btf_ids::Reason::Misaligned => "a symbol inside a word",
            btf_ids::Reason::Outside => "a symbol past the end",
            btf_ids::Reason::SetTooLong(_) => "a set that goes on past the end",
            btf_ids::Reason::Overlap => "a word that is two things at once",
            btf_ids::Reason::Changed => "a set that was changed after the module was built",
            btf_ids::Reason::Unmapped => "an id of no type of the module",
            btf_ids::Reason::Output => "the copy has another length",
        })
    }
}
