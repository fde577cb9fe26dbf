// SPDX-License-Identifier: GPL-2.0

//! `btfreloc extract`: a kernel's BTF as raw bytes, as a vmlinux for builds, and where rust_btfreloc
//! looks for it.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use btfreloc::extract::vmlinux::comment;
use btfreloc::input::{Banner, Image};
use btfreloc_selftests::builder::Builder;
use common::{boot, elf, file, folder, module, run, run_with, running, small_kernel, text};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::SuppliedName;

fn done(args: &[&str]) -> String {
    let run = run(args);
    assert_eq!((run.status, &*run.err), (0, ""), "{args:?}");
    run.text().to_owned()
}

fn refused(args: &[&str], why: &str) {
    let run = run(args);
    let lines = format!("btfreloc: {why}\n");
    assert_eq!(
        (run.status, run.text(), &*run.err),
        (2, "", &*lines),
        "{args:?}"
    );
}

/// BTF that differs from that of others by this name.
fn build(name: &str) -> Vec<u8> {
    let mut base = Builder::base();
    base.int(name, 4, 1);
    base.bytes()
}

/// An image of a kernel that says this of itself.
fn image(banner: &str, btf: &[u8]) -> Vec<u8> {
    let banner = format!("a format: Linux version %s\0{banner}\n\0");
    elf(&[(".rodata", banner.as_bytes()), (".BTF", btf)])
}

const BANNER: &str = "Linux version 1.2.3-test (me@here) (gcc (GCC) 15.3.0, GNU ld 2.46) #1 SMP";

#[test]
fn raw_btf_is_that_of_the_image() {
    let folder = folder("extract-raw");
    let release = running();
    let (vmlinuz, btf) = (boot(&release, "vmlinuz"), boot(&release, "vmlinux.btf"));
    let btf = fs::read(btf).unwrap();
    for name in ["a.btf", "a.btf.zst", "a.btf.xz", "a.btf.gz"] {
        let to = text(&folder.join(name));
        assert_eq!(done(&["extract", "-q", &text(&vmlinuz), "-o", &to]), "");
        let image = Image::read(to.as_ref()).unwrap();
        assert!(image.bytes == btf, "{name}");
        assert_eq!(image.packing.is_some(), name != "a.btf", "{name}");
    }
    let stream = run(&["extract", &text(&vmlinuz), "-o", "-"]);
    assert!(stream.out == btf);
    // As the firmware loader wants it: xz with CRC32 (1), zstd with the length of the content.
    let xz = fs::read(folder.join("a.btf.xz")).unwrap();
    assert_eq!(xz[7], 1);
    let zst = fs::read(folder.join("a.btf.zst")).unwrap();
    let len = zstd::zstd_safe::get_frame_content_size(&zst).unwrap();
    assert_eq!(len, Some(btf.len() as u64));
}

#[test]
fn a_vmlinux_serves_to_build_modules() {
    let folder = folder("extract-vmlinux");
    let release = running();
    let vmlinux = text(&folder.join("vmlinux"));
    done(&[
        "extract",
        &text(&boot(&release, "vmlinuz")),
        "--elf",
        "-o",
        &vmlinux,
    ]);
    let image = fs::read(&vmlinux).unwrap();
    let elf = Elf::parse(&image).unwrap();
    let section = |name: &[u8]| elf.data(&elf.section(name).unwrap()).unwrap();
    assert!(section(b".BTF") == fs::read(boot(&release, "vmlinux.btf")).unwrap());
    let comment = String::from_utf8(section(b".comment").to_vec()).unwrap();
    assert!(comment.starts_with("GCC: (Debian "), "{comment:?}");
    // As kbuild calls it (scripts/gen-btf.sh), and as dkms asks for the compiler.
    let built = text(&folder.join("vpoll.ko"));
    fs::copy(module("work/vpoll/vpoll.ko"), &built).unwrap();
    let flags = "--btf_features=distilled_base";
    let pahole = ["-J", flags, "--btf_base", &vmlinux, &built];
    assert!(Command::new("pahole")
        .args(pahole)
        .status()
        .unwrap()
        .success());
    let module = fs::read(&built).unwrap();
    assert!(Elf::parse(&module).unwrap().section(b".BTF.base").is_some());
    let readelf = Command::new("readelf")
        .args(["-p", ".comment", &vmlinux])
        .output();
    let said = String::from_utf8(readelf.unwrap().stdout).unwrap();
    assert!(said.contains("GCC: ") && !said.contains("clang"), "{said}");
}

#[test]
fn compilers_are_named_as_they_name_themselves() {
    let gcc =
        "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44";
    assert_eq!(comment(gcc), ["GCC: (Debian 14.2.0-19) 14.2.0"]);
    let clang = "Debian clang version 19.1.7 (3+b1), Debian LLD 19.1.7";
    let both = [
        "Debian clang version 19.1.7 (3+b1)",
        "Linker: Debian LLD 19.1.7",
    ];
    assert_eq!(comment(clang), both);
    let bfd = "clang version 19.1.7, GNU ld 2.44";
    assert_eq!(comment(bfd), ["clang version 19.1.7"]);
}

#[test]
fn compilers_are_found_between_their_parentheses() {
    for compiler in [
        "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44",
        "Debian clang version 19.1.7 (3+b1), Debian LLD 19.1.7",
        "gcc 13.2.0, GNU ld 2.41",
    ] {
        let text = format!("Linux version 7.3.4+x (me@here) ({compiler}) #1 SMP (2026-11-15)\n");
        let banner = Banner::read(&text).unwrap();
        assert_eq!(banner.release(), "7.3.4+x");
        assert_eq!(banner.compiler(), Some(compiler));
    }
    for text in ["", "Linux version %s (%s)", "Linux", "7.3.4 (a) (b)"] {
        assert_eq!(Banner::read(text), None, "{text}");
    }
    let banner = Banner::read("Linux version 7.3.4").unwrap();
    assert_eq!(banner.compiler(), None);
}

#[test]
fn what_is_not_known_can_be_named() {
    let folder = folder("extract-named");
    let raw = file(&folder, "raw", &small_kernel());
    let kernel = file(&folder, "kernel", &image(BANNER, &small_kernel()));
    let (elf, firmware) = (text(&folder.join("elf")), text(&folder.join("firmware")));
    let why = "does not say which compiler it was built with: name that with --compiler";
    refused(
        &["extract", &raw, "--elf", "-o", &elf],
        &format!("{raw}: {why}"),
    );
    let why = "does not say of which release it is: name that with --release";
    refused(
        &["extract", &raw, "--firmware", &firmware],
        &format!("{raw}: {why}"),
    );
    refused(
        &[
            "extract",
            &raw,
            "--firmware",
            &firmware,
            "--release",
            "../x",
        ],
        "\"../x\" is no release",
    );
    assert!(!Path::new(&elf).exists() && !Path::new(&firmware).exists());

    let comment = |args: &[&str]| {
        done(&[&["extract", "--elf", "-o", &elf][..], args].concat());
        let image = fs::read(&elf).unwrap();
        let elf = Elf::parse(&image).unwrap();
        let data = elf.data(&elf.section(b".comment").unwrap()).unwrap();
        String::from_utf8(data.to_vec()).unwrap()
    };
    assert_eq!(comment(&[&kernel]), "GCC: (GCC) 15.3.0\0");
    assert_eq!(comment(&[&kernel, "--compiler", "clang"]), "clang\0");
    assert_eq!(
        comment(&[&raw, "--compiler", "clang version 1"]),
        "clang version 1\0"
    );
    let path = format!("{firmware}/1.2.3-test.btf");
    let named = [
        "extract",
        &kernel,
        "--firmware",
        &firmware,
        "--compress",
        "none",
    ];
    assert_eq!(
        done(&named),
        format!("{path}: written, 2 types, 78 bytes\n")
    );
    assert_eq!(fs::read(path).unwrap(), small_kernel());
    let stream = [
        "extract",
        "-",
        "--firmware",
        &firmware,
        "--release",
        "1.2.4",
    ];
    let run = run_with(&stream, &build("stream"));
    assert_eq!(
        run.text(),
        format!("{firmware}/1.2.4.btf.zst: written, 1 types, 48 bytes\n")
    );
}

#[test]
fn the_newest_builds_of_a_release_are_kept() {
    let folder = folder("extract-firmware");
    let firmware = folder.join("btfreloc");
    let put = |name: &str, options: &[&str]| {
        let kernel = file(&folder, "kernel", &image(BANNER, &build(name)));
        let args = ["extract", &kernel, "--firmware", &text(&firmware)];
        done(&[&args[..], options].concat())
    };
    let there = || {
        let mut names: Vec<_> = fs::read_dir(&firmware)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        let build = |path: &Path| {
            let bytes = Image::read(path).unwrap().bytes;
            let names = ["one", "two", "three", "four", "five"].into_iter();
            let mut names = names.filter(|name| build(name) == bytes);
            names.next().unwrap()
        };
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let shown = names
            .iter()
            .map(|path| format!("{}={}", name(path), build(path)));
        shown.collect::<Vec<_>>()
    };
    put("one", &["--compress", "xz"]);
    assert_eq!(there(), ["1.2.3-test.btf.xz=one"]);
    put("two", &[]);
    assert_eq!(
        there(),
        ["1.2.3-test.1.btf.xz=one", "1.2.3-test.btf.zst=two"]
    );
    // What is there already is not written again, wherever it is.
    let first = text(&firmware.join("1.2.3-test.1.btf.xz"));
    assert_eq!(put("one", &[]), format!("{first}: has this BTF already\n"));
    put("three", &["--compress", "none"]);
    put("four", &[]);
    let three = [
        "1.2.3-test.1.btf=three",
        "1.2.3-test.2.btf.zst=two",
        "1.2.3-test.btf.zst=four",
    ];
    assert_eq!(there(), three);
    // Another release is not touched, and a smaller number of builds holds from now on.
    let args = ["--release", "1.2.4-test", "--keep", "1"];
    put("five", &args);
    put("one", &["--keep", "1"]);
    assert_eq!(
        there(),
        ["1.2.3-test.btf.zst=one", "1.2.4-test.btf.zst=five"]
    );
}

#[test]
fn no_more_are_kept_than_the_kernel_module_reads() {
    let folder = folder("extract-most");
    let raw = file(&folder, "raw", &small_kernel());
    for (keep, status) in [
        (0, 2),
        (1, 0),
        (SuppliedName::MOST, 0),
        (SuppliedName::MOST + 1, 2),
    ] {
        let args = [
            "extract",
            &raw,
            "--firmware",
            &text(&folder),
            "--release",
            "1",
            "--keep",
        ];
        assert_eq!(
            run(&[&args[..], &[&keep.to_string()]].concat()).status,
            status,
            "{keep}"
        );
    }
}

#[test]
fn what_is_there_stays_where_nothing_can_be_written() {
    let folder = folder("extract-unwritten");
    let raw = file(&folder, "raw", &small_kernel());
    let to = file(&folder, "no-folder", b"");
    let run = run(&["extract", &raw, "--firmware", &to, "--release", "1"]);
    let why = format!("btfreloc: {to}: cannot be made: File exists (os error 17)\n");
    assert_eq!((run.status, run.err), (2, why));
    let module = text(&module("own/plain/vpoll.ko"));
    let path = text(&folder.join("btf"));
    let why = "the BTF of a module, split off a kernel's: name a kernel";
    refused(
        &["extract", &module, "-o", &path],
        &format!("{module}: {why}"),
    );
    assert!(!Path::new(&path).exists());
}
