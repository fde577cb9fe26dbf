// SPDX-License-Identifier: GPL-2.0

//! Modules whose BTF has types of kinds that the kernel does not know.

mod common;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::invent::invent;
use btfreloc_selftests::model::Model;
use rust_btfreloc::btf::Form;
use std::fs;

use common::{elf, file, folder, run, small_kernel};

/// A kernel, and a module with a struct, a pointer to it and a FUNC, the struct being of an unknown
/// kind.
fn kernel_and_module(test: &str, described: bool) -> (String, String) {
    let folder = folder(test);
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, 1);
    vmlinux.structure("task", 4, &[("pid", [int, 0])]);
    let mut split = Builder::split(&vmlinux);
    let gone = split.structure("gone", 4, &[("x", [int, 0])]);
    let ptr = split.ptr(gone);
    let proto = split.func_proto(0, &[("gone", [ptr])]);
    split.func("work", proto, 1);
    let btf = invent(&split.bytes(), Form::Split, described, |place, _| {
        place == 0
    });
    let module = file(&folder, "module.ko", &elf(&[(".BTF", &btf)]));
    (file(&folder, "vmlinux.btf", &small_kernel()), module)
}

#[test]
fn what_is_left_without_them_is_registered() {
    let (kernel, module) = kernel_and_module("kinds-described", true);
    let check = run(&["check", &module, "--against", &kernel]);
    let line = format!(
        "{module}: {kernel}: registered without types of unknown kinds: left out: 1 type of kind 44\n"
    );
    assert!(check.text().starts_with(&line), "{check:?}");
    assert!(check
        .text()
        .contains("the kernel alone refuses the module: .BTF offset "));
    // It is a finding: the module has types that nobody can ask for.
    assert_eq!((check.status, &*check.err), (1, ""));
    let json = run(&["check", "--format", "json", &module, "--against", &kernel]).json();
    assert_eq!(json["results"][0]["outcome"], "reduced");
    assert_eq!(json["results"][0]["left_out"], "1 type of kind 44");
    assert_eq!(json["summary"]["reduced"], 1);
    let page = run(&["check", &module, "--against", &kernel, "--matrix", "-"]);
    assert!(page.text().contains("types left out"));
}

#[test]
fn what_would_be_registered_is_written() {
    let (kernel, module) = kernel_and_module("kinds-written", true);
    let output = format!("{module}.btf");
    let written = run(&["relocate", &module, "--against", &kernel, "-o", &output]);
    assert_eq!((written.status, &*written.err), (0, ""));
    let vmlinux = Model::base(&fs::read(&kernel).unwrap());
    let names: Vec<_> = vmlinux
        .split(&fs::read(&output).unwrap())
        .own()
        .map(|(_, type_)| (type_.kind, type_.name.clone()))
        .collect();
    let names: Vec<_> = names.iter().map(|(kind, name)| (*kind, &**name)).collect();
    // The pointer and the array of none of them that stands for the struct, and the rest.
    assert_eq!(names, [(2, ""), (3, ""), (2, ""), (13, ""), (12, "work")]);
}

#[test]
fn without_a_layout_nothing_is_left() {
    let (kernel, module) = kernel_and_module("kinds-bare", false);
    let check = run(&["check", &module, "--against", &kernel]);
    let text = check.text();
    assert!(
        text.contains(": dropped: malformed BTF: .BTF offset "),
        "{text}"
    );
    assert!(text.contains(": kind 44 is not known; "), "{text}");
}

#[test]
fn the_strict_policy_leaves_it_to_the_kernel() {
    let (kernel, module) = kernel_and_module("kinds-strict", true);
    let output = format!("{module}.btf");
    let args = [
        "relocate",
        "--strict",
        &module,
        "--against",
        &kernel,
        "-o",
        &output,
    ];
    let written = run(&args);
    assert_eq!(written.status, 1);
    assert!(
        written.err.contains("left to the kernel: malformed BTF: "),
        "{written:?}"
    );
}
