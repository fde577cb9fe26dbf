// SPDX-License-Identifier: GPL-2.0

//! What is typed, and what explains it.

mod common;

use std::fs;

use common::{folder, run, text};

#[test]
fn help_and_version_are_no_failure() {
    for command in [
        &["--help"][..],
        &["-h"],
        &["check", "--help"],
        &["help", "relocate"],
    ] {
        let run = run(command);
        assert_eq!((run.status, &*run.err), (0, ""), "{command:?}");
        assert!(run.text().contains("Usage: btfreloc"), "{command:?}");
        assert!(run.text().contains("Exit status: 0 if "), "{command:?}");
    }
    let version = concat!("btfreloc ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(run(&["-V"]).text(), version);
    let encode = match cfg!(feature = "encode") {
        true => "+encode",
        false => "-encode",
    };
    let long = format!("{version}features: {encode}\n");
    assert_eq!(run(&["--version"]).text(), long);
}

#[cfg(not(feature = "encode"))]
#[test]
fn what_is_left_out_says_how_it_is_had() {
    let run = run(&["encode", "x.ko"]);
    let why = "btfreloc: encode is left out of this build, as it needs libelf and zlib: install them (Debian: `apt \
               install libelf-dev zlib1g-dev pkg-config`) and build with `make tool FEATURES=encode`\n";
    assert_eq!((run.status, run.text(), &*run.err), (2, "", why));
}

#[test]
fn wrong_usage_says_what_is_missing() {
    let cases: [(&[&str], &str); 4] = [
        (&[], "Usage: btfreloc <COMMAND>"),
        (&["check", "--against", "vmlinux"], "<MODULE>"),
        (
            &["relocate", "x.ko", "--against", "vmlinux"],
            "--output <BTF>",
        ),
        (
            &["check", "x.ko", "--against", "vmlinux", "--format", "xml"],
            "possible values: text, json",
        ),
    ];
    for (args, what) in cases {
        let run = run(args);
        assert_eq!((run.status, run.text()), (2, ""), "{args:?}");
        assert!(run.err.contains(what), "{args:?}: {}", run.err);
    }
}

#[test]
fn each_command_has_its_page() {
    let folder = folder("usage-man");
    let run = run(&["man", &text(&folder)]);
    assert_eq!((run.status, run.text(), &*run.err), (0, "", ""));
    for command in [
        "",
        "-status",
        "-inspect",
        "-check",
        "-relocate",
        "-distill",
        "-encode",
        "-extract",
        "-min-core",
        "-resolve-ids",
        "-man",
        "-completions",
    ] {
        let path = folder.join(format!("btfreloc{command}.1"));
        let page = fs::read_to_string(&path).expect(command);
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let page = fs::read_to_string(folder.join("btfreloc-check.1")).unwrap();
    assert!(page.contains("\\-\\-against"), "{page}");
}

#[test]
fn pages_need_a_folder() {
    let run = run(&["man", "/nowhere"]);
    let error = "btfreloc: /nowhere: cannot write man pages there: No such file or directory (os error 2)\n";
    assert_eq!((&*run.err, run.status), (error, 2));
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let run = run(&["completions", shell]);
        assert!(run.text().contains("relocate"), "{shell}");
        assert_eq!((run.status, &*run.err), (0, ""));
    }
}
