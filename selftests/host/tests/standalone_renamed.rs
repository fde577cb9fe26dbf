// SPDX-License-Identifier: GPL-2.0

//! A STRUCT or UNION that stays a module's own does not pass for the one that vmlinux has of its name.

mod alone;

use alone::{built, conflicts, on};
use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::dump;

/// The result, in bpftool's words, where vmlinux has `theirs` and the module `own`.
fn dumped(theirs: impl Fn(&mut Builder), own: impl Fn(&mut Builder)) -> String {
    let vmlinux = built(theirs);
    let (_, rebased) = on(&vmlinux, &built(own));
    dump::split(&vmlinux.bytes(), &rebased.btf)
}

fn one(b: &mut Builder, name: &str) {
    let int = b.int("int", 4, 0);
    b.structure(name, 4, &[("x", [int, 0])]);
}

fn two(b: &mut Builder, name: &str) {
    let int = b.int("int", 4, 0);
    b.structure(name, 8, &[("x", [int, 0]), ("y", [int, 32])]);
}

#[test]
fn a_struct_gets_another_name_and_a_member_that_makes_it_none_of_scalars() {
    let text = dumped(|b| one(b, "task"), |b| two(b, "task"));
    assert_eq!(
        text,
        "\
[3] PTR '(anon)' type_id=0
[4] ARRAY '(anon)' type_id=3 index_type_id=1 nr_elems=0
[5] STRUCT 'task____own' size=8 vlen=3
\t'x' type_id=1 bits_offset=0
\t'y' type_id=1 bits_offset=32
\t'task' type_id=4 bits_offset=64
"
    );
}

#[test]
fn so_does_a_union_whatever_vmlinux_has_of_that_name() {
    let own = |b: &mut Builder| {
        let int = b.int("int", 4, 0);
        b.union("task", 4, &[("x", [int, 0])]);
    };
    let text = dumped(|b| one(b, "task"), own);
    let union = "UNION 'task____own' size=4 vlen=2\n\t'x' type_id=1 bits_offset=0\n\t'task' type_id=4 bits_offset=0\n";
    assert!(text.ends_with(union), "{text}");
}

#[test]
fn bit_fields_stay_what_they_are() {
    let own = |b: &mut Builder| {
        let int = b.int("int", 4, 0);
        b.bit_fields("task", 4, &[("x", [int, 0, 3]), ("y", [int, 3, 5])]);
    };
    let text = dumped(|b| one(b, "task"), own);
    let last = "\t'y' type_id=1 bits_offset=3 bitfield_size=5\n\t'task' type_id=4 bits_offset=32\n";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn what_refers_to_it_follows_declarations_and_tags_too() {
    let own = |b: &mut Builder| {
        let ptr = b.next_id() + 1;
        let list = b.structure("list", 16, &[("next", [ptr, 0])]);
        b.ptr(list);
        let fwd = b.fwd("list", false);
        let ptr = b.ptr(fwd);
        b.structure("holder", 8, &[("list", [ptr, 0])]);
        b.decl_tag("tag", list, 0);
    };
    let text = dumped(|b| one(b, "list"), own);
    assert_eq!(
        text,
        "\
[3] PTR '(anon)' type_id=0
[4] ARRAY '(anon)' type_id=3 index_type_id=1 nr_elems=0
[5] PTR '(anon)' type_id=8
[6] PTR '(anon)' type_id=9
[7] STRUCT 'holder' size=8 vlen=1
\t'list' type_id=6 bits_offset=0
[8] STRUCT 'list____own' size=16 vlen=2
\t'next' type_id=5 bits_offset=0
\t'list' type_id=4 bits_offset=128
[9] FWD 'list____own' fwd_kind=struct
[10] DECL_TAG 'tag' type_id=8 component_idx=0
"
    );
}

#[test]
fn it_is_sorted_by_the_new_name() {
    let own = |b: &mut Builder| {
        two(b, "a");
        b.structure("a_", 4, &[]);
        b.structure("aA", 4, &[]);
        b.structure("a___", 4, &[]);
        b.structure("a____z", 4, &[]);
    };
    let text = dumped(|b| one(b, "a"), own);
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.split("STRUCT '").nth(1)?.split('\'').next())
        .collect();
    assert_eq!(names, ["aA", "a_", "a___", "a____own", "a____z"]);
}

#[test]
fn what_speaks_of_a_struct_of_vmlinuxs_passes_for_nothing_either() {
    for suffix in [
        "__safe_rcu",
        "__safe_rcu_or_null",
        "__safe_trusted",
        "__safe_trusted_or_null",
    ] {
        let name = format!("task{suffix}");
        // Vmlinux has the struct, and says nothing of its fields.
        let text = dumped(|b| one(b, "task"), |b| two(b, &name));
        assert!(text.contains(&format!("STRUCT '{name}____own' ")), "{text}");
        // Vmlinux says so of a struct that it only declares.
        let text = dumped(|b| one(b, &name), |b| two(b, "task"));
        assert!(text.contains("STRUCT 'task____own' "), "{text}");
        // Both are the module's.
        let text = dumped(
            |b| one(b, "other"),
            |b| {
                two(b, "task");
                two(b, &name);
            },
        );
        assert!(text.contains("STRUCT 'task' size=8 vlen=2"), "{text}");
        assert!(
            text.contains(&format!("STRUCT '{name}' size=8 vlen=2")),
            "{text}"
        );
    }
}

#[test]
fn what_the_verifier_knows_by_its_id_is_no_memory_where_vmlinux_has_it_not() {
    let text = dumped(|b| one(b, "task"), |b| two(b, "bpf_task_work"));
    assert!(
        text.contains("STRUCT 'bpf_task_work____own' size=8 vlen=3"),
        "{text}"
    );
}

#[test]
fn a_struct_that_vmlinux_only_declares_keeps_its_name() {
    let text = dumped(
        |b| {
            b.fwd("private", false);
        },
        |b| two(b, "private"),
    );
    assert!(text.contains("STRUCT 'private' size=8 vlen=2"), "{text}");
}

#[test]
fn a_name_that_would_be_too_long_is_left_out() {
    let own = |len: usize| {
        let name = "n".repeat(len);
        dumped(
            |b| one(b, &name),
            |b| {
                two(b, &name);
                let fwd = b.fwd(&name, true);
                b.typedef("user", fwd);
            },
        )
    };
    assert!(own(504).contains(&format!("STRUCT '{}____own' size=8", "n".repeat(504))));
    let text = own(505);
    assert!(text.contains("STRUCT '(anon)' size=8 vlen=3"), "{text}");
    assert!(
        text.contains(&format!("FWD '{}' fwd_kind=union", "n".repeat(505))),
        "{text}"
    );
}

#[test]
fn types_of_one_name_share_the_new_one() {
    let own = |b: &mut Builder| {
        two(b, "task");
        b.structure("task", 16, &[]);
    };
    let vmlinux = built(|b| one(b, "task"));
    let (_, rebased) = on(&vmlinux, &built(own));
    assert!(rebased.btf.ends_with(b"\0task____own\0"));
    assert_eq!(
        rebased
            .btf
            .windows(7)
            .filter(|bytes| bytes == b"____own")
            .count(),
        1
    );
}

#[test]
fn what_is_reported_has_the_plain_name() {
    let reported = conflicts(&built(|b| one(b, "task")), &built(|b| two(b, "task")));
    assert_eq!(reported.len(), 1);
    assert_eq!(reported[0].0, "task");
}
