// SPDX-License-Identifier: GPL-2.0

//! Every sort of wrongness that BTF can have, in each place where a module may carry it: what the
//! kernel makes of it, what libbpf makes of it, and what becomes of the module.
//!
//! What is wrong with a type is often no concern of the kernel's when it loads a module: it checks
//! each type by itself (`btf_check_meta` in `kernel/bpf/btf.c`), and follows references only in the
//! BTF of programs. So a row may be taken where it makes no sense.

use btfreloc_selftests::builder::{info, put, Builder, Header, Part, CHAR, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::peer;
use rust_btfreloc::btf::{
    verify, Bits, Blob, Btf, Error, Form, Kind, Known, Section, Table, MAX_TYPE,
};
use rust_btfreloc::reloc::{CauseKind, Input, InputKind, Policy, Survey};

// The types that each BTF begins with.
const INT: u32 = 1;
const PAIR: u32 = 2;
/// The first that a row adds.
const ID: u32 = 3;
const TOO_BIG: u32 = MAX_TYPE + 1;

/// What is made of BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Taken,
    Refused,
}
use Is::{Refused, Taken};

impl<T, E> From<Result<T, E>> for Is {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(_) => Taken,
            Err(_) => Refused,
        }
    }
}

/// What becomes of a module with plain split BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Module {
    /// As it is.
    Left,
    /// Its BTF is dropped, as it may be right on another kernel.
    Stale,
    /// Its BTF is dropped.
    Malformed,
}
use Module::{Left, Malformed, Stale};

/// A sort of wrongness: the kernel, libbpf, a plain module, and whether a module with a distilled
/// base is relocated; the types that are wrong.
type Row = (&'static str, Is, Is, Module, Is, fn(&mut Builder));

fn word(kind: Kind, vlen: u32) -> u32 {
    info(kind, false, vlen)
}

fn flag(kind: Kind, vlen: u32) -> u32 {
    info(kind, true, vlen)
}

/// A type with the name `wrong`, of these words after it.
fn named(b: &mut Builder, words: &[u32]) {
    let name = b.name("wrong");
    b.raw(&[&[name], words].concat());
}

/// As [`named`], with a name that is no identifier.
fn misnamed(b: &mut Builder, words: &[u32]) {
    let name = b.name("0 wrong");
    b.raw(&[&[name], words].concat());
}

fn nameless(b: &mut Builder, words: &[u32]) {
    b.raw(&[&[0], words].concat());
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // What is right, to be sure that a row is refused for what it says.
    ("nothing wrong", Taken, Taken, Left, Taken, |b| { b.typedef("right", INT); }),
    ("struct without a name", Taken, Taken, Left, Taken, |b| { b.structure("", 8, &[("one", [INT, 0])]); }),
    ("member without a name", Taken, Taken, Left, Taken, |b| { b.structure("right", 8, &[("", [PAIR, 0])]); }),
    ("enum without a name", Taken, Taken, Left, Taken, |b| { b.enumeration("", 4, &[("ONE", [1])]); }),
    ("struct of no members", Taken, Taken, Left, Taken, |b| { b.structure("right", 0, &[]); }),
    ("union declared only", Taken, Taken, Left, Taken, |b| { b.fwd("right", true); }),
    ("function of any more", Taken, Taken, Left, Taken, |b| { b.func_proto(0, &[("one", [INT]), ("", [0])]); }),
    ("integer of 128 bits", Taken, Taken, Left, Taken, |b| { b.int("right", 16, SIGNED); }),
    ("section of no variables", Taken, Taken, Left, Taken, |b| { b.datasec(".data", 4, &[]); }),

    // Names.
    ("name past the strings", Refused, Refused, Stale, Refused, |b| { b.raw(&[9999, word(Kind::Typedef, 0), INT]); }),
    ("typedef without a name", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::Typedef, 0), INT])),
    ("typedef misnamed", Refused, Taken, Stale, Refused, |b| misnamed(b, &[word(Kind::Typedef, 0), INT])),
    ("pointer with a name", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Ptr, 0), INT])),
    ("const with a name", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Const, 0), INT])),
    ("volatile with a name", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Volatile, 0), INT])),
    ("restrict with a name", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Restrict, 0), INT])),
    ("array with a name", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Array, 0), 0, INT, INT, 1])),
    ("prototype with a name", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::FuncProto, 0), INT])),
    ("declaration without a name", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::Fwd, 0), 0])),
    ("declaration misnamed", Refused, Taken, Stale, Refused, |b| misnamed(b, &[word(Kind::Fwd, 0), 0])),
    ("struct misnamed", Refused, Taken, Stale, Refused, |b| misnamed(b, &[word(Kind::Struct, 0), 0])),
    ("member misnamed", Refused, Taken, Stale, Refused, |b| { b.structure("right", 4, &[("1st", [INT, 0])]); }),
    ("enum misnamed", Refused, Taken, Stale, Refused, |b| misnamed(b, &[word(Kind::Enum, 0), 4])),
    ("value without a name", Refused, Taken, Stale, Refused, |b| { b.enumeration("right", 4, &[("", [1])]); }),
    ("value misnamed", Refused, Taken, Stale, Refused, |b| { b.enumeration("right", 4, &[("A-B", [1])]); }),
    ("wide value without a name", Refused, Taken, Stale, Refused, |b| { b.enum64("right", 8, false, &[("", [1, 0])]); }),
    ("function without a name", Refused, Taken, Malformed, Refused, |b| {
        let proto = b.func_proto(0, &[]);
        nameless(b, &[word(Kind::Func, 0), proto]);
    }),
    ("function misnamed", Refused, Taken, Stale, Refused, |b| {
        let proto = b.func_proto(0, &[]);
        misnamed(b, &[word(Kind::Func, 0), proto]);
    }),
    ("variable without a name", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::Var, 0), INT, 1])),
    ("section without a name", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::Datasec, 0), 4])),
    ("section with a name not to be printed", Refused, Taken, Stale, Refused, |b| { b.datasec("\n", 4, &[]); }),
    ("tag without text", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::DeclTag, 0), PAIR, u32::MAX])),
    ("type tag without text", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::TypeTag, 0), INT])),
    ("parameter named past the strings", Taken, Refused, Stale, Taken, |b| nameless(b, &[word(Kind::FuncProto, 1), 0, 9999, INT])),

    // The word with kind, flag and vlen.
    ("integer with elements", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Int, 1), 4, 32])),
    ("typedef with elements", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Typedef, 1), INT])),
    ("array with elements", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::Array, 1), 0, INT, INT, 1])),
    ("declaration with elements", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Fwd, 1), 0])),
    ("variable with elements", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Var, 1), INT, 1])),
    ("float with elements", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Float, 1), 4])),
    ("tag with elements", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::DeclTag, 1), PAIR, u32::MAX])),
    ("integer with flag", Refused, Taken, Malformed, Refused, |b| named(b, &[flag(Kind::Int, 0), 4, 32])),
    ("pointer with flag", Refused, Taken, Malformed, Refused, |b| nameless(b, &[flag(Kind::Ptr, 0), INT])),
    ("array with flag", Refused, Taken, Malformed, Refused, |b| nameless(b, &[flag(Kind::Array, 0), 0, INT, INT, 1])),
    ("typedef with flag", Refused, Taken, Malformed, Refused, |b| named(b, &[flag(Kind::Typedef, 0), INT])),
    ("function with flag", Refused, Taken, Malformed, Refused, |b| {
        let proto = b.func_proto(0, &[]);
        named(b, &[flag(Kind::Func, 0), proto]);
    }),
    ("prototype with flag", Refused, Taken, Malformed, Refused, |b| nameless(b, &[flag(Kind::FuncProto, 0), 0])),
    ("variable with flag", Refused, Taken, Malformed, Refused, |b| named(b, &[flag(Kind::Var, 0), INT, 1])),
    ("section with flag", Refused, Taken, Malformed, Refused, |b| named(b, &[flag(Kind::Datasec, 0), 4])),
    ("float with flag", Refused, Taken, Malformed, Refused, |b| named(b, &[flag(Kind::Float, 0), 4])),

    // Sizes and what describes a type by itself.
    ("integer of too many bits", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Int, 0), 4, 33])),
    ("integer of unknown bits", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Int, 0), 4, (1 << 28) | 32])),
    ("integer of two encodings", Refused, Taken, Malformed, Refused, |b| { b.int("right", 4, SIGNED | CHAR); }),
    ("array with a size", Refused, Taken, Malformed, Refused, |b| nameless(b, &[word(Kind::Array, 0), 4, INT, INT, 1])),
    ("enum of three bytes", Refused, Taken, Malformed, Refused, |b| { b.enumeration("right", 3, &[]); }),
    ("wide enum of sixteen bytes", Refused, Taken, Malformed, Refused, |b| { b.enum64("right", 16, false, &[]); }),
    ("float of three bytes", Refused, Taken, Malformed, Refused, |b| { b.float("right", 3); }),
    ("declaration with a type", Refused, Taken, Malformed, Refused, |b| named(b, &[word(Kind::Fwd, 0), INT])),
    ("function of a linkage not known", Refused, Taken, Malformed, Refused, |b| {
        let proto = b.func_proto(0, &[]);
        named(b, &[word(Kind::Func, 3), proto]);
    }),
    ("variable of a linkage not known", Refused, Taken, Malformed, Refused, |b| { b.var("right", INT, 3); }),
    ("tag on a component below the whole", Refused, Taken, Malformed, Refused, |b| { b.decl_tag("right", PAIR, -2); }),
    ("section of no size", Refused, Taken, Malformed, Refused, |b| { b.datasec(".data", 0, &[]); }),

    // Members and variables in their places.
    ("member past its struct", Refused, Taken, Malformed, Refused, |b| { b.structure("right", 4, &[("one", [INT, 40])]); }),
    ("members out of order", Refused, Taken, Malformed, Refused, |b| { b.structure("right", 8, &[("one", [INT, 32]), ("two", [INT, 0])]); }),
    ("member of a union with an offset", Refused, Taken, Malformed, Refused, |b| { b.union("right", 8, &[("one", [INT, 32])]); }),
    ("member that ends past its struct", Taken, Taken, Stale, Taken, |b| { b.structure("right", 4, &[("one", [PAIR, 0])]); }),
    ("members that overlap", Taken, Taken, Stale, Taken, |b| { b.structure("right", 16, &[("one", [PAIR, 0]), ("two", [INT, 32])]); }),
    ("bit-field wider than its type", Taken, Taken, Stale, Taken, |b| { b.bit_fields("right", 8, &[("one", [INT, 0, 40])]); }),
    ("variables that overlap", Refused, Taken, Malformed, Refused, |b| {
        let one = b.var("one", INT, 1);
        b.datasec(".data", 8, &[[one, 0, 4], [one, 2, 4]]);
    }),
    ("variable past its section", Refused, Taken, Malformed, Refused, |b| {
        let one = b.var("one", INT, 1);
        b.datasec(".data", 4, &[[one, 4, 4]]);
    }),
    ("variable of no size", Refused, Taken, Malformed, Refused, |b| {
        let one = b.var("one", INT, 1);
        b.datasec(".data", 4, &[[one, 0, 0]]);
    }),
    ("variable larger than its section", Refused, Taken, Malformed, Refused, |b| {
        let one = b.var("one", INT, 1);
        b.datasec(".data", 4, &[[one, 0, 8]]);
    }),
    ("variable smaller than its type", Taken, Taken, Stale, Taken, |b| {
        let one = b.var("one", PAIR, 1);
        b.datasec(".data", 4, &[[one, 0, 4]]);
    }),

    // References.
    ("pointer past all ids", Refused, Refused, Malformed, Refused, |b| { b.ptr(TOO_BIG); }),
    ("pointer past the last type", Taken, Refused, Stale, Refused, |b| { b.ptr(ID + 9); }),
    ("modifier past the last type", Refused, Refused, Stale, Refused, |b| { b.constant(ID + 9); }),
    ("member past the last type", Taken, Refused, Stale, Refused, |b| { b.structure("right", 4, &[("one", [ID + 9, 0])]); }),
    ("parameter past the last type", Taken, Refused, Stale, Refused, |b| { b.func_proto(0, &[("one", [ID + 9])]); }),
    ("array of void", Refused, Taken, Malformed, Refused, |b| { b.array(0, INT, 1); }),
    ("array counted in void", Refused, Taken, Malformed, Refused, |b| { b.array(INT, 0, 1); }),
    ("member that is void", Refused, Taken, Malformed, Refused, |b| { b.structure("right", 4, &[("one", [0, 0])]); }),
    ("variable that is void", Refused, Taken, Malformed, Refused, |b| { b.var("right", 0, 1); }),
    ("section of void", Refused, Taken, Malformed, Refused, |b| { b.datasec(".data", 4, &[[0, 0, 4]]); }),
    ("function without a prototype", Taken, Refused, Stale, Taken, |b| { b.func("right", INT, 0); }),
    ("section of an integer", Taken, Taken, Stale, Taken, |b| { b.datasec(".data", 4, &[[INT, 0, 4]]); }),
    ("pointer to a variable", Taken, Taken, Stale, Taken, |b| {
        let one = b.var("one", INT, 1);
        b.ptr(one);
    }),
    ("variable of a variable", Taken, Taken, Stale, Taken, |b| {
        let one = b.var("one", INT, 1);
        b.var("two", one, 1);
    }),
    ("member that is a function", Taken, Taken, Stale, Taken, |b| {
        let proto = b.func_proto(0, &[]);
        b.structure("right", 8, &[("one", [proto, 0])]);
    }),
    ("array of a declared struct", Taken, Taken, Left, Taken, |b| {
        let declared = b.fwd("right", false);
        b.array(declared, INT, 2);
    }),
    ("function that returns a prototype", Taken, Taken, Stale, Taken, |b| {
        let proto = b.func_proto(0, &[]);
        b.func_proto(proto, &[]);
    }),
    ("any more that is not last", Taken, Taken, Stale, Taken, |b| { b.func_proto(0, &[("", [0]), ("one", [INT])]); }),
    ("any more with a name", Taken, Taken, Stale, Taken, |b| { b.func_proto(0, &[("one", [0])]); }),
    ("tag on an integer", Taken, Taken, Stale, Taken, |b| { b.decl_tag("right", INT, -1); }),
    ("tag on a member that is not there", Taken, Taken, Left, Taken, |b| { b.decl_tag("right", PAIR, 7); }),
    ("modifier of itself", Refused, Taken, Stale, Refused, |b| { b.constant(ID); }),
    ("modifiers of each other", Refused, Taken, Stale, Refused, |b| {
        b.constant(ID + 1);
        b.typedef("right", ID);
    }),
    ("struct in itself", Taken, Taken, Stale, Taken, |b| { b.structure("right", 8, &[("one", [INT, 0]), ("two", [ID, 32])]); }),
    ("array of itself", Taken, Taken, Left, Taken, |b| { b.array(ID, INT, 2); }),
    ("pointer to itself", Taken, Taken, Left, Taken, |b| { b.ptr(ID); }),

    // Records.
    ("kind not known", Refused, Refused, Malformed, Refused, |b| { b.raw(&[0, 23 << 24, 0]); }),
    ("parameter where a function was inlined", Refused, Refused, Malformed, Refused, |b| { b.loc_param(4, 8, &[5]); }),
    ("parameters where a function was inlined", Refused, Refused, Malformed, Refused, |b| { b.loc_proto(&[0]); }),
    ("places where functions were inlined", Refused, Refused, Malformed, Refused, |b| { b.locsec(".text", &[]); }),
    ("kind of void", Refused, Refused, Malformed, Refused, |b| { b.raw(&[0, 0, 0]); }),
    ("fewer words than a type has", Refused, Refused, Malformed, Refused, |b| { b.raw(&[0, word(Kind::Ptr, 0)]); }),
    ("fewer elements than announced", Refused, Refused, Malformed, Refused, |b| nameless(b, &[word(Kind::Struct, 2), 8, 0, INT, 0])),
];

fn start(mut b: Builder) -> Builder {
    b.int("int", 4, SIGNED);
    b.structure("pair", 8, &[]);
    b
}

fn vmlinux() -> Builder {
    start(Builder::base())
}

/// The BTF of a module, with these two types in its base.
fn module(add: fn(&mut Builder)) -> Vec<u8> {
    let mut module = Builder::split(&vmlinux());
    add(&mut module);
    module.bytes()
}

/// The same types in standalone BTF.
fn alone(add: fn(&mut Builder)) -> Vec<u8> {
    let mut alone = vmlinux();
    add(&mut alone);
    alone.bytes()
}

/// What the kernel would say to standalone BTF.
fn verdict_alone(bytes: &[u8]) -> Result<(), Error> {
    let blob = Blob::parse(Section::Btf, Form::Base, bytes)?;
    let mut offsets = vec![0; Table::needs(Table::count(&blob, 1)?, 0)];
    let table = Table::build(&blob, 1, &mut offsets, 0)?;
    let mut names = vec![0; Bits::needs(blob.strings_len())];
    verify::kernel_verdict(
        &Btf::alone(blob, table),
        &Known::LINUX_7_3,
        &mut Bits::new(&mut names),
    )
}

/// What becomes of a module on [`vmlinux`]; its kind where something stands in the way.
fn outcome(btf: &[u8], btf_base: Option<&[u8]>) -> Result<(), CauseKind> {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let base = vmlinux.base();
    let survey = Survey::of(&base, &Input { btf, btf_base }).map_err(|_| CauseKind::Malformed)?;
    let mut scratch = vec![0; survey.scratch_len()];
    let outcome = match survey.input_kind() {
        InputKind::Standalone => survey.rebased(&base, &mut scratch, &mut None),
        _ => survey.relocated(&base, Policy::Opaque, None, &mut scratch, &mut None),
    };
    outcome.map_err(|cause| cause.kind())
}

fn plain(btf: &[u8]) -> Module {
    match outcome(btf, None) {
        Ok(()) => Left,
        Err(CauseKind::Stale) => Stale,
        Err(kind) => {
            assert_eq!(kind, CauseKind::Malformed);
            Malformed
        }
    }
}

/// The rows for which `found` gives something else than `expected`.
fn differing<T: PartialEq + std::fmt::Debug>(
    expected: impl Fn(&Row) -> T,
    found: impl Fn(&Row) -> T,
) -> Vec<String> {
    let rows = ROWS.iter().map(|row| (row.0, expected(row), found(row)));
    let differing = rows.filter(|(_, expected, found)| expected != found);
    differing
        .map(|(sort, expected, found)| format!("{sort}: {found:?}, expected {expected:?}"))
        .collect()
}

#[test]
fn the_kernel_on_split_btf() {
    let loaded = Vmlinux::new(vmlinux().bytes());
    let found = |row: &Row| loaded.check_plain(&module(row.5)).into();
    assert_eq!(differing(|row| row.1, found), [""; 0]);
}

#[test]
fn the_kernel_on_standalone_btf() {
    let found = |row: &Row| verdict_alone(&alone(row.5)).into();
    assert_eq!(differing(|row| row.1, found), [""; 0]);
}

#[test]
fn libbpf_on_split_btf() {
    let base = peer::Btf::base(&vmlinux().bytes()).unwrap();
    let found = |row: &Row| peer::Btf::split(&base, &module(row.5)).into();
    assert_eq!(differing(|row| row.2, found), [""; 0]);
}

#[test]
fn libbpf_on_standalone_btf() {
    let found = |row: &Row| peer::Btf::base(&alone(row.5)).into();
    assert_eq!(differing(|row| row.2, found), [""; 0]);
}

#[test]
fn plain_modules() {
    assert_eq!(differing(|row| row.3, |row| plain(&module(row.5))), [""; 0]);
}

/// What the kernel refuses is malformed, and what it takes is relocated, but for what leads nowhere.
#[test]
fn modules_on_a_distilled_base() {
    let base = vmlinux().bytes();
    let found = |row: &Row| {
        let outcome = outcome(&module(row.5), Some(&base));
        assert!(
            matches!(outcome, Ok(()) | Err(CauseKind::Malformed)),
            "{}: {outcome:?}",
            row.0
        );
        outcome.into()
    };
    assert_eq!(differing(|row| row.4, found), [""; 0]);
}

/// In a distilled base most kinds have no place; what is wrong with one is wrong there as well.
#[test]
fn distilled_bases() {
    for row in ROWS.iter().filter(|row| row.1 == Refused) {
        let mut base = vmlinux();
        (row.5)(&mut base);
        let mut module = Builder::split(&base);
        module.ptr(INT);
        let outcome = outcome(&module.bytes(), Some(&base.bytes()));
        assert_eq!(outcome, Err(CauseKind::Malformed), "{}", row.0);
    }
}

/// An edit of a section, and what is made of it as a module's BTF, as standalone BTF, and by
/// libbpf as the latter.
type Edit = (&'static str, Is, Is, Is, fn(&mut Vec<u8>));

#[rustfmt::skip]
const EDITS: &[Edit] = &[
    ("nothing wrong", Taken, Taken, Taken, |_| {}),
    ("magic of another format", Refused, Refused, Refused, |b| b[0] = 0x9e),
    ("magic of the other byte order", Refused, Refused, Refused, |b| b.swap(0, 1)),
    ("version not known", Refused, Refused, Taken, |b| b[2] = 2),
    ("flags not known", Refused, Refused, Taken, |b| b[3] = 1),
    ("no byte at all", Refused, Refused, Refused, |b| b.clear()),
    ("half a header", Refused, Refused, Refused, |b| b.truncate(12)),
    ("a header and nothing else", Refused, Refused, Refused, |b| b.truncate(24)),
    ("header longer than the section", Refused, Refused, Refused, |b| put(b, 4, 9999)),
    ("header that reaches into the types", Refused, Refused, Refused, |b| put(b, 4, 36)),
    ("gap before the types", Refused, Refused, Refused, |b| { put(b, 8, 4); b.extend([0; 4]); }),
    ("types past the end", Refused, Refused, Refused, |b| put(b, 12, 9996)),
    ("types that are not whole words", Refused, Refused, Refused, |b| put(b, 12, 13)),
    ("strings past the end", Refused, Refused, Refused, |b| put(b, 20, 9999)),
    ("strings over the types", Refused, Refused, Refused, |b| put(b, 16, 4)),
    ("gap before the strings", Refused, Refused, Refused, |b| { let off = b[16]; put(b, 16, u32::from(off) + 1); b.push(0); }),
    ("bytes after the strings", Refused, Refused, Taken, |b| b.push(0)),
    ("strings cut off", Refused, Refused, Refused, |b| { b.pop(); }),
    ("last string without an end", Refused, Refused, Refused, |b| *b.last_mut().unwrap() = b'x'),
    ("no string", Refused, Refused, Refused, |b| { let end = usize::from(b[16]) + 24; put(b, 20, 0); b.truncate(end); }),
];

/// A section with one typedef of `int`.
fn typedef(mut b: Builder) -> Vec<u8> {
    b.typedef("right", INT);
    b.bytes()
}

#[test]
fn headers() {
    let loaded = Vmlinux::new(vmlinux().bytes());
    let mut wrong = Vec::new();
    for (sort, module, alone, peer, edit) in EDITS {
        let mut split = typedef(Builder::split(&vmlinux()));
        edit(&mut split);
        let mut base = typedef(vmlinux());
        edit(&mut base);
        let found: [Is; 3] = [
            loaded.check_plain(&split).into(),
            verdict_alone(&base).into(),
            peer::Btf::base(&base).into(),
        ];
        if found != [*module, *alone, *peer] {
            wrong.push(format!("{sort}: {found:?}"));
        }
        if *alone == Refused {
            let module = Builder::split(&vmlinux()).bytes();
            let outcome = outcome(&module, Some(&base));
            assert_eq!(outcome, Err(CauseKind::Malformed), "{sort}, distilled base");
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// Where the parts may stand in any order, they may be wrong in any order.
#[test]
fn parts_in_any_order() {
    let orders = [
        [Part::Strings, Part::Types, Part::Layout],
        [Part::Layout, Part::Strings, Part::Types],
        [Part::Types, Part::Layout, Part::Strings],
    ];
    let loaded = Vmlinux::new(vmlinux().bytes());
    for order in orders {
        let header = Header {
            len: 32,
            order,
            layout: true,
        };
        let mut split = Builder::split(&vmlinux());
        split.typedef("right", INT);
        let right = split.build(&header);
        assert_eq!(loaded.check_plain(&right), Ok(()));
        for field in [8, 16, 24] {
            for by in [1, 4, 9999] {
                let mut wrong = right.clone();
                let was = u32::from_ne_bytes(wrong[field..field + 4].try_into().unwrap());
                put(&mut wrong, field, was + by);
                assert!(
                    loaded.check_plain(&wrong).is_err(),
                    "{order:?} {field} {by}"
                );
            }
        }
    }
}
