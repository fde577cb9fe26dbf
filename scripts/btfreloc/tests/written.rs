// SPDX-License-Identifier: GPL-2.0

//! What the commands that write say of it: a line for each module that was changed, and nothing with `--quiet`.

mod common;

use std::fs;

use common::{boot, file, folder, module, program, run, running, text, Run};

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

/// A folder with a module that is changed, one that is left, and one that cannot be.
fn three(test: &str) -> String {
    let folder = folder(test);
    for (from, to) in [
        ("own/plain/vpoll.ko", "a.ko"),
        ("own/distilled/vpoll.ko", "b.ko"),
        ("broken/nobtf.ko", "c.ko"),
    ] {
        file(&folder, to, &fs::read(module(from)).unwrap());
    }
    text(&folder)
}

fn distill(folder: &str, more: &[&str]) -> Run {
    run(&[&["distill", folder, "--base", &vmlinux()], more].concat())
}

#[test]
fn what_was_written_is_said_of_each_module() {
    let folder = three("written-lines");
    let done = distill(&folder, &[]);
    assert_eq!(
        done.text(),
        format!(
            "{folder}/a.ko: .BTF with 25 types, 575 bytes; .BTF.base with 11 types, 301 bytes\n\
             3 modules: 1 changed, 1 unchanged, 1 not done\n"
        )
    );
    // In the order of the files.
    let lines: Vec<_> = done.err.lines().collect();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with(&format!("btfreloc: note: {folder}/b.ko: "))),
        "{done:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with(&format!("btfreloc: {folder}/c.ko: "))),
        "{done:?}"
    );
    assert_eq!((lines.len(), done.status), (2, 1));
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let folder = three("written-quiet");
    let done = distill(&folder, &["--quiet"]);
    assert_eq!((done.text(), done.status), ("", 1));
    assert!(
        done.err.starts_with(&format!("btfreloc: {folder}/c.ko: ")),
        "{done:?}"
    );
    assert_eq!(done.err.lines().count(), 1);
    let plain = text(&module("own/distilled/btfreloc_twins.ko"));
    let copy = file(folder.as_ref(), "demo.ko", &fs::read(&plain).unwrap());
    for args in [
        &["resolve-ids", &copy, "--base", &vmlinux(), "-q"][..],
        &["funcs", "add", &copy, "--base", &vmlinux(), "-q"],
        &[
            "extract",
            &vmlinux(),
            "-o",
            &format!("{folder}/x.btf"),
            "-q",
        ],
        &[
            "min-core",
            &text(&program("kinds")),
            "--base",
            &vmlinux(),
            "-o",
            &format!("{folder}/core"),
            "-q",
        ],
    ] {
        let done = run(args);
        assert_eq!(
            (done.text(), &*done.err, done.status),
            ("", "", 0),
            "{args:?}"
        );
    }
}

#[test]
fn one_module_has_one_line() {
    let folder = folder("written-one");
    let plain = fs::read(module("own/plain/vpoll.ko")).unwrap();
    let path = file(&folder, "a.ko", &plain);
    let output = text(&folder.join("b.ko"));
    let done = distill(&path, &["-o", &output]);
    let sections = ".BTF with 25 types, 575 bytes; .BTF.base with 11 types, 301 bytes";
    assert_eq!(done.text(), format!("{path}: to {output}: {sections}\n"));
    let (btf, base) = (text(&folder.join("btf")), text(&folder.join("base")));
    let done = distill(&path, &["--raw-btf", &btf, "--raw-base", &base]);
    assert_eq!(
        done.text(),
        format!("{path}: to {btf}, {base}: {sections}\n")
    );
    let done = distill(&path, &["--raw-base", &base]);
    assert_eq!(
        done.text(),
        format!("{path}: to {base}: .BTF.base with 11 types, 301 bytes\n")
    );
    assert!(fs::read(&path).unwrap() == plain);
    let done = distill(&path, &[]);
    assert_eq!(done.text(), format!("{path}: {sections}\n"));
    let done = distill(&path, &["-q"]);
    assert_eq!((done.text(), &*done.err), ("", ""));
}

/// What goes to standard output is not mixed with a report.
#[test]
fn a_module_on_standard_output_is_alone_there() {
    let plain = text(&module("own/plain/vpoll.ko"));
    for more in [&["-o", "-"][..], &["-o", "-", "--format", "json"]] {
        let done = distill(&plain, more);
        assert!(done.out.starts_with(b"\x7fELF"));
        assert!(!String::from_utf8_lossy(&done.out).contains("types, "));
    }
    let raw = run(&["extract", &vmlinux(), "-o", "-"]);
    assert!(raw.out == fs::read(vmlinux()).unwrap());
}
