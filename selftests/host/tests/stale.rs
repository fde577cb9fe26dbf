// SPDX-License-Identifier: GPL-2.0

//! Split BTF of another build, which the kernel would take: what contradicts vmlinux, and what does
//! not.

use btfreloc_selftests::builder::{info, Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::{Error, Kind, Reason, Section, Target};
use rust_btfreloc::reloc::{CauseKind, Input, Policy, Survey};

// The types of vmlinux.
const INT: u32 = 1;
const LONG: u32 = 2;
const PAIR: u32 = 3;
const PROTO: u32 = 4;
const FUNC: u32 = 5;
const FWD: u32 = 6;
const VAR: u32 = 7;
const DATASEC: u32 = 8;
const TAG: u32 = 9;
const U32: u32 = 10;
const TABLE: u32 = 11;
/// The type of the module that is under test.
const ID: u32 = 12;
/// Where its record starts.
const START: u32 = 24;

fn base() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b.int("long int", 8, SIGNED);
    b.structure("pair", 16, &[("one", [LONG, 0]), ("two", [LONG, 64])]);
    b.func_proto(INT, &[("with", [INT])]);
    b.func("work", PROTO, 1);
    b.fwd("unknown", false);
    b.var("counter", LONG, 1);
    b.datasec(".data..percpu", 8, &[[VAR, 0, 8]]);
    b.decl_tag("kfunc", FUNC, -1);
    b.typedef("u32", INT);
    b.array(U32, INT, 4);
    b
}

/// The verdicts of the kernel and of the core on a module of the types that `add` adds.
fn verdicts<T>(add: impl FnOnce(&mut Builder) -> T) -> ([Result<(), Error>; 2], T) {
    let base = base();
    let mut module = Builder::split(&base);
    let added = add(&mut module);
    let vmlinux = Vmlinux::new(base.bytes());
    let module = module.bytes();
    ([vmlinux.check_plain(&module), vmlinux.fits(&module)], added)
}

#[track_caller]
fn fits(add: impl FnOnce(&mut Builder)) {
    assert_eq!(verdicts(add).0, [Ok(()), Ok(())]);
}

/// The kernel takes it; `add` gives the contradiction, `at` is the byte in the record.
#[track_caller]
fn contradicts(at: u32, add: impl FnOnce(&mut Builder) -> Reason) {
    let (found, reason) = verdicts(add);
    let (section, offset, type_id) = (Section::Btf, START + at, ID);
    let error = Error {
        section,
        offset,
        type_id,
        reason,
    };
    assert_eq!(found, [Ok(()), Err(error)]);
}

#[track_caller]
fn contradicts_words(at: u32, words: &[u32], reason: Reason) {
    contradicts(at, |b| {
        b.raw(words);
        reason
    });
}

/// A reference to `id`, of this kind, where something else belongs.
fn wrong(expected: Target, element: Option<u32>, id: u32, kind: Kind) -> Reason {
    Reason::WrongTarget {
        element,
        id,
        found: Some(kind),
        expected,
    }
}

const fn word(kind: Kind, vlen: u32) -> u32 {
    ((kind as u32) << 24) | vlen
}

/// Offset of the name `work` in vmlinux's strings.
fn work() -> u32 {
    base().name("work")
}

#[test]
fn names_begin_where_strings_do() {
    let inside = work() + 1;
    let reason = Reason::NameInside(inside);
    contradicts_words(0, &[inside, word(Kind::Typedef, 0), INT], reason);
    contradicts_words(0, &[inside, word(Kind::Int, 0), 4, 32], reason);
    contradicts_words(12, &[0, word(Kind::Struct, 1), 4, inside, INT, 0], reason);
    contradicts_words(12, &[0, word(Kind::Enum, 1), 4, inside, 0], reason);
    contradicts_words(
        20,
        &[0, word(Kind::FuncProto, 2), INT, work(), INT, inside, INT],
        reason,
    );
    contradicts(0, |b| {
        let inside = b.name("its_own") + 4;
        b.raw(&[inside, word(Kind::Typedef, 0), INT]);
        Reason::NameInside(inside)
    });
    fits(|b| {
        b.typedef("work", INT);
        b.typedef("its_own", INT);
        b.typedef("another", INT);
    });
}

#[test]
fn the_kernel_reads_no_name_of_a_parameter() {
    let end = base().end_str();
    let reason = Reason::NameInside(end);
    contradicts_words(12, &[0, word(Kind::FuncProto, 1), INT, end, INT], reason);
}

#[test]
fn references_lead_to_types() {
    let end = ID + 1;
    let reason = Reason::ReferenceOutOfRange { id: end, end };
    contradicts_words(8, &[0, word(Kind::Ptr, 0), end], reason);
    contradicts_words(16, &[0, word(Kind::FuncProto, 1), INT, 0, end], reason);
}

#[test]
fn nothing_points_to_a_declaration() {
    let declarations = [
        (FUNC, Kind::Func),
        (VAR, Kind::Var),
        (DATASEC, Kind::Datasec),
        (TAG, Kind::DeclTag),
    ];
    let pointers = [Kind::Ptr, Kind::Const, Kind::Volatile, Kind::Restrict];
    for (id, found) in declarations {
        for kind in pointers {
            let reason = wrong(Target::Type, None, id, found);
            contradicts_words(8, &[0, word(kind, 0), id], reason);
        }
        for kind in [Kind::Typedef, Kind::TypeTag] {
            let reason = wrong(Target::Type, None, id, found);
            contradicts_words(8, &[work(), word(kind, 0), id], reason);
        }
    }
    for id in [0, INT, PAIR, PROTO, FWD, U32, TABLE] {
        for kind in pointers {
            fits(|b| {
                b.refer(kind, id);
            });
        }
    }
}

#[test]
fn a_function_has_a_prototype() {
    for (id, found) in [(INT, Kind::Int), (FUNC, Kind::Func), (U32, Kind::Typedef)] {
        let reason = wrong(Target::Prototype, None, id, found);
        contradicts_words(8, &[work(), word(Kind::Func, 0), id], reason);
    }
    let reason = Reason::WrongTarget {
        element: None,
        id: 0,
        found: None,
        expected: Target::Prototype,
    };
    contradicts_words(8, &[work(), word(Kind::Func, 0), 0], reason);
    fits(|b| {
        b.func("its_own", PROTO, 0);
    });
}

#[test]
fn what_is_passed_has_a_size() {
    let proto = |ret, params: &[u32]| {
        let vlen = u32::try_from(params.len() / 2).unwrap();
        [&[0, word(Kind::FuncProto, vlen), ret], params].concat()
    };
    let sized = |element, id, kind| wrong(Target::Sized, element, id, kind);
    contradicts_words(8, &proto(PROTO, &[]), sized(None, PROTO, Kind::FuncProto));
    let two = [0, INT, 0, VAR];
    contradicts_words(24, &proto(INT, &two), sized(Some(1), VAR, Kind::Var));
    // A name, or something after it, and it is no `...`.
    for (at, params) in [(16, [work(), 0, 0, INT]), (24, [0, INT, work(), 0])] {
        let (element, expected) = (Some((at - 16) / 8), Target::Sized);
        let (id, found) = (0, None);
        let reason = Reason::WrongTarget {
            element,
            id,
            found,
            expected,
        };
        contradicts_words(at, &proto(INT, &params), reason);
    }
    fits(|b| {
        b.func_proto(0, &[("with", [PAIR]), ("", [0])]);
        b.func_proto(U32, &[("with", [FWD])]);
    });
}

#[test]
fn elements_and_variables_have_a_size() {
    let sized = |id, kind| wrong(Target::Sized, None, id, kind);
    let array = |elem, index| [0, word(Kind::Array, 0), 0, elem, index, 2];
    contradicts_words(
        12,
        &array(FUNC, INT),
        wrong(Target::Sized, None, FUNC, Kind::Func),
    );
    contradicts_words(
        16,
        &array(INT, PROTO),
        wrong(Target::Sized, None, PROTO, Kind::FuncProto),
    );
    let var = [work(), word(Kind::Var, 0), FUNC, 0];
    contradicts_words(8, &var, sized(FUNC, Kind::Func));
}

#[test]
fn sections_hold_variables_and_tags_are_on_declarations() {
    let datasec = [work(), word(Kind::Datasec, 1), 8, LONG, 0, 8];
    contradicts_words(
        12,
        &datasec,
        wrong(Target::Variable, Some(0), LONG, Kind::Int),
    );
    let tag = |id| [work(), word(Kind::DeclTag, 0), id, u32::MAX];
    contradicts_words(
        8,
        &tag(PROTO),
        wrong(Target::Tagged, None, PROTO, Kind::FuncProto),
    );
    contradicts_words(8, &tag(INT), wrong(Target::Tagged, None, INT, Kind::Int));
    for id in [PAIR, FUNC, VAR, U32] {
        fits(|b| {
            b.decl_tag("its_own", id, -1);
        });
    }
}

/// A STRUCT of 8 bytes with a member of this type at this bit.
fn holds(id: u32, bit: u32) -> [u32; 6] {
    [0, word(Kind::Struct, 1), 8, 0, id, bit]
}

#[test]
fn members_have_a_size() {
    for (id, kind) in [
        (FUNC, Kind::Func),
        (PROTO, Kind::FuncProto),
        (FWD, Kind::Fwd),
    ] {
        contradicts_words(16, &holds(id, 0), wrong(Target::Sized, Some(0), id, kind));
    }
    contradicts(28, |b| {
        let own = b.next_id() + 1;
        b.structure("holder", 8, &[("one", [INT, 0]), ("two", [own, 32])]);
        b.constant(FWD);
        wrong(Target::Sized, Some(1), FWD, Kind::Fwd)
    });
}

#[test]
fn members_end_where_the_next_one_starts() {
    let large = |element, bits, room| Reason::ElementTooLarge {
        element,
        bits,
        room,
    };
    contradicts_words(16, &holds(PAIR, 0), large(0, 128, 64));
    contradicts_words(16, &holds(LONG, 32), large(0, 64, 32));
    contradicts_words(16, &holds(TABLE, 0), large(0, 128, 64));
    let two = |id| [0, word(Kind::Struct, 2), 16, 0, id, 0, 0, INT, 32];
    contradicts_words(16, &two(LONG), large(0, 64, 32));
    let union = [0, word(Kind::Union, 2), 8, 0, INT, 0, 0, PAIR, 0];
    contradicts_words(28, &union, large(1, 128, 64));
    fits(|b| {
        b.raw(&two(U32));
        b.union("either", 16, &[("one", [PAIR, 0]), ("two", [INT, 0])]);
        // A flexible array takes nothing.
        let flexible = b.array(PAIR, INT, 0);
        b.structure("tail", 4, &[("len", [INT, 0]), ("all", [flexible, 32])]);
        let pointer = b.ptr(PAIR);
        b.structure("holder", 8, &[("one", [pointer, 0])]);
    });
}

#[test]
fn bit_fields_are_no_wider_than_their_type() {
    let field = |id, width: u32| [0, info(Kind::Struct, true, 1), 8, 0, id, width << 24];
    let (element, bits, size) = (0, 33, 32);
    let reason = Reason::BitFieldTooWide {
        element,
        bits,
        size,
    };
    contradicts_words(20, &field(INT, 33), reason);
    contradicts_words(20, &field(U32, 33), reason);
    let (bits, room) = (40, 32);
    let reason = Reason::ElementTooLarge {
        element,
        bits,
        room,
    };
    let mut late = field(LONG, 40);
    late[5] |= 32;
    contradicts_words(20, &late, reason);
    fits(|b| {
        b.bit_fields("flags", 8, &[("one", [INT, 0, 3]), ("two", [LONG, 3, 61])]);
    });
}

#[test]
fn variables_of_a_section_are_as_large_as_their_types() {
    let (element, bits, room) = (0, 64, 32);
    let datasec = [work(), word(Kind::Datasec, 1), 8, VAR, 0, 4];
    let reason = Reason::ElementTooLarge {
        element,
        bits,
        room,
    };
    contradicts_words(20, &datasec, reason);
}

/// Loops and chains that never end in a type with a size: neither harm nor contradiction.
#[test]
fn what_cannot_be_followed_contradicts_nothing() {
    fits(|b| {
        let array = b.next_id();
        b.array(array, INT, u32::MAX);
        b.structure("holder", 4, &[("endless", [array, 0])]);
    });
}

/// In a module of many types some are looked at, wherever they stand.
#[test]
fn what_is_looked_at_is_spread_over_the_module() {
    let base = base();
    let vmlinux = Vmlinux::new(base.bytes());
    for place in 0..8 {
        let mut module = Builder::split(&base);
        for part in 0..8 {
            let id = if part == place { FUNC } else { INT };
            for _ in 0..250 {
                module.ptr(id);
            }
        }
        let error = vmlinux.fits(&module.bytes()).unwrap_err();
        assert_eq!(error.reason, wrong(Target::Type, None, FUNC, Kind::Func));
        assert_eq!((error.type_id - ID) / 250, place);
    }
}

#[test]
fn a_module_costs_no_more_than_it_is_worth() {
    let base = base();
    let mut module = Builder::split(&base);
    let member = ("held", [PAIR, 0]);
    // All but the last fit, and before that comes into sight the effort is spent.
    let mut members = vec![member; 5000];
    members.push(("last", [FUNC, 0]));
    module.union("either", 16, &members);
    let (vmlinux, module) = (Vmlinux::new(base.bytes()), module.bytes());
    assert_eq!(vmlinux.fits(&module), Ok(()));
    // Where it is rewritten by what it names, all of it counts.
    let error = vmlinux.fits_throughout(&module).unwrap_err();
    let found = wrong(Target::Sized, Some(5000), FUNC, Kind::Func);
    assert_eq!((error.type_id, error.reason), (ID, found));
}

/// Adds the types of a module.
type Add = fn(&mut Builder);

/// What the operator sees.
fn reported(add: impl FnOnce(&mut Builder)) -> (CauseKind, String) {
    let base = base();
    let mut module = Builder::split(&base);
    add(&mut module);
    let (vmlinux, btf) = (Vmlinux::new(base.bytes()), module.bytes());
    let base = vmlinux.base();
    let input = Input {
        btf: &btf,
        btf_base: None,
    };
    let survey = Survey::of(&base, &input).unwrap();
    let mut scratch = vec![0; survey.scratch_len()];
    let release = Some(&b"7.2.6"[..]);
    let outcome = survey.relocated(&base, Policy::Opaque, release, &mut scratch, &mut None);
    let cause = outcome.err().unwrap();
    (cause.kind(), cause.to_string())
}

#[test]
fn of_another_build_of_this_release_its_base_is_not_the_running_kernels() {
    let base = base();
    let mut module = Builder::split(&base);
    module.func("start", INT, 0);
    let (vmlinux, btf) = (Vmlinux::new(base.bytes()), module.bytes());
    let input = Input {
        btf: &btf,
        btf_base: None,
    };
    let said = |running: Option<&[u8]>, release: Option<&[u8]>| {
        let base = vmlinux.base().of_release(running);
        let survey = Survey::of(&base, &input).unwrap();
        let mut scratch = vec![0; survey.scratch_len()];
        let outcome = survey.relocated(&base, Policy::Opaque, release, &mut scratch, &mut None);
        outcome.err().unwrap().to_string()
    };
    let (old, new): (&[u8], &[u8]) = (b"7.2.6", b"7.3.4");
    let another = "made with another build of 7.3.4 than this kernel: .BTF offset ";
    let said_so = said(Some(new), Some(new));
    assert!(said_so.starts_with(another), "{said_so}");
    for (running, release) in [
        (Some(new), Some(old)),
        (Some(new), None),
        (None, None),
        (None, Some(new)),
    ] {
        let said = said(running, release);
        assert!(said.starts_with("not for this kernel: "), "{said}");
    }
}

/// In the module's own strings: no base makes them valid.
#[test]
fn names_of_rust_types_are_malformed_and_not_stale() {
    for name in [
        "<&i32 as core::fmt::Debug>::{vtable}",
        "&str",
        "(i32, i32)",
        "core::fmt::Formatter",
    ] {
        let base = base();
        let mut module = Builder::split(&base);
        module.structure(name, 4, &[]);
        let vmlinux = Vmlinux::new(base.bytes());
        let btf = module.bytes();
        let input = Input {
            btf: &btf,
            btf_base: None,
        };
        let base = vmlinux.base();
        let survey = Survey::of(&base, &input).unwrap();
        let mut scratch = vec![0; survey.scratch_len()];
        let release = Some(&b"7.2.6"[..]);
        let outcome = survey.relocated(&base, Policy::Opaque, release, &mut scratch, &mut None);
        let cause = outcome.err().unwrap();
        let advice = "; names such as these are allowed in no BTF: encode it with pahole --lang_exclude=rust";
        assert_eq!(cause.kind(), CauseKind::Malformed);
        assert!(cause.to_string().ends_with(advice), "{cause}");
    }
}

#[test]
fn the_operator_reads_what_was_found_and_what_can_be_done() {
    const ADVICE: &str =
        "; rebuild it with .BTF.base, or put the vmlinux BTF of 7.2.6 at /lib/firmware/btfreloc/7.2.6.btf";
    let rows: [(Add, &str); 4] = [
        (
            |b| {
                b.func("start", INT, 0);
            },
            ".BTF offset 32, type [12] FUNC start: refers to INT [1], where a FUNC_PROTO belongs",
        ),
        (
            |b| {
                b.func_proto(INT, &[("all", [INT]), ("of", [FUNC])]);
            },
            ".BTF offset 48, type [12] FUNC_PROTO: parameter 1 refers to FUNC [5], where a type with a size belongs",
        ),
        (
            |b| {
                b.structure("holder", 16, &[("one", [LONG, 0]), ("two", [PAIR, 64])]);
            },
            ".BTF offset 52, type [12] STRUCT holder: member 1 takes 128 bits by its type, where 64 are left",
        ),
        (
            |b| {
                b.raw(&[work() + 1, word(Kind::Typedef, 0), INT]);
            },
            ".BTF offset 24, type [12] TYPEDEF: name offset 33 is inside a string, before \"ork\"",
        ),
    ];
    for (add, text) in rows {
        let expected = format!("not for this kernel: {text}{ADVICE}");
        assert_eq!(reported(add), (CauseKind::Stale, expected));
    }
}

#[test]
fn what_is_wrong_on_any_kernel_is_malformed() {
    let rows: [Add; 3] = [
        |b| {
            b.float("half", 3);
        },
        |b| {
            b.raw(&[0, word(Kind::Ptr, 1), INT]);
        },
        |b| {
            b.union("either", 8, &[("one", [INT, 8])]);
        },
    ];
    for add in rows {
        let (kind, text) = reported(add);
        assert_eq!(kind, CauseKind::Malformed, "{text}");
        assert!(text.ends_with("; build the module again"), "{text}");
    }
}
