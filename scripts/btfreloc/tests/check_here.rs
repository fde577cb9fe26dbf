// SPDX-License-Identifier: GPL-2.0

//! `btfreloc check` against the running kernel, with modules by name, and in groups.

mod common;
mod machine;

use std::fs;
use std::os::unix::fs::symlink;

use common::{elf, small_kernel, text};
use machine::{distilled, fitting, wrong, Machine, RELEASE};

/// A machine with three modules.
fn here(test: &str) -> Machine {
    let mut machine = Machine::new(test);
    let [split, base] = distilled(true);
    machine.install("kernel/fs/fuse/fuse.ko", &[(".BTF", &fitting())]);
    machine.install("kernel/fs/exfat/exfat-fs.ko", &[(".BTF", &wrong())]);
    machine.install(
        "updates/vendor.ko",
        &[(".BTF", &split), (".BTF.base", &base)],
    );
    machine
}

#[test]
fn the_running_kernel_is_the_default_and_modules_have_names() {
    let machine = here("check-here-name");
    let modules = machine.root.join("lib/modules").join(RELEASE);
    let run = machine.run(&["check", "fuse"], "80");
    let file = text(&modules.join("kernel/fs/fuse/fuse.ko"));
    let line = format!("{file}: {RELEASE}: left alone\n");
    assert_eq!((run.text(), run.status, &*run.err), (&*line, 0, ""));
    // Dash and underscore are one.
    let run = machine.run(&["check", "exfat_fs"], "80");
    assert!(
        run.text().contains("exfat-fs.ko: 7.3.4-test: dropped: "),
        "{run:?}"
    );
}

#[test]
fn names_that_are_none_are_errors() {
    let machine = here("check-here-none");
    let folder = text(&machine.root.join("lib/modules"));
    for (args, error) in [
        (
            &["check", "nothing"][..],
            format!("nothing: no such file, and no module of that name in {folder}/{RELEASE}"),
        ),
        (
            &["check", "ext4"],
            "ext4: built into the kernel, whose BTF has its types".to_owned(),
        ),
        (
            &["check", "fuse", "--release", "1.2"],
            format!("fuse: {folder}/1.2/modules.dep: No such file or directory (os error 2)"),
        ),
    ] {
        let run = machine.run(args, "80");
        assert_eq!(run.err, format!("btfreloc: {error}\n"));
        assert_eq!(run.status, 2);
    }
}

/// Nobody writes to the one, and the other has no end.
#[test]
fn what_is_no_file_is_not_waited_for() {
    let mut machine = here("check-here-special");
    let updates = machine.root.join(format!("lib/modules/{RELEASE}/updates"));
    for name in ["fifo", "zero"] {
        machine.install(&format!("updates/{name}.ko"), &[]);
        fs::remove_file(updates.join(format!("{name}.ko"))).unwrap();
    }
    machine.fifo(updates.join("fifo.ko"));
    symlink("/dev/zero", updates.join("zero.ko")).unwrap();
    for name in ["fifo", "zero"] {
        let run = machine.run(&["check", name], "80");
        let error = format!(
            "btfreloc: {}/{name}.ko: not a regular file\n",
            text(&updates)
        );
        assert_eq!((&*run.err, run.status), (&*error, 2));
    }
}

#[test]
fn many_are_counted_with_an_example() {
    let machine = here("check-here-groups");
    let modules = text(&machine.root.join("lib/modules"));
    let run = machine.run(&["check", &modules], "2000");
    let dropped = "not for this kernel: .BTF offset 32, type [3] FUNC work: refers to INT [1], where a FUNC_PROTO \
                   belongs; rebuild it with .BTF.base";
    let expected = format!(
        "{RELEASE}: 3 modules\n      1  left alone\n      1  relocates with opaque types; the kernel alone refuses \
         the module\n         such as {modules}/{RELEASE}/updates/vendor.ko: 1 types, 1 base types mapped, 1 opaque \
         (gone); without rust_btfreloc: .BTF.base type [2] STRUCT gone: none matches\n      1  dropped; the kernel \
         alone accepts it and misreads it\n         such as {modules}/{RELEASE}/kernel/fs/exfat/exfat-fs.ko: \
         {dropped}\n\n3 checked: 1 with opaque types, 1 left alone, 1 dropped\n"
    );
    assert_eq!((run.text(), run.status), (&*expected, 1));
    let quiet = machine.run(&["check", "-q", &modules], "2000");
    assert_eq!(quiet.text(), expected.replace("      1  left alone\n", ""));
    let verbose = machine.run(&["check", "--verbose", &modules], "80");
    assert_eq!(verbose.text().matches(": 7.3.4-test: ").count(), 3);
    let variables = [("CLICOLOR_FORCE", "1"), ("COLUMNS", "2000")];
    let colour = machine.run_with(&["check", &modules], &variables);
    assert!(
        colour.text().contains("\u{1b}[31mdropped\u{1b}[0m"),
        "{colour:?}"
    );
    let none = [variables[0], variables[1], ("NO_COLOR", "1")];
    assert_eq!(
        machine.run_with(&["check", &modules], &none).text(),
        expected
    );
}

#[test]
fn each_against_takes_one_kernel_or_a_folder_of_them() {
    let machine = here("check-here-against");
    machine.put("boot/vmlinuz-1", small_kernel());
    machine.put("boot/vmlinuz-2", small_kernel());
    let boot = text(&machine.root.join("boot"));
    let first = format!("{boot}/vmlinuz-1");
    let run = machine.run(&["check", "--against", &first, "fuse"], "80");
    assert!(
        run.text()
            .ends_with(&format!("fuse.ko: {first}: left alone\n")),
        "{run:?}"
    );
    let run = machine.run(&["check", "--against", &boot, "fuse"], "80");
    let lines: Vec<_> = run.text().lines().collect();
    assert!(lines[0].ends_with("vmlinuz-1: left alone"), "{lines:?}");
    assert!(lines[1].ends_with("vmlinuz-2: left alone"), "{lines:?}");
    // One that is named twice counts once.
    let modules = text(&machine.root.join("lib/modules"));
    let twice = ["--against", &first, "--against", &boot, "--against", &first];
    let run = machine.run(&[&["check", &modules], &twice[..]].concat(), "2000");
    let heads: Vec<_> = run
        .text()
        .lines()
        .filter(|line| line.starts_with(&boot))
        .collect();
    assert_eq!(
        heads,
        [
            format!("{first}: 3 modules"),
            format!("{boot}/vmlinuz-2: 3 modules")
        ]
    );
    let empty = text(&machine.root.join("proc"));
    let run = machine.run(&["check", "--against", &empty, "fuse"], "80");
    let error = format!("btfreloc: {empty}: no kernels in it (vmlinuz*, vmlinux*)\n");
    assert_eq!((&*run.err, run.status), (&*error, 2));
}

/// What a folder holds besides is named, and the others are judged all the same.
#[test]
fn a_kernel_without_btf_in_a_folder_is_left_out() {
    let machine = here("check-here-left-out");
    machine.put("boot/vmlinuz-1", elf(&[(".text", b"no BTF")]));
    machine.put("boot/vmlinuz-2", small_kernel());
    machine.put("boot/vmlinuz-3", "");
    let boot = text(&machine.root.join("boot"));
    let run = machine.run(&["check", "--against", &boot, "fuse"], "80");
    let none = "no .BTF section: this kernel was built without CONFIG_DEBUG_INFO_BTF";
    let lines: Vec<_> = run.err.lines().collect();
    assert_eq!(lines[0], format!("btfreloc: {boot}/vmlinuz-1: {none}"));
    assert!(
        lines[1].starts_with(&format!("btfreloc: {boot}/vmlinuz-3: ")),
        "{run:?}"
    );
    assert_eq!((lines.len(), run.status), (2, 2));
    assert!(
        run.text()
            .ends_with(&format!("fuse.ko: {boot}/vmlinuz-2: left alone\n")),
        "{run:?}"
    );
    let json = machine.run(
        &["check", "--against", &boot, "fuse", "--format", "json"],
        "80",
    );
    let json = json.json();
    assert_eq!(json["errors"].as_array().unwrap().len(), 2);
    assert_eq!(json["kernels"].as_array().unwrap().len(), 1);

    // One that is named is what was asked for; of a folder there has to be one.
    let first = format!("{boot}/vmlinuz-1");
    let run = machine.run(&["check", "--against", &first, "fuse"], "80");
    assert_eq!((run.text(), run.status), ("", 2));
    fs::remove_file(machine.root.join("boot/vmlinuz-2")).unwrap();
    let run = machine.run(&["check", "--against", &boot, "fuse"], "80");
    assert_eq!(
        (run.text(), run.status, run.err.lines().count()),
        ("", 2, 2)
    );
}

/// As a shell makes it of `--against /boot/vmlinuz-*`.
#[test]
fn a_kernel_that_is_given_as_a_module_is_reported_as_that() {
    let image = text(&common::boot(&common::running(), "vmlinuz"));
    let run = here("check-here-kernel").run(&["check", &image], "80");
    let error = format!(
        "btfreloc: {image}: this is a kernel: name it with an --against of its own, or its folder\n"
    );
    assert_eq!((&*run.err, run.status), (&*error, 2));
}
