// SPDX-License-Identifier: GPL-2.0

//! Damaged files, and closed outputs: one line that says what is wrong, and the right status.

mod common;

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use btfreloc::input::Packing;
use common::{boot, file, folder, module, run, running, text};
use rust_btfreloc::elf::Elf;

const TOOL: &str = env!("CARGO_BIN_EXE_btfreloc");

/// What every command that reads a module says to `bytes`.
fn refused(test: &str, name: &str, bytes: &[u8], reason: &str) {
    let path = file(&folder(test), name, bytes);
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let commands: [&[&str]; 4] = [
        &["inspect", &path],
        &["check", &path, "--against", &vmlinux],
        &["relocate", &path, "--against", &vmlinux, "-o", "/dev/null"],
        &["resolve-ids", &path],
    ];
    for command in commands {
        let run = run(command);
        let error = format!("btfreloc: {path}: {reason}\n");
        assert_eq!(
            (&*run.err, run.status, run.text()),
            (&*error, 2, ""),
            "{command:?}"
        );
    }
    assert!(fs::read(&path).unwrap() == bytes);
}

fn demo() -> Vec<u8> {
    fs::read(module("own/distilled/btfreloc_demo.ko")).unwrap()
}

/// Byte offset of the header of this section.
fn header_at(image: &[u8], name: &[u8]) -> usize {
    let section = Elf::parse(image).unwrap().section(name).unwrap();
    let headers = u64::from_ne_bytes(image[40..48].try_into().unwrap());
    headers as usize + section.index as usize * 64
}

#[test]
fn files_that_are_no_modules() {
    let cases: [(&str, &[u8], &str); 3] = [
        ("empty.ko", b"", "neither ELF nor BTF: it has only 0 bytes"),
        (
            "tiny.ko",
            b"\x7fELF",
            "neither ELF nor BTF: it has only 4 bytes",
        ),
        ("text.ko", &[b'x'; 99], "neither ELF nor BTF"),
    ];
    for (name, bytes, reason) in cases {
        refused("hostile-none", name, bytes, reason);
    }
}

#[test]
fn modules_of_other_machines_and_cut_ones() {
    let demo = demo();
    let changed = |at: usize, byte: u8| {
        let mut image = demo.clone();
        image[at] = byte;
        image
    };
    let cases = [
        (
            changed(4, 1),
            "ELF header offset 4: class 1 is not ELF64 (2)",
        ),
        (
            changed(5, 2),
            "ELF header offset 5: byte order 2 is not that of this machine",
        ),
        (
            demo[..3000].to_vec(),
            "ELF header offset 40: no section headers in the file, it may be cut short",
        ),
    ];
    for (image, reason) in cases {
        refused("hostile-elf", "a.ko", &image, reason);
    }
}

#[test]
fn sections_past_the_end() {
    let mut image = demo();
    let at = header_at(&image, b".BTF") + 32;
    image[at..at + 8].copy_from_slice(&(1u64 << 40).to_ne_bytes());
    let elf = demo();
    let btf = Elf::parse(&elf).unwrap().section(b".BTF").unwrap();
    let reason = format!(
        "ELF section [{}] offset {}: {} bytes at {} go past the end of the file",
        btf.index,
        at - 8,
        1u64 << 40,
        btf.offset
    );
    refused("hostile-section", "a.ko", &image, &reason);
}

#[test]
fn damaged_compression_is_reported_with_its_format() {
    let demo = demo();
    for (packing, reason) in [
        (Packing::Xz, "damaged xz data: premature eof"),
        (Packing::Zstd, "damaged zstd data: incomplete frame"),
        (
            Packing::Gzip,
            "damaged gzip data: incomplete deflate stream",
        ),
    ] {
        let packed = packing.pack(&demo).unwrap();
        refused(
            "hostile-packed",
            "a.ko.xz",
            &packed[..packed.len() / 2],
            reason,
        );
    }
}

#[test]
fn the_ending_of_a_name_is_not_believed() {
    let folder = folder("hostile-ending");
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    for (name, bytes) in [
        ("plain.ko.xz", demo()),
        ("packed.ko", Packing::Zstd.pack(&demo()).unwrap()),
    ] {
        let path = file(&folder, name, &bytes);
        let run = run(&["check", &path, "--against", &vmlinux]);
        assert_eq!((run.status, &*run.err), (0, ""));
    }
}

#[test]
fn links_that_lead_nowhere() {
    let folder = folder("hostile-links");
    let (nowhere, ring) = (folder.join("nowhere.ko"), folder.join("ring.ko"));
    symlink("none", &nowhere).unwrap();
    symlink("ring.ko", &ring).unwrap();
    for (link, reason) in [
        (nowhere, "No such file or directory (os error 2)"),
        (ring, "Too many levels of symbolic links (os error 40)"),
    ] {
        let run = run(&["inspect", &text(&link)]);
        let error = format!("btfreloc: {}: {reason}\n", text(&link));
        assert_eq!((&*run.err, run.status), (&*error, 2));
    }
}

/// The status of the tool with these streams.
fn status(args: &[&str], out: Stdio, err: Stdio) -> Option<i32> {
    let mut tool = Command::new(TOOL);
    let status = tool.args(args).stdout(out).stderr(err).status();
    status.unwrap().code()
}

fn full() -> Stdio {
    Stdio::from(File::options().write(true).open("/dev/full").unwrap())
}

#[test]
fn nobody_reads_what_is_printed() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    assert_eq!(status(&["inspect", &demo], full(), Stdio::null()), Some(2));
    assert_eq!(
        status(&["inspect", "/nowhere"], Stdio::null(), full()),
        Some(2)
    );
    // What can be read is shown all the same.
    let run = run(&["inspect", &demo, "/nowhere"]);
    assert_eq!(run.status, 2);
    assert!(run.text().starts_with(&format!("{demo}: ELF of ")));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_to_talk_of() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    // More than a pipe holds.
    let many = vec![&*demo; 400];
    for args in [&["inspect"][..], &["inspect", "--format", "json"]] {
        let mut child = Command::new(TOOL)
            .args(args)
            .args(&many)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn an_output_that_cannot_take_it_all_is_named() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let folder = text(&folder("hostile-output"));
    for (output, reason) in [
        ("/dev/full", "No space left on device (os error 28)"),
        (&*folder, "Is a directory (os error 21)"),
        ("/nowhere/btf", "No such file or directory (os error 2)"),
    ] {
        let run = run(&["relocate", &demo, "--against", &vmlinux, "-o", output]);
        let error = format!("btfreloc: {output}: {reason}\n");
        assert_eq!((&*run.err, run.status), (&*error, 2));
    }
}

#[test]
fn a_module_is_no_kernel() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let run = run(&["check", &demo, "--against", &demo]);
    let error =
        format!("btfreloc: {demo}: the BTF of a module, split off a kernel's: name a kernel\n");
    assert_eq!((&*run.err, run.status), (&*error, 2));
}

/// Names of files are anybody's, and are printed on terminals.
#[test]
fn what_a_terminal_would_act_on_is_escaped_in_names_of_files() {
    let folder = folder("hostile-names");
    let vmlinux = boot(&running(), "vmlinux.btf");
    let kernel = text(&folder.join("vmlinux\x1b[2J"));
    fs::copy(vmlinux, &kernel).unwrap();
    let path = text(&folder.join("\x1b[2J.ko"));
    let output = text(&folder.join("\x1b[2J.btf"));
    let shown = |path: &str| path.replace('\x1b', "\\x1b");
    let module = shown(&path);
    let commands: [(&[&str], String); 7] = [
        (&["inspect", &path], format!("{module}: ELF of ")),
        (
            &["check", &path, "--against", &kernel],
            format!("{module}: {}: ", shown(&kernel)),
        ),
        (&["resolve-ids", &path], format!("{module}: ")),
        (
            &["funcs", "add", &path],
            format!("{module}: .BTF.funcs with "),
        ),
        (&["funcs", &path], "\\x1b[2J".to_owned()),
        (
            &["diff", &kernel, &kernel, &path],
            format!("{0} -> {0}\n", shown(&kernel)),
        ),
        (
            &["extract", &kernel, "-o", &output],
            format!("{}: written, ", shown(&output)),
        ),
    ];
    for (command, line) in commands {
        fs::write(&path, demo()).unwrap();
        let run = run(command);
        assert!(run.text().contains(&line), "{run:?}");
        assert!(!run.text().contains('\x1b'), "{run:?}");
    }
    let in_place = ["relocate", "--in-place", "--backup", &path, "--against"];
    let changed = run(&[&in_place[..], &[&kernel]].concat());
    let line = format!("{module}: BTF relocated: ");
    assert!(changed.text().starts_with(&line), "{changed:?}");
    let backup = format!("; it was {module}.orig\n");
    assert!(changed.text().contains(&backup), "{changed:?}");
}
