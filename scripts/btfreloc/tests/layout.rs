// SPDX-License-Identifier: GPL-2.0

//! BTF that says how long the types of each kind are: made where asked, carried through, shown.

mod common;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::invent::invent;
use rust_btfreloc::btf::{Blob, Form, Section};
use std::fs;

use common::{boot, elf, file, folder, module, run, running, small_kernel, text};

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

/// The kinds from 0 to the last that is known here, 4 bytes each.
const DESCRIBED: &str = ", layout 92 (23 kinds), strings ";

#[test]
fn distill_makes_it_and_relocate_carries_it_through() {
    let folder = folder("layout-distill");
    let plain = text(&module("own/plain/btfreloc_demo.ko"));
    let distilled = text(&folder.join("demo.ko"));
    let args = [
        "distill",
        "--layout",
        &plain,
        "--base",
        &vmlinux(),
        "-o",
        &distilled,
    ];
    let done = run(&args);
    assert_eq!(done.status, 0, "{done:?}");
    let shown = run(&["inspect", &distilled]);
    assert!(shown.text().contains(DESCRIBED), "{shown:?}");
    let output = text(&folder.join("demo.btf"));
    let relocated = run(&[
        "relocate",
        &distilled,
        "--against",
        &vmlinux(),
        "-o",
        &output,
    ]);
    assert_eq!((relocated.status, &*relocated.err), (0, ""));
    let written = fs::read(&output).unwrap();
    let blob = Blob::parse(Section::Btf, Form::Split, &written).unwrap();
    assert_eq!((blob.header_len(), blob.layout().len()), (32, 92));
    // STRUCT: nothing before its members, 12 bytes each.
    assert_eq!(blob.layout()[4 * 4..][..4], [0, 12, 0, 0]);
    // Nothing else changes by it.
    let args = ["distill", &plain, "--base", &vmlinux(), "-o", &distilled];
    assert_eq!(run(&args).status, 0);
    assert!(!run(&["inspect", &distilled]).text().contains(", layout "));
    let without = text(&folder.join("without.btf"));
    run(&[
        "relocate",
        &distilled,
        "--against",
        &vmlinux(),
        "-o",
        &without,
    ]);
    let without = fs::read(&without).unwrap();
    let before = Blob::parse(Section::Btf, Form::Split, &without).unwrap();
    assert_eq!(blob.types(), before.types());
    assert_eq!(blob.strings(), before.strings());
}

#[test]
fn inspect_steps_over_kinds_that_it_does_not_know() {
    let folder = folder("layout-inspect");
    let kernel = small_kernel();
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, 1);
    vmlinux.structure("task", 4, &[("pid", [int, 0])]);
    assert_eq!(vmlinux.bytes(), kernel);
    let mut split = Builder::split(&vmlinux);
    let gone = split.structure("gone", 4, &[("x", [int, 0])]);
    split.ptr(gone);
    let btf = invent(&split.bytes(), Form::Split, true, |place, _| place == 0);
    let known = file(&folder, "module.ko", &elf(&[(".BTF", &btf)]));
    let shown = run(&["inspect", &known]);
    assert!(
        shown.text().contains("2 types: 1 PTR, 1 kind 44\n"),
        "{shown:?}"
    );
    assert_eq!(shown.status, 0);
    let json = run(&["inspect", "--format", "json", &known]).json();
    assert_eq!(
        json["results"][0]["sections"][0]["parts"]["layout_kinds"],
        60
    );
    let btf = invent(&split.bytes(), Form::Split, false, |place, _| place == 0);
    let unknown = file(&folder, "unknown.ko", &elf(&[(".BTF", &btf)]));
    let shown = run(&["inspect", &unknown]);
    assert!(shown.text().contains("malformed: "), "{shown:?}");
    assert!(shown.text().contains("kind 44 is not known"), "{shown:?}");
    assert_eq!(shown.status, 1);
}
