// SPDX-License-Identifier: GPL-2.0

//! `btfreloc resolve-ids` on files: in place, compressed as they were, signed, elsewhere, refused.

mod common;

use std::fs;
use std::os::unix::fs::{symlink, MetadataExt, PermissionsExt};
use std::path::Path;

use btfreloc::input::{Module, Packing};
use btfreloc::output::without_signature;
use common::{elf, file, folder, module, release, run, run_with, text, Run};
use rust_btfreloc::btf::put_u32;
use rust_btfreloc::elf::Elf;

/// A module with `.BTF.base`, and the same with its list of ids not filled in.
fn demo() -> (Vec<u8>, Vec<u8>) {
    let done = fs::read(module("own/distilled/btfreloc_demo.ko")).unwrap();
    let ids = Elf::parse(&done).unwrap().section(b".BTF_ids").unwrap();
    let mut built = done.clone();
    put_u32(&mut built, ids.offset as usize, 0).unwrap();
    assert_ne!(built, done);
    (built, done)
}

fn resolve(args: &[&str]) -> Run {
    run(&[&["resolve-ids"][..], args].concat())
}

/// What a module's file holds when it is unpacked.
fn unpacked(path: &str) -> Vec<u8> {
    Module::read(path.as_ref()).unwrap().image().bytes.clone()
}

#[test]
fn in_place_compressed_as_before_with_mode_and_links() {
    let (built, done) = demo();
    let folder = folder("resolve-files-place");
    for (name, packing) in [
        ("a.ko", None),
        ("b.ko.xz", Some(Packing::Xz)),
        ("c.ko.zst", Some(Packing::Zstd)),
        ("d.ko.gz", Some(Packing::Gzip)),
    ] {
        let bytes = packing.map_or(built.clone(), |packing| packing.pack(&built).unwrap());
        let path = file(&folder, name, &bytes);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let link = folder.join(format!("{name}.link"));
        symlink(&path, &link).unwrap();
        let run = resolve(&[&text(&link)]);
        let shown = format!("{}: 28 ids, 2 sets, 0 not found\n", text(&link));
        assert_eq!((run.status, run.text(), &*run.err), (0, &*shown, ""));
        assert!(link.is_symlink());
        let bytes = fs::read(&path).unwrap();
        assert_eq!(Packing::of(&bytes), packing);
        // The kernel reads xz with CRC32 only, as byte 7 says.
        assert!(packing != Some(Packing::Xz) || bytes[7] == 1);
        assert!(unpacked(&path) == done, "{name}");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    }
    // Four files, four links, and no temporary file.
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 8);
}

#[test]
fn what_is_right_is_not_written() {
    let folder = folder("resolve-files-same");
    let path = file(&folder, "a.ko", &demo().1);
    let before = fs::metadata(&path).unwrap();
    let run = resolve(&[&path]);
    let shown = format!("{path}: 28 ids, 2 sets, 0 not found, nothing to change\n");
    assert_eq!((run.status, run.text(), &*run.err), (0, &*shown, ""));
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec()),
        (after.ino(), after.mtime_nsec())
    );
}

#[test]
fn elsewhere_the_name_decides_how_it_is_compressed() {
    let (built, done) = demo();
    let folder = folder("resolve-files-elsewhere");
    let path = file(&folder, "a.ko", &built);
    for (name, packing) in [
        ("b.ko", None),
        ("c.ko.xz", Some(Packing::Xz)),
        ("d.ko.gz", Some(Packing::Gzip)),
    ] {
        let output = text(&folder.join(name));
        let run = resolve(&[&path, "-o", &output]);
        assert_eq!((run.status, &*run.err), (0, ""));
        assert_eq!(Packing::of(&fs::read(&output).unwrap()), packing);
        assert!(unpacked(&output) == done, "{name}");
        assert!(fs::read(&path).unwrap() == built);
    }
}

#[test]
fn streams_go_through() {
    let (built, done) = demo();
    let packed = Packing::Xz.pack(&built).unwrap();
    for args in [&["resolve-ids", "-"][..], &["resolve-ids", "-", "-o", "-"]] {
        let run = run_with(args, &packed);
        assert_eq!((run.status, &*run.err), (0, ""));
        assert!(run.out == done);
    }
}

/// `struct module_signature` for a signature of this many bytes, and what is before and after.
fn signed(module: &[u8], len: u32) -> Vec<u8> {
    let signature = vec![0x5a; len as usize];
    let info = [[0; 8].as_slice(), &len.to_be_bytes()].concat();
    [module, &signature, &info, b"~Module signature appended~\n"].concat()
}

#[test]
fn a_removed_signature_is_reported() {
    let (built, done) = demo();
    let folder = folder("resolve-files-signed");
    let path = file(&folder, "a.ko", &signed(&built, 300));
    let run = resolve(&[&path]);
    let expected = format!(
        "btfreloc: warning: {path}: its signature was removed, as it is no longer valid: sign it again\n"
    );
    assert_eq!((run.status, &*run.err), (0, &*expected));
    assert!(fs::read(&path).unwrap() == done);
    // Nothing changes here, so it stays.
    let path = file(&folder, "b.ko", &signed(&done, 300));
    let run = resolve(&[&path]);
    assert_eq!((run.status, &*run.err), (0, ""));
    assert!(fs::read(&path).unwrap() == signed(&done, 300));
    let output = text(&folder.join("c.ko"));
    assert_eq!(resolve(&[&path, "-o", &output]).status, 0);
    assert!(fs::read(&output).unwrap() == signed(&done, 300));
}

#[test]
fn a_signature_that_cannot_be_one_stays() {
    let short = signed(b"", 9);
    for bytes in [
        b"module".to_vec(),
        short[short.len() - 28..].to_vec(),
        signed(b"x", 5)[4..].to_vec(),
    ] {
        assert_eq!(without_signature(&bytes), bytes);
    }
    assert_eq!(without_signature(&signed(b"module", 5)), b"module");
    assert_eq!(without_signature(&signed(b"module", 0)), b"module");
}

#[test]
fn what_is_missing_is_a_warning_and_a_status() {
    let (_, mut bytes) = demo();
    let folder = folder("resolve-files-missing");
    let name = b"__BTF_ID__struct__task_struct__";
    let at = bytes
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    bytes[at + name.len() - 3] = b'x';
    let path = file(&folder, "a.ko", &bytes);
    let run = resolve(&[&path, "--format", "json"]);
    assert_eq!(run.status, 1);
    assert!(
        run.err.starts_with(&format!(
            "btfreloc: warning: {path}: __BTF_ID__struct__task_strucx__"
        )),
        "{run:?}"
    );
    assert!(
        run.err
            .ends_with(": no STRUCT task_strucx in the module's BTF: its id is 0\n"),
        "{run:?}"
    );
    let json = run.json();
    assert_eq!(json["results"][0]["module"], *path);
    assert_eq!(json["results"][0]["changed"], true);
    assert_eq!(json["results"][0]["missing"][0]["name"], "task_strucx");
}

#[test]
fn a_module_built_for_another_kernel_asks_for_its_vmlinux() {
    let folder = folder("resolve-files-stale");
    let stale = fs::read(module("plain/vpoll.ko")).unwrap();
    let demo = fs::read(module("plain/btfreloc_demo.ko")).unwrap();
    let vmlinux = |name: &str| text(&common::boot(&release(name), "vmlinux.btf"));
    let path = file(&folder, "vpoll.ko", &stale);
    let run = resolve(&[&path, "--base", &vmlinux("RUNNING")]);
    // It has no ids, so it needs none.
    assert_eq!((run.status, run.text()), (0, &*format!("{path}: no ids\n")));
    let path = file(&folder, "demo.ko", &demo);
    let run = resolve(&[&path, "--base", &vmlinux("RUNNING")]);
    let error = format!(
        "btfreloc: {path}: not split off {}: .BTF offset ",
        vmlinux("RUNNING")
    );
    assert!(run.err.starts_with(&error), "{run:?}");
    assert!(
        run.err
            .ends_with("; name the vmlinux it was built with by --base\n"),
        "{run:?}"
    );
    assert_eq!((run.status, run.text()), (2, ""));
    assert!(fs::read(&path).unwrap() == demo);
    let run = resolve(&[&path, "--base", &vmlinux("BUILT_FOR")]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(fs::read(&path).unwrap() == demo);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_reason() {
    let (built, _) = demo();
    let folder = folder("resolve-files-refused");
    let path = file(&folder, "a.ko", &built);
    let raw = file(&folder, "raw", &common::small_kernel());
    let no_btf = file(&folder, "no-btf.ko", &elf(&[(".BTF_ids", &[0; 8])]));
    let cases: [(&[&str], String); 5] = [
        (
            &[&raw],
            format!("{raw}: raw BTF has no .BTF_ids: name the module"),
        ),
        (
            &[&no_btf],
            format!("{no_btf}: it has .BTF_ids and no .BTF: encode that first"),
        ),
        (
            &[&path, &raw, "-o", "x"],
            "-o names one file: give one module, not 2".to_owned(),
        ),
        (
            &[&path, "-o", "/nowhere/a.ko"],
            "/nowhere/a.ko: No such file or directory (os error 2)".to_owned(),
        ),
        (
            &[&path, "-o", "/dev/full"],
            "/dev/full: No space left on device (os error 28)".to_owned(),
        ),
    ];
    for (args, error) in cases {
        let run = resolve(args);
        let error = format!("btfreloc: {error}\n");
        assert_eq!((&*run.err, run.status, run.text()), (&*error, 2, ""));
    }
    assert!(fs::read(&path).unwrap() == built);
    assert!(!Path::new("x").exists());
}

#[test]
fn one_that_is_refused_does_not_stop_the_others() {
    let (built, done) = demo();
    let folder = folder("resolve-files-others");
    let bad = file(&folder, "a.ko", b"no module");
    let good = file(&folder, "b.ko", &built);
    let run = resolve(&[&text(&folder)]);
    let error = format!("btfreloc: {bad}: neither ELF nor BTF: it has only 9 bytes\n");
    assert_eq!((&*run.err, run.status), (&*error, 2));
    assert!(fs::read(&good).unwrap() == done);
}
