// SPDX-License-Identifier: GPL-2.0

//! Headers, parts and the walk over records: what the kernel takes and what it refuses, and where.

use btfreloc_selftests::builder::{put, Builder, Header, Part, SIGNED};
use rust_btfreloc::btf::{self, Blob, Error, Form, Reason, Section, Table};
use rust_btfreloc::btf::{MAX_NAME_OFFSET, MAX_TYPE};

const ORDERS: [[Part; 3]; 6] = [
    [Part::Types, Part::Strings, Part::Layout],
    [Part::Types, Part::Layout, Part::Strings],
    [Part::Strings, Part::Types, Part::Layout],
    [Part::Strings, Part::Layout, Part::Types],
    [Part::Layout, Part::Types, Part::Strings],
    [Part::Layout, Part::Strings, Part::Types],
];

/// One INT: 16 bytes of types, 5 of strings.
fn one_int() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn base(bytes: &[u8]) -> Result<Blob<'_>, Error> {
    Blob::parse(Section::BtfBase, Form::Base, bytes)
}

fn split(bytes: &[u8]) -> Result<Blob<'_>, Error> {
    Blob::parse(Section::Btf, Form::Split, bytes)
}

#[track_caller]
fn refused(found: Result<Blob<'_>, Error>, offset: u32, reason: Reason) {
    let error = found.map(|_| ()).unwrap_err();
    assert_eq!(
        (error.offset, error.type_id, error.reason),
        (offset, 0, reason)
    );
}

/// The word at `at` of a good base made wrong.
#[track_caller]
fn spoiled(at: usize, word: u32, offset: u32, reason: Reason) {
    let mut bytes = one_int().bytes();
    put(&mut bytes, at, word);
    refused(base(&bytes), offset, reason);
}

#[test]
fn a_section_needs_a_header() {
    let truncated = |len, needed| Reason::HeaderTruncated { len, needed };
    refused(base(&[]), 0, truncated(0, 8));
    refused(base(&one_int().bytes()[..7]), 0, truncated(7, 8));
    refused(base(&one_int().bytes()[..23]), 0, truncated(23, 24));
    refused(split(&[0x9f, 0xeb, 1, 0, 7, 0, 0, 0]), 0, truncated(8, 8));
    refused(split(&[0x9f, 0xeb, 1, 0, 0, 0, 0, 0]), 0, truncated(8, 8));
    spoiled(4, 46, 0, truncated(45, 46));
    spoiled(4, u32::MAX, 0, truncated(45, u32::MAX));
}

#[test]
fn magic_version_and_flags_are_fixed() {
    spoiled(0, 0x0001_eb9e, 0, Reason::BadMagic(0xeb9e));
    spoiled(0, 0x0001_9feb, 0, Reason::BadMagic(0x9feb));
    spoiled(0, 0x0002_eb9f, 2, Reason::BadVersion(2));
    spoiled(0, 0x0100_eb9f, 2, Reason::BadVersion(0));
    spoiled(0, 0x0101_eb9f, 3, Reason::BadFlags(1));
}

#[test]
fn the_error_names_the_section() {
    let sections = [Section::Btf, Section::BtfBase, Section::Vmlinux];
    for section in sections {
        let error = Blob::parse(section, Form::Base, &[])
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.section, section);
    }
}

#[test]
fn a_header_without_its_last_fields_has_zeroes_there() {
    for len in 8u32..24 {
        let mut bytes = words(&[0x0001_eb9f, len, 0, 0, 0, 0]);
        bytes.truncate(len as usize);
        let blob = split(&bytes).unwrap();
        assert_eq!(
            (blob.header_len(), blob.types(), blob.strings()),
            (len, &[][..], &[][..])
        );
        let no_data = Reason::NoData;
        refused(base(&bytes), len, no_data);
    }
}

#[test]
fn types_without_strings_need_half_a_header() {
    let bytes = words(&[0x0001_eb9f, 16, 0, 12, 0, 0x0200_0000, 1]);
    // `str_off` is 0, too: the strings of no length stand at the front.
    assert_eq!(
        split(&bytes).map(|_| ()).unwrap_err().reason,
        Reason::StringsNotLast
    );
    let bytes = words(&[0x0001_eb9f, 20, 0, 12, 12, 0, 0x0200_0000, 1]);
    assert_eq!(split(&bytes).unwrap().types().len(), 12);
}

#[test]
fn a_header_may_be_longer_where_the_rest_is_zero() {
    for len in 24..=64 {
        let header = Header {
            len,
            ..Header::SHORT
        };
        let bytes = one_int().build(&header);
        let blob = base(&bytes).unwrap();
        assert_eq!((blob.header_len(), blob.types_start()), (len, len));
        assert_eq!((blob.types().len(), blob.strings()), (16, &b"\0int\0"[..]));
    }
}

#[test]
fn a_header_longer_than_known_is_zero_there() {
    for len in 33..=64 {
        for at in 32..len {
            let mut bytes = one_int().build(&Header {
                len,
                ..Header::SHORT
            });
            bytes[at as usize] = 7;
            refused(base(&bytes), at, Reason::HeaderUnknown(7));
        }
    }
}

#[test]
fn a_header_with_half_the_layout_fields_has_no_layout() {
    for len in 25..32 {
        let mut bytes = one_int().build(&Header {
            len,
            ..Header::SHORT
        });
        bytes[24..len as usize].fill(0xff);
        assert!(base(&bytes).unwrap().layout().is_empty());
    }
}

#[test]
fn parts_may_stand_in_any_order_after_a_long_header() {
    for (len, order) in [32, 33, 40, 64]
        .into_iter()
        .flat_map(|len| ORDERS.map(|order| (len, order)))
    {
        for layout in [false, true] {
            let bytes = one_int().build(&Header { len, order, layout });
            let blob = base(&bytes).unwrap();
            assert_eq!(
                (blob.types().len(), blob.strings()),
                (16, &b"\0int\0"[..]),
                "{order:?}"
            );
            assert_eq!(blob.layout().len(), if layout { 80 } else { 0 });
            assert_eq!(&bytes[blob.types_start() as usize..][..16], blob.types());
        }
    }
}

#[test]
fn behind_a_short_header_strings_come_last() {
    for len in [24, 28, 31] {
        let order = [Part::Strings, Part::Types, Part::Layout];
        let bytes = one_int().build(&Header {
            len,
            order,
            layout: false,
        });
        refused(base(&bytes), len, Reason::StringsNotLast);
    }
}

#[test]
fn a_layout_of_any_length_is_taken_as_the_kernel_asks_no_more_of_a_module() {
    let mut bytes = Builder::base().build(&Header {
        len: 32,
        ..Header::SHORT
    });
    put(&mut bytes, 24, 1);
    put(&mut bytes, 28, 3);
    bytes.extend([1, 2, 3]);
    assert_eq!(base(&bytes).unwrap().layout(), &[1, 2, 3]);
}

#[test]
fn parts_leave_no_gap_and_do_not_overlap() {
    let misplaced = |part, expected, found| Reason::PartMisplaced {
        part,
        expected,
        found,
    };
    spoiled(8, 4, 24 + 4, misplaced(btf::Part::Types, 0, 4));
    spoiled(8, 1000, 24 + 16, misplaced(btf::Part::Strings, 0, 16));
    spoiled(16, 15, 24 + 15, misplaced(btf::Part::Strings, 16, 15));
    spoiled(16, 17, 24 + 17, misplaced(btf::Part::Strings, 16, 17));
    spoiled(
        16,
        u32::MAX,
        u32::MAX,
        misplaced(btf::Part::Strings, 16, u32::MAX),
    );
}

#[test]
fn parts_fill_the_section() {
    let too_long = |part, left, len| Reason::PartTooLong { part, left, len };
    spoiled(12, 22, 24, too_long(btf::Part::Types, 21, 22));
    spoiled(20, 6, 24 + 16, too_long(btf::Part::Strings, 5, 6));
    spoiled(
        20,
        u32::MAX,
        24 + 16,
        too_long(btf::Part::Strings, 5, u32::MAX),
    );
    spoiled(20, 4, 24 + 20, Reason::TrailingBytes(1));
    let mut bytes = one_int().build(&Header::LONG);
    put(&mut bytes, 28, 100);
    refused(base(&bytes), 32 + 16, too_long(btf::Part::Layout, 85, 100));
}

#[test]
fn strings_of_a_base_begin_and_end_with_nul() {
    let strings = |bytes: &[u8]| {
        let len = u32::try_from(bytes.len()).unwrap();
        [
            &words(&[0x0001_eb9f, 24, 0, 12, 12, len, 0, 0x0200_0000, 1]),
            bytes,
        ]
        .concat()
    };
    assert!(base(&strings(b"\0")).is_ok());
    refused(base(&strings(b"")), 36, Reason::StringsLength(0));
    refused(base(&strings(b"a\0")), 36, Reason::StringsNoEmpty);
    refused(base(&strings(b"\0ab")), 38, Reason::StringsUnterminated);
    assert!(split(&strings(b"")).is_ok());
    assert!(split(&strings(b"a\0")).is_ok());
    refused(split(&strings(b"ab")), 37, Reason::StringsUnterminated);
}

#[test]
fn strings_reach_as_far_as_their_offsets() {
    let most = MAX_NAME_OFFSET + 1;
    for (len, expected) in [
        (most, Ok(())),
        (most + 1, Err(Reason::StringsLength(most + 1))),
    ] {
        let mut bytes = words(&[0x0001_eb9f, 24, 0, 0, 0, len]);
        bytes.resize(24 + len as usize, 0);
        assert_eq!(
            base(&bytes).map(|_| ()).map_err(|error| error.reason),
            expected
        );
    }
}

#[test]
fn a_section_of_4_gib_is_too_large() {
    // Pages that are never touched take no memory.
    refused(split(&vec![0; 1 << 32]), 0, Reason::TooLarge);
}

/// Walks `types` as those of a module whose first id is `first_id`.
fn walk(first_id: u32, types: &[u8]) -> Result<u32, Error> {
    let len = u32::try_from(types.len()).unwrap();
    let bytes = [words(&[0x0001_eb9f, 24, 0, len, len, 0]), types.to_vec()].concat();
    Table::count(&split(&bytes).unwrap(), first_id)
}

#[track_caller]
fn not_walked(types: &[u8], reason: Reason) {
    let good = words(&[0, 0x0200_0000, 1]);
    let error = walk(5, &[&good, types].concat()).unwrap_err();
    let expected = Error {
        section: Section::Btf,
        offset: 24 + 12,
        type_id: 6,
        reason,
    };
    assert_eq!(error, expected);
}

#[test]
fn records_are_not_cut_short() {
    let truncated = |left, needed| Reason::RecordTruncated { left, needed };
    not_walked(&[0; 11], truncated(11, 12));
    not_walked(&words(&[0, 0x0100_0000, 4]), truncated(12, 16));
    not_walked(&words(&[0, 0x0300_0000, 0, 1, 1]), truncated(20, 24));
    not_walked(&words(&[0, 0x0400_0002, 4, 0, 1, 0]), truncated(24, 36));
    not_walked(
        &words(&[0, 0x06ff_ffff, 4]),
        truncated(12, 12 + 8 * 0x00ff_ffff),
    );
    not_walked(
        &words(&[0, 0x13ff_ffff, 4]),
        truncated(12, 12 + 12 * 0x00ff_ffff),
    );
}

#[test]
fn kinds_are_known() {
    for kind in [0, 23, 31, 127] {
        not_walked(&words(&[0, kind << 24, 1]), Reason::BadKind(kind));
    }
    for kind in 1..23 {
        let longest = words(&[0, kind << 24, 1, 0, 0, 0]);
        let lengths = [12, 16, 24].into_iter();
        assert_eq!(
            lengths
                .filter(|len| walk(5, &longest[..*len]) == Ok(1))
                .count(),
            1,
            "{kind}"
        );
    }
}

#[test]
fn there_are_no_more_types_than_ids() {
    let types = words(&[0, 0x0200_0000, 1, 0, 0x0200_0000, 1]);
    assert_eq!(walk(MAX_TYPE - 1, &types), Ok(2));
    let error = walk(MAX_TYPE, &types).unwrap_err();
    let reason = Reason::TooManyTypes(MAX_TYPE + 1);
    let section = Section::Btf;
    assert_eq!(
        error,
        Error {
            section,
            offset: 24 + 12,
            type_id: MAX_TYPE + 1,
            reason
        }
    );
}
