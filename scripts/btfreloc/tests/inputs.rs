// SPDX-License-Identifier: GPL-2.0

//! What is read: every compression, kernel images, streams, installed kernels, and what is refused.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use btfreloc::input::{installed, LOOKED_FOR};
use common::{elf, file, folder, module, run, run_with, small_kernel, text};
use flate2::{bufread::GzEncoder, Compression};
use liblzma::bufread::XzEncoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use lz4_flex::frame::{FrameEncoder, FrameInfo};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    read(GzEncoder::new(bytes, Compression::fast()))
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    read(XzEncoder::new(bytes, 1))
}

/// As kernels are compressed: with the filter for x86 code.
fn xz_x86(bytes: &[u8]) -> Vec<u8> {
    let mut filters = Filters::new();
    filters.x86().lzma2(&LzmaOptions::new_preset(1).unwrap());
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32).unwrap();
    read(XzEncoder::new_stream(bytes, stream))
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// The old form, which kernels use.
fn lz4(bytes: &[u8]) -> Vec<u8> {
    let info = FrameInfo::new().legacy_frame(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A vmlinuz with this payload, and a signature after it.
fn vmlinuz(payload: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 3 * 512 + 16];
    image[0x1f1] = 2;
    image[0x202..0x208].copy_from_slice(b"HdrS\x0f\x02");
    image[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
    image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    [&image, payload, b"signature"].concat()
}

/// The kernel's build adds the length as a last word; gzip ends with it as it is.
fn with_length(packed: Vec<u8>, unpacked: &[u8]) -> Vec<u8> {
    [packed, (unpacked.len() as u32).to_le_bytes().to_vec()].concat()
}

#[test]
fn modules_are_read_in_every_compression() {
    let folder = folder("inputs-modules");
    let plain = fs::read(module("own/distilled/btfreloc_demo.ko")).unwrap();
    let files = [
        file(&folder, "a.ko", &plain),
        file(&folder, "b.ko.xz", &xz(&plain)),
        file(&folder, "c.ko.zst", &zstd(&plain)),
        file(&folder, "d.ko.gz", &gzip(&plain)),
    ];
    fs::create_dir(folder.join("deeper")).unwrap();
    file(&folder.join("deeper"), "e.ko", &plain);
    file(&folder, "f.ko.txt", b"is no module");
    let json = run(&["inspect", "--format", "json", &text(&folder)]).json();
    let found = json["results"].as_array().unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|file| file["file"].as_str().unwrap())
        .collect();
    let deeper = text(&folder.join("deeper/e.ko"));
    assert_eq!(
        names,
        [&*files[0], &*files[1], &*files[2], &*files[3], &*deeper]
    );
    let wrapping: Vec<_> = found
        .iter()
        .map(|file| file["wrapping"].to_string())
        .collect();
    assert_eq!(
        wrapping,
        ["[]", "[\"xz\"]", "[\"zstd\"]", "[\"gzip\"]", "[]"]
    );
    assert!(found
        .iter()
        .all(|file| file["sections"] == found[0]["sections"]));
    assert_eq!(found[0]["sections"][1]["name"], ".BTF.base");
}

#[test]
fn kernels_are_read_in_every_compression() {
    let folder = folder("inputs-kernels");
    let btf = small_kernel();
    let vmlinux = elf(&[(".BTF", &btf)]);
    let images = [
        ("raw", btf, "raw BTF of"),
        ("elf", vmlinux.clone(), "ELF of"),
        ("none", vmlinuz(&vmlinux), "vmlinuz, ELF of"),
        ("gzip", vmlinuz(&gzip(&vmlinux)), "vmlinuz, gzip, ELF of"),
        (
            "xz",
            vmlinuz(&with_length(xz_x86(&vmlinux), &vmlinux)),
            "vmlinuz, xz, ELF of",
        ),
        (
            "zstd",
            vmlinuz(&with_length(zstd(&vmlinux), &vmlinux)),
            "vmlinuz, zstd, ELF of",
        ),
        (
            "lz4",
            vmlinuz(&with_length(lz4(&vmlinux), &vmlinux)),
            "vmlinuz, lz4, ELF of",
        ),
    ];
    for (name, bytes, what) in images {
        let path = file(&folder, name, &bytes);
        let run = run(&["inspect", &path]);
        assert!(
            run.text().starts_with(&format!("{path}: {what} ")),
            "{run:?}"
        );
        assert!(run.text().contains("\n  standalone BTF\n"), "{run:?}");
        assert!(
            run.text().ends_with("\n    2 types: 1 INT, 1 STRUCT\n"),
            "{run:?}"
        );
        assert_eq!(run.status, 0);
    }
}

#[test]
fn one_stream_may_be_a_module_or_a_kernel() {
    let folder = folder("inputs-stream");
    let kernel = file(&folder, "vmlinux", &small_kernel());
    let module = elf(&[]);
    let path = file(&folder, "module.ko", &module);
    let first = run_with(&["check", "-", "--against", &kernel], &xz(&module));
    assert_eq!(first.text(), format!("standard input: {kernel}: no BTF\n"));
    let second = run_with(&["check", &path, "--against", "-"], &small_kernel());
    assert_eq!(second.text(), format!("{path}: standard input: no BTF\n"));
    let both = run(&["check", "-", "--against", "-"]);
    let error = "btfreloc: standard input can be read only once: name - once\n";
    assert_eq!((&*both.err, both.status), (error, 2));
}

#[test]
fn installed_kernels_are_found_by_their_release() {
    for place in LOOKED_FOR {
        let root = folder("inputs-installed");
        let path = root.join(place.replace('R', "1.2.3-test"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"kernel").unwrap();
        assert_eq!(installed(&root, "1.2.3-test").unwrap(), path);
    }
}

#[test]
fn the_running_kernel_offers_its_btf_itself() {
    let root = folder("inputs-running");
    for (path, text) in [
        ("proc/sys/kernel/osrelease", "1.2\n"),
        ("sys/kernel/btf/vmlinux", ""),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert_eq!(
        installed(&root, "1.2").unwrap(),
        root.join("sys/kernel/btf/vmlinux")
    );
    assert!(installed(&root, "1.3").is_err());
}

/// The error of a check against this kernel.
fn refused(kernel: &str) -> String {
    let module = file(&folder("inputs-refused-module"), "module.ko", &elf(&[]));
    let run = run(&["check", &module, "--against", kernel]);
    assert_eq!((run.status, run.text()), (2, ""), "{run:?}");
    run.err
}

#[test]
fn a_release_that_is_not_installed_is_reported_with_where_it_was_looked_for() {
    let error = "btfreloc: 0.0.0-none: no such file, and no kernel of that release is installed \
                 (/boot/vmlinuz-0.0.0-none, /usr/lib/debug/boot/vmlinux-0.0.0-none, \
                 /lib/modules/0.0.0-none/vmlinuz, /lib/modules/0.0.0-none/vmlinux, \
                 /lib/modules/0.0.0-none/build/vmlinux, \
                 /usr/src/linux-headers-0.0.0-none/vmlinux)\n";
    assert_eq!(refused("0.0.0-none"), error);
}

#[test]
fn kernels_that_are_none_are_refused_with_their_reason() {
    let folder = folder("inputs-refused");
    let vmlinux = elf(&[(".BTF", &small_kernel())]);
    let mut no_type = small_kernel();
    let last = no_type.len() - 1;
    no_type[last] = b'x';
    let mut old = vmlinuz(&vmlinux);
    old[0x206] = 7;
    let mut far = vmlinuz(&vmlinux);
    far[0x24c..0x250].copy_from_slice(&[0, 0, 16, 0]);
    let far_end = 3 * 512 + 16 + (1 << 20);
    let far_len = far.len();
    let outside = format!(
        "boot header (offset 0x1f1): the kernel should be bytes 1552 to {far_end} of {far_len}"
    );
    let mut wide = vmlinux.clone();
    wide[4] = 1;
    let images: [(&str, Vec<u8>, &str); 9] = [
        (
            "text",
            b"this is only some text, and not a kernel at all, as one can see at a glance".to_vec(),
            "neither ELF nor BTF",
        ),
        (
            "no-btf",
            elf(&[]),
            "no .BTF section: this kernel was built without CONFIG_DEBUG_INFO_BTF",
        ),
        (
            "elf32",
            wide,
            "ELF header offset 4: class 1 is not ELF64 (2)",
        ),
        (
            "strings",
            no_type,
            "vmlinux BTF offset 77: last string has no NUL",
        ),
        (
            "split",
            module_btf(),
            "the BTF of a module, split off a kernel's: name a kernel",
        ),
        (
            "old",
            old,
            "boot header (offset 0x1f1): boot protocol 2.07 does not say where the kernel is",
        ),
        ("far", far, &outside),
        (
            "packed",
            vmlinuz(b"BZh91AY&SY"),
            "the kernel in it is compressed in a way that is not known (first bytes 425a6839)",
        ),
        ("cut", xz(&vmlinux)[..60].to_vec(), "damaged xz data"),
    ];
    for (name, bytes, reason) in images {
        let path = file(&folder, name, &bytes);
        let error = refused(&path);
        assert!(
            error.starts_with(&format!("btfreloc: {path}: {reason}")),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

/// Split BTF with one type and a string.
fn module_btf() -> Vec<u8> {
    let base = btfreloc_selftests::builder::Builder::base();
    let mut split = btfreloc_selftests::builder::Builder::split(&base);
    split.fwd("file", false);
    split.bytes()
}

#[test]
fn a_folder_without_modules_is_bad_input() {
    let folder = text(&folder("inputs-empty"));
    let run = run(&["inspect", &folder]);
    let error = format!("btfreloc: {folder}: no modules in it (.ko, .ko.xz, .ko.zst, .ko.gz)\n");
    assert_eq!((&*run.err, run.status), (&*error, 2));
    assert!(Path::new(&folder).is_dir());
}
