// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate --in-place`: what is kept of a file, and that the old one is whole where the new one
//! cannot be.

mod common;

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{chown, symlink, MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use btfreloc::cli::Relocate;
use btfreloc::in_place::run_in;
use btfreloc::input::{Module, Packing};
use btfreloc::output::without_signature;
use btfreloc::status::Status;
use common::{boot, file, folder, module, run, running, text, Run};
use rust_btfreloc::elf::Elf;
use rustix::fs::{getxattr, setxattr, XattrFlags};

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

fn in_place(args: &[&str]) -> Run {
    let vmlinux = vmlinux();
    run(&[&["relocate", "--in-place", "--against", &vmlinux], args].concat())
}

fn vpoll() -> Vec<u8> {
    fs::read(module("distilled/vpoll.ko")).unwrap()
}

/// A module that is signed, as far as can be seen.
fn signed() -> Vec<u8> {
    let signature = [b"signature".as_slice(), &[0; 8], &9_u32.to_be_bytes()].concat();
    [&vpoll(), &*signature, b"~Module signature appended~\n"].concat()
}

/// What is in a module's file once it is unpacked.
fn unpacked(path: &str) -> Vec<u8> {
    Module::read(path.as_ref()).unwrap().image().bytes.clone()
}

fn is_done(path: &str) -> bool {
    let image = unpacked(path);
    let elf = Elf::parse(&image).unwrap();
    elf.section(b".BTF").is_some() && elf.section(b".BTF.base").is_none()
}

/// Names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// A program, in the shell's words.
fn script(folder: &Path, words: &str) -> String {
    let path = file(
        folder,
        "program",
        format!("#!/bin/sh\n{words}\n").as_bytes(),
    );
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn all_that_a_file_has_is_kept() {
    let folder = folder("in-place-kept");
    let is_root = fs::metadata(&folder).unwrap().uid() == 0;
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_600_000_000, 123_456_789);
    for (name, packing) in [
        ("a.ko", None),
        ("b.ko.xz", Some(Packing::Xz)),
        ("c.ko.zst", Some(Packing::Zstd)),
        ("d.ko.gz", Some(Packing::Gzip)),
    ] {
        let bytes = packing.map_or(vpoll(), |packing| packing.pack(&vpoll()).unwrap());
        let path = file(&folder, name, &bytes);
        if is_root {
            chown(&path, Some(12), Some(34)).unwrap();
        }
        fs::set_permissions(&path, Permissions::from_mode(0o6640)).unwrap();
        setxattr(&*path, "user.note", b"of a person", XattrFlags::empty()).unwrap();
        setxattr(&*path, "user.empty", b"", XattrFlags::empty()).unwrap();
        let times = FileTimes::new().set_accessed(time).set_modified(time);
        File::open(&path).unwrap().set_times(times).unwrap();
        let before = fs::metadata(&path).unwrap();
        let done = in_place(&[&path]);
        assert_eq!((done.status, &*done.err), (0, ""), "{name}");
        assert!(is_done(&path), "{name}");
        let after = fs::metadata(&path).unwrap();
        assert_ne!(before.ino(), after.ino());
        let of = |file: &fs::Metadata| {
            let times = (file.mtime(), file.mtime_nsec());
            (file.mode(), file.uid(), file.gid(), times)
        };
        assert_eq!(of(&before), of(&after), "{name}");
        assert_eq!(after.mtime_nsec(), 123_456_789);
        let mut note = [0; 64];
        let len = getxattr(&*path, "user.note", &mut note).unwrap();
        assert_eq!(&note[..len], b"of a person");
        assert_eq!(getxattr(&*path, "user.empty", &mut note), Ok(0));
        let bytes = fs::read(&path).unwrap();
        assert_eq!(Packing::of(&bytes), packing);
        // The kernel reads xz with CRC32 only, as byte 7 says.
        assert!(packing != Some(Packing::Xz) || bytes[7] == 1);
    }
    assert_eq!(names(&folder), ["a.ko", "b.ko.xz", "c.ko.zst", "d.ko.gz"]);
}

#[test]
fn a_link_stays_one_and_a_file_is_changed_once() {
    let folder = folder("in-place-links");
    let path = file(&folder, "a.ko", &vpoll());
    let link = folder.join("b.ko");
    symlink("a.ko", &link).unwrap();
    let done = in_place(&[&text(&link), &path, &text(&folder)]);
    assert_eq!((done.status, &*done.err), (0, ""));
    let lines: Vec<_> = done.text().lines().collect();
    assert!(lines[0].starts_with(&format!("{}: BTF relocated: ", text(&link))));
    assert_eq!(lines[1], "1 module: 1 changed, 0 unchanged");
    assert!(link.is_symlink() && is_done(&path));
}

#[test]
fn with_a_backup_the_old_file_stays() {
    let folder = folder("in-place-backup");
    let path = file(&folder, "a.ko", &vpoll());
    let before = fs::metadata(&path).unwrap();
    let done = in_place(&["--backup", &path]);
    assert_eq!(done.status, 0);
    assert!(
        done.text().contains(&format!("; it was {path}.orig\n")),
        "{done:?}"
    );
    let backup = fs::metadata(format!("{path}.orig")).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec()),
        (backup.ino(), backup.mtime_nsec())
    );
    assert!(fs::read(format!("{path}.orig")).unwrap() == vpoll());
    assert!(is_done(&path));
    // It is no module to whoever searches the folder, and no second one takes its place.
    let again = in_place(&["--backup", &text(&folder)]);
    assert_eq!(again.text(), "1 module: 0 changed, 1 unchanged\n");
    fs::write(&path, vpoll()).unwrap();
    let refused = in_place(&["--backup", &path]);
    let words = format!(
        "btfreloc: {path}: {path}.orig is there already: remove it, or leave out --backup\n"
    );
    assert_eq!((refused.status, &*refused.err), (2, &*words));
    assert!(fs::read(&path).unwrap() == vpoll());
    assert_eq!(names(&folder), ["a.ko", "a.ko.orig"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = folder("in-place-dry");
    let path = file(&folder, "a.ko", &signed());
    let before = fs::metadata(&path).unwrap();
    let dry = in_place(&["--dry-run", &path]);
    assert_eq!((dry.status, &*dry.err), (0, ""));
    let lines: Vec<_> = dry.text().lines().collect();
    assert!(
        lines[0].ends_with("; signature removed, sign it again"),
        "{dry:?}"
    );
    let totals = "1 module: 1 changed, 0 unchanged, 1 without their signature now (dry run: nothing was written)";
    assert_eq!(lines[1], totals);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.ino(), before.ctime_nsec()),
        (after.ino(), after.ctime_nsec())
    );
    assert_eq!(names(&folder), ["a.ko"]);
}

#[test]
fn a_signature_goes_and_that_is_said() {
    let folder = folder("in-place-signature");
    let path = file(&folder, "a.ko", &signed());
    let done = in_place(&[&path]);
    assert_eq!(done.status, 0);
    assert!(
        done.text().contains("; signature removed, sign it again\n"),
        "{done:?}"
    );
    let image = unpacked(&path);
    assert!(without_signature(&image).len() == image.len() && is_done(&path));
    // What is not changed keeps it.
    let own = fs::read(module("own/plain/vpoll.ko")).unwrap();
    let own = [&own, &signed()[vpoll().len()..]].concat();
    fs::write(&path, &own).unwrap();
    assert_eq!(
        in_place(&[&path]).text(),
        "1 module: 0 changed, 1 unchanged\n"
    );
    assert!(fs::read(&path).unwrap() == own);
}

#[test]
fn a_program_signs_what_is_changed() {
    let folder = folder("in-place-sign");
    let tail = file(&folder, "tail", &signed()[vpoll().len()..]);
    let program = script(
        &folder,
        &format!("echo \"$1\" >>{tail}.log; cat {tail} >>\"$1\""),
    );
    let plain = file(&folder, "a.ko", &vpoll());
    let packed = file(&folder, "b.ko.xz", &Packing::Xz.pack(&signed()).unwrap());
    let own = folder.join("c.ko");
    fs::copy(module("own/plain/vpoll.ko"), &own).unwrap();
    let done = in_place(&["--sign-with", &program, &plain, &packed, &text(&own)]);
    assert_eq!((done.status, &*done.err), (0, ""));
    let lines: Vec<_> = done.text().lines().collect();
    assert!(
        lines[..2].iter().all(|line| line.ends_with("; signed")),
        "{done:?}"
    );
    assert_eq!(lines[2], "3 modules: 2 changed, 1 unchanged");
    for path in [&plain, &packed] {
        let image = unpacked(path);
        assert_eq!(
            image.len() - without_signature(&image).len(),
            signed().len() - vpoll().len()
        );
        assert!(is_done(path));
    }
    // It was given a file of the module's name, not compressed, and not the module's own.
    let log = fs::read_to_string(format!("{tail}.log")).unwrap();
    let mut given: Vec<_> = log.lines().map(Path::new).collect();
    given.sort_by_key(|path| path.file_name());
    assert_eq!(given.len(), 2);
    for (given, name) in given.iter().zip(["a.ko", "b.ko"]) {
        assert_eq!(given.file_name(), Some(OsStr::new(name)));
        assert!(!given.starts_with(&folder) && !given.exists());
    }
}

#[test]
fn without_a_new_signature_the_old_file_stays() {
    let folder = folder("in-place-not-signed");
    let path = file(&folder, "a.ko", &signed());
    for (words, why) in [
        ("echo no key >&2; exit 3", "exit status: 3: no key"),
        ("exit 4", "exit status: 4: it says nothing"),
        (
            "exit 0",
            "it left no module with a signature: it has to append one to the file that it is given",
        ),
        (
            "echo other >\"$1\"",
            "it left no module with a signature: it has to append one to the file that it is given",
        ),
    ] {
        let program = script(&folder, words);
        let failed = in_place(&["--sign-with", &program, &path]);
        assert_eq!(failed.err, format!("btfreloc: {path}: {program}: {why}\n"));
        assert_eq!(failed.status, 2);
        assert!(fs::read(&path).unwrap() == signed());
    }
    let none = in_place(&["--sign-with", "/nowhere/sign", &path]);
    let why = "/nowhere/sign: No such file or directory (os error 2)";
    assert_eq!(
        (none.status, none.err),
        (2, format!("btfreloc: {path}: {why}\n"))
    );
    assert_eq!(names(&folder), ["a.ko", "program"]);
}

/// Somebody else writes the file while its successor is made.
#[test]
fn a_file_that_changes_meanwhile_is_left_to_whoever_changes_it() {
    let folder = folder("in-place-meanwhile");
    let path = file(&folder, "a.ko", &vpoll());
    let tail = file(&folder, "tail", &signed()[vpoll().len()..]);
    let program = script(&folder, &format!("cat {tail} >>\"$1\"; echo new >{path}"));
    let run = in_place(&["--sign-with", &program, &path]);
    let why = "changed by somebody else meanwhile: run this again";
    assert_eq!(
        (run.status, run.err),
        (2, format!("btfreloc: {path}: {why}\n"))
    );
    assert_eq!(fs::read(&path).unwrap(), b"new\n");
    // The same where another file was given its name, or it has none any more.
    let renamed = script(
        &folder,
        &format!("cat {tail} >>\"$1\"; cp {path} {path}.2; mv {path}.2 {path}"),
    );
    fs::write(&path, vpoll()).unwrap();
    let run = in_place(&["--sign-with", &renamed, &path]);
    assert_eq!(
        (run.status, run.err),
        (2, format!("btfreloc: {path}: {why}\n"))
    );
    let gone = script(&folder, &format!("cat {tail} >>\"$1\"; rm {path}"));
    let run = in_place(&["--sign-with", &gone, &path]);
    let why = "No such file or directory (os error 2)";
    assert_eq!(
        (run.status, run.err),
        (2, format!("btfreloc: {path}: {why}\n"))
    );
    assert_eq!(names(&folder), ["program", "tail"]);
}

/// Runs the tool by a shell that first does `words`.
fn after(words: &str, path: &str) -> Output {
    let shell = format!("{words}; exec \"$@\"");
    let vmlinux = vmlinux();
    let tool = env!("CARGO_BIN_EXE_btfreloc");
    let args = [
        "-c",
        &shell,
        "sh",
        tool,
        "relocate",
        "--in-place",
        path,
        "--against",
        &vmlinux,
    ];
    Command::new("sh").args(args).output().unwrap()
}

#[test]
fn where_it_cannot_be_written_the_old_file_stays() {
    let folder = folder("in-place-full");
    let path = file(&folder, "a.ko", &vpoll());
    // As on a full disk: some blocks, and no more.
    let full = after("trap '' XFSZ; ulimit -f 16", &path);
    let why = format!("btfreloc: {path}: File too large (os error 27)");
    assert!(String::from_utf8(full.stderr).unwrap().starts_with(&why));
    assert_eq!(full.status.code(), Some(2));
    assert!(fs::read(&path).unwrap() == vpoll());
    assert_eq!(names(&folder), ["a.ko"]);
}

#[test]
fn a_signal_leaves_the_old_file() {
    let folder = folder("in-place-signal");
    let path = file(&folder, "a.ko", &vpoll());
    // SIGXFSZ comes in the midst of the new file.
    let ended = after("ulimit -f 16", &path);
    assert_eq!(ended.status.signal(), Some(25), "{ended:?}");
    assert!(fs::read(&path).unwrap() == vpoll());
    // What it left is no module, and does not stand in the way.
    let done = in_place(&[&text(&folder)]);
    assert!(
        done.text().ends_with("1 module: 1 changed, 0 unchanged\n"),
        "{done:?}"
    );
}

/// A filter for `setpriv` by which this system call fails with EIO.
fn failing(folder: &Path, number: i64) -> String {
    // BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, and twice BPF_RET | BPF_K.
    let program: [(u16, [u8; 2], u32); 4] = [
        (0x20, [0, 0], 0),
        (0x15, [0, 1], number as u32),
        (0x06, [0, 0], 0x0005_0000 | libc::EIO as u32),
        (0x06, [0, 0], 0x7fff_0000),
    ];
    let words = program.into_iter().flat_map(|(code, jumps, k)| {
        let [low, high] = code.to_ne_bytes();
        [[low, high, jumps[0], jumps[1]], k.to_ne_bytes()].concat()
    });
    file(folder, "filter", &words.collect::<Vec<_>>())
}

/// syncfs reports no error of a file that was written before it on kernels before 5.8, nor of all others
/// since then.
#[test]
fn what_is_not_on_the_disk_takes_no_place() {
    let folder = folder("in-place-disk");
    let filter = failing(&folder, libc::SYS_fsync);
    let modules = folder.join("modules");
    fs::create_dir(&modules).unwrap();
    let paths = ["a.ko", "b.ko"].map(|name| file(&modules, name, &vpoll()));
    let failed = Command::new("setpriv")
        .args(["--no-new-privs", "--seccomp-filter", &filter])
        .args([env!("CARGO_BIN_EXE_btfreloc"), "relocate", "--in-place"])
        .args([&text(&modules), "--against", &vmlinux()])
        .output()
        .unwrap();
    let why = paths.each_ref().map(|path| {
        assert!(fs::read(path).unwrap() == vpoll());
        format!("btfreloc: {path}: Input/output error (os error 5)\n")
    });
    assert_eq!(String::from_utf8(failed.stderr).unwrap(), why.concat());
    assert_eq!(failed.status.code(), Some(2));
    assert_eq!(names(&modules), ["a.ko", "b.ko"]);
}

/// Each gets the new BTF, though the first to be replaced changes the file of both.
#[test]
fn names_of_one_file_are_changed_alike() {
    let folder = folder("in-place-hard-links");
    let paths = ["a.ko", "b.ko"].map(|name| folder.join(name));
    fs::write(&paths[0], vpoll()).unwrap();
    fs::hard_link(&paths[0], &paths[1]).unwrap();
    let done = in_place(&[&text(&folder)]);
    assert_eq!((done.status, &*done.err), (0, ""), "{done:?}");
    assert!(done.text().ends_with("2 modules: 2 changed, 0 unchanged\n"));
    assert!(paths.iter().all(|path| is_done(&text(path))));
}

/// What is replaced is what was read, whatever a link leads to by then.
#[test]
fn a_module_is_read_where_it_is_and_called_as_it_was_named() {
    let folder = folder("in-place-place");
    let path = file(&folder, "a.ko", &vpoll());
    let link = folder.join("link.ko");
    symlink("/nowhere/other.ko", &link).unwrap();
    let module = Module::read_at(&link, path.as_ref()).unwrap();
    assert_eq!(module.label(), text(&link));
    assert!(module.image().bytes == vpoll());
}

/// The kernel that is named is not the running one, and is what this machine runs next.
#[test]
fn where_signatures_are_enforced_none_goes_for_any_kernel() {
    let folder = folder("in-place-next-kernel");
    let path = file(&folder, "a.ko", &signed());
    let machine = folder.join("machine");
    let parameters = machine.join("sys/module/module/parameters");
    fs::create_dir_all(&parameters).unwrap();
    for (enforced, ends) in [("Y\n", Status::Findings), ("N\n", Status::Clean)] {
        fs::write(parameters.join("sig_enforce"), enforced).unwrap();
        for against in [vmlinux(), text(&boot(&running(), "vmlinuz"))] {
            let args = Relocate {
                modules: vec![path.clone().into()],
                against: against.into(),
                in_place: true,
                quiet: true,
                ..Relocate::default()
            };
            fs::write(&path, signed()).unwrap();
            assert_eq!(run_in(&args, &machine).unwrap(), ends, "{enforced}");
            let is_as_it_was = fs::read(&path).unwrap() == signed();
            assert_eq!(is_as_it_was, ends == Status::Findings);
        }
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_not() {
    let folder = folder("in-place-denied");
    let path = file(&folder, "a.ko", &vpoll());
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    // Root may write it for all that, unless that capability is gone.
    let tool = env!("CARGO_BIN_EXE_btfreloc");
    let mut command = match fs::metadata(&folder).unwrap().uid() {
        0 => {
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set=-all", "--inh-caps=-all", tool]);
            command
        }
        _ => Command::new(tool),
    };
    command.args(["relocate", "--in-place", &path, "--against", &vmlinux()]);
    let denied = command.output().unwrap();
    let why = String::from_utf8(denied.stderr).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    assert!(why.contains("Permission denied (os error 13)"), "{why}");
    assert_eq!(denied.status.code(), Some(2));
    assert!(fs::read(&path).unwrap() == vpoll());
}
