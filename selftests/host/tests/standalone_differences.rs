// SPDX-License-Identifier: GPL-2.0

//! Standalone BTF, rebased: what makes two types of one name differ, and what is reported of it.

mod alone;

use alone::{built, conflicts, ids};
use btfreloc_selftests::builder::{Builder, BOOL};
use rust_btfreloc::btf::Kind;
use rust_btfreloc::reloc::standalone::Difference::{self, *};

type Fill = fn(&mut Builder);

/// What vmlinux and the module call "t", the element that differs, and how.
#[rustfmt::skip]
const DIFFERENCES: &[(Fill, Fill, &str, Difference)] = &[
    (|b| { b.int("t", 4, 0); }, |b| { b.int("t", 8, 0); }, "", Size { found: 8, expected: 4 }),
    (|b| { b.int("t", 4, 0); }, |b| { b.int("t", 4, BOOL); }, "", Encoding { found: 0x0400_0020, expected: 0x20 }),
    (|b| { b.float("t", 4); }, |b| { b.float("t", 8); }, "", Size { found: 8, expected: 4 }),
    (|b| { b.enumeration("t", 4, &[("A", [1])]); }, |b| { b.enumeration("t", 4, &[("A", [2])]); }, "A", Value { element: 0, found: 2, expected: 1 }),
    (|b| { b.enumeration("t", 4, &[("A", [1])]); }, |b| { b.enumeration("t", 4, &[("B", [1])]); }, "B", ElementName { element: 0, found: 1, expected: 1 }),
    (|b| { b.enumeration("t", 4, &[("A", [1])]); }, |b| { b.enumeration("t", 4, &[("A", [1]), ("B", [2])]); }, "", Count { found: 2, expected: 1 }),
    (|b| { b.enumeration("t", 4, &[("A", [1])]); }, |b| { b.enumeration("t", 2, &[("A", [1])]); }, "", Size { found: 2, expected: 4 }),
    (|b| { b.enum64("t", 8, false, &[("A", [1, 2])]); }, |b| { b.enum64("t", 8, false, &[("A", [1, 3])]); }, "A", Value { element: 0, found: (3 << 32) | 1, expected: (2 << 32) | 1 }),
    (|b| { b.enum64("t", 8, false, &[("A", [1, 2])]); }, |b| { b.enum64("t", 8, true, &[("A", [1, 2])]); }, "", Encoding { found: 1, expected: 0 }),
    (|b| { b.structure("t", 4, &[("m", [1, 0])]); }, |b| { b.structure("t", 8, &[("m", [1, 0])]); }, "", Size { found: 8, expected: 4 }),
    (|b| { b.structure("t", 8, &[("m", [1, 0])]); }, |b| { b.structure("t", 8, &[("n", [1, 0])]); }, "n", ElementName { element: 0, found: 1, expected: 1 }),
    (|b| { b.structure("t", 8, &[("m", [1, 0])]); }, |b| { b.structure("t", 8, &[("m", [1, 32])]); }, "m", Offset { element: 0, found: 32, expected: 0 }),
    (|b| { b.bit_fields("t", 8, &[("m", [1, 0, 3])]); }, |b| { b.bit_fields("t", 8, &[("m", [1, 0, 4])]); }, "m", Width { element: 0, found: 4, expected: 3 }),
    (|b| { b.union("t", 8, &[("m", [1, 0])]); }, |b| { b.union("t", 8, &[]); }, "", Count { found: 0, expected: 1 }),
];

#[test]
fn each_kind_that_differs_stays_the_modules_and_is_reported() {
    for (index, (theirs, own, element, difference)) in DIFFERENCES.iter().enumerate() {
        let (vmlinux, module) = (built(*theirs), built(*own));
        let reported = conflicts(&vmlinux, &module);
        let [(name, through, kind, found, at, how)] = &reported[..] else {
            panic!("case {index}: {reported:?}");
        };
        // What a renamed type needs goes before it.
        let id = if kind.is_composite() { 4 } else { 2 };
        assert_eq!(ids(&vmlinux, &module), [Some(id)], "case {index}");
        assert_eq!(
            (&**name, through, &**found),
            ("t", &None, "t"),
            "case {index}"
        );
        assert_eq!((&**at, how), (*element, difference), "case {index}");
    }
}

#[test]
fn a_circle_of_pointers_is_the_same_or_not_as_a_whole() {
    let vmlinux = built(|b| {
        b.int("int", 4, 0);
        b.structure("a", 16, &[("b", [4, 0]), ("n", [1, 64])]);
        b.structure("b", 16, &[("a", [5, 0]), ("n", [1, 64])]);
        b.ptr(3);
        b.ptr(2);
    });
    assert_eq!(
        ids(&vmlinux, &vmlinux),
        [Some(1), Some(2), Some(3), Some(4), Some(5)]
    );
    let module = built(|b| {
        b.int("int", 4, 0);
        b.structure("a", 16, &[("b", [4, 0]), ("n", [1, 64])]);
        b.structure("b", 16, &[("a", [5, 0]), ("m", [1, 64])]);
        b.ptr(3);
        b.ptr(2);
    });
    // Pointers first, after what renamed types need, then by name.
    assert_eq!(
        ids(&vmlinux, &module),
        [Some(1), Some(10), Some(11), Some(8), Some(9)]
    );
    let how = |element| Difference::ElementName {
        element,
        found: 11,
        expected: 7,
    };
    let (a, b) = ("a".to_owned(), "b".to_owned());
    let reported = conflicts(&vmlinux, &module);
    let m = || "m".to_owned();
    assert_eq!(
        reported[0],
        (a, Some(b.clone()), Kind::Struct, b.clone(), m(), how(1))
    );
    assert_eq!(reported[1], (b.clone(), None, Kind::Struct, b, m(), how(1)));
}

#[test]
fn what_a_struct_holds_makes_it_another() {
    let fill = |size| {
        built(move |b| {
            let int = b.int("int", 4, 0);
            let inner = b.structure("inner", size, &[("x", [int, 0])]);
            let array = b.array(inner, int, 2);
            let constant = b.constant(array);
            let alias = b.typedef("alias", constant);
            b.structure("outer", 64, &[("", [alias, 0])]);
        })
    };
    let module = fill(8);
    assert_eq!(ids(&fill(8), &module), (1..7).map(Some).collect::<Vec<_>>());
    let reported = conflicts(&fill(4), &module);
    let how = Difference::Size {
        found: 8,
        expected: 4,
    };
    let from: Vec<_> = reported
        .iter()
        .map(|reported| (&*reported.0, reported.1.as_deref()))
        .collect();
    assert_eq!(
        from,
        [("inner", None), ("alias", Some("")), ("outer", Some(""))]
    );
    assert!(
        reported
            .iter()
            .all(|reported| reported.3 == "inner" && reported.5 == how),
        "{reported:?}"
    );
}

#[test]
fn of_several_the_one_of_its_layout_is_taken_and_of_those_the_least() {
    let vmlinux = built(|b| {
        let int = b.int("int", 4, 0);
        b.structure("s", 8, &[("a", [int, 0])]);
        b.structure("s", 8, &[("b", [int, 0])]);
        b.structure("s", 8, &[("b", [int, 0])]);
    });
    let module = built(|b| {
        let int = b.int("int", 4, 0);
        b.structure("s", 8, &[("b", [int, 0])]);
        b.structure("s", 8, &[("a", [int, 0])]);
        b.structure("s", 8, &[("c", [int, 0])]);
    });
    assert_eq!(ids(&vmlinux, &module), [Some(1), Some(3), Some(2), Some(7)]);
    let reported = conflicts(&vmlinux, &module);
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].4, "c");
}

#[test]
fn a_typedef_is_the_same_only_with_the_same_target() {
    let fill = |name: &'static str| {
        built(move |b| {
            b.int("int", 4, 0);
            b.int("long", 8, 0);
            let target = if name == "int" { 1 } else { 2 };
            b.typedef("t", target);
            b.typedef("u", 3);
        })
    };
    assert_eq!(ids(&fill("int"), &fill("int"))[2..], [Some(3), Some(4)]);
    assert_eq!(ids(&fill("int"), &fill("long"))[2..], [Some(5), Some(6)]);
    let reported = conflicts(&fill("int"), &fill("long"));
    assert_eq!((&*reported[0].0, &*reported[1].0), ("t", "u"));
    assert_eq!(
        (reported[1].2, &*reported[1].3, reported[1].5),
        (
            Kind::Int,
            "long",
            Difference::Size {
                found: 8,
                expected: 4
            }
        )
    );
}

#[test]
fn void_is_only_void() {
    let fill = |target| {
        built(move |b| {
            b.int("int", 4, 0);
            b.ptr(target);
            b.structure("s", 8, &[("p", [2, 0])]);
        })
    };
    assert_eq!(ids(&fill(0), &fill(0))[2], Some(3));
    let reported = conflicts(&fill(0), &fill(1));
    assert_eq!(
        (reported[0].2, reported[0].5),
        (
            Kind::Ptr,
            Difference::Void {
                found: 1,
                expected: 0
            }
        )
    );
    let reported = conflicts(&fill(1), &fill(0));
    assert_eq!(
        reported[0].5,
        Difference::Void {
            found: 0,
            expected: 1
        }
    );
}

#[test]
fn the_kinds_on_the_way_count() {
    use Difference::*;
    type Fill = fn(&mut Builder) -> u32;
    let cases: [(Fill, Fill, Difference); 6] = [
        (
            |b| b.ptr(1),
            |b| b.constant(1),
            Kind {
                found: self::Kind::Const,
                expected: self::Kind::Ptr,
            },
        ),
        (
            |b| b.array(1, 1, 4),
            |b| b.array(1, 1, 5),
            Count {
                found: 5,
                expected: 4,
            },
        ),
        (|b| b.type_tag("a", 1), |b| b.type_tag("b", 1), Name),
        (
            |b| b.func_proto(1, &[]),
            |b| b.func_proto(1, &[("", [1])]),
            Count {
                found: 1,
                expected: 0,
            },
        ),
        (
            |b| b.structure("", 4, &[("x", [1, 0])]),
            |b| b.structure("", 4, &[("y", [1, 0])]),
            ElementName {
                element: 0,
                found: 15,
                expected: 13,
            },
        ),
        (
            |b| b.structure("", 4, &[]),
            |b| b.union("", 4, &[]),
            Kind {
                found: self::Kind::Union,
                expected: self::Kind::Struct,
            },
        ),
    ];
    for (index, (theirs, own, difference)) in cases.into_iter().enumerate() {
        let fill = |part: Fill| {
            built(|b| {
                b.int("int", 4, 0);
                let part = part(b);
                b.structure("s", 32, &[("part", [part, 0])]);
            })
        };
        let (vmlinux, module) = (fill(theirs), fill(own));
        assert_eq!(ids(&vmlinux, &vmlinux)[2], Some(3), "case {index}");
        let reported = conflicts(&vmlinux, &module);
        assert_eq!(reported.len(), 1, "case {index}");
        let offsets = |how| match how {
            ElementName { element, .. } => ElementName {
                element,
                found: 0,
                expected: 0,
            },
            how => how,
        };
        assert_eq!(offsets(reported[0].5), offsets(difference), "case {index}");
        assert_eq!(reported[0].1.as_deref(), Some("part"), "case {index}");
    }
}

#[test]
fn too_many_of_one_name_stay_the_modules() {
    let fill = |count: u32| {
        built(move |b| {
            let int = b.int("int", 4, 0);
            for index in 0..count {
                b.structure("s", 4096, &[("x", [int, 8 * (count - index)])]);
            }
        })
    };
    // With the last of eight, all are compared.
    assert_eq!(ids(&fill(8), &fill(8))[8], Some(9));
    assert_eq!(ids(&fill(9), &fill(9))[9], Some(13));
}
