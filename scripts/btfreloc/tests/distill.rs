// SPDX-License-Identifier: GPL-2.0

//! `btfreloc distill`: what is made of real modules is what kbuild makes, and all else is kept.

mod common;
mod kept;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use btfreloc::input::Module;
use btfreloc_selftests::peer::Btf;
use common::{boot, built_for, elf, file, folder, module, run, running, stock, text};
use kept::kept;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::{BtfIds, Form};

const CHANGED: [&str; 3] = [".BTF", ".BTF.base", ".BTF_ids"];

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

fn stock_module(path: &str) -> PathBuf {
    stock(&running()).join("kernel").join(path)
}

fn section<'a>(image: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let elf = Elf::parse(image).unwrap();
    elf.data(&elf.section(name.as_bytes())?)
}

/// Kind, name and size of each own type, sorted.
fn types(base: &Btf<'_>, btf: &[u8]) -> Vec<(u32, Vec<u8>, u32)> {
    let split = Btf::split(base, btf).expect("libbpf takes it");
    let own = split.own();
    let mut types: Vec<_> = own
        .map(|(_, own)| {
            let size = [4, 15, 19].contains(&own.kind()).then(|| own.word());
            (own.kind(), own.name.to_vec(), size.unwrap_or(0))
        })
        .collect();
    types.sort();
    types
}

/// Names of the types whose ids are in `.BTF_ids`, by where they are; of a set, all at its start.
fn named_ids(image: &[u8], split: &Btf<'_>) -> BTreeMap<u32, Vec<Vec<u8>>> {
    let elf = Elf::parse(image).unwrap();
    let section = elf.section(b".BTF_ids").unwrap();
    let bytes = elf.data(&section).unwrap();
    let symbols = elf.symbols().unwrap();
    let symbols = symbols.in_section(&section);
    let mut scratch = vec![0; bytes.len()];
    let ids = BtfIds::read(bytes, symbols.clone(), &mut scratch).unwrap();
    let mut names = BTreeMap::<u32, Vec<Vec<u8>>>::new();
    let mut set = (Vec::new(), 0);
    let Ok(()) = ids.each(symbols, |entry| -> Result<(), Infallible> {
        let at = match entry.form {
            Form::Id { .. } => entry.offset,
            Form::Set(name) | Form::Set8 { name, .. } if set.0 == name => set.1,
            Form::Set(name) | Form::Set8 { name, .. } => {
                set = (name.to_vec(), entry.offset);
                entry.offset
            }
        };
        let name = split
            .get(entry.id)
            .map_or(b"?".to_vec(), |t| t.name.to_vec());
        names.entry(at).or_default().push(name);
        Ok(())
    });
    names.values_mut().for_each(|names| names.sort());
    names
}

#[test]
fn the_types_are_those_that_kbuild_distills() {
    let folder = folder("distill-kbuild");
    for name in [
        "acpi_call",
        "btfreloc_demo",
        "btfreloc_small",
        "langford",
        "vpoll",
    ] {
        let plain = module(&format!("own/plain/{name}.ko"));
        let ours = file(&folder, name, &fs::read(&plain).unwrap());
        let run = run(&["distill", "--quiet", &ours, "--base", &vmlinux()]);
        assert_eq!((run.status, run.text()), (0, ""), "{}", run.err);
        let ours = fs::read(ours).unwrap();
        let theirs = fs::read(module(&format!("own/distilled/{name}.ko"))).unwrap();
        let base = |image| Btf::base(section(image, ".BTF.base").unwrap()).unwrap();
        let (our_base, their_base) = (base(&ours), base(&theirs));
        let all = |base: &Btf<'_>| {
            base.own()
                .map(|(_, own)| own.name.to_vec())
                .collect::<Vec<_>>()
        };
        // What only ids name, kbuild leaves out, so that their ids are 0.
        let named: Vec<_> = match section(&ours, ".BTF_ids").is_some_and(|ids| !ids.is_empty()) {
            true => {
                let split = Btf::split(&our_base, section(&ours, ".BTF").unwrap()).unwrap();
                named_ids(&ours, &split).into_values().flatten().collect()
            }
            false => Vec::new(),
        };
        let (our_names, their_names) = (all(&our_base), all(&their_base));
        let referred = our_names.into_iter();
        let referred = referred.filter(|own| their_names.contains(own) || !named.contains(own));
        assert_eq!(referred.collect::<Vec<_>>(), their_names, "{name}");
        let btf = |image| section(image, ".BTF").unwrap();
        assert_eq!(
            types(&our_base, btf(&ours)),
            types(&their_base, btf(&theirs)),
            "{name}"
        );
        if section(&theirs, ".BTF_ids").is_some_and(|ids| !ids.is_empty()) {
            let ours = named_ids(&ours, &Btf::split(&our_base, btf(&ours)).unwrap());
            let theirs = named_ids(&theirs, &Btf::split(&their_base, btf(&theirs)).unwrap());
            // 0, or in a set 0 as well, is what kbuild did not find.
            let missing =
                |names: &[Vec<u8>]| names.iter().any(|name| name.is_empty() || name == b"?");
            let found = theirs.iter().filter(|(_, names)| !missing(names));
            for (at, names) in found {
                assert_eq!(ours.get(at), Some(names), "{name} {at}");
            }
        }
    }
}

#[test]
fn all_else_is_kept() {
    let output = text(&folder("distill-kept").join("module.ko"));
    for path in [
        "drivers/gpu/drm/amd/amdgpu/amdgpu.ko.xz",
        "drivers/hid/hid.ko.xz",
        "fs/xfs/xfs.ko.xz",
        "net/netfilter/nf_conntrack.ko.xz",
    ] {
        let path = stock_module(path);
        let run = run(&["distill", &text(&path), "--base", &vmlinux(), "-o", &output]);
        assert_eq!(run.status, 0, "{}", run.err);
        let before = Module::read(&path).unwrap();
        let after = fs::read(&output).unwrap();
        let (before, after) = (
            kept(&before.image().bytes, &CHANGED),
            kept(&after, &CHANGED),
        );
        assert!(before == after, "{}", path.display());
        assert!(before.1.len() > 30 && before.2.len() > 30);
        let check = common::run(&["check", &output, "--against", &vmlinux()]);
        assert!(
            check.text().contains("relocates exactly"),
            "{}",
            check.text()
        );
    }
}

#[test]
fn ids_name_the_same_types() {
    let folder = folder("distill-ids");
    let kernel = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    for path in [
        "net/netfilter/nf_conntrack.ko.xz",
        "net/ipv4/tcp_bbr.ko.xz",
        "net/mac80211/mac80211.ko.xz",
    ] {
        let path = stock_module(path);
        let before = Module::read(&path).unwrap();
        let before = &before.image().bytes;
        let output = text(&folder.join("module.ko"));
        let run = run(&["distill", &text(&path), "--base", &vmlinux(), "-o", &output]);
        assert_eq!(run.status, 0);
        assert!(!run.err.contains("is 0 now"), "{}", run.err);
        let after = fs::read(&output).unwrap();
        let split = Btf::split(&kernel, section(before, ".BTF").unwrap()).unwrap();
        let base = Btf::base(section(&after, ".BTF.base").unwrap()).unwrap();
        let distilled = Btf::split(&base, section(&after, ".BTF").unwrap()).unwrap();
        let names = named_ids(before, &split);
        assert!(!names.is_empty(), "{}", path.display());
        assert_eq!(names, named_ids(&after, &distilled), "{}", path.display());
        assert_ne!(section(before, ".BTF_ids"), section(&after, ".BTF_ids"));
    }
}

#[test]
fn an_id_of_what_the_module_does_not_use_is_copied() {
    let plain = fs::read(module("own/plain/btfreloc_demo.ko")).unwrap();
    let elf = Elf::parse(&plain).unwrap();
    let ids = elf.section(b".BTF_ids").unwrap();
    let symbols = elf.symbols().unwrap();
    let mut symbols = symbols.in_section(&ids);
    let file = symbols.find(|(_, name)| name.starts_with(b"__BTF_ID__struct__file__"));
    let at = (ids.offset + file.unwrap().0) as usize;
    // A pointer that nothing in it refers to.
    let mut image = plain.clone();
    image[at..at + 4].copy_from_slice(&1u32.to_ne_bytes());
    let path = common::file(&folder("distill-lost"), "demo.ko", &image);
    let run = run(&["distill", &path, "--base", &vmlinux()]);
    assert!(!run.err.contains("struct file"), "{}", run.err);
    assert_eq!(run.status, 0);
    let inspect = common::run(&["inspect", &path, "--format", "json"]).json();
    let listed = inspect["results"][0]["ids"]["listed"].as_array().unwrap();
    let file = listed.iter().find(|id| id["name"] == "file").unwrap();
    let id = u32::try_from(file["id"].as_u64().unwrap()).unwrap();
    let distilled = fs::read(&path).unwrap();
    let base = Btf::base(section(&distilled, ".BTF.base").unwrap()).unwrap();
    let split = Btf::split(&base, section(&distilled, ".BTF").unwrap()).unwrap();
    let first = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    assert_eq!(split.get(id).unwrap().kind(), first.get(1).unwrap().kind());
}

#[test]
fn a_function_of_the_base_is_named_by_its_symbol_alone() {
    let path = folder("distill-function").join("asked.ko");
    fs::copy(module("own/plain/btfreloc_asked.ko"), &path).unwrap();
    let path = text(&path);
    let done = run(&["distill", &path, "--base", &vmlinux()]);
    let expected = ".BTF_ids: func vfs_read (id ";
    assert!(done.err.contains(expected), "{}", done.err);
    let by_name = ") is 0 now: .BTF.base has no place for it; rust_btfreloc finds it by name\n";
    assert!(done.err.ends_with(by_name), "{}", done.err);
    let inspect = run(&["inspect", &path, "--format", "json"]).json();
    let listed = inspect["results"][0]["ids"]["listed"]
        .as_array()
        .unwrap()
        .clone();
    let id = |name: &str| listed.iter().find(|id| id["name"] == name).unwrap()["id"].clone();
    for name in ["vfs_read", "filldir_t"] {
        assert_eq!(id(name), 0, "{name}");
    }
    for name in ["inode_operations", "bpf_attr"] {
        assert_ne!(id(name), 0, "{name}");
    }
    // On a kernel, it is that kernel's.
    let check = ["check", &path, "--against", &vmlinux(), "--format", "json"];
    let check = run(&check).json();
    let ids = &check["results"][0]["relocation"]["ids"];
    assert_eq!(ids["ids"], ids["changed"], "{check}");
}

#[test]
fn what_cannot_be_distilled_is_refused() {
    let folder = folder("distill-refused");
    let own = vmlinux();
    let other = text(&boot(&built_for(), "vmlinux.btf"));
    let alone = file(
        &folder,
        "alone.ko",
        &elf(&[(".BTF", &common::small_kernel())]),
    );
    let cases = [
        (text(&module("broken/nobtf.ko")), &own, "no BTF to distill: `btfreloc encode` makes it".to_owned()),
        (alone, &own, "standalone BTF, which has no base to distill".into()),
        (
            text(&module("broken/plain_kind.ko")),
            &own,
            format!("not made for {own}: .BTF offset 24, type [127425]: kind 63 is not known; name the vmlinux it was built for with --base"),
        ),
    ];
    for (path, base, reason) in cases {
        let before = fs::read(&path).unwrap();
        let run = run(&["distill", &path, "--base", base]);
        assert_eq!(run.err, format!("btfreloc: {path}: {reason}\n"));
        assert_eq!((run.status, run.text()), (1, ""));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    let stale = text(&module("own/plain/langford.ko"));
    let run = run(&["distill", &stale, "--base", &other]);
    assert_eq!(run.status, 1);
    assert!(
        run.err
            .contains(&format!("langford.ko: not made for {other}: .BTF ")),
        "{}",
        run.err
    );
}

#[test]
fn what_is_distilled_already_is_left() {
    let folder = folder("distill-twice");
    let path = text(&module("own/distilled/vpoll.ko"));
    let output = text(&folder.join("output.ko"));
    let before = fs::read(&path).unwrap();
    let copied = format!("{path}: to {output}: as it was\n");
    for (more, line) in [(&[][..], ""), (&["-o", &output], &copied)] {
        let done = run(&[&["distill", &path, "--base", &vmlinux()], more].concat());
        let note = "distilled already: it has .BTF.base: left as it is";
        assert_eq!(done.err, format!("btfreloc: note: {path}: {note}\n"));
        assert_eq!((done.status, done.text()), (0, line));
        assert!(fs::read(&path).unwrap() == before);
    }
    assert!(fs::read(&output).unwrap() == before);
}

/// All kinds of section, that of clang which lists addresses among them (`.llvm_addrsig`).
#[test]
fn modules_that_clang_compiled_are_distilled() {
    let folder = folder("distill-clang");
    for name in ["btfreloc_demo", "vpoll"] {
        let plain = fs::read(module(&format!("clang/own/plain/{name}.ko"))).unwrap();
        assert!(section(&plain, ".llvm_addrsig").is_some(), "{name}");
        let path = file(&folder, &format!("{name}.ko"), &plain);
        let done = run(&["distill", &path, "--base", &vmlinux()]);
        assert_eq!(done.status, 0, "{}", done.err);
        let by_name = |line: &str| line.ends_with("; rust_btfreloc finds it by name");
        assert!(done.err.lines().all(by_name), "{}", done.err);
        let ours = fs::read(&path).unwrap();
        assert!(kept(&plain, &CHANGED) == kept(&ours, &CHANGED), "{name}");
        let theirs = fs::read(module(&format!("clang/own/distilled/{name}.ko"))).unwrap();
        let base = |image| Btf::base(section(image, ".BTF.base").unwrap()).unwrap();
        let btf = |image| section(image, ".BTF").unwrap();
        assert_eq!(
            types(&base(&ours), btf(&ours)),
            types(&base(&theirs), btf(&theirs)),
            "{name}"
        );
    }
}

#[test]
fn raw_btf_is_what_the_sections_hold() {
    let folder = folder("distill-raw");
    let [btf, base, whole, plain] =
        ["btf", "base", "whole.ko", "plain"].map(|n| text(&folder.join(n)));
    let path = text(&module("own/plain/btfreloc_small.ko"));
    let raw = ["--raw-btf", &btf, "--raw-base", &base];
    let distill = |module: &str, more: &[&str]| {
        let own = vmlinux();
        run(&[&["distill", module, "--base", &own][..], more].concat())
    };
    let before = fs::read(&path).unwrap();
    assert_eq!(distill(&path, &raw).status, 0);
    assert_eq!(fs::read(&path).unwrap(), before, "the module stays");
    assert_eq!(distill(&path, &["-o", &whole]).status, 0);
    let image = fs::read(&whole).unwrap();
    assert_eq!(section(&image, ".BTF").unwrap(), fs::read(&btf).unwrap());
    assert_eq!(
        section(&image, ".BTF.base").unwrap(),
        fs::read(&base).unwrap()
    );

    fs::write(&plain, section(&before, ".BTF").unwrap()).unwrap();
    let refused = distill(&plain, &[]);
    assert!(
        refused.err.contains("raw BTF has no place for .BTF.base"),
        "{}",
        refused.err
    );
    assert_eq!(refused.status, 2);
    let (first, _) = (fs::read(&btf).unwrap(), fs::remove_file(&btf).unwrap());
    assert_eq!(distill(&plain, &raw).status, 0);
    assert_eq!(fs::read(&btf).unwrap(), first);
}

#[test]
fn a_folder_is_changed_in_place() {
    let folder = folder("distill-folder");
    let hid = folder.join("hid.ko.xz");
    fs::copy(stock_module("drivers/hid/hid.ko.xz"), &hid).unwrap();
    fs::set_permissions(&hid, fs::Permissions::from_mode(0o640)).unwrap();
    let small = fs::read(module("own/plain/btfreloc_small.ko")).unwrap();
    file(&folder, "small.ko", &small);
    let done = run(&["distill", &text(&folder), "--base", &vmlinux()]);
    let removed = "its signature was removed, as it is no longer valid: sign it again";
    // As the distribution signed it.
    let expected = format!("btfreloc: warning: {}: {removed}\n", hid.display());
    assert_eq!(done.err, expected);
    let lines: Vec<_> = done.text().lines().collect();
    let made = format!("{}: .BTF with ", hid.display());
    assert!(
        lines[0].starts_with(&made) && lines[0].contains("; .BTF.base with "),
        "{lines:?}"
    );
    assert_eq!(
        (done.status, lines[2]),
        (0, "2 modules: 2 changed, 0 unchanged")
    );
    assert!(fs::read(&hid).unwrap().starts_with(b"\xfd7zXZ"));
    assert_eq!(hid.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        2,
        "no temporary file is left"
    );
    let check = run(&["check", "-v", &text(&folder), "--against", &vmlinux()]);
    assert_eq!(check.status, 0, "{}", check.text());
    assert_eq!(
        check.text().matches("relocates exactly").count(),
        2,
        "{}",
        check.text()
    );
    let two = run(&["distill", &text(&folder), "--base", &vmlinux(), "-o", "x"]);
    assert!(two.err.contains("one output for 2 modules"), "{}", two.err);
    assert_eq!(two.status, 2);
}
