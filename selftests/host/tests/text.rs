// SPDX-License-Identifier: GPL-2.0

//! What a person reads: the words for every reason and every fate.

use std::collections::BTreeSet;

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::{Error, Kind, KindLayout, Part, Reason, Section, Target};
use rust_btfreloc::reloc::{
    btf_ids, Cause, CauseKind, Described, Input, RelocationCounts, RelocationPlan, Report,
    SuppliedName, Survey, Unmatched, Unread, Why,
};
use rust_btfreloc::text::{Conflicting, IdsChanged, Name, OpaqueNames};

#[rustfmt::skip]
const REASONS: &[(Reason, &str)] = &[
    (Reason::HeaderTruncated { len: 7, needed: 8 }, "section of 7 bytes, header of 8"),
    (Reason::BadMagic(0x9feb), "magic 0x9feb is not that of BTF (0xeb9f)"),
    (Reason::BadVersion(2), "version 2, only 1 is known"),
    (Reason::BadFlags(1), "header flags 0x1, none is known"),
    (Reason::HeaderUnknown(7), "unknown header field is 0x7, not 0"),
    (Reason::NoData, "no data after the header"),
    (Reason::PartMisplaced { part: Part::Types, expected: 0, found: 4 }, "types start 4 bytes after the header, expected 0"),
    (Reason::PartTooLong { part: Part::Strings, left: 5, len: 6 }, "strings of 6 bytes where 5 are left"),
    (Reason::PartTooLong { part: Part::Layout, left: 5, len: 6 }, "layout of 6 bytes where 5 are left"),
    (Reason::TrailingBytes(3), "3 bytes belong to no part"),
    (Reason::StringsNotLast, "strings are not last"),
    (Reason::StringsLength(0), "string part of 0 bytes"),
    (Reason::StringsUnterminated, "last string has no NUL"),
    (Reason::StringsNoEmpty, "first string is not empty"),
    (Reason::TooLarge, "section is larger than 32-bit offsets reach"),
    (Reason::TooManyTypes(1_048_576), "more types than ids, at id 1048576"),
    (Reason::RecordTruncated { left: 11, needed: 12 }, "type of 12 bytes where 11 are left"),
    (Reason::BadKind(20), "kind 20 is not known"),
    (Reason::LayoutMisaligned(7), "layout starts 7 bytes after the header, no multiple of 4"),
    (Reason::LayoutLength(7), "layout of 7 bytes, no multiple of 4"),
    (Reason::LayoutContradicts { kind: Kind::Array, found: KindLayout { extra: 4, elem: 8, flags: 0 } }, "layout gives ARRAY 4 bytes and 8 an element"),
    (Reason::NameOffset(99), "name offset 99 is past the strings"),
    (Reason::NameInside(99), "name offset 99 is inside a string"),
    (Reason::BadName { kind: Kind::Typedef, name_off: 9 }, "TYPEDEF has a bad name (string offset 9)"),
    (Reason::NameMissing(Kind::Fwd), "FWD has no name"),
    (Reason::NameUnexpected { kind: Kind::Ptr, name_off: 9 }, "PTR has a name (string offset 9)"),
    (Reason::BadVlen { kind: Kind::Const, vlen: 1 }, "CONST has vlen 1, not 0"),
    (Reason::BadKflag(Kind::FuncProto), "FUNC_PROTO has the kind_flag set"),
    (Reason::BadSize { kind: Kind::Float, size: 3 }, "FLOAT has a bad size 3"),
    (Reason::IntUnusedBits(0x1000_0000), "INT has unused bits set (0x10000000)"),
    (Reason::IntBits { bits: 33, size: 4 }, "INT of 33 bits in 4 bytes"),
    (Reason::IntEncoding(3), "INT has encoding 0x3"),
    (Reason::BadReference { kind: Kind::Array, id: 0 }, "ARRAY has a bad type id 0"),
    (Reason::ReferenceOutOfRange { id: 9, end: 9 }, "type id 9 is past the last one (8)"),
    (Reason::WrongTarget { element: Some(1), id: 9, found: Some(Kind::Func), expected: Target::Sized }, "refers to FUNC [9], where a type with a size belongs"),
    (Reason::WrongTarget { element: None, id: 9, found: Some(Kind::Int), expected: Target::Prototype }, "refers to INT [9], where a FUNC_PROTO belongs"),
    (Reason::WrongTarget { element: None, id: 0, found: None, expected: Target::Tagged }, "refers to void, where what can be tagged belongs"),
    (Reason::WrongTarget { element: None, id: 9, found: Some(Kind::Var), expected: Target::Type }, "refers to VAR [9], where a type belongs"),
    (Reason::WrongTarget { element: Some(0), id: 9, found: Some(Kind::Int), expected: Target::Variable }, "refers to INT [9], where a VAR belongs"),
    (Reason::ElementTooLarge { element: 1, bits: 64, room: 32 }, "takes 64 bits by its type, where 32 are left"),
    (Reason::BitFieldTooWide { element: 1, bits: 33, size: 32 }, "member 1 is a bit-field of 33 bits in a type of 32"),
    (Reason::FwdHasType(1), "FWD has type 1, not 0"),
    (Reason::BadLinkage { kind: Kind::Func, linkage: 2 }, "FUNC has linkage 2"),
    (Reason::UnionMemberOffset { member: 1, bits: 8 }, "union member 1 starts at bit 8, not 0"),
    (Reason::MemberOrder { member: 1, bits: 8, previous: 16 }, "member 1 starts at bit 8, before the member that precedes it (16)"),
    (Reason::MemberOutside { member: 1, bits: 65, size: 8 }, "member 1 starts at bit 65, past the 8 bytes of its type"),
    (Reason::ElementName { element: 1, name_off: 9 }, "element 1 has a bad name (string offset 9)"),
    (Reason::ElementReference { element: 1, id: 0 }, "element 1 has a bad type id 0"),
    (Reason::VarOffset { element: 1, offset: 3 }, "variable 1 has a bad offset 3"),
    (Reason::VarSize { element: 1, size: 0 }, "variable 1 has a bad size 0"),
    (Reason::BadComponent(-2), "DECL_TAG has component -2"),
    (Reason::ChainTooLong, "more than 32 modifiers in a row, or a loop"),
    (Reason::NotDistilled(Kind::Enum64), "ENUM64 has no place in a distilled base"),
    (Reason::ShortBuffer, "a buffer is shorter than asked for"),
    (Reason::OutputTooLarge, "more types or strings than BTF can number"),
];

#[test]
fn every_reason_has_its_words() {
    for (reason, text) in REASONS {
        assert_eq!(reason.to_string(), *text);
    }
}

#[test]
fn an_error_says_where() {
    let reason = Reason::BadKind(20);
    let place = |section, type_id| Error {
        section,
        offset: 36,
        type_id,
        reason,
    };
    let text = |section, type_id| place(section, type_id).to_string();
    assert_eq!(
        text(Section::Btf, 4),
        ".BTF offset 36, type [4]: kind 20 is not known"
    );
    assert_eq!(
        text(Section::BtfBase, 0),
        ".BTF.base offset 36: kind 20 is not known"
    );
    assert_eq!(
        text(Section::BtfIds, 0),
        ".BTF_ids offset 36: kind 20 is not known"
    );
    assert_eq!(
        text(Section::Vmlinux, 0),
        "vmlinux BTF offset 36: kind 20 is not known"
    );
}

#[test]
fn an_error_in_ids_says_where() {
    use rust_btfreloc::reloc::btf_ids::{Error, Reason};
    let error = |reason| Error {
        offset: 8,
        id: 0,
        reason,
    };
    assert_eq!(
        error(Reason::SetTooLong(9)).to_string(),
        ".BTF_ids offset 8: a set that goes on past the end"
    );
    assert_eq!(
        error(Reason::NoSymbols).to_string(),
        ".BTF_ids offset 8: the module was stripped of the symbols that identify its ids"
    );
}

#[test]
fn every_kind_has_its_name() {
    let names: Vec<String> = (1..=Kind::MAX)
        .map(|number| {
            rust_btfreloc::btf::Shape::of(number)
                .unwrap()
                .kind
                .to_string()
        })
        .collect();
    assert_eq!(
        names.join(" "),
        "INT PTR ARRAY STRUCT UNION ENUM FWD TYPEDEF VOLATILE CONST RESTRICT FUNC FUNC_PROTO VAR \
         DATASEC FLOAT DECL_TAG TYPE_TAG ENUM64 LOC_PARAM LOC_PROTO LOCSEC"
    );
}

#[test]
fn what_is_not_printable_is_escaped() {
    assert_eq!(Name(b"a\n\xe9 z\x7f").to_string(), "a\\x0a\\xe9 z\\x7f");
}

#[test]
fn policy_strict_says_what_has_no_match() {
    let unmatched = Unmatched {
        type_id: 3,
        kind: Kind::Struct,
        name: b"bio",
        why: Why::OtherSize(7),
    };
    let text = ".BTF.base type [3] STRUCT bio: vmlinux has it in another size, [7]";
    assert_eq!(unmatched.to_string(), text);
}

#[test]
fn every_cause_says_what_can_be_done() {
    let error = Error {
        section: Section::Btf,
        offset: 36,
        type_id: 4,
        reason: Reason::BadKind(20),
    };
    let found = Described::from(error);
    let unmatched = Unmatched {
        type_id: 3,
        kind: Kind::Struct,
        name: b"bio",
        why: Why::Absent,
    };
    let ids = |reason| {
        Cause::Ids(btf_ids::Error {
            offset: 8,
            id: 0,
            reason,
        })
    };
    let release: &[u8] = b"7.2.6";
    let here = ".BTF offset 36, type [4]: kind 20 is not known";
    let none = ".BTF.base type [3] STRUCT bio: vmlinux has no type of this name";
    let file = "/lib/firmware/btfreloc/7.2.6.btf";
    let path =
        "the firmware path (/lib/firmware, its updates or release folder, or firmware_class.path)";
    let supplied = |number| SuppliedName { release, number };
    let rust = Described {
        error: Error {
            reason: Reason::BadName {
                kind: Kind::Struct,
                name_off: 7,
            },
            ..error
        },
        string: Some(b"<&i32 as core::fmt::Debug>"),
        ..found
    };
    let cases = [
        (
            Cause::NoTypes,
            "it describes no type, and some programs fail to read such BTF".into(),
        ),
        (Cause::Malformed(found), format!("malformed BTF: {here}; build the module again")),
        (
            Cause::Newer(found),
            format!(
                "this kernel knows more BTF than rust_btfreloc: {here}; install a newer \
                 rust_btfreloc"
            ),
        ),
        (
            Cause::Stale { found, release: None, another_build: false },
            format!("not for this kernel: {here}; rebuild it with .BTF.base"),
        ),
        (
            Cause::Stale { found, release: Some(release), another_build: false },
            format!(
                "not for this kernel: {here}; rebuild it with .BTF.base, or put the vmlinux BTF of \
                 7.2.6 at {file}"
            ),
        ),
        (
            Cause::Stale { found, release: Some(release), another_build: true },
            format!(
                "made with another build of 7.2.6 than this kernel: {here}; boot that build, install \
                 the modules of this one, or rebuild the module (is the vmlinux in its build tree this \
                 kernel's?); or put the vmlinux BTF of that build at {file} (where it was installed over \
                 this one: btfreloc extract /boot/vmlinuz-7.2.6 --firmware /lib/firmware/btfreloc)"
            ),
        ),
        (
            Cause::Supplied { found, file: supplied(0) },
            format!(
                "firmware btfreloc/7.2.6.btf is not the vmlinux BTF that the module was built with: \
                 {here}; put the vmlinux BTF that the module was built with in its place, or beside it \
                 as btfreloc/7.2.6.1.btf, in {path}"
            ),
        ),
        (
            Cause::SuppliedOwn { file: supplied(1) },
            format!(
                "firmware btfreloc/7.2.6.1.btf is the running kernel's own BTF, with which the module \
                 was not built; the one before it does not match either; put the vmlinux BTF that the \
                 module was built with in its place, or beside it as btfreloc/7.2.6.2.btf, in {path}"
            ),
        ),
        (
            Cause::SuppliedOwn { file: supplied(7) },
            format!(
                "firmware btfreloc/7.2.6.7.btf is the running kernel's own BTF, with which the module \
                 was not built; the 7 before it do not match either; put the vmlinux BTF that the module was \
                 built with in its place, in {path}"
            ),
        ),
        (
            Cause::Malformed(rust),
            "malformed BTF: .BTF offset 36, type [4]: it is named \"<&i32 as core::fmt::Debug>\" (string \
             offset 7); names such as these are allowed in no BTF: encode it with pahole \
             --lang_exclude=rust"
                .to_owned(),
        ),
        (
            Cause::TooLarge(error),
            format!("cannot be relocated: {here}; build the module with fewer types"),
        ),
        (
            Cause::Unmatched(unmatched),
            format!(
                "policy is strict: {none}; rebuild it for this kernel, or load rust_btfreloc with \
                 policy=1"
            ),
        ),
        (
            Cause::Inline,
            "this kernel reads .BTF.inline, which cannot be relocated with .BTF while a module \
             loads; rebuild it for this kernel"
                .into(),
        ),
        (
            ids(btf_ids::Reason::NoSymbols),
            ".BTF_ids offset 8: the module was stripped of the symbols that identify its ids; use strip \
             --strip-debug"
                .into(),
        ),
        (
            ids(btf_ids::Reason::Overlap),
            ".BTF_ids offset 8: symbols disagree about this word; build the module again".into(),
        ),
        (
            Cause::Symbols,
            ".BTF_ids cannot be interpreted: the symbol table is damaged; build the module again".into(),
        ),
        (
            Cause::Outside,
            "malformed BTF: a section is not inside the ELF file; build the module again".into(),
        ),
        (
            Cause::NoImage,
            "its ELF file was not found in memory: its BTF is allocated, and it was stripped of \
             the symbols of .modinfo; build the module again"
                .into(),
        ),
    ];
    for (cause, text) in &cases {
        assert_eq!(cause.to_string(), *text);
    }
    // Each kind is here, and has a word of its own for the figures.
    let kinds: BTreeSet<String> = cases
        .iter()
        .map(|(cause, _)| cause.kind().to_string())
        .collect();
    assert_eq!(kinds.len(), CauseKind::ALL.len());
    assert!(CauseKind::ALL
        .iter()
        .all(|kind| kinds.contains(&kind.to_string())));
}

/// A distilled type for each fate.
fn distilled() -> Builder {
    let mut b = Builder::base();
    b.structure("task", 128, &[]);
    b.structure("gone", 8, &[]);
    b.union("turned", 8, &[]);
    b.enumeration("resized", 4, &[]);
    b.int("int", 4, SIGNED);
    b.structure("twice", 4, &[]);
    b.fwd("file", false);
    b
}

fn vmlinux() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, 0);
    b.structure("task", 256, &[]);
    b.structure("turned", 8, &[]);
    b.enumeration("resized", 1, &[]);
    b.structure("twice", 4, &[("a", [1, 0])]);
    b.structure("twice", 4, &[("b", [1, 0])]);
    b.structure("file", 8, &[]);
    b
}

#[test]
fn a_report_has_a_line_for_each_distilled_type() {
    let btf_base = distilled().bytes();
    let btf = Builder::split(&distilled()).bytes();
    let loaded = Vmlinux::new(vmlinux().bytes());
    let base = loaded.base();
    let survey = Survey::of(
        &base,
        &Input {
            btf: &btf,
            btf_base: Some(&btf_base),
        },
    )
    .unwrap();
    let mut scratch = vec![0; survey.verify_len()];
    let verified = survey.verify(&mut scratch).unwrap();
    let mut scratch = vec![0; verified.scratch_len()];
    let plan = RelocationPlan::new(&base, &verified, &mut scratch).unwrap();
    let (fates, ids) = plan.words();
    let report = Report::new(&btf_base, fates, ids).unwrap();
    let lines: Vec<String> = report
        .entries()
        .map(|entry| entry.to_string() + "\n")
        .collect();
    assert_eq!(
        lines.concat(),
        "\
[1] STRUCT task size 128 -> vmlinux [2]
[2] STRUCT gone size 8 -> opaque [12]: vmlinux has no type of this name
[3] UNION turned size 8 -> opaque [10]: vmlinux has only another kind, [3]
[4] ENUM resized size 4 -> opaque [11]: vmlinux has it in another size, [4]
[5] INT int size 4 -> opaque [13]: vmlinux has it in another encoding, [1]
[6] STRUCT twice size 4 -> opaque [14]: vmlinux has several that differ in layout, first [5]
[7] FWD file size 0 -> vmlinux [7]
"
    );
}

#[test]
fn a_fate_is_one_word_and_back() {
    use rust_btfreloc::reloc::Fate::{self, Mapped, Opaque};
    let most = rust_btfreloc::btf::MAX_TYPE;
    let whys = [
        Why::Absent,
        Why::OtherKind(1),
        Why::OtherSize(2),
        Why::OtherEncoding(3),
        Why::Ambiguous(most),
    ];
    for fate in whys
        .map(Opaque)
        .into_iter()
        .chain([Mapped(1), Mapped(most)])
    {
        assert_eq!(Fate::from_word(fate.to_word()), fate);
    }
    assert_eq!(Fate::from_word(u32::MAX), Opaque(Why::Absent));
}

#[test]
fn an_error_in_elf_says_where() {
    use rust_btfreloc::elf::{Error, Place, Reason};
    let text = |place, offset, reason| {
        let error = Error {
            place,
            offset,
            reason,
        };
        error.to_string()
    };
    let whole = |reason| text(Place::Header, 0, reason);
    assert_eq!(
        whole(Reason::Short(9)),
        "neither ELF nor BTF: it has only 9 bytes"
    );
    assert_eq!(whole(Reason::Magic), "neither ELF nor BTF");
    let outside = Reason::Outside { offset: 8, size: 9 };
    #[rustfmt::skip]
    let cases = [
        (Place::Header, Reason::Class(1), "ELF header offset 4: class 1 is not ELF64 (2)"),
        (Place::Header, Reason::ByteOrder(2), "ELF header offset 4: byte order 2 is not that of this machine"),
        (Place::Header, Reason::Version(2), "ELF header offset 4: version 2, only 1 is known"),
        (Place::Header, Reason::HeaderLength(40), "ELF header offset 4: section headers of 40 bytes, not 64"),
        (Place::Header, Reason::NoSections, "ELF header offset 4: no section headers in the file, it may be cut short"),
        (Place::Header, Reason::HeadersOutside(7), "ELF header offset 4: 7 section headers go past the end of the file"),
        (Place::Header, Reason::NameSection(7), "ELF header offset 4: names are in section [7], which is not there"),
        (Place::Section(3), Reason::Strings, "ELF section [3] offset 4: should hold strings and does not"),
        (Place::Section(3), Reason::Name, "ELF section [3] offset 4: the name is past the strings"),
        (Place::Section(3), outside, "ELF section [3] offset 4: 9 bytes at 8 go past the end of the file"),
        (Place::Section(3), Reason::Link(7), "ELF section [3] offset 4: strings are in section [7], which is not there"),
        (Place::Section(3), Reason::TooMany(7), "ELF section [3] offset 4: more symbols than can be numbered in 7 bytes"),
        (Place::Symbol(5), Reason::SymbolSection(7), "ELF symbol [5] offset 4: is in section [7], which is not there"),
    ];
    for (place, reason, words) in cases {
        assert_eq!(text(place, 4, reason), words);
    }
}

#[test]
fn only_a_file_that_is_at_fault_is_to_be_replaced() {
    const MEMORY: &str =
        "was not used, as memory is short; load the module again when there is more";
    const INTERRUPTED: &str = "was not used, as the load was interrupted; load the module again";
    const FORBIDDEN: &str =
        "may not be read by the kernel; allow it in the policy of the security \
                             module (SELinux, IMA, ...)";
    let rows = [
        (errno::ENOMEM, MEMORY),
        (errno::EINTR, INTERRUPTED),
        (errno::EAGAIN, INTERRUPTED),
        (errno::ERESTARTSYS, INTERRUPTED),
        (errno::EPERM, FORBIDDEN),
        (errno::EACCES, FORBIDDEN),
        (
            errno::ETXTBSY,
            "is open for writing; load the module again when it is complete",
        ),
        (
            errno::ETIMEDOUT,
            "was not read in time; see what keeps its file system, and load the module again",
        ),
        (
            errno::EIO,
            "cannot be read: its file system answers error 5; see the kernel log",
        ),
        (
            errno::EINVAL,
            "is no file, empty, or compressed in a way that the kernel does not read; put it anew in its \
             place in the firmware path (/lib/firmware, its updates or release folder, or \
             firmware_class.path), plain, as .zst or as .xz (xz --check=crc32)",
        ),
        (
            errno::EFBIG,
            "is too large; put the BTF of vmlinux in its place in the firmware path (/lib/firmware, its \
             updates or release folder, or firmware_class.path), not vmlinux itself",
        ),
        (
            errno::ELOOP,
            "was not used: the kernel answers error 40; load the module again",
        ),
    ];
    for (number, words) in rows {
        assert_eq!(Unread::of(number).to_string(), words, "{number}");
    }
    for number in 1..600 {
        let why = Unread::of(number);
        let sent_to_file = why.to_string().contains("put ");
        assert_eq!(sent_to_file, why.blames_file(), "{number}");
    }
}

#[test]
fn figures_have_one_form() {
    let rows = [
        ([0, 0, 0], "0 types, 0 base types mapped, 0 opaque"),
        ([1, 1, 1], "1 types, 1 base types mapped, 1 opaque"),
        ([36, 20, 2], "36 types, 20 base types mapped, 2 opaque"),
    ];
    for ([split, mapped, opaque], words) in rows {
        let counts = RelocationCounts {
            split,
            mapped,
            opaque,
        };
        assert_eq!(counts.to_string(), words);
    }
    for (ids, changed, words) in [
        (0, 0, "0 of 0 .BTF_ids changed"),
        (3, 1, "1 of 3 .BTF_ids changed"),
    ] {
        assert_eq!(IdsChanged { ids, changed }.to_string(), words);
    }
    assert_eq!(Conflicting(0).to_string(), "0 differ from vmlinux's");
    assert_eq!(Conflicting(2).to_string(), "2 differ from vmlinux's");
}

#[test]
fn a_summary_names_eight_opaque_types() {
    let long = [b'x'; 65];
    let names: [&[u8]; 10] = [
        b"a", b"b\n", &long, b"d", b"e", b"f", b"g", b"h", b"i", b"j",
    ];
    let cut = "x".repeat(64);
    let rows = [
        (0, String::new()),
        (1, " (a)".to_owned()),
        (2, " (a, b\\x0a)".to_owned()),
        (8, format!(" (a, b\\x0a, {cut}, d, e, f, g, h)")),
        (9, format!(" (a, b\\x0a, {cut}, d, e, f, g, h and 1 more)")),
        (10, format!(" (a, b\\x0a, {cut}, d, e, f, g, h and 2 more)")),
    ];
    for (count, words) in rows {
        let shown = OpaqueNames(|| names[..count].iter().copied());
        assert_eq!(shown.to_string(), words);
    }
}

/// The numbers of `include/uapi/asm-generic/errno.h` and `include/linux/errno.h`.
mod errno {
    pub const EPERM: i32 = 1;
    pub const EINTR: i32 = 4;
    pub const EIO: i32 = 5;
    pub const EAGAIN: i32 = 11;
    pub const ENOMEM: i32 = 12;
    pub const EACCES: i32 = 13;
    pub const EINVAL: i32 = 22;
    pub const ETXTBSY: i32 = 26;
    pub const EFBIG: i32 = 27;
    pub const ELOOP: i32 = 40;
    pub const ETIMEDOUT: i32 = 110;
    pub const ERESTARTSYS: i32 = 512;
}
