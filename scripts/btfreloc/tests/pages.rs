// SPDX-License-Identifier: GPL-2.0

//! What the man pages and the pages of the repository show can be typed: each command line of
//! btfreloc in them is run.

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{boot, folder, module, program, run, running, text};

/// A folder as the root of a machine where such lines are typed in `work`, with what they name.
fn machine(test: &str) -> PathBuf {
    let root = folder(test);
    let release = running();
    let put = |from: &Path, to: &str| {
        let to = root.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    let image = boot(&release, "vmlinuz");
    let (bare, demo) = (module("work/vpoll/vpoll.ko"), module("own/plain/vpoll.ko"));
    let distilled = module("own/distilled/vpoll.ko");
    put(&image, "boot/vmlinuz-new");
    put(&boot(&release, "vmlinux.btf"), "sys/kernel/btf/vmlinux");
    for (path, text) in [
        ("proc/sys/kernel/osrelease", &*release),
        ("proc/modules", ""),
        (
            &format!("lib/modules/{release}/modules.dep"),
            "updates/foo.ko:\n",
        ),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    put(&distilled, &format!("lib/modules/{release}/updates/foo.ko"));
    put(
        &distilled,
        &format!("lib/modules/{release}/updates/vpoll.ko"),
    );
    put(&image, "work/vmlinuz");
    put(&program("vpoll"), "work/prog.bpf.o");
    for (name, from) in [("bare", bare), ("plain", demo), ("distilled", distilled)] {
        put(&from, &format!("modules/{name}"));
    }
    for folder in [
        "lib/firmware",
        "usr/local/share/bash-completion/completions",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    root
}

/// Runs `line` there, with the module that its command is for; the paths in it are below `root`.
fn type_line(root: &Path, line: &str) {
    let command = line.split(' ').nth(1).unwrap();
    let module = match command {
        "encode" => "bare",
        "distill" => "plain",
        _ => "distilled",
    };
    let work = root.join("work");
    fs::copy(root.join("modules").join(module), work.join("foo.ko")).unwrap();
    fs::create_dir_all(work.join("folder")).unwrap();
    fs::copy(work.join("foo.ko"), work.join("folder/foo.ko")).unwrap();
    let mut here = line.replace(" /", &format!(" {}/", text(root)));
    here = here.replace(">/", &format!(">{}/", text(root)));
    // A module says which kernel it was built for, but that is not installed here.
    let names_base = !["distill", "resolve-ids", "encode"].contains(&command)
        || ["--base", "--standalone"]
            .iter()
            .any(|option| line.contains(option));
    if !names_base {
        here += &format!(" --base {}", text(&root.join("boot/vmlinuz-new")));
    }
    // That of the machine, not of this one.
    if command == "status" || (command == "check" && !line.contains("--against")) {
        here += &format!(" --root {}", text(root));
    }
    let tool = Path::new(env!("CARGO_BIN_EXE_btfreloc")).parent().unwrap();
    let path = format!("{}:{}", text(tool), env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    let done = shell
        .args(["-c", &here])
        .current_dir(work)
        .env("PATH", path);
    let done = done.output().unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{line}: {err}");
}

/// The lines below EXAMPLES.
fn examples(page: &str) -> Vec<String> {
    let (_, examples) = page.split_once("\n.SH EXAMPLES\n").expect("EXAMPLES");
    let (examples, _) = examples.split_once("\n.SH ").expect("a section after it");
    let lines = examples.split("\n.nf\n").skip(1);
    let lines = lines.filter_map(|rest| Some(rest.split_once("\n.fi")?.0.replace("\\-", "-")));
    lines.collect()
}

#[test]
fn each_page_has_examples_which_work_and_names_the_others() {
    let pages = folder("pages-man");
    let done = run(&["man", &text(&pages)]);
    assert_eq!((done.status, &*done.err), (0, ""));
    let root = machine("pages-machine");
    let mut names: Vec<_> = fs::read_dir(&pages)
        .unwrap()
        .map(|page| page.unwrap().path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 15);
    for path in &names {
        let page = fs::read_to_string(path).unwrap();
        let lines = examples(&page);
        assert!(!lines.is_empty(), "{}", path.display());
        for line in &lines {
            type_line(&root, line);
        }
        let (_, others) = page.split_once("\n.SH SEE ALSO\n").unwrap();
        for other in &names {
            let other = other.file_stem().unwrap().to_str().unwrap();
            let named = format!("\\fB{}\\fR(1)", other.replace('-', "\\-"));
            let own = path.file_stem().unwrap() == other;
            assert_eq!(
                others.contains(&named),
                !own,
                "{other} in {}",
                path.display()
            );
        }
    }
}

#[test]
fn pages_are_sound_roff() {
    let pages = folder("pages-roff");
    run(&["man", &text(&pages)]);
    for page in fs::read_dir(&pages).unwrap() {
        let page = fs::read_to_string(page.unwrap().path()).unwrap();
        assert!(!page.contains(".SH EXTRA"), "{page}");
        for line in page.lines() {
            let request = line
                .strip_prefix('.')
                .map(|line| line.split(' ').next().unwrap());
            let known = [
                "TH", "SH", "PP", "TP", "IP", "RS", "RE", "nf", "fi", "br", "ie", "el", "ds",
            ];
            assert!(
                request.is_none_or(|request| known.contains(&request)),
                "{line}"
            );
        }
    }
}

/// What such a page has in the place of something else.
const PLACEHOLDERS: [(&str, &str); 18] = [
    ("KERNEL KERNEL [MODULE|FOLDER...]", "vmlinuz vmlinuz folder"),
    ("build/bin/btfreloc", "btfreloc"),
    ("MODULE|FOLDER...", "folder"),
    ("MODULE...", "foo.ko"),
    ("MODULE", "foo.ko"),
    ("FOLDER...", "folder"),
    ("VMLINUZ...", "vmlinuz"),
    ("VMLINUZ", "vmlinuz"),
    ("KERNEL -o FILE", "vmlinuz -o file.btf"),
    ("/lib/modules/RELEASE/", "/lib/modules/*/"),
    ("/lib/modules/RELEASE", "/lib/modules"),
    ("vmlinuz-FIRST", "vmlinuz-new"),
    ("VMLINUX", "/sys/kernel/btf/vmlinux"),
    ("PROG.bpf.o...", "prog.bpf.o"),
    ("prog.bpf.o...", "prog.bpf.o"),
    ("-o DIR", "-o dir"),
    ("RELEASE/", "release/"),
    ("RELEASE.btf", "release.btf"),
];

#[test]
fn what_the_pages_of_the_repository_show_works() {
    let root = machine("pages-repository");
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut lines = 0;
    for page in ["README.md", "docs/howto.md"] {
        let page = fs::read_to_string(top.join(page)).unwrap();
        for line in page.lines() {
            let Some(line) = line.strip_prefix("    ") else {
                continue;
            };
            // What is after two blanks is about the line.
            let mut line = line.split("   ").next().unwrap().trim_end().to_owned();
            for (placeholder, what) in PLACEHOLDERS {
                line = line.replace(placeholder, what);
            }
            let is_built_in = cfg!(feature = "encode") || !line.starts_with("btfreloc encode");
            if line.starts_with("btfreloc ") && is_built_in {
                type_line(&root, &line);
                lines += 1;
            }
        }
    }
    assert!(lines >= 7, "only {lines} command lines were found");
}

/// What a command reads besides what is named to it, and what calls it.
#[test]
fn the_files_of_a_command_are_on_its_page() {
    let man = folder("pages-files");
    assert_eq!(run(&["man", &text(&man)]).status, 0);
    let page = |name: &str| fs::read_to_string(man.join(name)).unwrap();
    let relocate = page("btfreloc-relocate.1");
    let (_, files) = relocate.split_once(".SH FILES\n").unwrap();
    for file in [
        "/etc/btfreloc/in\\-place.conf",
        "/lib/firmware/btfreloc/RELEASE.btf",
    ] {
        assert!(
            files.contains(&format!(".TP\n\\fI{file}")),
            "{file}: {files}"
        );
    }
    assert!(page("btfreloc-check.1").contains(".SH FILES\n"));
    assert!(!page("btfreloc-diff.1").contains(".SH FILES\n"));
}
