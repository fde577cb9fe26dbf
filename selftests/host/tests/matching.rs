// SPDX-License-Identifier: GPL-2.0

//! Which vmlinux type a distilled type becomes: the matching table of the design, one line a rule,
//! and beside each what the C code makes of it.

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::{modules, peer};
use rust_btfreloc::btf::Kind;
use rust_btfreloc::reloc::Fate::{self, Mapped, Opaque};
use rust_btfreloc::reloc::Why::{Absent, Ambiguous, OtherEncoding, OtherKind, OtherSize};
use std::collections::BTreeSet;

use Use::{Element, Member, Pointer};

/// How the module uses the distilled type.
#[derive(Clone, Copy)]
enum Use {
    Pointer,
    Member,
    Element,
}

/// What the rule is, the distilled type, how it is used, the candidates from [`FIRST`] on, and
/// what comes of it.
type Rule = (
    &'static str,
    &'static str,
    Use,
    &'static [&'static str],
    Fate,
);

/// Id of the first candidate, after the types that members of candidates have.
const FIRST: u32 = 8;
const SECOND: u32 = FIRST + 1;
const THIRD: u32 = FIRST + 2;

/// Types for members: 1 and 7 of 4 bytes, 2 to 5 of 8 bytes, 6 of 12.
fn members(b: &mut Builder) {
    let int = b.int("int", 4, 1);
    b.int("long", 8, 1);
    b.ptr(int);
    let pair = b.array(int, int, 2);
    b.constant(pair);
    b.array(int, int, 3);
    b.typedef("int_t", int);
    assert_eq!(b.next_id(), FIRST);
}

/// Rules that the C code follows, too.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    ("INT: name, size and encoding", "INT a 4 1", Pointer, &["INT a 4 1"], Mapped(FIRST)),
    ("INT: another name", "INT a 4 1", Pointer, &["INT ab 4 1", "INT b 4 1"], Opaque(Absent)),
    ("INT: another size", "INT a 4 1", Pointer, &["INT a 8 1"], Opaque(OtherSize(FIRST))),
    ("INT: another encoding", "INT a 4 1", Pointer, &["INT a 4 0"], Opaque(OtherEncoding(FIRST))),
    ("INT: encoding, not size", "INT a 1 4", Pointer, &["INT a 1 2"], Opaque(OtherEncoding(FIRST))),
    ("INT: another kind", "INT a 4 1", Pointer, &["FLOAT a 4"], Opaque(OtherKind(FIRST))),
    ("INT: the size decides", "INT a 4 1", Pointer, &["INT a 8 1", "INT a 4 1"], Mapped(SECOND)),
    ("INT: the encoding decides", "INT a 4 1", Pointer, &["INT a 4 0", "INT a 4 1"], Mapped(SECOND)),
    ("INT: not a TYPEDEF", "INT a 4 1", Pointer, &["TYPEDEF a"], Opaque(Absent)),
    ("INT: not a FUNC or VAR", "INT a 4 1", Pointer, &["FUNC a", "VAR a"], Opaque(Absent)),
    ("FLOAT: name and size", "FLOAT a 8", Pointer, &["FLOAT a 8"], Mapped(FIRST)),
    ("FLOAT: another size", "FLOAT a 8", Pointer, &["FLOAT a 4"], Opaque(OtherSize(FIRST))),
    ("FLOAT: another kind", "FLOAT a 8", Pointer, &["INT a 8 0"], Opaque(OtherKind(FIRST))),
    ("FLOAT: the size decides", "FLOAT a 8", Pointer, &["FLOAT a 4", "FLOAT a 8"], Mapped(SECOND)),
    ("ENUM: name and size", "ENUM a 4", Pointer, &["ENUM a 4 X=1"], Mapped(FIRST)),
    ("ENUM: ENUM64 of that size", "ENUM a 8", Pointer, &["ENUM64 a 8 X=1"], Mapped(FIRST)),
    ("ENUM: another size", "ENUM a 4", Pointer, &["ENUM a 1 X=1"], Opaque(OtherSize(FIRST))),
    ("ENUM: ENUM64, other size", "ENUM a 4", Pointer, &["ENUM64 a 8 X=1"], Opaque(OtherSize(FIRST))),
    ("ENUM: another kind", "ENUM a 4", Pointer, &["INT a 4 1"], Opaque(OtherKind(FIRST))),
    ("ENUM: the size decides", "ENUM a 8", Pointer, &["ENUM a 4", "ENUM64 a 8"], Mapped(SECOND)),
    ("FWD struct: FWD struct", "FWD a struct", Pointer, &["FWD a struct"], Mapped(FIRST)),
    ("FWD union: FWD union", "FWD a union", Pointer, &["FWD a union"], Mapped(FIRST)),
    ("FWD struct: not FWD union", "FWD a struct", Pointer, &["FWD a union"], Opaque(OtherKind(FIRST))),
    ("FWD union: not FWD struct", "FWD a union", Pointer, &["FWD a struct"], Opaque(OtherKind(FIRST))),
    ("FWD struct: STRUCT", "FWD a struct", Pointer, &["STRUCT a 8 f@0:1"], Mapped(FIRST)),
    ("FWD struct: not UNION", "FWD a struct", Pointer, &["UNION a 8"], Opaque(OtherKind(FIRST))),
    ("FWD: another kind", "FWD a struct", Pointer, &["ENUM a 4"], Opaque(OtherKind(FIRST))),
    ("FWD: defined twice and declared", "FWD a struct", Pointer, &["STRUCT a 8", "STRUCT a 9", "FWD a struct"], Mapped(THIRD)),
    ("FWD: no type", "FWD a struct", Pointer, &["STRUCT b 8"], Opaque(Absent)),
    ("STRUCT: name", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1"], Mapped(FIRST)),
    ("STRUCT: a pointer asks no size", "STRUCT a 8", Pointer, &["STRUCT a 16"], Mapped(FIRST)),
    ("STRUCT: a member asks the size", "STRUCT a 8", Member, &["STRUCT a 8"], Mapped(FIRST)),
    ("STRUCT: resized", "STRUCT a 8", Member, &["STRUCT a 16"], Opaque(OtherSize(FIRST))),
    ("STRUCT: no type", "STRUCT a 8", Member, &["TYPEDEF a"], Opaque(Absent)),
    ("STRUCT: the size decides", "STRUCT a 8", Pointer, &["STRUCT a 4", "STRUCT a 8"], Mapped(SECOND)),
    ("STRUCT: none of that size", "STRUCT a 8", Pointer, &["STRUCT a 4", "STRUCT a 9"], Opaque(OtherSize(FIRST))),
    ("STRUCT: only declared", "STRUCT a 8", Pointer, &["FWD a struct"], Mapped(FIRST)),
    ("STRUCT: only declared, and held", "STRUCT a 8", Member, &["FWD a struct"], Opaque(OtherKind(FIRST))),
    ("UNION: only declared", "UNION a 8", Pointer, &["FWD a union"], Mapped(FIRST)),
    ("UNION: only declared, and held", "UNION a 8", Member, &["FWD a union"], Opaque(OtherKind(FIRST))),
    ("UNION: name", "UNION a 8", Pointer, &["UNION a 8 f@0:1"], Mapped(FIRST)),
    ("UNION: a pointer asks no size", "UNION a 8", Pointer, &["UNION a 16"], Mapped(FIRST)),
    ("UNION: a member asks the size", "UNION a 8", Member, &["UNION a 8"], Mapped(FIRST)),
    ("UNION: resized", "UNION a 8", Member, &["UNION a 16"], Opaque(OtherSize(FIRST))),
    ("UNION: the size decides", "UNION a 8", Pointer, &["UNION a 4", "UNION a 8"], Mapped(SECOND)),
];

/// Kinds and flavours that `btf_relocate_map_distilled_base` does not compare, or takes from the
/// candidate's kind_flag.
#[rustfmt::skip]
const C_TAKES_ANOTHER_KIND: &[Rule] = &[
    ("C maps STRUCT to UNION", "STRUCT a 8", Pointer, &["UNION a 8"], Opaque(OtherKind(FIRST))),
    ("C maps STRUCT to INT", "STRUCT a 8", Pointer, &["INT a 8 0"], Opaque(OtherKind(FIRST))),
    ("C maps STRUCT to ENUM", "STRUCT a 8", Pointer, &["ENUM a 8"], Opaque(OtherKind(FIRST))),
    ("C maps STRUCT to FWD union", "STRUCT a 8", Pointer, &["FWD a union"], Opaque(OtherKind(FIRST))),
    ("C maps UNION to FWD struct", "UNION a 8", Pointer, &["FWD a struct"], Opaque(OtherKind(FIRST))),
    ("C maps STRUCT in an array to FWD", "STRUCT a 8", Element, &["FWD a struct"], Opaque(OtherKind(FIRST))),
    ("C maps UNION to STRUCT", "UNION a 8", Member, &["STRUCT a 8"], Opaque(OtherKind(FIRST))),
    ("C maps UNION to FLOAT", "UNION a 8", Pointer, &["FLOAT a 8"], Opaque(OtherKind(FIRST))),
    ("C maps FWD union to STRUCT", "FWD a union", Pointer, &["STRUCT a 8"], Opaque(OtherKind(FIRST))),
    ("C maps STRUCT to the UNION of its size", "STRUCT a 8", Pointer, &["UNION a 8", "STRUCT a 16"], Mapped(SECOND)),
    ("C refuses STRUCT with bit-fields", "FWD a struct", Pointer, &["BITS a 8 f@0:1:3"], Mapped(FIRST)),
    ("C refuses UNION without bit-fields", "FWD a union", Pointer, &["UNION a 8 f@0:1"], Mapped(FIRST)),
];

/// Several candidates, for which the C code gives up on the module.
#[rustfmt::skip]
const C_GIVES_UP: &[Rule] = &[
    ("INT twice", "INT a 4 1", Pointer, &["INT a 4 1", "INT a 4 1"], Mapped(FIRST)),
    ("FLOAT twice", "FLOAT a 8", Pointer, &["FLOAT a 8", "FLOAT a 8"], Mapped(FIRST)),
    ("ENUM, same values", "ENUM a 4", Pointer, &["ENUM a 4 X=1", "ENUM a 4 X=1"], Mapped(FIRST)),
    ("ENUM, other value", "ENUM a 4", Pointer, &["ENUM a 4 X=1", "ENUM a 4 X=2"], Opaque(Ambiguous(FIRST))),
    ("ENUM, other name", "ENUM a 4", Pointer, &["ENUM a 4 X=1", "ENUM a 4 Y=1"], Opaque(Ambiguous(FIRST))),
    ("ENUM, more values", "ENUM a 4", Pointer, &["ENUM a 4 X=1", "ENUM a 4 X=1 Y=2"], Opaque(Ambiguous(FIRST))),
    ("ENUM and ENUM64", "ENUM a 8", Pointer, &["ENUM a 8 X=1", "ENUM64 a 8 X=1"], Opaque(Ambiguous(FIRST))),
    ("ENUM64, same values", "ENUM a 8", Pointer, &["ENUM64 a 8 X=1", "ENUM64 a 8 X=1"], Mapped(FIRST)),
    ("FWD twice", "FWD a struct", Pointer, &["FWD a struct", "FWD a struct"], Mapped(FIRST)),
    ("FWD: defined and declared", "FWD a struct", Pointer, &["FWD a struct", "STRUCT a 8"], Mapped(SECOND)),
    ("FWD: defined alike twice", "FWD a struct", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 f@0:1"], Mapped(FIRST)),
    ("FWD: defined twice", "FWD a struct", Pointer, &["STRUCT a 8", "STRUCT a 9"], Opaque(Ambiguous(FIRST))),
    ("FWD: each flavour once", "FWD a union", Pointer, &["STRUCT a 8", "UNION a 8"], Mapped(SECOND)),
    ("STRUCT and UNION", "STRUCT a 8", Pointer, &["UNION a 8", "STRUCT a 8"], Mapped(SECOND)),
    ("STRUCT, declared and defined", "STRUCT a 8", Pointer, &["FWD a struct", "STRUCT a 8"], Mapped(SECOND)),
    ("STRUCT, declared twice", "STRUCT a 8", Pointer, &["FWD a struct", "FWD a struct"], Mapped(FIRST)),
    ("STRUCT, declared in either flavour", "STRUCT a 8", Pointer, &["FWD a union", "FWD a struct"], Mapped(SECOND)),
    ("STRUCT, declared and resized", "STRUCT a 8", Pointer, &["FWD a struct", "STRUCT a 16"], Mapped(SECOND)),
    ("STRUCT, declared and ambiguous", "STRUCT a 8", Pointer, &["FWD a struct", "STRUCT a 8 f@0:1", "STRUCT a 8 g@0:1"], Opaque(Ambiguous(SECOND))),
    ("STRUCT, empty", "STRUCT a 8", Member, &["STRUCT a 8", "STRUCT a 8"], Mapped(FIRST)),
    ("STRUCT, alike", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1 g@32:1", "STRUCT a 8 f@0:1 g@32:1"], Mapped(FIRST)),
    ("STRUCT, other name", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 g@0:1"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, longer name", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 fg@0:1"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, other offset", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 f@32:1"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, other size", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 f@0:2"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, more members", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 f@0:1 g@32:1"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, typedef of the member", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 f@0:7"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, pointer or long", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:2", "STRUCT a 8 f@0:3"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, array of that size", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:2", "STRUCT a 8 f@0:4"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, const array of that size", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:5", "STRUCT a 8 f@0:2"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, longer array", "STRUCT a 12", Pointer, &["STRUCT a 12 f@0:5", "STRUCT a 12 f@0:6"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, bit-fields alike", "STRUCT a 8", Pointer, &["BITS a 8 f@0:1:3", "BITS a 8 f@0:1:3"], Mapped(FIRST)),
    ("STRUCT, other width", "STRUCT a 8", Pointer, &["BITS a 8 f@0:1:3", "BITS a 8 f@0:1:4"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, bit-field or member", "STRUCT a 8", Pointer, &["BITS a 8 f@0:1:3", "STRUCT a 8 f@0:1"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, kind_flag and no bit-field", "STRUCT a 8", Pointer, &["BITS a 8 f@0:1:0", "STRUCT a 8 f@0:1"], Mapped(FIRST)),
    ("STRUCT, third differs", "STRUCT a 8", Pointer, &["STRUCT a 8 f@0:1", "STRUCT a 8 f@0:1", "STRUCT a 8 f@0:2"], Opaque(Ambiguous(FIRST))),
    ("STRUCT, third of other size", "STRUCT a 8", Pointer, &["STRUCT a 4", "STRUCT a 8 f@0:1", "STRUCT a 8 f@0:1"], Mapped(SECOND)),
    ("UNION, alike", "UNION a 8", Pointer, &["UNION a 8 f@0:1", "UNION a 8 f@0:1"], Mapped(FIRST)),
    ("UNION, other size", "UNION a 8", Pointer, &["UNION a 8 f@0:1", "UNION a 8 f@0:2"], Opaque(Ambiguous(FIRST))),
];

#[test]
fn rules() {
    for rule in RULES {
        let c_code = match holds(rule) {
            Mapped(id) => Some(id),
            Opaque(_) => None,
        };
        assert_eq!(by_libbpf(rule), c_code, "{}", rule.0);
    }
}

#[test]
fn rules_of_kind_where_the_c_code_differs() {
    for rule in C_TAKES_ANOTHER_KIND {
        let fate = holds(rule);
        match by_libbpf(rule) {
            Some(id) => assert_ne!(fate, Mapped(id), "{}", rule.0),
            None => assert_eq!(fate, Mapped(FIRST), "{}", rule.0),
        }
    }
}

#[test]
fn rules_of_several_candidates_where_the_c_code_gives_up() {
    for rule in C_GIVES_UP {
        holds(rule);
        assert_eq!(by_libbpf(rule), None, "{}", rule.0);
    }
}

/// Of a real kernel: what differs in nothing but what its pointers lead to is two types as well.
#[test]
fn no_struct_that_a_kernel_has_twice_is_taken_for_one() {
    let kit = modules::kit();
    let (release, kernel) = modules::kernels(&kit).remove(0);
    let vmlinux = Vmlinux::new(kernel);
    let mut twice: Vec<(String, u32)> = structs(&vmlinux);
    twice.sort();
    let twice: BTreeSet<_> = twice
        .windows(2)
        .filter_map(|pair| (pair[0] == pair[1]).then_some(pair[0].clone()))
        .collect();
    assert!(twice.len() > 5, "{release}: {twice:?}");
    let mut base = Builder::base();
    let ids: Vec<_> = twice
        .iter()
        .map(|(name, size)| base.structure(name, *size, &[]))
        .collect();
    let mut module = Builder::split(&base);
    for id in ids {
        module.ptr(id);
    }
    let done = vmlinux.relocate(&base.bytes(), &module.bytes()).unwrap();
    for ((name, _), fate) in twice.iter().zip(done.fates) {
        assert!(matches!(fate, Opaque(Ambiguous(_))), "{name}: {fate:?}");
    }
}

/// Name and size of each STRUCT that has a name.
fn structs(vmlinux: &Vmlinux) -> Vec<(String, u32)> {
    let base = vmlinux.base();
    let btf = base.btf();
    let records = (1..btf.end_id()).filter_map(|id| btf.record(id));
    let named = records.filter(|record| record.kind() == Kind::Struct && record.name_off() != 0);
    named
        .map(|record| {
            let name = btf.name(record.name_off()).unwrap();
            (String::from_utf8(name.to_vec()).unwrap(), record.size())
        })
        .collect()
}

/// The kernel, the distilled base and the module of a rule.
fn case((_, distilled, used, candidates, _): &Rule) -> [Vec<u8>; 3] {
    let mut vmlinux = Builder::base();
    members(&mut vmlinux);
    candidates.iter().for_each(|text| add(&mut vmlinux, text));
    let mut base = Builder::base();
    add(&mut base, distilled);
    let mut module = Builder::split(&base);
    match used {
        Pointer => module.ptr(1),
        Member => module.structure("holder", 64, &[("a", [1, 0])]),
        Element => module.array(1, 2, 2),
    };
    [vmlinux, base, module].map(|builder| builder.bytes())
}

/// What became of the distilled type, which is what the rule says.
#[track_caller]
fn holds(rule: &Rule) -> Fate {
    let [vmlinux, base, module] = case(rule);
    let done = Vmlinux::new(vmlinux).relocate(&base, &module);
    assert_eq!(done.unwrap().fates, [rule.4], "{}", rule.0);
    rule.4
}

/// The type that libbpf, which shares its source with the kernel, maps to; `None` where it refuses.
fn by_libbpf(rule: &Rule) -> Option<u32> {
    let [vmlinux, base, module] = case(rule);
    let vmlinux = peer::Btf::base(&vmlinux).unwrap();
    let base = peer::Btf::base(&base).unwrap();
    let module = peer::Btf::split(&base, &module).unwrap();
    let relocated = module.relocate(&vmlinux).ok()?;
    let (_, first) = relocated.own().next().unwrap();
    let id = first.ids().next();
    id
}

/// Adds the type that `text` describes: kind, name, size or flavour, then elements as
/// `NAME@BIT:TYPE` (with `:WIDTH` in `BITS`, a STRUCT with bit-fields) or `NAME=VALUE`.
fn add(b: &mut Builder, text: &str) {
    let words: Vec<&str> = text.split(' ').collect();
    let (kind, name, elements) = (words[0], words[1], words.get(3..).unwrap_or(&[]));
    let size = || words[2].parse().unwrap();
    match kind {
        "INT" => b.int(name, size(), elements[0].parse().unwrap()),
        "FLOAT" => b.float(name, size()),
        "ENUM" => b.enumeration(name, size(), &with_numbers(elements)),
        "ENUM64" => {
            let values = with_numbers(elements)
                .into_iter()
                .map(|(name, [low])| (name, [low, 0]));
            b.enum64(name, size(), false, &values.collect::<Vec<_>>())
        }
        "FWD" => b.fwd(name, words[2] == "union"),
        "STRUCT" => b.structure(name, size(), &placed(elements)),
        "UNION" => b.union(name, size(), &placed(elements)),
        "BITS" => {
            let members = with_numbers(elements).into_iter();
            let members = members.map(|(name, [bit, id, width])| (name, [id, bit, width]));
            b.bit_fields(name, size(), &members.collect::<Vec<_>>())
        }
        "TYPEDEF" => b.typedef(name, 1),
        "VAR" => b.var(name, 1, 1),
        "FUNC" => {
            let proto = b.func_proto(0, &[]);
            b.func(name, proto, 1)
        }
        other => panic!("no kind {other}"),
    };
}

fn placed<'t>(elements: &[&'t str]) -> Vec<(&'t str, [u32; 2])> {
    let members = with_numbers(elements).into_iter();
    members.map(|(name, [bit, id])| (name, [id, bit])).collect()
}

/// `NAME` and the numbers after it.
fn with_numbers<'t, const N: usize>(elements: &[&'t str]) -> Vec<(&'t str, [u32; N])> {
    let parse = |element: &&'t str| {
        let mut parts = element.split(['@', ':', '=']);
        let name = parts.next().unwrap();
        let numbers: Vec<u32> = parts.map(|part| part.parse().unwrap()).collect();
        (name, numbers.try_into().unwrap())
    };
    elements.iter().map(parse).collect()
}

/// What leads from a module's type to the distilled one, and whether that is held by value.
#[rustfmt::skip]
const EMBEDDING: &[(&str, bool)] = &[
    ("STRUCT", true),
    ("UNION", true),
    ("STRUCT CONST", true),
    ("STRUCT VOLATILE", true),
    ("STRUCT RESTRICT", true),
    ("STRUCT TYPEDEF", true),
    ("STRUCT TYPE_TAG", true),
    ("STRUCT ARRAY", true),
    ("UNION ARRAY ARRAY", true),
    ("STRUCT TYPEDEF ARRAY CONST TYPE_TAG VOLATILE TYPEDEF", true),
    ("STRUCT STRUCT", true),
    ("PTR STRUCT", true),
    ("STRUCT PTR", false),
    ("UNION PTR", false),
    ("STRUCT ARRAY PTR", false),
    ("STRUCT PTR CONST", false),
    ("STRUCT TYPEDEF PTR TYPEDEF", false),
    ("STRUCT INDEX", false),
    ("PTR", false),
    ("CONST", false),
    ("TYPEDEF", false),
    ("ARRAY", false),
    ("DECL_TAG", false),
    ("VAR PTR", false),
    ("RETURN PTR", false),
    ("PARAM PTR", false),
];

/// By value, but in no member.
const EMBEDDING_WITHOUT_MEMBER: &[&str] = &[
    "VAR",
    "VAR CONST ARRAY",
    "RETURN",
    "RETURN TYPEDEF",
    "PARAM",
    "PARAM CONST",
];

#[test]
fn size_counts_where_a_type_is_embedded() {
    for (path, by_value) in EMBEDDING {
        for kind in [Kind::Struct, Kind::Union] {
            assert_eq!(embeds(kind, path, *by_value), *by_value, "{path}");
        }
    }
}

#[test]
fn size_counts_in_variables_and_calls_where_the_c_code_looks_at_members_only() {
    for path in EMBEDDING_WITHOUT_MEMBER {
        for kind in [Kind::Struct, Kind::Union] {
            assert!(!embeds(kind, path, true), "{path}");
        }
    }
}

/// Relocates a module with this path to a type to a kernel that resized it; whether the C code
/// refuses that.
#[track_caller]
fn embeds(kind: Kind, path: &str, by_value: bool) -> bool {
    let mut base = Builder::base();
    base.composite(kind, "a", 8, &[]);
    let mut module = Builder::split(&base);
    let steps = path.split(' ').rev();
    steps.fold(1, |id, step| lead(&mut module, step, id));
    let mut vmlinux = Builder::base();
    vmlinux.composite(kind, "a", 16, &[]);
    let [vmlinux, base, module] = [vmlinux, base, module].map(|builder| builder.bytes());
    let done = Vmlinux::new(vmlinux.clone()).relocate(&base, &module);
    let expected = match by_value {
        true => Opaque(OtherSize(1)),
        false => Mapped(1),
    };
    assert_eq!(done.unwrap().fates, [expected], "{path}");
    let vmlinux = peer::Btf::base(&vmlinux).unwrap();
    let base = peer::Btf::base(&base).unwrap();
    let refused = peer::Btf::split(&base, &module).unwrap().relocate(&vmlinux);
    refused.is_err()
}

/// Adds a type that refers to `id`.
fn lead(b: &mut Builder, step: &str, id: u32) -> u32 {
    match step {
        "STRUCT" => b.structure("", 64, &[("m", [id, 0])]),
        "UNION" => b.union("", 64, &[("m", [id, 0])]),
        "CONST" => b.constant(id),
        "VOLATILE" => b.refer(Kind::Volatile, id),
        "RESTRICT" => b.refer(Kind::Restrict, id),
        "PTR" => b.ptr(id),
        "TYPEDEF" => b.typedef("t", id),
        "TYPE_TAG" => b.type_tag("tag", id),
        "DECL_TAG" => b.decl_tag("tag", id, -1),
        "ARRAY" => b.array(id, 2, 2),
        "INDEX" => {
            let pointer = b.ptr(0);
            b.array(pointer, id, 2)
        }
        "VAR" => b.var("v", id, 1),
        "RETURN" => b.func_proto(id, &[]),
        "PARAM" => b.func_proto(0, &[("first", [0]), ("p", [id]), ("", [0])]),
        other => panic!("no step {other}"),
    }
}

#[test]
fn a_loop_of_arrays_ends() {
    let mut base = Builder::base();
    base.structure("a", 8, &[]);
    let mut module = Builder::split(&base);
    module.array(3, 3, 1);
    module.array(2, 2, 1);
    module.structure("holder", 8, &[("m", [2, 0])]);
    let done = Vmlinux::new(base.bytes()).relocate(&base.bytes(), &module.bytes());
    assert_eq!(done.unwrap().fates, [Mapped(1)]);
}

#[test]
fn one_type_embedded_and_pointed_to_is_embedded() {
    let mut base = Builder::base();
    base.structure("a", 8, &[]);
    let mut module = Builder::split(&base);
    let alias = module.typedef("t", 1);
    module.ptr(alias);
    module.structure("first", 8, &[("m", [alias, 0])]);
    module.structure("second", 8, &[("m", [alias, 0])]);
    let mut vmlinux = Builder::base();
    vmlinux.structure("a", 4, &[]);
    let done = Vmlinux::new(vmlinux.bytes()).relocate(&base.bytes(), &module.bytes());
    assert_eq!(done.unwrap().fates, [Opaque(OtherSize(1))]);
}

#[test]
fn two_distilled_types_of_one_name_become_what_each_recorded() {
    let mut base = Builder::base();
    base.structure("a", 8, &[]);
    base.structure("a", 16, &[]);
    base.union("a", 4, &[]);
    let mut module = Builder::split(&base);
    (1..=3).for_each(|id| {
        module.ptr(id);
    });
    let mut vmlinux = Builder::base();
    vmlinux.structure("a", 16, &[]);
    vmlinux.structure("a", 8, &[]);
    let done = Vmlinux::new(vmlinux.bytes()).relocate(&base.bytes(), &module.bytes());
    assert_eq!(
        done.unwrap().fates,
        [Mapped(2), Mapped(1), Opaque(OtherKind(1))]
    );
}
