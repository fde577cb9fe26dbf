// SPDX-License-Identifier: GPL-2.0

//! `btfreloc diff`: each kind of change, which modules use what changed, and two releases beside an
//! independent count.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use btfreloc_selftests::builder::Builder;
use common::{boot, built_for, elf, file, folder, release, run, running, stock, text, Run};
use rust_btfreloc::btf::Kind;
use serde_json::Value;

/// Compares two kernels of these types, with these modules and options.
fn diff(test: &str, kernels: [&Builder; 2], rest: &[&str]) -> Run {
    let folder = folder(test);
    let [old, new] = kernels.map(Builder::bytes);
    let (old, new) = (file(&folder, "old", &old), file(&folder, "new", &new));
    run(&[&["diff", &old, &new], rest].concat())
}

/// What is printed of the types, without the totals.
fn lines(run: &Run) -> Vec<&str> {
    let lines = run.text().lines().skip(3);
    lines.filter(|line| !line.is_empty()).collect()
}

/// Each type of `old` is there in `new`, as `expected` says.
fn check(test: &str, make: impl Fn(&mut Builder, bool), expected: &[&str]) {
    let (mut old, mut new) = (Builder::base(), Builder::base());
    make(&mut old, false);
    make(&mut new, true);
    let done = diff(test, [&old, &new], &["--verbose"]);
    assert_eq!(lines(&done), expected);
    assert_eq!(done.status, i32::from(!expected.is_empty()), "{}", done.err);
}

#[test]
fn members_come_go_move_and_change() {
    check(
        "diff-members",
        |btf, new| {
            let int = btf.int("int", 4, 1);
            let long = btf.int("long", 8, 1);
            match new {
                false => btf.structure(
                    "task",
                    24,
                    &[
                        ("a", [int, 0]),
                        ("b", [int, 32]),
                        ("c", [int, 64]),
                        ("d", [long, 128]),
                    ],
                ),
                true => btf.structure(
                    "task",
                    32,
                    &[
                        ("a", [long, 0]),
                        ("d", [long, 64]),
                        ("c", [int, 128]),
                        ("e", [int, 160]),
                    ],
                ),
            };
        },
        &[
            "resized:",
            "  STRUCT task, 24 -> 32 bytes",
            "      b is gone, was at byte 4",
            "      e is new at byte 20",
            "      a was int, is long",
            "      c moved from byte 8 to byte 16",
            "      d moved from byte 16 to byte 8",
        ],
    );
}

#[test]
fn bit_fields_change_their_width_and_place() {
    check(
        "diff-bits",
        |btf, new| {
            let int = btf.int("int", 4, 0);
            let (width, at) = if new { (5, 6) } else { (3, 3) };
            btf.bit_fields("flags", 4, &[("a", [int, 0, width]), ("b", [int, at, 2])]);
        },
        &[
            "changed, of the same size:",
            "  STRUCT flags, 4 bytes",
            "      a had 3 bits, has 5",
            "      b moved from byte 0 bit 3 to byte 0 bit 6",
        ],
    );
}

#[test]
fn values_of_enums_come_go_and_change() {
    check(
        "diff-values",
        |btf, new| {
            match new {
                false => btf.enumeration("state", 4, &[("ON", [1]), ("OFF", [0]), ("LAST", [2])]),
                true => btf.enumeration("state", 4, &[("ON", [1]), ("IDLE", [2]), ("LAST", [3])]),
            };
            // The same values in the other form.
            match new {
                false => btf.enumeration("mode", 4, &[("M", [1])]),
                true => btf.enum64("mode", 8, false, &[("M", [1, 1])]),
            };
        },
        &[
            "resized:",
            "  ENUM mode, 4 -> 8 bytes",
            "      M was 1, is 4294967297",
            "changed, of the same size:",
            "  ENUM state, 4 bytes",
            "      OFF is gone, was 0",
            "      IDLE is new, 2",
            "      LAST was 2, is 3",
        ],
    );
}

#[test]
fn types_go_or_are_something_else() {
    check(
        "diff-gone",
        |btf, new| {
            let int = btf.int("int", 4, 1);
            if new {
                btf.fwd("declared", false);
                btf.union("other", 4, &[("a", [int, 0])]);
            } else {
                btf.structure("declared", 4, &[("a", [int, 0])]);
                btf.structure("other", 4, &[("a", [int, 0])]);
                btf.float("float", 4);
            }
        },
        &[
            "gone:",
            "  STRUCT declared, 4 bytes",
            "      only declared there",
            "  FLOAT float, 4 bytes",
            "  STRUCT other, 4 bytes",
            "      a UNION there",
        ],
    );
}

#[test]
fn integers_typedefs_and_prototypes_change() {
    check(
        "diff-references",
        |btf, new| {
            let int = btf.int("int", 4, 1);
            let long = btf.int("long", 8, 1);
            let one = btf.int("one", 1, if new { 0 } else { 1 });
            btf.typedef("number", if new { long } else { int });
            let task = btf.fwd("task", false);
            let ptr = btf.ptr(task);
            let constant = btf.constant(one);
            let text = btf.ptr(constant);
            let array = btf.array(int, int, 4);
            let back = btf.func_proto(0, &[("", [ptr]), ("", [0])]);
            let back = btf.ptr(back);
            // A parameter by another name is the same.
            let name = if new { "y" } else { "x" };
            let same = btf.func_proto(int, &[(name, [ptr])]);
            btf.func("same", same, 0);
            let held = if new { text } else { ptr };
            let other = btf.func_proto(int, &[("p", [held]), ("back", [back])]);
            btf.func("other", other, 0);
            let to_array = btf.ptr(array);
            let none = btf.func_proto(if new { to_array } else { 0 }, &[]);
            btf.func("none", none, 0);
        },
        &[
            "changed, of the same size:",
            "  FUNC none",
            "      was void (void), is int (*(void))[4]",
            "  TYPEDEF number",
            "      was int, is long",
            "  INT one, 1 byte",
            "      encoding was 0x1000008, is 0x8",
            "  FUNC other",
            "      was int (struct task *, void (*)(struct task *, ...)), \
             is int (const one *, void (*)(struct task *, ...))",
        ],
    );
}

#[test]
fn a_type_that_changed_is_reported_once_and_with_what_holds_it() {
    check(
        "diff-holders",
        |btf, new| {
            let int = btf.int("int", 4, 1);
            let inner = match new {
                false => btf.structure("inner", 8, &[("a", [int, 0]), ("b", [int, 32])]),
                true => btf.structure("inner", 8, &[("b", [int, 0]), ("a", [int, 32])]),
            };
            let array = btf.array(inner, int, 2);
            let typedef = btf.typedef("inner_t", inner);
            let middle = btf.structure("middle", 24, &[("x", [array, 0]), ("y", [typedef, 128])]);
            btf.structure("outer", 24, &[("middle", [middle, 0])]);
            let ptr = btf.ptr(inner);
            btf.structure("pointing", 8, &[("p", [ptr, 0])]);
        },
        &[
            "changed, of the same size:",
            "  STRUCT inner, 8 bytes",
            "      a moved from byte 0 to byte 4",
            "      b moved from byte 4 to byte 0",
            "unchanged, but holding a type that changed:",
            "  TYPEDEF inner_t",
            "      holds STRUCT inner",
            "  STRUCT middle, 24 bytes",
            "      holds STRUCT inner",
            "      holds TYPEDEF inner_t",
            "  STRUCT outer, 24 bytes",
            "      holds STRUCT middle",
        ],
    );
}

#[test]
fn members_in_types_without_a_name_are_members() {
    check(
        "diff-flat",
        |btf, new| {
            let int = btf.int("int", 4, 1);
            // The group changes nothing in the layout; what is in `pair` does.
            match new {
                false => btf.structure("grouped", 8, &[("a", [int, 0]), ("b", [int, 32])]),
                true => {
                    let group = btf.structure("", 8, &[("a", [int, 0]), ("b", [int, 32])]);
                    btf.structure("grouped", 8, &[("", [group, 0])])
                }
            };
            let place = if new { 32 } else { 0 };
            let pair = btf.structure("", 8, &[("x", [int, place])]);
            btf.structure("named", 12, &[("first", [int, 0]), ("pair", [pair, 32])]);
            btf.typedef("pair_t", pair);
        },
        &[
            "changed, of the same size:",
            "  STRUCT named, 12 bytes",
            "      pair.x moved from byte 4 to byte 8",
            "  TYPEDEF pair_t, 8 bytes",
            "      x moved from byte 0 to byte 4",
        ],
    );
}

#[test]
fn spelling_is_no_difference() {
    check(
        "diff-spelling",
        |btf, new| {
            let long = btf.int("long", 8, 1);
            let spelled = btf.int("i64", 8, 1);
            btf.typedef("keeps", long);
            let typedef = match new {
                true => btf.typedef("mine", spelled),
                false => long,
            };
            btf.structure("task", 8, &[("a", [typedef, 0])]);
        },
        &[],
    );
}

#[test]
fn of_several_of_one_name_those_that_are_the_same_are_pairs() {
    check(
        "diff-several",
        |btf, new| {
            let int = btf.int("int", 4, 1);
            let a = |btf: &mut Builder| btf.structure("node", 8, &[("a", [int, 0])]);
            let b = |btf: &mut Builder| btf.structure("node", 8, &[("b", [int, 32])]);
            if new {
                btf.structure("node", 8, &[("c", [int, 0])]);
                b(btf);
            } else {
                b(btf);
                a(btf);
                btf.structure("node", 4, &[("a", [int, 0])]);
            }
        },
        &[
            "gone:",
            "  STRUCT node, 4 bytes",
            "changed, of the same size:",
            "  STRUCT node, 8 bytes",
            "      a is gone, was at byte 0",
            "      c is new at byte 0",
        ],
    );
}

/// A kernel with two structs, of which the second has `size` bytes.
fn two_structs(size: u32) -> (Builder, [u32; 3]) {
    let mut btf = Builder::base();
    let int = btf.int("int", 4, 1);
    let same = btf.structure("same", 4, &[("a", [int, 0])]);
    let task = btf.structure("task", size, &[("a", [int, 0])]);
    let ptr = btf.ptr(task);
    let proto = btf.func_proto(0, &[("task", [ptr])]);
    btf.func("start", proto, 1);
    (btf, [int, same, ptr])
}

#[test]
fn modules_use_what_their_btf_names() {
    let (old, [int, same, ptr]) = two_structs(8);
    let (new, _) = two_structs(16);
    let folder = folder("diff-uses-modules");
    let module = |name: &str, btf: &Builder, base: Option<&Builder>| {
        let (btf, base) = (btf.bytes(), base.map(Builder::bytes));
        let mut sections = vec![(".BTF", &*btf)];
        sections.extend(base.iter().map(|base| (".BTF.base", &**base)));
        file(&folder, name, &elf(&sections));
    };
    let mut plain = Builder::split(&old);
    plain.typedef("mine", ptr);
    module("a.ko", &plain, None);
    let mut other = Builder::split(&old);
    other.structure("own", 8, &[("a", [int, 0]), ("b", [same, 32])]);
    module("b.ko", &other, None);
    let mut base = Builder::base();
    let declared = base.raw(&[1, Kind::Struct as u32 * (1 << 24), 8]);
    base.name("task");
    let mut distilled = Builder::split(&base);
    distilled.ptr(declared);
    module("c.ko", &distilled, Some(&base));
    module("d.ko", &two_structs(8).0, None);
    file(&folder, "e.ko", &elf(&[]));

    let modules = text(&folder);
    let done = diff("diff-uses", [&old, &new], &[&modules]);
    assert_eq!((done.status, &*done.err), (1, ""));
    let expected = [
        "5 modules: 1 of these used, by 3",
        "resized:",
        "  STRUCT task, 8 -> 16 bytes: 3 modules",
    ];
    assert_eq!(lines(&done), expected);
    let json = diff("diff-uses", [&old, &new], &[&modules, "--format", "json"]).json();
    assert_eq!(json["results"][0]["modules"], serde_json::json!([0, 2, 3]));
    assert_eq!(json["modules"][2]["module"], format!("{modules}/c.ko"));
    assert_eq!(json["modules"][2]["uses"], 1);

    // Of what none of them uses only the number is shown.
    let unused = format!("{modules}/b.ko");
    let done = diff("diff-uses", [&old, &new], &[&unused]);
    assert_eq!(done.status, 0, "{}", done.err);
    let expected = [
        "1 module: none of these used",
        "1 more that no module uses: --verbose shows them",
    ];
    assert_eq!(lines(&done), expected);
    let done = diff("diff-uses", [&old, &new], &[&unused, "-v"]);
    assert_eq!(
        lines(&done)[1..],
        ["resized:", "  STRUCT task, 8 -> 16 bytes"]
    );
}

#[test]
fn a_module_of_another_kernel_is_an_error_and_the_others_are_counted() {
    let (old, [_, _, ptr]) = two_structs(8);
    let (new, _) = two_structs(16);
    let folder = folder("diff-other-modules");
    let mut plain = Builder::split(&old);
    plain.typedef("mine", ptr);
    file(&folder, "a.ko", &elf(&[(".BTF", &plain.bytes())]));
    let mut stale = Builder::split_at(4000, 9000);
    stale.ptr(3000);
    let stale = file(&folder, "b.ko", &elf(&[(".BTF", &stale.bytes())]));
    let done = diff("diff-other", [&old, &new], &[&text(&folder)]);
    let begins = format!("btfreloc: {stale}: not made for ");
    assert!(done.err.starts_with(&begins), "{}", done.err);
    assert_eq!(lines(&done)[0], "1 module: 1 of these used, by 1");
    assert_eq!(done.status, 2);
}

/// Each of these would run for years if a type without a name were looked into each time that another holds
/// it.
#[test]
fn types_that_hold_each_other_twice_come_to_an_end() {
    // A union that holds itself, which no compiler makes.
    let holds_itself = |btf: &mut Builder, new: bool| {
        let int = btf.int("int", 4, 1);
        let own = btf.next_id();
        btf.union("", 4, &[("a", [own, 0]), ("b", [own, 0])]);
        let last = if new { "d" } else { "c" };
        btf.structure("task", 8, &[("", [own, 0]), (last, [int, 32])]);
    };
    // Structs without members, in structs, in structs.
    let empty = |btf: &mut Builder, new: bool| {
        let int = btf.int("int", 4, 1);
        let mut inner = btf.structure("", 0, &[]);
        for _ in 0..60 {
            inner = btf.structure("", 0, &[("a", [inner, 0]), ("b", [inner, 0])]);
        }
        let last = if new { "d" } else { "c" };
        btf.structure("task", 8, &[(last, [int, 0]), ("e", [inner, 32])]);
    };
    type Make = dyn Fn(&mut Builder, bool);
    let makes: [(&str, &Make); 2] = [("diff-itself", &holds_itself), ("diff-empty", &empty)];
    for (test, make) in makes {
        let (mut old, mut new) = (Builder::base(), Builder::base());
        make(&mut old, false);
        make(&mut new, true);
        let same = diff(test, [&old, &old], &[]);
        assert_eq!((same.status, lines(&same)), (0, vec![]), "{}", same.err);
        let other = diff(test, [&old, &new], &["-v"]);
        assert_eq!(other.status, 1, "{}", other.err);
        let found = lines(&other);
        assert_eq!(found[1], "  STRUCT task, 8 bytes");
        let gone = "      c is gone, was at byte ";
        assert!(found[2].starts_with(gone), "{found:?}");
    }
}

#[test]
fn the_same_kernel_does_not_differ() {
    let vmlinuz = text(&boot(&running(), "vmlinuz"));
    let raw = text(&boot(&running(), "vmlinux.btf"));
    let module = stock(&running()).join("kernel/crypto/ccm.ko.xz");
    let done = run(&["diff", &vmlinuz, &raw, &text(&module)]);
    assert_eq!(lines(&done), ["1 module: none of these used"]);
    assert_eq!((done.status, &*done.err), (0, ""));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let done = run(&["diff", &vmlinux, "/no/such/kernel"]);
    assert_eq!(done.status, 2);
    assert!(done.err.contains("/no/such/kernel"), "{}", done.err);
    let done = run(&["diff", "-", "-"]);
    assert_eq!(done.status, 2);
}

/// The types of a kernel as bpftool prints them, by kind and name.
fn dumped(kernel: &Path) -> BTreeMap<(String, String), Vec<Value>> {
    let dump = Command::new("bpftool")
        .args(["--json", "btf", "dump", "file"])
        .arg(kernel)
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let mut dump: Value = serde_json::from_slice(&dump.stdout).unwrap();
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for entry in dump["types"].as_array_mut().unwrap() {
        let word = |key| entry[key].as_str().unwrap_or_default().to_owned();
        let name = word("name");
        if name != "(anon)" {
            let types: &mut Vec<_> = found.entry((word("kind"), name)).or_default();
            types.push(entry.take());
        }
    }
    found
}

/// The sizes of the types of a kernel, by kind and name.
fn counted(kernel: &Path) -> BTreeMap<(String, String), Vec<u64>> {
    let size = |entry: Value| entry["size"].as_u64().unwrap_or_default();
    let sizes = |types: Vec<Value>| types.into_iter().map(size).collect();
    let types = dumped(kernel).into_iter();
    types.map(|(key, types)| (key, sizes(types))).collect()
}

/// Where the members of a struct are, or the values of an enum; `None` if some have no name.
fn laid_out(entry: &Value) -> Option<BTreeSet<String>> {
    let (elements, places) = match entry.get("members") {
        Some(members) => (members, &["bits_offset", "bitfield_size"][..]),
        None => (&entry["values"], &["val"][..]),
    };
    let place = |element: &Value| {
        let name = element["name"].as_str().filter(|name| *name != "(anon)")?;
        let places = places.iter().map(|key| element[key].to_string());
        Some(format!("{name} {}", places.collect::<Vec<_>>().join(" ")))
    };
    elements.as_array().unwrap().iter().map(place).collect()
}

/// Of the types that have one name and one size in both kernels: those whose members or values are at
/// other places, and those that have them at the same ones.
#[test]
fn layouts_differ_as_an_independent_count_has_it() {
    let kernels = [built_for(), running()].map(|release| boot(&release, "vmlinux.btf"));
    let [old, new] = kernels.each_ref().map(|kernel| dumped(kernel));
    let [before, after] = kernels.map(|kernel| text(&kernel));
    let json = run(&["diff", &before, &after, "--format", "json"]).json();
    let results = json["results"].as_array().unwrap();
    let (mut moved, mut same) = (0, 0);
    for ((kind, name), types) in &old {
        let is_of = ["STRUCT", "UNION", "ENUM", "ENUM64"].contains(&&**kind);
        let others = new.get(&(kind.clone(), name.clone()));
        let (true, [old], Some([new])) = (is_of, &types[..], others.map(Vec::as_slice)) else {
            continue;
        };
        let (Some(before), Some(after)) = (laid_out(old), laid_out(new)) else {
            continue;
        };
        if old["size"] != new["size"] {
            continue;
        }
        let found = results
            .iter()
            .find(|entry| entry["kind"] == **kind && entry["name"] == **name);
        if before != after {
            assert_eq!(found.unwrap()["change"], "changed", "{kind} {name}");
            moved += 1;
            continue;
        }
        same += 1;
        // What differs is the type of a member, or in a member's own type that has no name.
        let details = found.and_then(|entry| entry["details"].as_array());
        for detail in details.into_iter().flatten() {
            let inside = detail["element"].as_str().unwrap_or_default().contains('.');
            assert!(
                inside || detail["what"] == "member-type",
                "{kind} {name}: {detail}"
            );
        }
    }
    assert!(moved > 50 && same > 5000, "{moved} {same}");
}

#[test]
fn two_releases_differ_as_an_independent_count_has_it() {
    let kernels = [built_for(), running()].map(|release| boot(&release, "vmlinux.btf"));
    let [old, new] = kernels.each_ref().map(|kernel| counted(kernel));
    let json = run(&[
        "diff",
        &text(&kernels[0]),
        &text(&kernels[1]),
        "--format",
        "json",
    ])
    .json();
    let types = json["results"].as_array().unwrap();
    for kind in ["STRUCT", "UNION", "ENUM", "FUNC"] {
        let of_kind = |change: &str| {
            let types = types
                .iter()
                .filter(|entry| entry["kind"] == kind && entry["change"] == change);
            types
                .map(|entry| entry["name"].as_str().unwrap())
                .collect::<BTreeSet<_>>()
        };
        let names = old.iter().filter(|((found, _), _)| found == kind);
        let there = |name: &String| {
            let kinds = match kind {
                "ENUM" => &["ENUM", "ENUM64"][..],
                kind => &[kind],
            };
            let mut sizes = kinds
                .iter()
                .filter_map(|kind| new.get(&((*kind).to_owned(), name.clone())));
            sizes.next()
        };
        let gone = names
            .clone()
            .filter(|((_, name), sizes)| there(name).is_none_or(|new| new.len() < sizes.len()));
        let gone: BTreeSet<_> = gone.map(|((_, name), _)| &**name).collect();
        assert!(!gone.is_empty());
        assert_eq!(of_kind("gone"), gone, "{kind}");
        let resized = names.filter(|((_, name), sizes)| match (&sizes[..], there(name)) {
            ([size], Some(new)) => new[..] != [*size] && new.len() == 1,
            _ => false,
        });
        let resized: BTreeSet<_> = resized.map(|((_, name), _)| &**name).collect();
        let missing: Vec<_> = resized.difference(&of_kind("resized")).copied().collect();
        assert!(missing.is_empty(), "{kind}: {missing:?}");
        // Of names that stand for several, no more than the sizes that are in one kernel only.
        for name in of_kind("resized").difference(&resized) {
            let sizes = &old[&(kind.to_owned(), (*name).to_owned())];
            assert!(
                sizes.len() > 1 || there(&(*name).to_owned()).is_some_and(|new| new.len() > 1),
                "{name}"
            );
        }
        assert!(!resized.is_empty() || kind != "STRUCT");
    }
    let summary = &json["summary"];
    let functions: usize = old
        .iter()
        .filter(|((kind, _), _)| kind == "FUNC")
        .map(|(_, ids)| ids.len())
        .sum();
    assert_eq!(summary["functions"], functions);
    assert_eq!(json["kernels"][0]["kernel"], text(&kernels[0]));
}

#[test]
fn real_modules_use_what_was_resized() {
    let kernels = [release("RUNNING2"), running()].map(|release| boot(&release, "vmlinuz"));
    let modules = stock(&release("RUNNING2")).join("kernel/drivers/nvme");
    let args = [&text(&kernels[0]), &text(&kernels[1]), &text(&modules)];
    let done = run(&[&["diff", "--format", "json"][..], &args.map(|arg| &**arg)].concat());
    assert_eq!((done.status, &*done.err), (1, ""));
    let json = done.json();
    assert_eq!(json["kernels"][0]["release"], release("RUNNING2"));
    let modules = json["modules"].as_array().unwrap().len();
    assert!(modules > 8);
    // In 7.2 each module has BTF of its own copies of core types, which hold this one.
    let types = json["results"].as_array().unwrap();
    let named = |name: &str| types.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(named("rcu_segcblist")["change"], "resized");
    assert_eq!(
        named("rcu_segcblist")["modules"].as_array().unwrap().len(),
        modules
    );
    // A function that it imports.
    let function = named("init_srcu_struct");
    assert_eq!(function["kind"], "FUNC");
    let users = function["modules"].as_array().unwrap().iter();
    let users: Vec<_> = users
        .map(|at| {
            json["modules"][at.as_u64().unwrap() as usize]["module"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert!(
        users.len() == 1 && users[0].ends_with("/nvme-core.ko.xz"),
        "{users:?}"
    );
}
