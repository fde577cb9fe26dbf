// SPDX-License-Identifier: GPL-2.0

//! `btfreloc inspect`: every sort of BTF.

mod common;

use std::path::PathBuf;

use common::{boot, elf, file, folder, module, run, running, stock, text};
use serde_json::json;

fn sort(path: &str) -> (String, i32) {
    let run = run(&["inspect", "--format", "json", path]);
    let sort = run.json()["results"][0]["sort"]
        .as_str()
        .unwrap()
        .to_owned();
    (sort, run.status)
}

#[test]
fn every_kind_of_btf_is_recognised() {
    let crypto = stock(&running()).join("kernel/crypto/ccm.ko.xz");
    let empty = file(&folder("inspect-sorts"), "empty.ko", &elf(&[(".BTF", b"")]));
    let sorts = [
        (text(&module("distilled/vpoll.ko")), "distilled"),
        (text(&module("plain/vpoll.ko")), "plain-split"),
        (text(&crypto), "plain-split"),
        (text(&boot(&running(), "vmlinux.btf")), "standalone"),
        (text(&boot(&running(), "vmlinuz")), "standalone"),
        (text(&module("broken/nobtf.ko")), "none"),
        (text(&no_types("inspect-empty")), "empty"),
        (empty, "none"),
    ];
    for (path, expected) in sorts {
        assert_eq!(sort(&path), (expected.to_owned(), 0), "{path}");
    }
}

/// A module with BTF as kbuild makes it where pahole finds nothing.
fn no_types(test: &str) -> PathBuf {
    let mut btf = [0; 25];
    btf[..8].copy_from_slice(&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0]);
    btf[20] = 1;
    file(&folder(test), "no-types.ko", &elf(&[(".BTF", &btf)])).into()
}

#[test]
fn btf_without_types_fits_every_kernel() {
    let path = text(&no_types("inspect-no-types"));
    let done = run(&["inspect", &path]);
    let lines: Vec<_> = done.text().lines().skip(1).collect();
    let expected = [
        "  no types: fits every kernel",
        "  .BTF: 25 bytes: header 24, types 0, strings 1",
    ];
    assert_eq!(lines, expected);
    assert_eq!((done.status, &*done.err), (0, ""));
    let done = run(&["distill", &path]);
    let note = "its BTF has no types and fits every kernel: left as it is";
    assert_eq!(done.err, format!("btfreloc: note: {path}: {note}\n"));
    assert_eq!(done.status, 0);
}

#[test]
fn a_module_fits_one_screen() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let run = run(&["inspect", &demo]);
    let out = run.text();
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with(&format!("{demo}: ELF of ")), "{out}");
    assert_eq!(lines[1], "  split BTF on a distilled base of its own");
    assert!(lines[2].starts_with("  .BTF: "), "{out}");
    assert!(lines[2].contains(" bytes: header "), "{out}");
    assert!(lines[3].starts_with("    61 types: "), "{out}");
    assert!(lines[4].starts_with("  .BTF.base: "), "{out}");
    assert_eq!(
        lines[6],
        "  .BTF_ids: 156 bytes: 28 ids, 16 of them in 2 sets"
    );
    assert!(lines[7].starts_with("    set demo_set: "), "{out}");
    assert_eq!(lines.last(), Some(&"    and 6 more"));
    assert!(lines.len() < 24, "{out}");
    assert_eq!((run.status, &*run.err), (0, ""));
}

#[test]
fn json_has_all_sets_and_lists() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let json = run(&["inspect", "--format", "json", &demo]).json();
    let ids = &json["results"][0]["ids"];
    let names: Vec<_> = ids["sets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| &set["name"])
        .collect();
    assert_eq!(names, [&json!("demo_set"), &json!("demo_kfuncs")]);
    assert_eq!(ids["listed"].as_array().unwrap().len(), 12);
    assert_eq!(ids["listed"][0]["kind"], "struct");
    let parts = &json["results"][0]["sections"][0]["parts"];
    let kinds = parts["kinds"].as_object().unwrap().values();
    let sum: u64 = kinds.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(parts["count"], sum);
}

#[test]
fn what_is_malformed_is_reported_with_its_place() {
    let path = text(&module("broken/base_kind.ko"));
    let run = run(&["inspect", &path]);
    let line = "malformed: .BTF.base offset 32, type [1]: kind 63 is not known\n";
    assert!(run.text().contains(line), "{}", run.text());
    assert_eq!((run.status, &*run.err), (1, ""));
}

#[test]
fn a_stripped_section_of_ids_is_no_damage() {
    let module = file(
        &folder("inspect-stripped"),
        "m.ko",
        &elf(&[(".BTF_ids", &[1, 0, 0, 0])]),
    );
    let run = run(&["inspect", &module]);
    let line = "  .BTF_ids: 4 bytes, stripped of the symbols that identify its ids\n";
    assert!(run.text().ends_with(line), "{}", run.text());
    assert_eq!(run.status, 0);
}

#[test]
fn stale_plain_split_btf_is_reported() {
    let kernel = &*text(&boot(&running(), "vmlinux.btf"));
    let stale = text(&module("plain/acpi_call.ko"));
    let shown = run(&["inspect", &stale, "--against", kernel]);
    let line = "\n  stale: .BTF offset ";
    assert!(shown.text().contains(line), "{}", shown.text());
    assert_eq!((shown.status, &*shown.err), (1, ""));
    // Without a kernel there is nothing to compare it with; and its own it fits.
    let own = text(&module("own/plain/acpi_call.ko"));
    for args in [
        &["inspect", &stale][..],
        &["inspect", &own, "--against", kernel],
    ] {
        let shown = run(args);
        assert!(!shown.text().contains("stale"), "{}", shown.text());
        assert_eq!(shown.status, 0);
    }
}
