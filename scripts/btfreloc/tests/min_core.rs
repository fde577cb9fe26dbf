// SPDX-License-Identifier: GPL-2.0

//! What `btfreloc min-core` writes, what it refuses, and what it says to damaged programs.

mod common;

use std::fs;
use std::path::PathBuf;

use btfreloc_selftests::builder::Builder;
use common::{boot, elf, file, folder, program, run, running, stock, text, Run};

/// The two drivers with a struct of one name.
fn drivers() -> PathBuf {
    stock(&running()).join("kernel/drivers/net/ethernet/intel")
}

fn min_core(program: &str, more: &[&str]) -> Run {
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    run(&[&["min-core", "--base", &vmlinux, program], more].concat())
}

#[test]
fn one_file_a_module() {
    let out = folder("min-core-files");
    let modules = text(&drivers());
    let run = min_core(
        &text(&program("e1000")),
        &["--modules", &modules, "-o", &text(&out)],
    );
    assert_eq!((run.status, &*run.err), (0, ""));
    let size = |name: &str| {
        let path = out.join(name);
        format!(
            "{}: {} bytes\n",
            path.display(),
            fs::read(&path).unwrap().len()
        )
    };
    let said = ["vmlinux", "e1000", "e1000e"].map(size).concat();
    assert_eq!(run.text(), said);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn two_modules_that_differ_are_refused_in_one_file() {
    let folder = folder("min-core-ambiguous");
    let (modules, merged) = (text(&drivers()), folder.join("merged"));
    let object = text(&program("e1000-same"));
    let run = min_core(
        &object,
        &["--modules", &modules, "--merged", &text(&merged)],
    );
    assert_eq!((run.status, run.text()), (1, ""));
    let line = "type_size of e1000_adapter 0: ambiguous in one file: 2592 in e1000, 12672 in e1000e: choose one with \
                --prefer, or write a file for each module with --output\n";
    assert!(run.err.contains(line), "{}", run.err);
    assert!(!merged.exists());
    let run = min_core(
        &object,
        &[
            "--modules",
            &modules,
            "--merged",
            &text(&merged),
            "--prefer",
            "e100",
        ],
    );
    let none = "btfreloc: --prefer e100: no relocation finds anything in that module\n";
    assert_eq!((run.status, &*run.err), (1, none));
}

/// A program with these relocations against a small BTF of its own: type 2 is `task`, with `pid`.
fn damaged(edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    program_with("0:0", edit)
}

/// The same, with another access.
fn program_with(access: &str, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut btf = Builder::base();
    let int = btf.int("int", 4, 1);
    btf.structure("task", 4, &[("pid", [int, 0])]);
    let access = btf.name(access);
    let section = btf.name("kprobe/x");
    let words = [
        0x0001_eb9fu32,
        32,
        0,
        0,
        0,
        0,
        0,
        28,
        16,
        section,
        1,
        0,
        2,
        access,
        0,
    ];
    let mut ext: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    edit(&mut ext);
    let mut image = elf(&[
        (".BTF", &btf.bytes()),
        (".BTF.ext", &ext),
        ("kprobe/x", &[0; 16]),
    ]);
    // ET_REL for EM_BPF
    image[16] = 1;
    image[18] = 247;
    image
}

fn put(at: usize, word: u32) -> impl FnOnce(&mut Vec<u8>) {
    move |ext| ext[at..at + 4].copy_from_slice(&word.to_ne_bytes())
}

#[test]
fn damaged_programs_are_refused_with_the_place() {
    let folder = folder("min-core-damaged");
    let kernel = file(&folder, "vmlinux", &common::small_kernel());
    let merged = text(&folder.join("merged"));
    let cases: [(Vec<u8>, i32, &str); 9] = [
        (damaged(|_| ()), 0, ""),
        (
            damaged(put(0, 0x0001_eb9e)),
            2,
            ".BTF.ext: offset 0: magic 0xeb9e is not 0xeb9f",
        ),
        (
            damaged(put(28, 400)),
            2,
            ".BTF.ext: the relocations should be bytes 32 to 432 of 60",
        ),
        (
            damaged(put(32, 3)),
            2,
            ".BTF.ext: offset 32: 3 bytes are no length of a relocation",
        ),
        (damaged(put(40, 9)), 2, ".BTF.ext: offset 60: cut short"),
        (
            damaged(put(48, 77)),
            2,
            ".BTF.ext: offset 48: type id 77 is not in .BTF",
        ),
        (
            damaged(put(52, 9999)),
            2,
            ".BTF.ext: offset 52: no string at that offset in .BTF",
        ),
        (
            damaged(put(56, 13)),
            2,
            ".BTF.ext: offset 56: relocation kind 13 is not known",
        ),
        (
            damaged(|ext| ext.truncate(20)),
            2,
            ".BTF.ext: offset 24: cut short",
        ),
    ];
    for (bytes, status, reason) in cases {
        let path = file(&folder, "a.bpf.o", &bytes);
        let run = run(&["min-core", "--base", &kernel, &path, "--merged", &merged]);
        let error = match status {
            0 => String::new(),
            _ => format!("btfreloc: {path}: {reason}\n"),
        };
        assert_eq!((&*run.err, run.status), (&*error, status));
    }
}

#[test]
fn an_access_that_does_not_fit_is_refused() {
    let folder = folder("min-core-access");
    let kernel = file(&folder, "vmlinux", &common::small_kernel());
    let merged = text(&folder.join("merged"));
    let cases = [
        ("0:x", "access \"0:x\" is not numbers and colons"),
        ("0:1", "no member 1"),
        ("0:0:0", "a step into INT"),
        ("0:-1", "access \"0:-1\" is not numbers and colons"),
        ("", "access \"\" is not numbers and colons"),
    ];
    for (access, reason) in cases {
        let path = file(&folder, "a.bpf.o", &program_with(access, |_| ()));
        let run = run(&["min-core", "--base", &kernel, &path, "--merged", &merged]);
        let error = format!("btfreloc: {path}: kprobe/x offset 0: {reason}\n");
        assert_eq!((&*run.err, run.status), (&*error, 1));
    }
}

/// Whatever a byte of a program is changed to, there is an answer, and no panic.
#[test]
fn no_byte_of_a_program_is_trusted() {
    let folder = folder("min-core-bytes");
    let kernel = file(&folder, "vmlinux", &common::small_kernel());
    let image = damaged(|_| ());
    let changed = (64..image.len() - 5 * 64).step_by(2);
    for (at, byte) in changed.flat_map(|at| [(at, 0), (at, 3), (at, 0xff)]) {
        let mut image = image.clone();
        image[at] = byte;
        let path = file(&folder, "a.bpf.o", &image);
        let run = run(&[
            "min-core",
            "--base",
            &kernel,
            &path,
            "--merged",
            "/dev/null",
        ]);
        assert!((0..3).contains(&run.status), "byte {at} is {byte}: {run:?}");
    }
}

#[test]
fn modules_and_kernels_are_no_programs() {
    let folder = folder("min-core-none");
    let merged = text(&folder.join("merged"));
    let kernel = file(&folder, "vmlinux", &common::small_kernel());
    let plain = file(&folder, "a.ko", &elf(&[(".BTF", b"")]));
    let run = run(&["min-core", "--base", &kernel, &plain, "--merged", &merged]);
    let error =
        format!("btfreloc: {plain}: not a BPF object: compile it with clang -target bpf -g\n");
    assert_eq!((&*run.err, run.status), (&*error, 2));
}
