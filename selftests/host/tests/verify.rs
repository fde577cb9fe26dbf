// SPDX-License-Identifier: GPL-2.0

//! The kernel's verdict on each type: what `check_meta` of each kind takes and refuses, and where.

use btfreloc_selftests::builder::{info, Builder, Header, Part, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::{Error, Kind, Reason, Section, MAX_NAME_OFFSET, MAX_TYPE};

/// Id of the type under test, after two of the base and a good one of the module.
const ID: u32 = 4;
/// Where its record starts.
const START: u32 = 24 + 12;
/// A type id that is not one.
const TOO_BIG: u32 = MAX_TYPE + 1;

fn base() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b.structure("s", 8, &[]);
    b
}

/// The verdict on a module whose second type, and whatever follows, `add` adds.
fn verdict<T>(add: impl FnOnce(&mut Builder) -> T) -> (Result<(), Error>, T) {
    let base = base();
    let mut module = Builder::split(&base);
    module.ptr(1);
    let added = add(&mut module);
    (
        Vmlinux::new(base.bytes()).check_plain(&module.bytes()),
        added,
    )
}

#[track_caller]
fn taken(what: &str, add: impl FnOnce(&mut Builder)) {
    assert_eq!(verdict(add).0, Ok(()), "{what}");
}

/// `add` gives the reason; `at` is the byte in the record.
#[track_caller]
fn refused(what: &str, at: u32, add: impl FnOnce(&mut Builder) -> Reason) {
    let (found, reason) = verdict(add);
    let expected = Error {
        section: Section::Btf,
        offset: START + at,
        type_id: ID,
        reason,
    };
    assert_eq!(found, Err(expected), "{what}");
}

/// A type of these words: name, kind with flag and vlen, third word, rest.
#[track_caller]
fn refused_words(at: u32, words: &[u32], reason: Reason) {
    refused(&format!("{words:x?}"), at, |b| {
        b.raw(words);
        reason
    });
}

#[track_caller]
fn taken_words(words: &[u32]) {
    taken(&format!("{words:x?}"), |b| {
        b.raw(words);
    });
}

/// A type of this name, `words` being all but the name.
#[track_caller]
fn refused_name(kind: Kind, name: &[u8], words: &[u32]) {
    refused(&format!("{kind} {name:?}"), 0, |b| {
        let name_off = b.name(name);
        b.raw(&[&[name_off], words].concat());
        Reason::BadName { kind, name_off }
    });
}

#[track_caller]
fn taken_name(name: &[u8], words: &[u32]) {
    taken(&format!("{name:?}"), |b| {
        let name_off = b.name(name);
        b.raw(&[&[name_off], words].concat());
    });
}

/// An offset at which the base has a name that is an identifier.
const NAME: u32 = 1;

const fn word(kind: Kind, vlen: u32) -> u32 {
    ((kind as u32) << 24) | vlen
}

fn flagged(kind: Kind) -> u32 {
    info(kind, true, 0)
}

#[test]
fn int() {
    let int = word(Kind::Int, 0);
    taken_words(&[NAME, int, 4, 0x0100_0020]);
    taken_words(&[0, int, 0, 0]);
    taken_words(&[NAME, int, 16, 128]);
    taken_words(&[NAME, int, 4, 0x0018_0008]);
    for encoding in [0, 1, 2, 4] {
        taken_words(&[NAME, int, 1, (encoding << 24) | 8]);
    }
    let vlen = Reason::BadVlen {
        kind: Kind::Int,
        vlen: 1,
    };
    refused_words(4, &[NAME, int + 1, 4, 32], vlen);
    refused_words(
        4,
        &[NAME, flagged(Kind::Int), 4, 32],
        Reason::BadKflag(Kind::Int),
    );
    refused_words(
        12,
        &[NAME, int, 4, 0x1000_0020],
        Reason::IntUnusedBits(0x1000_0000),
    );
    refused_words(
        12,
        &[NAME, int, 17, 129],
        Reason::IntBits {
            bits: 129,
            size: 17,
        },
    );
    refused_words(
        12,
        &[NAME, int, 4, 33],
        Reason::IntBits { bits: 33, size: 4 },
    );
    refused_words(
        12,
        &[NAME, int, 4, 0x0019_0008],
        Reason::IntBits { bits: 33, size: 4 },
    );
    refused_words(
        12,
        &[NAME, int, 99, 0x00ff_00ff],
        Reason::IntBits {
            bits: 510,
            size: 99,
        },
    );
    refused_words(12, &[NAME, int, 4, 0x0300_0020], Reason::IntEncoding(3));
    refused_words(12, &[NAME, int, 4, 0x0800_0020], Reason::IntEncoding(8));
}

#[test]
fn int_may_have_any_name() {
    taken_name(b"unsigned int", &[word(Kind::Int, 0), 4, 32]);
    taken_name(b"\x01\xff", &[word(Kind::Int, 0), 4, 32]);
}

#[test]
fn pointer_and_qualifiers() {
    for kind in [Kind::Ptr, Kind::Volatile, Kind::Const, Kind::Restrict] {
        for id in [0, 1, 2, 3] {
            taken_words(&[0, word(kind, 0), id]);
        }
        refused_words(4, &[0, word(kind, 9), 1], Reason::BadVlen { kind, vlen: 9 });
        refused_words(4, &[0, flagged(kind), 1], Reason::BadKflag(kind));
        refused_words(
            8,
            &[0, word(kind, 0), TOO_BIG],
            Reason::BadReference { kind, id: TOO_BIG },
        );
        let name_off = NAME;
        refused_words(
            0,
            &[NAME, word(kind, 0), 1],
            Reason::NameUnexpected { kind, name_off },
        );
    }
}

#[test]
fn the_kernel_does_not_ask_where_a_reference_leads() {
    taken_words(&[0, word(Kind::Ptr, 0), MAX_TYPE]);
    taken_words(&[0, word(Kind::FuncProto, 1), u32::MAX, 0, u32::MAX]);
    taken_words(&[NAME, word(Kind::Func, 0), u32::MAX]);
    taken_words(&[NAME, word(Kind::DeclTag, 0), u32::MAX, 0]);
    taken_words(&[NAME, word(Kind::Struct, 1), 8, 0, MAX_TYPE, 0]);
}

#[test]
fn typedef() {
    let kind = Kind::Typedef;
    taken_words(&[NAME, word(kind, 0), 0]);
    refused_words(
        4,
        &[NAME, word(kind, 1), 1],
        Reason::BadVlen { kind, vlen: 1 },
    );
    refused_words(4, &[NAME, flagged(kind), 1], Reason::BadKflag(kind));
    refused_words(
        8,
        &[NAME, word(kind, 0), TOO_BIG],
        Reason::BadReference { kind, id: TOO_BIG },
    );
    refused_words(0, &[0, word(kind, 0), 1], Reason::NameMissing(kind));
    refused_name(kind, b"u 8", &[word(kind, 0), 1]);
}

#[test]
fn type_tag() {
    let kind = Kind::TypeTag;
    taken_words(&[NAME, flagged(kind), 1]);
    taken_name(b"any text: 1-2-3", &[word(kind, 0), 1]);
    refused_words(
        4,
        &[NAME, word(kind, 1), 1],
        Reason::BadVlen { kind, vlen: 1 },
    );
    refused_words(
        8,
        &[NAME, word(kind, 0), TOO_BIG],
        Reason::BadReference { kind, id: TOO_BIG },
    );
    refused_words(0, &[0, word(kind, 0), 1], Reason::NameMissing(kind));
    // The NUL after `int`.
    refused_words(0, &[4, word(kind, 0), 1], Reason::NameMissing(kind));
}

#[test]
fn decl_tag() {
    let kind = Kind::DeclTag;
    taken_words(&[NAME, flagged(kind), 1, 0]);
    taken_words(&[NAME, word(kind, 0), 1, u32::MAX]);
    taken_name(b"any text: 1-2-3", &[word(kind, 0), 1, 0]);
    refused_words(0, &[0, word(kind, 0), 1, 0], Reason::NameMissing(kind));
    refused_words(0, &[4, word(kind, 0), 1, 0], Reason::NameMissing(kind));
    refused_words(
        4,
        &[NAME, word(kind, 1), 1, 0],
        Reason::BadVlen { kind, vlen: 1 },
    );
    refused_words(
        12,
        &[NAME, word(kind, 0), 1, u32::MAX - 1],
        Reason::BadComponent(-2),
    );
    refused_words(
        12,
        &[NAME, word(kind, 0), 1, 1 << 31],
        Reason::BadComponent(i32::MIN),
    );
}

#[test]
fn array() {
    let kind = Kind::Array;
    let bad = |id| Reason::BadReference { kind, id };
    taken_words(&[0, word(kind, 0), 0, 1, 1, 0]);
    taken_words(&[0, word(kind, 0), 0, 999, 999, u32::MAX]);
    let name_off = NAME;
    refused_words(
        0,
        &[NAME, word(kind, 0), 0, 1, 1, 2],
        Reason::NameUnexpected { kind, name_off },
    );
    refused_words(
        4,
        &[0, word(kind, 3), 0, 1, 1, 2],
        Reason::BadVlen { kind, vlen: 3 },
    );
    refused_words(4, &[0, flagged(kind), 0, 1, 1, 2], Reason::BadKflag(kind));
    refused_words(
        8,
        &[0, word(kind, 0), 8, 1, 1, 2],
        Reason::BadSize { kind, size: 8 },
    );
    refused_words(12, &[0, word(kind, 0), 0, 0, 1, 2], bad(0));
    refused_words(12, &[0, word(kind, 0), 0, TOO_BIG, 1, 2], bad(TOO_BIG));
    refused_words(16, &[0, word(kind, 0), 0, 1, 0, 2], bad(0));
    refused_words(16, &[0, word(kind, 0), 0, 1, TOO_BIG, 2], bad(TOO_BIG));
}

#[test]
fn composite() {
    for kind in [Kind::Struct, Kind::Union] {
        taken_words(&[0, word(kind, 0), 0]);
        taken_words(&[NAME, word(kind, 1), 8, 0, 1, 0]);
        refused_name(kind, b"1st", &[word(kind, 0), 8]);
        let name = Reason::NameOffset(9999);
        refused_words(12, &[0, word(kind, 1), 8, 9999, 1, 0], name);
        refused_words(24, &[0, word(kind, 2), 8, 0, 1, 0, 9999, 1, 0], name);
        let reference = |element, id| Reason::ElementReference { element, id };
        refused_words(16, &[0, word(kind, 1), 8, 0, 0, 0], reference(0, 0));
        refused_words(
            28,
            &[0, word(kind, 2), 8, 0, 1, 0, 0, TOO_BIG, 0],
            reference(1, TOO_BIG),
        );
        refused("member name", 24, |b| {
            let name_off = b.name("a b");
            b.raw(&[0, word(kind, 2), 8, NAME, 1, 0, name_off, 1, 0]);
            Reason::ElementName {
                element: 1,
                name_off,
            }
        });
        refused_words(
            12,
            &[0, word(kind, 1), 8, 4, 1, 0],
            Reason::ElementName {
                element: 0,
                name_off: 4,
            },
        );
    }
}

#[test]
fn struct_members_stand_in_order_and_inside() {
    let kind = Kind::Struct;
    let outside = |bits, size| Reason::MemberOutside {
        member: 0,
        bits,
        size,
    };
    taken_words(&[0, word(kind, 2), 8, 0, 1, 32, 0, 1, 32]);
    // `char end[0]`
    taken_words(&[0, word(kind, 1), 8, 0, 1, 64]);
    refused_words(20, &[0, word(kind, 1), 8, 0, 1, 65], outside(65, 8));
    refused_words(20, &[0, word(kind, 1), 0, 0, 1, 1], outside(1, 0));
    let (member, bits, previous) = (1, 31, 32);
    let order = Reason::MemberOrder {
        member,
        bits,
        previous,
    };
    refused_words(32, &[0, word(kind, 2), 8, 0, 1, 32, 0, 1, 31], order);
}

#[test]
fn with_the_kind_flag_a_member_has_a_width_above_its_offset() {
    let kind = Kind::Struct;
    let flagged = |vlen| info(kind, true, vlen);
    taken_words(&[0, flagged(1), 8, 0, 1, 0xff00_0040]);
    taken_words(&[0, flagged(2), 8, 0, 1, 0x0300_0000, 0, 1, 0x0200_0003]);
    refused_words(
        20,
        &[0, word(kind, 1), 8, 0, 1, 0x0100_0000],
        Reason::MemberOutside {
            member: 0,
            bits: 0x0100_0000,
            size: 8,
        },
    );
    refused_words(
        20,
        &[0, flagged(1), 8, 0, 1, 0x0300_0041],
        Reason::MemberOutside {
            member: 0,
            bits: 0x41,
            size: 8,
        },
    );
    taken_words(&[0, info(Kind::Union, true, 1), 8, 0, 1, 0x0300_0000]);
}

#[test]
fn union_members_start_at_0() {
    let kind = Kind::Union;
    refused_words(
        20,
        &[0, word(kind, 1), 8, 0, 1, 8],
        Reason::UnionMemberOffset { member: 0, bits: 8 },
    );
    refused_words(
        32,
        &[0, word(kind, 2), 8, 0, 1, 0, 0, 1, 1],
        Reason::UnionMemberOffset { member: 1, bits: 1 },
    );
}

#[test]
fn enumeration() {
    for (kind, step) in [(Kind::Enum, 2), (Kind::Enum64, 3)] {
        let value = |name| [name, 7, 0][..step].to_vec();
        let with = |head: [u32; 3], names: &[u32]| {
            [
                head.to_vec(),
                names.iter().flat_map(|name| value(*name)).collect(),
            ]
            .concat()
        };
        for size in [1, 2, 4, 8] {
            taken_words(&[0, word(kind, 0), size]);
        }
        taken_words(&with([0, info(kind, true, 2), 4], &[NAME, NAME]));
        for size in [0, 3, 16, u32::MAX] {
            refused_words(8, &[0, word(kind, 0), size], Reason::BadSize { kind, size });
        }
        refused_name(kind, b"a-b", &[word(kind, 0), 4]);
        let name = |element, name_off| Reason::ElementName { element, name_off };
        let second = 12 + 4 * u32::try_from(step).unwrap();
        refused_words(12, &with([0, word(kind, 1), 4], &[0]), name(0, 0));
        refused_words(second, &with([0, word(kind, 2), 4], &[NAME, 4]), name(1, 4));
        refused_words(
            second,
            &with([0, word(kind, 2), 4], &[NAME, 9999]),
            Reason::NameOffset(9999),
        );
    }
}

#[test]
fn fwd() {
    let kind = Kind::Fwd;
    taken_words(&[NAME, word(kind, 0), 0]);
    taken_words(&[NAME, flagged(kind), 0]);
    refused_words(
        4,
        &[NAME, word(kind, 1), 0],
        Reason::BadVlen { kind, vlen: 1 },
    );
    refused_words(8, &[NAME, word(kind, 0), 1], Reason::FwdHasType(1));
    refused_words(0, &[0, word(kind, 0), 0], Reason::NameMissing(kind));
    refused_name(kind, b"@", &[word(kind, 0), 0]);
}

#[test]
fn func() {
    let kind = Kind::Func;
    taken_words(&[NAME, word(kind, 0), 3]);
    taken_words(&[NAME, word(kind, 1), 3]);
    refused_words(0, &[0, word(kind, 0), 3], Reason::NameMissing(kind));
    refused_name(kind, b"<init>", &[word(kind, 0), 3]);
    refused_words(4, &[NAME, flagged(kind), 3], Reason::BadKflag(kind));
}

#[test]
fn func_of_linkage_extern_is_refused_though_libbpf_writes_it() {
    let kind = Kind::Func;
    refused_words(
        4,
        &[NAME, word(kind, 2), 3],
        Reason::BadLinkage { kind, linkage: 2 },
    );
    let linkage = 0x00ff_ffff;
    refused_words(
        4,
        &[NAME, word(kind, linkage), 3],
        Reason::BadLinkage { kind, linkage },
    );
}

#[test]
fn func_proto() {
    let kind = Kind::FuncProto;
    taken_words(&[0, word(kind, 0), 0]);
    // Neither names nor types of parameters are looked at.
    taken_words(&[0, word(kind, 2), 1, 4, 1, u32::MAX, 0]);
    let name_off = NAME;
    refused_words(
        0,
        &[NAME, word(kind, 0), 0],
        Reason::NameUnexpected { kind, name_off },
    );
    refused_words(4, &[0, flagged(kind), 0], Reason::BadKflag(kind));
}

#[test]
fn var() {
    let kind = Kind::Var;
    taken_words(&[NAME, word(kind, 0), 1, 0]);
    taken_words(&[NAME, word(kind, 0), 1, 1]);
    refused_words(
        4,
        &[NAME, word(kind, 1), 1, 0],
        Reason::BadVlen { kind, vlen: 1 },
    );
    refused_words(4, &[NAME, flagged(kind), 1, 0], Reason::BadKflag(kind));
    refused_words(0, &[0, word(kind, 0), 1, 0], Reason::NameMissing(kind));
    refused_name(kind, b"a[1]", &[word(kind, 0), 1, 0]);
    refused_words(
        8,
        &[NAME, word(kind, 0), 0, 0],
        Reason::BadReference { kind, id: 0 },
    );
    refused_words(
        8,
        &[NAME, word(kind, 0), TOO_BIG, 0],
        Reason::BadReference { kind, id: TOO_BIG },
    );
    refused_words(
        12,
        &[NAME, word(kind, 0), 1, 2],
        Reason::BadLinkage { kind, linkage: 2 },
    );
}

#[test]
fn float() {
    let kind = Kind::Float;
    for size in [2, 4, 8, 12, 16] {
        taken_words(&[NAME, word(kind, 0), size]);
    }
    for size in [0, 1, 3, 10, 32] {
        refused_words(
            8,
            &[NAME, word(kind, 0), size],
            Reason::BadSize { kind, size },
        );
    }
    refused_words(
        4,
        &[NAME, word(kind, 1), 4],
        Reason::BadVlen { kind, vlen: 1 },
    );
    refused_words(4, &[NAME, flagged(kind), 4], Reason::BadKflag(kind));
}

/// A DATASEC of this size with these variables: type id, offset, size.
fn datasec(size: u32, variables: &[[u32; 3]]) -> Vec<u32> {
    let vlen = u32::try_from(variables.len()).unwrap();
    [
        &[NAME, word(Kind::Datasec, vlen), size],
        variables.as_flattened(),
    ]
    .concat()
}

#[test]
fn a_datasec_has_a_size_and_a_printable_name() {
    let kind = Kind::Datasec;
    taken_words(&datasec(1, &[]));
    taken_name(b".data..read_mostly [cpu-0]", &[word(kind, 0), 1]);
    refused_words(8, &datasec(0, &[]), Reason::BadSize { kind, size: 0 });
    refused_words(4, &[NAME, flagged(kind), 1], Reason::BadKflag(kind));
    refused_words(0, &[0, word(kind, 0), 1], Reason::NameMissing(kind));
    refused_words(
        0,
        &[4, word(kind, 0), 1],
        Reason::BadName { kind, name_off: 4 },
    );
    refused_name(kind, b".data\t", &[word(kind, 0), 1]);
}

#[test]
fn variables_of_a_datasec_stand_in_order_and_inside() {
    let reference = |element, id| Reason::ElementReference { element, id };
    let offset = |element, offset| Reason::VarOffset { element, offset };
    let size = |element, size| Reason::VarSize { element, size };
    taken_words(&datasec(8, &[[1, 0, 4], [1, 4, 4]]));
    taken_words(&datasec(8, &[[999, 2, 1], [MAX_TYPE, 7, 1]]));
    refused_words(12, &datasec(8, &[[0, 0, 4]]), reference(0, 0));
    refused_words(
        24,
        &datasec(8, &[[1, 0, 4], [TOO_BIG, 4, 4]]),
        reference(1, TOO_BIG),
    );
    refused_words(28, &datasec(8, &[[1, 0, 4], [1, 3, 4]]), offset(1, 3));
    refused_words(16, &datasec(8, &[[1, 8, 1]]), offset(0, 8));
    refused_words(20, &datasec(8, &[[1, 0, 0]]), size(0, 0));
    refused_words(20, &datasec(8, &[[1, 0, 9]]), size(0, 9));
    refused_words(32, &datasec(8, &[[1, 0, 4], [1, 4, 5]]), size(1, 5));
}

#[test]
fn the_end_of_a_variable_wraps_at_32_bits_as_in_the_kernel() {
    let all = u32::MAX;
    let wraps = [1, all - 15, 32];
    taken_words(&datasec(all, &[wraps]));
    taken_words(&datasec(all, &[wraps, [1, 16, all - 32]]));
    // What is left is the sum of the sizes, which does not wrap.
    let kind = Kind::Datasec;
    refused_words(
        8,
        &datasec(all, &[wraps, [1, 16, all - 31]]),
        Reason::BadSize { kind, size: all },
    );
}

#[test]
fn names_are_inside_the_strings() {
    refused("at the end", 0, |b| {
        let end = b.end_str();
        b.raw(&[end, word(Kind::Int, 0), 4, 32]);
        Reason::NameOffset(end)
    });
    for kind in [Kind::Ptr, Kind::Struct, Kind::FuncProto, Kind::Datasec] {
        for off in [9999, MAX_NAME_OFFSET + 1, u32::MAX] {
            refused_words(0, &[off, word(kind, 0), 1], Reason::NameOffset(off));
        }
    }
    taken("the last byte", |b| {
        let end = b.name("x") + 1;
        b.raw(&[end, word(Kind::Int, 0), 4, 32]);
    });
}

#[test]
fn a_name_past_the_largest_offset_is_refused_inside_the_strings_too() {
    let mut base = base();
    base.name(vec![b'x'; MAX_NAME_OFFSET as usize - 10]);
    let mut module = Builder::split(&base);
    let last = module.name("reached");
    module.raw(&[last, word(Kind::Fwd, 0), 0]);
    assert!(last <= MAX_NAME_OFFSET);
    let vmlinux = Vmlinux::new(base.bytes());
    assert_eq!(vmlinux.check_plain(&module.bytes()), Ok(()));
    let past = module.name("not_reached");
    assert!(past > MAX_NAME_OFFSET);
    module.raw(&[past, word(Kind::Fwd, 0), 0]);
    let error = vmlinux.check_plain(&module.bytes()).unwrap_err();
    assert_eq!((error.offset, error.type_id), (24 + 12, 4));
    assert_eq!(error.reason, Reason::NameOffset(past));
}

#[test]
fn identifiers_have_letters_of_latin_1_too() {
    let typedef = [word(Kind::Typedef, 0), 1];
    let good: [&[u8]; 8] = [
        b"_",
        b".",
        b"a1",
        b".L.1",
        b"Z_9",
        b"\xc0",
        b"\xe9t\xe9",
        b"\xff9",
    ];
    for name in good {
        taken_name(name, &typedef);
    }
    let bad: [&[u8]; 9] = [
        b"1", b"-", b"a-b", b"a b", b"a\x7f", b"\xd7", b"a\xf7", b"\xbf", b"a\xa0",
    ];
    for name in bad {
        refused_name(Kind::Typedef, name, &typedef);
    }
}

#[test]
fn section_names_are_printable_in_latin_1() {
    let datasec = [word(Kind::Datasec, 0), 1];
    let good: [&[u8]; 5] = [b" ", b"~", b"9-$", b"\xa0", b"\xff"];
    for name in good {
        taken_name(name, &datasec);
    }
    let bad: [&[u8]; 4] = [b"\x1f", b"a\x7f", b"\x80", b"\x9f"];
    for name in bad {
        refused_name(Kind::Datasec, name, &datasec);
    }
}

#[test]
fn names_have_at_most_512_bytes() {
    for (kind, words) in [
        (Kind::Typedef, [word(Kind::Typedef, 0), 1]),
        (Kind::Datasec, [word(Kind::Datasec, 0), 1]),
    ] {
        taken_name(&[b'x'; 512], &words);
        refused_name(kind, &[b'x'; 513], &words);
    }
}

/// CONSTs from [`ID`] on, each referring to the next, the last to `end`.
fn chain(b: &mut Builder, len: u32, end: u32) {
    for left in (1..=len).rev() {
        let next = if left == 1 { end } else { b.next_id() + 1 };
        b.constant(next);
    }
}

#[track_caller]
fn refused_chain(what: &str, add: impl FnOnce(&mut Builder)) {
    refused(what, 8, |b| {
        add(b);
        Reason::ChainTooLong
    });
}

#[test]
fn chains_have_at_most_32_modifiers() {
    taken("32 to a type", |b| chain(b, 32, 1));
    taken("32 to void", |b| chain(b, 32, 0));
    taken("32 to a pointer", |b| chain(b, 32, 3));
    refused_chain("33 to a type", |b| chain(b, 33, 1));
    refused_chain("33 to void", |b| chain(b, 33, 0));
}

#[test]
fn every_kind_of_modifier_counts() {
    let links: [fn(&mut Builder, u32) -> u32; 5] = [
        |b, id| b.typedef("t", id),
        |b, id| b.type_tag("tag", id),
        |b, id| b.refer(Kind::Volatile, id),
        |b, id| b.refer(Kind::Restrict, id),
        |b, id| b.constant(id),
    ];
    for link in links {
        let loops = |b: &mut Builder| {
            link(b, ID);
        };
        refused_chain("a loop of one", loops);
    }
    taken("a loop with a pointer", |b| {
        b.constant(ID + 1);
        b.ptr(ID);
    });
}

#[test]
fn loops_of_modifiers_are_refused() {
    refused_chain("itself", |b| chain(b, 1, ID));
    refused_chain("two", |b| chain(b, 2, ID));
    refused_chain("a loop further on", |b| chain(b, 5, ID + 2));
}

#[test]
fn what_was_walked_before_is_not_counted_again() {
    taken("a hundred, each on the one before", |b| {
        (0..100).fold(1, |id, _| b.constant(id));
    });
}

#[test]
fn the_last_step_counts_even_where_it_was_walked_before() {
    let reaches_good = |b: &mut Builder, len| {
        let good = b.constant(1);
        chain(b, len, good);
    };
    taken("31 to a good one", |b| reaches_good(b, 31));
    let (found, ()) = verdict(|b| reaches_good(b, 32));
    let error = found.unwrap_err();
    assert_eq!((error.offset, error.type_id), (START + 12 + 8, ID + 1));
    assert_eq!(error.reason, Reason::ChainTooLong);
}

#[test]
fn modifiers_of_the_base_are_not_walked() {
    let mut base = Builder::base();
    base.constant(1);
    let vmlinux = Vmlinux::new(base.bytes());
    let module = |len| {
        let mut b = Builder::split(&base);
        chain(&mut b, len, 1);
        b.bytes()
    };
    assert_eq!(vmlinux.check_plain(&module(31)), Ok(()));
    assert_eq!(
        vmlinux.check_plain(&module(32)).unwrap_err().reason,
        Reason::ChainTooLong
    );
}

#[test]
fn a_chain_ends_in_a_type() {
    let reason = |end| Reason::ReferenceOutOfRange { id: 5000, end };
    refused("one", 8, |b| {
        b.constant(5000);
        reason(b.next_id())
    });
    refused("three", 8, |b| {
        chain(b, 3, 5000);
        reason(b.next_id())
    });
}

#[test]
fn references_are_in_range() {
    let rows: [(u32, &[u32]); 9] = [
        (8, &[0, word(Kind::Ptr, 0), 5]),
        (8, &[NAME, word(Kind::Func, 0), 5]),
        (8, &[NAME, word(Kind::Var, 0), 5, 0]),
        (8, &[NAME, word(Kind::DeclTag, 0), 5, 0]),
        (12, &[0, word(Kind::Array, 0), 0, 5, 1, 2]),
        (16, &[0, word(Kind::Array, 0), 0, 1, 5, 2]),
        (28, &[0, word(Kind::Struct, 2), 8, 0, 1, 0, 0, 5, 0]),
        (24, &[0, word(Kind::FuncProto, 2), 1, 0, 1, 0, 5]),
        (24, &[NAME, word(Kind::Datasec, 2), 8, 1, 0, 4, 5, 4, 4]),
    ];
    let base = base();
    let vmlinux = Vmlinux::new(base.bytes());
    for (at, words) in rows {
        let mut module = Builder::split(&base);
        module.ptr(1);
        module.raw(words);
        let reason = Reason::ReferenceOutOfRange { id: 5, end: 5 };
        let (section, offset, type_id) = (Section::Btf, START + at, ID);
        assert_eq!(vmlinux.check_plain(&module.bytes()), Ok(()));
        let expected = Error {
            section,
            offset,
            type_id,
            reason,
        };
        assert_eq!(vmlinux.verify(&module.bytes()), Err(expected));
        module.ptr(0);
        assert_eq!(vmlinux.verify(&module.bytes()), Ok(()));
    }
}

#[test]
fn a_long_header_moves_every_offset() {
    let base = base();
    let mut module = Builder::split(&base);
    module.typedef("t", 1);
    module.raw(&[0, word(Kind::Typedef, 0), 1]);
    let order = [Part::Layout, Part::Strings, Part::Types];
    let header = Header {
        len: 40,
        order,
        layout: true,
    };
    let error = Vmlinux::new(base.bytes())
        .check_plain(&module.build(&header))
        .unwrap_err();
    // Header, layout, `t`, the first TYPEDEF.
    assert_eq!((error.offset, error.type_id), (40 + 80 + 2 + 12, ID));
}
