// SPDX-License-Identifier: GPL-2.0

//! `btfreloc encode`: what is made of a module's DWARF is, byte for byte, what kbuild makes of it.

mod common;
mod kept;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use btfreloc::input::Module;
use btfreloc::sections::with_sections;
use common::{boot, file, folder, kit, module, run, running, text};
use kept::kept;
use rust_btfreloc::elf::Elf;

const MODULES: [(&str, &str); 5] = [
    ("acpi-call", "acpi_call"),
    ("langford", "langford"),
    ("modules", "btfreloc_demo"),
    ("modules", "btfreloc_small"),
    ("vpoll", "vpoll"),
];

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

/// A module as it is compiled, with DWARF and without BTF.
fn compiled(source: &str, name: &str) -> PathBuf {
    module(&format!("work/{source}/{name}.ko"))
}

fn section<'a>(image: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let elf = Elf::parse(image).unwrap();
    elf.data(&elf.section(name.as_bytes())?)
}

/// The type and the string part, which are the same whether the header is long or short.
fn parts(btf: &[u8]) -> [&[u8]; 2] {
    let word = |at: usize| u32::from_ne_bytes(btf[at..at + 4].try_into().unwrap()) as usize;
    [8, 16].map(|at| &btf[word(4) + word(at)..][..word(at + 4)])
}

#[test]
fn modules_get_what_kbuild_embeds() {
    let folder = folder("encode-kbuild");
    for (source, name) in MODULES {
        fs::copy(compiled(source, name), folder.join(format!("{name}.ko"))).unwrap();
    }
    let done = run(&["encode", "--quiet", &text(&folder), "--base", &vmlinux()]);
    assert_eq!((done.status, done.text()), (0, ""), "{}", done.err);
    for (source, name) in MODULES {
        let ours = fs::read(folder.join(format!("{name}.ko"))).unwrap();
        let before = fs::read(compiled(source, name)).unwrap();
        as_kbuild(&before, &ours, &format!("own/distilled/{name}.ko"));
    }
    let check = run(&["check", "-v", &text(&folder), "--against", &vmlinux()]);
    let exactly = check.text().matches("relocates exactly").count();
    assert_eq!(
        (check.status, exactly),
        (0, MODULES.len()),
        "{}",
        check.text()
    );
}

#[test]
fn modules_that_clang_compiled_get_it_too() {
    let folder = folder("encode-clang");
    for (source, name) in [("modules", "btfreloc_demo"), ("vpoll", "vpoll")] {
        let before = fs::read(compiled(&format!("clang/{source}"), name)).unwrap();
        assert!(section(&before, ".llvm_addrsig").is_some(), "{name}");
        let path = file(&folder, &format!("{name}.ko"), &before);
        let done = run(&["encode", &path, "--base", &vmlinux()]);
        assert_eq!((done.status, &*done.err), (0, ""));
        let ours = fs::read(path).unwrap();
        as_kbuild(&before, &ours, &format!("clang/own/distilled/{name}.ko"));
    }
}

/// What became of the module `before` is what kbuild makes, the module `kbuild`, and nothing else changed.
fn as_kbuild(before: &[u8], ours: &[u8], kbuild: &str) {
    let theirs = fs::read(module(kbuild)).unwrap();
    for part in [".BTF", ".BTF.base"] {
        let [ours, theirs] = [ours, &theirs].map(|image| section(image, part).unwrap());
        assert!(parts(ours) == parts(theirs), "{kbuild}: {part}");
    }
    let [our_ids, their_ids] = [ours, &theirs].map(|image| section(image, ".BTF_ids"));
    assert_eq!(our_ids, their_ids, "{kbuild}");
    let changed = [".BTF", ".BTF.base", ".BTF_ids"];
    assert!(kept(before, &changed) == kept(ours, &changed), "{kbuild}");
}

#[test]
fn a_kernel_may_be_an_image() {
    let folder = folder("encode-image");
    let path = text(&compiled("vpoll", "vpoll"));
    let made = [vmlinux(), text(&boot(&running(), "vmlinuz"))].map(|base| {
        let output = text(&folder.join("vpoll.ko"));
        let done = run(&["encode", &path, "--base", &base, "-o", &output]);
        assert_eq!((done.status, &*done.err), (0, ""));
        fs::read(output).unwrap()
    });
    assert!(made[0] == made[1]);
}

/// Kfuncs of every sort, with what the macros of the kernel make of them.
const KFUNCS: &str = r#"
struct bpf_prog_aux { int id; };
struct seen { long a; struct seen *next; };
#define KFUNC __attribute__((used, noinline))
KFUNC int kf_plain(struct seen *s) { return s->a; }
KFUNC int kf_fast(int a) { return a; }
KFUNC int kf_implicit(struct seen *s, const struct bpf_prog_aux *aux) { return s->a + aux->id; }
KFUNC void *kf_arena(void *a, void *b__arena, int c) { return c ? a : b__arena; }
KFUNC void *kf_ret(void *a) { return a; }
#define ID(name, n, flags) ".local __BTF_ID__func__" #name "__" #n "\n" \
	".type __BTF_ID__func__" #name "__" #n ", STT_OBJECT\n" \
	".size __BTF_ID__func__" #name "__" #n ", 4\n" \
	"__BTF_ID__func__" #name "__" #n ":\n.zero 4\n.long " #flags "\n"
asm(".pushsection .BTF_ids,\"a\"\n.local __BTF_ID__set8__kfuncs\n"
    ".type __BTF_ID__set8__kfuncs, STT_OBJECT\n.size __BTF_ID__set8__kfuncs, 48\n"
    "__BTF_ID__set8__kfuncs:\n.zero 4\n.long 1\n"
    ID(kf_ret, 1, 0x2000) ID(kf_arena, 2, 0x4000) ID(kf_implicit, 3, 0x10000) ID(kf_fast, 4, 0x1000)
    ID(kf_plain, 5, 0)
    ".popsection\n");
"#;

/// Runs a program of the kit.
fn tool(program: &Path, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {said}", program.display());
    String::from_utf8(done.stdout).unwrap()
}

/// The types as text, each with all it refers to instead of ids.
fn dump(btf: &str) -> Vec<String> {
    let dump = tool(Path::new("bpftool"), &["-j", "btf", "dump", "file", btf]);
    let dump: serde_json::Value = serde_json::from_str(&dump).unwrap();
    let types = dump["types"].as_array().unwrap();
    let mut shown: Vec<_> = types.iter().map(|t| show(types, t, 0)).collect();
    shown.sort();
    shown
}

fn show(types: &[serde_json::Value], value: &serde_json::Value, depth: usize) -> String {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let shown = fields
                .iter()
                .filter(|(key, _)| *key != "id")
                .map(|(key, value)| {
                    let id = value.as_u64().filter(|_| key.ends_with("type_id"));
                    match id.and_then(|id| types.iter().find(|t| t["id"] == id)) {
                        Some(found) if depth < 8 => {
                            format!("{key}: {}", show(types, found, depth + 1))
                        }
                        Some(_) => key.clone(),
                        None => format!("{key}: {}", show(types, value, depth)),
                    }
                });
            format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => {
            let shown = values.iter().map(|value| show(types, value, depth));
            format!("[{}]", shown.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn kfuncs_are_tagged_as_resolve_btfids_tags_them() {
    let folder = folder("encode-kfuncs");
    let source = file(&folder, "kfuncs.c", KFUNCS.as_bytes());
    let [theirs, ours] = ["theirs.ko", "ours.ko"].map(|name| text(&folder.join(name)));
    let cc = ["-g", "-O1", "-c", &source, "-o", &theirs];
    tool(Path::new("gcc-14"), &cc);
    fs::copy(&theirs, &ours).unwrap();

    let btf = text(&folder.join("btf"));
    let features = "--btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func";
    let detached = format!("--btf_encode_detached={btf}");
    tool(Path::new("pahole"), &["-J", features, &detached, &theirs]);
    let tree = kit().join("tree").join(running());
    let resolve = tree.join("tools/bpf/resolve_btfids/resolve_btfids");
    tool(&resolve, &["--btf", &btf, &theirs]);

    let done = run(&["encode", &ours, "--standalone"]);
    assert_eq!((done.status, &*done.err), (0, ""));
    let image = fs::read(&ours).unwrap();
    assert!(section(&image, ".BTF.base").is_none());
    let ours = file(&folder, "ours.BTF", section(&image, ".BTF").unwrap());
    let theirs = format!("{theirs}.BTF");
    let shown = dump(&ours);
    assert_eq!(shown, dump(&theirs));
    for what in [
        "bpf_kfunc",
        "bpf_fastcall",
        "kf_implicit_impl",
        "address_space(1)",
    ] {
        assert!(shown.iter().any(|shown| shown.contains(what)), "{what}");
    }
    let inspect = run(&[
        "inspect",
        &text(&folder.join("ours.ko")),
        "--format",
        "json",
    ]);
    let inspect = &inspect.json()["results"][0];
    assert_eq!(inspect["sort"], "standalone");
    let ids = inspect["ids"]["sets"][0]["ids"].as_array().unwrap().clone();
    assert!(ids.len() == 5 && ids.iter().all(|id| *id != 0), "{ids:?}");
    assert!(ids.is_sorted_by_key(|id| id.as_u64()), "{ids:?}");
}

#[test]
fn standalone_btf_needs_no_kernel() {
    let output = text(&folder("encode-standalone").join("vpoll.ko"));
    let path = text(&compiled("vpoll", "vpoll"));
    let done = run(&["encode", &path, "--standalone", "-o", &output]);
    assert_eq!((done.status, &*done.err), (0, ""));
    let inspect = run(&["inspect", &output, "--format", "json"]).json();
    assert_eq!(inspect["results"][0]["sort"], "standalone");
    let dump = tool(Path::new("bpftool"), &["btf", "dump", "file", &output]);
    assert!(dump.contains("STRUCT 'task_struct' size="), "{dump}");
}

#[test]
fn a_layout_is_made_where_asked() {
    let folder = folder("encode-layout");
    let module = text(&compiled("vpoll", "vpoll"));
    let output = text(&folder.join("vpoll.ko"));
    for how in [&["--base", &vmlinux()][..], &["--standalone"]] {
        for (option, shown) in [(&["--layout"][..], true), (&[], false)] {
            let args = [&["encode", "--force", &module, "-o", &output], how, option].concat();
            let done = run(&args);
            assert_eq!((done.status, &*done.err), (0, ""), "{args:?}");
            let inspected = run(&["inspect", &output]);
            let layout = inspected
                .text()
                .contains(", layout 92 (23 kinds), strings ");
            assert_eq!(layout, shown, "{args:?}: {inspected:?}");
        }
    }
}

#[test]
fn what_cannot_be_encoded_is_refused() {
    let folder = folder("encode-refused");
    let raw = file(&folder, "raw", &common::small_kernel());
    let no_dwarf = "no DWARF (.debug_info) to make BTF of: build it with `make KCFLAGS=-g`, or for a kernel with \
                    CONFIG_DEBUG_INFO, and encode it before it is stripped";
    refused(&text(&module("broken/nobtf.ko")), &[], no_dwarf);
    // The BTF that it has is worth more than none.
    refused(&text(&module("own/plain/vpoll.ko")), &["--force"], no_dwarf);
    refused(&raw, &[], "raw BTF is no module");
}

/// What is said of a module that is left as it is, or without BTF.
fn noted(path: &str, options: &[&str], what: &str) {
    let done = run(&[&["encode", path], options].concat());
    assert_eq!(done.err, format!("btfreloc: note: {path}: {what}\n"));
    let lines = done.text().lines();
    let mut others =
        lines.filter(|line| !line.ends_with(": as it was") && !line.ends_with(": .BTF removed"));
    assert_eq!((done.status, others.next()), (0, None), "{done:?}");
}

#[test]
fn btf_that_is_there_already_is_left() {
    let folder = folder("encode-there");
    let output = text(&folder.join("output.ko"));
    let stock = common::stock(&running()).join("kernel/crypto/ccm.ko.xz");
    let signed = folder.join("ccm.ko.xz");
    fs::copy(stock, &signed).unwrap();
    for path in [text(&module("own/plain/vpoll.ko")), text(&signed)] {
        let before = fs::read(&path).unwrap();
        let what = "has BTF already, left as it is: --force makes it anew";
        noted(&path, &["--base", &vmlinux()], what);
        // No base is asked for, so that none has to be there.
        noted(&path, &[], what);
        assert!(fs::read(&path).unwrap() == before);
        noted(&path, &["-o", &output], what);
        let image = |path: &str| Module::read(path.as_ref()).unwrap().image().bytes.clone();
        assert!(image(&output) == image(&path), "with its signature");
    }
}

/// Of the Rust module, pahole sees the C file that kbuild adds to each module, `*.mod.c`.
#[test]
fn where_only_missing_btf_is_made_nothing_else_is_needed_or_said() {
    let folder = folder("encode-if-missing");
    let has = fs::read(module("own/distilled/vpoll.ko")).unwrap();
    let path = file(&folder, "vpoll.ko", &has);
    // Neither this pahole nor this kernel is there.
    let options = ["--if-missing", "--pahole", "/nowhere", "--base", "/nowhere"];
    let done = run(&[&["encode", &text(&folder)], &options[..]].concat());
    assert_eq!((done.status, done.text(), &*done.err), (0, "", ""));
    assert!(fs::read(&path).unwrap() == has);
    let copy = text(&folder.join("copy.ko"));
    let done = run(&[&["encode", &path, "-o", &copy], &options[..]].concat());
    assert_eq!((done.status, &*done.err), (0, ""));
    assert!(fs::read(&copy).unwrap() == has);
    // One that has none gets what it gets without the option.
    let none = file(
        &folder,
        "acpi_call.ko",
        &fs::read(compiled("acpi-call", "acpi_call")).unwrap(),
    );
    let done = run(&[
        "encode",
        &text(&folder),
        "--if-missing",
        "--base",
        &vmlinux(),
    ]);
    assert_eq!((done.status, &*done.err), (0, ""));
    let before = fs::read(compiled("acpi-call", "acpi_call")).unwrap();
    as_kbuild(
        &before,
        &fs::read(&none).unwrap(),
        "own/distilled/acpi_call.ko",
    );
    assert!(fs::read(&path).unwrap() == has);
    let unusable = file(
        &folder,
        "langford.ko",
        &fs::read(compiled("langford", "langford")).unwrap(),
    );
    let done = run(&[&["encode", &unusable], &options[..]].concat());
    assert_eq!(done.status, 2, "{}", done.err);
}

#[test]
fn what_has_nothing_of_its_own_is_left_without_btf() {
    let folder = folder("encode-nothing");
    let data = module("work/bare/btfreloc_bare.ko");
    let rust = module("../kbuild/rust_btfreloc.ko");
    for (name, path) in [("data.ko", data), ("rust.ko", rust)] {
        let with_empty = folder.join(name);
        fs::copy(path, &with_empty).unwrap();
        let with_empty = text(&with_empty);
        let image = fs::read(&with_empty).unwrap();
        let bare = with_sections(&image, &[(".BTF", None)]).unwrap();
        for base in [&["--standalone"][..], &["--base", &vmlinux()]] {
            let path = file(&folder, "bare.ko", &bare);
            let what = "nothing of its own to describe: left without BTF";
            noted(&path, base, what);
            assert!(fs::read(&path).unwrap() == bare);
            // As kbuild makes it: no types, and strings of one byte.
            let empty = with_sections(&image, &[(".BTF", Some(&EMPTY))]).unwrap();
            let path = file(&folder, "empty.ko", &empty);
            noted(&path, &[base, &["--force"]].concat(), what);
            assert!(section(&fs::read(&path).unwrap(), ".BTF").is_none());
        }
    }
}

/// BTF without types.
const EMPTY: [u8; 25] = {
    let mut empty = [0; 25];
    (empty[0], empty[1], empty[2]) = (0x9f, 0xeb, 1);
    (empty[4], empty[20]) = (24, 1);
    empty
};

/// A set8 is sorted with its flags when its ids are filled in.
#[test]
fn ids_that_were_filled_in_before_are_filled_in_anew() {
    let folder = folder("encode-twice");
    let output = text(&folder.join("btfreloc_demo.ko"));
    let path = text(&compiled("modules", "btfreloc_demo"));
    let first = run(&["encode", &path, "--base", &vmlinux(), "-o", &output]);
    assert_eq!(first.status, 0, "{}", first.err);
    let before = fs::read(&output).unwrap();
    let force = ["encode", &output, "--force", "--base", &vmlinux()];
    let again = run(&force);
    assert_eq!((again.status, again.err), (0, first.err));
    assert!(fs::read(&output).unwrap() == before);
    // From ids of standalone BTF, in another order.
    assert_eq!(
        run(&["encode", &output, "--force", "--standalone"]).status,
        0
    );
    let alone = fs::read(&output).unwrap();
    assert_ne!(section(&alone, ".BTF_ids"), section(&before, ".BTF_ids"));
    assert_eq!(run(&force).status, 0);
    assert!(fs::read(&output).unwrap() == before);
    // From ids whose names nothing has any more.
    let gone = with_sections(&before, &[(".BTF", None), (".BTF.base", None)]).unwrap();
    fs::write(&output, &gone).unwrap();
    let refused = run(&force);
    let reason = "was filled in before, and which flags belong to which kfunc is no longer known";
    assert!(refused.err.contains(reason), "{}", refused.err);
    assert_eq!(refused.status, 1);
    assert!(fs::read(&output).unwrap() == gone);
}

/// Flags go with names, whatever the order of ids; one id was not found.
#[test]
fn flags_stay_with_their_kfuncs() {
    let folder = folder("encode-flags");
    let source = file(&folder, "kfuncs.c", KFUNCS.as_bytes());
    let [path, again] = ["kfuncs.ko", "again.ko"].map(|name| text(&folder.join(name)));
    tool(
        Path::new("gcc-14"),
        &["-g", "-O1", "-c", &source, "-o", &path],
    );
    assert_eq!(run(&["encode", &path, "--standalone"]).status, 0);
    fs::copy(&path, &again).unwrap();
    let done = run(&["encode", &again, "--standalone", "--force"]);
    assert_eq!((done.status, &*done.err), (0, ""));
    assert!(fs::read(&again).unwrap() == fs::read(&path).unwrap());
}

/// The reason is reported, and the module stays as it is.
fn refused(path: &str, options: &[&str], reason: &str) {
    let before = fs::read(path).unwrap();
    let done = run(&[&["encode", path, "--base", &vmlinux()], options].concat());
    assert_eq!(done.err, format!("btfreloc: {path}: {reason}\n"));
    assert_eq!((done.status, done.text()), (1, ""));
    assert_eq!(fs::read(path).unwrap(), before);
}

#[test]
fn btf_is_made_anew_where_that_is_asked_for() {
    let output = text(&folder("encode-force").join("vpoll.ko"));
    let path = text(&compiled("vpoll", "vpoll"));
    assert_eq!(
        run(&["encode", &path, "--base", &vmlinux(), "-o", &output]).status,
        0
    );
    let first = fs::read(&output).unwrap();
    let again = ["encode", &output, "--force", "--standalone"];
    assert_eq!(run(&again).status, 0);
    let alone = fs::read(&output).unwrap();
    assert!(section(&alone, ".BTF.base").is_none());
    let done = run(&["encode", &output, "--force", "--base", &vmlinux()]);
    assert_eq!((done.status, &*done.err), (0, ""));
    assert!(fs::read(&output).unwrap() == first);
}

#[test]
fn an_unusable_pahole_is_reported() {
    let folder = folder("encode-pahole");
    let program = |name: &str, said: &str| {
        let path = file(&folder, name, format!("#!/bin/sh\n{said}\n").as_bytes());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let install = "install it (Debian: `apt install pahole`, others: package dwarves)";
    let (old, other) = (
        program("old", "echo v1.21"),
        program("other", "echo hello; echo world"),
    );
    let failing = program(
        "failing",
        "[ $1 = --version ] && echo v1.30 || { echo no luck >&2; exit 1; }",
    );
    let path = text(&compiled("vpoll", "vpoll"));
    let cases = [
        (
            "/nowhere/pahole",
            format!("/nowhere/pahole is not there: {install}, or name it with --pahole"),
        ),
        (
            &old,
            format!("{old}: version 1.21 is too old, 1.22 is needed: {install}"),
        ),
        (
            &other,
            format!("{other} is no pahole: it says no version such as v1.30, but \"hello\""),
        ),
        (&failing, format!("{path}: pahole: no luck")),
    ];
    for (pahole, reason) in cases {
        let output = text(&folder.join("output.ko"));
        let done = run(&[
            "encode",
            &path,
            "--base",
            &vmlinux(),
            "--pahole",
            pahole,
            "-o",
            &output,
        ]);
        assert_eq!(done.err, format!("btfreloc: {reason}\n"));
        assert_eq!(done.status, 2);
        assert!(!Path::new(&output).exists());
    }
}
