// SPDX-License-Identifier: GPL-2.0

//! Standalone BTF of another compiler, or of headers with names of their own: the layout counts, not
//! the spelling.

mod alone;

use alone::{built, conflicts, ids, on};
use btfreloc_selftests::builder::{Builder, BOOL, SIGNED};
use btfreloc_selftests::dump;
use rust_btfreloc::btf::Kind;
use rust_btfreloc::reloc::standalone::Difference;

#[test]
fn an_int_is_the_same_however_it_is_spelled() {
    let fill = |unsigned: &'static str, signed: &'static str| {
        built(move |b| {
            let unsigned = b.int(unsigned, 8, 0);
            let signed = b.int(signed, 8, SIGNED);
            let pointer = b.ptr(unsigned);
            b.structure(
                "page",
                16,
                &[("flags", [pointer, 0]), ("count", [signed, 64])],
            );
            b.typedef("size_t", unsigned);
        })
    };
    let (gcc, clang) = (
        fill("long unsigned int", "long int"),
        fill("unsigned long", "long"),
    );
    let all: Vec<_> = (1..6).map(Some).collect();
    assert_eq!(ids(&gcc, &clang), all);
    assert_eq!(ids(&clang, &gcc), all);
    assert_eq!(conflicts(&gcc, &clang), []);
    // Of another sign it is not.
    let wrong = built(|b| {
        let int = b.int("unsigned long", 8, SIGNED);
        b.typedef("size_t", int);
    });
    assert_eq!(ids(&gcc, &wrong), [Some(7), Some(6)]);
}

#[test]
fn of_two_spellings_its_own_is_taken() {
    let vmlinux = built(|b| {
        let long_long = b.int("long long unsigned int", 8, 0);
        let long = b.int("long unsigned int", 8, 0);
        b.structure("s", 16, &[("a", [long_long, 0]), ("b", [long, 64])]);
    });
    let module = built(|b| {
        let long = b.int("long unsigned int", 8, 0);
        let other = b.int("unsigned long long", 8, 0);
        b.structure("s", 16, &[("a", [long, 0]), ("b", [other, 64])]);
    });
    assert_eq!(ids(&vmlinux, &module), [Some(2), Some(2), Some(3)]);
}

#[test]
fn an_int_with_more_spellings_than_pairs_is_the_same() {
    let types = 20;
    let fill = |ints: u32| {
        built(move |b| {
            for number in 0..ints {
                b.int(&format!("int{number}"), 4, 0);
            }
            let member = |number: u32| ("m", [1 + number % ints, 32 * number]);
            let members: Vec<_> = (0..types).map(member).collect();
            b.structure("s", 4 * types, &members);
        })
    };
    assert_eq!(ids(&fill(types), &fill(1))[1], Some(types + 1));
}

/// `#define bool linux_bool` before the kernel's headers.
#[test]
fn a_typedef_of_another_name_is_looked_through_and_stays() {
    let fill = |name: &'static str| {
        built(move |b| {
            let int = b.int("_Bool", 1, BOOL);
            let named = b.typedef(name, int);
            let pointer = b.ptr(named);
            let file = b.structure("file", 16, &[("open", [named, 0]), ("next", [pointer, 64])]);
            let pointer = b.ptr(file);
            let proto = b.func_proto(named, &[("file", [pointer])]);
            b.func("work", proto, 0);
        })
    };
    let (vmlinux, module) = (fill("bool"), fill("linux_bool"));
    let (_, rebased) = on(&vmlinux, &module);
    let new_ids = [1, 3, 4].map(|id| rebased.new_ids[id]);
    assert_eq!(new_ids, [1, 3, 4].map(Some));
    let text = dump::split(&vmlinux.bytes(), &rebased.btf);
    assert!(text.contains("TYPEDEF 'linux_bool' type_id=1\n"), "{text}");
    assert_eq!(conflicts(&vmlinux, &module), []);
}

#[test]
fn a_typedef_on_one_side_only_is_looked_through() {
    let plain = built(|b| {
        let int = b.int("unsigned int", 4, 0);
        let pointer = b.ptr(int);
        let void = b.ptr(0);
        b.structure(
            "s",
            24,
            &[("a", [int, 0]), ("b", [pointer, 64]), ("c", [void, 128])],
        );
    });
    let named = built(|b| {
        let int = b.int("unsigned int", 4, 0);
        let inner = b.typedef("__u32", int);
        let outer = b.typedef("u32", inner);
        let pointer = b.ptr(outer);
        let nothing = b.typedef("nothing", 0);
        let nothing = b.typedef("void_t", nothing);
        let void = b.ptr(nothing);
        b.structure(
            "s",
            24,
            &[("a", [inner, 0]), ("b", [pointer, 64]), ("c", [void, 128])],
        );
    });
    assert_eq!(
        ids(&named, &plain),
        [1, 4, 7, 8].map(Some),
        "the kernel's alone"
    );
    let (_, rebased) = on(&plain, &named);
    let [int, inner, outer, pointer, ..] = rebased.new_ids[1..] else {
        panic!();
    };
    assert_eq!(
        (int, pointer, rebased.new_ids[8]),
        (Some(1), Some(2), Some(4))
    );
    // What has a name may be asked for.
    assert!(inner > Some(4) && outer > Some(4));
}

#[test]
fn what_differs_after_typedefs_is_reported() {
    let fill = |name: &'static str, size| {
        built(move |b| {
            let int = b.int("int", size, 0);
            let named = b.typedef(name, int);
            let pointer = b.ptr(named);
            b.structure("s", 8, &[("a", [pointer, 0])]);
            b.structure("t", 8, &[("b", [pointer, 0])]);
        })
    };
    let (vmlinux, module) = (fill("u32", 4), fill("my_u32", 8));
    let reported = conflicts(&vmlinux, &module);
    let size = Difference::Size {
        found: 8,
        expected: 4,
    };
    let through = |name: &str, member: &str| {
        let int = ("int".to_owned(), String::new());
        (
            name.to_owned(),
            Some(member.to_owned()),
            Kind::Int,
            int.0,
            int.1,
            size,
        )
    };
    assert_eq!(reported[1..], [through("s", "a"), through("t", "b")]);
    let kinds = built(|b| {
        let number = b.structure("number", 4, &[]);
        let named = b.typedef("u32", number);
        let pointer = b.ptr(named);
        b.structure("s", 8, &[("a", [pointer, 0])]);
    });
    let reported = conflicts(&vmlinux, &kinds);
    let kind = Difference::Kind {
        found: Kind::Struct,
        expected: Kind::Int,
    };
    assert!(
        reported.iter().all(|reported| reported.5 == kind) && reported.len() == 2,
        "{reported:?}"
    );
    // Void is not what a typedef leads to.
    let void = built(|b| {
        let pointer = b.ptr(0);
        b.structure("s", 8, &[("a", [pointer, 0])]);
    });
    assert_eq!(conflicts(&vmlinux, &void).len(), 1);
    assert_eq!(conflicts(&void, &vmlinux).len(), 1);
}

/// Of a kernel or a module built by clang; gcc has no type tags.
#[test]
fn a_type_tag_on_one_side_only_does_not_make_its_struct_another() {
    let plain = |b: &mut Builder| {
        let int = b.int("int", 4, 0);
        let pointer = b.ptr(int);
        b.structure("s", 8, &[("a", [pointer, 0])]);
        let proto = b.func_proto(0, &[("a", [pointer])]);
        b.func("work", proto, 0);
    };
    let tagged = |b: &mut Builder| {
        let int = b.int("int", 4, 0);
        let tag = b.type_tag("user", int);
        let pointer = b.ptr(tag);
        b.structure("s", 8, &[("a", [pointer, 0])]);
        let proto = b.func_proto(0, &[("a", [pointer])]);
        b.func("work", proto, 0);
    };
    let (plain, tagged) = (built(plain), built(tagged));
    // The module's function takes what it says, tag or none.
    let (_, rebased) = on(&tagged, &plain);
    assert_eq!(rebased.new_ids[3], Some(4));
    assert!(rebased.new_ids[2] >= Some(7));
    let (_, rebased) = on(&plain, &tagged);
    assert_eq!(rebased.new_ids[4], Some(3));
    let text = dump::split(&plain.bytes(), &rebased.btf);
    assert!(text.contains("TYPE_TAG 'user' type_id=1\n"), "{text}");
    assert_eq!(conflicts(&plain, &tagged), []);
}
