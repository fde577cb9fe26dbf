// SPDX-License-Identifier: GPL-2.0

//! Kernels that know less of BTF than those of today: what is written for them, and what is not.

mod common;

use std::fs;

use btfreloc_selftests::builder::{info, Builder, Header};
use common::{elf, file, folder, run, text, Run};
use rust_btfreloc::btf::{Blob, Form, Kind, Section};
use rust_btfreloc::elf::Elf;

const ENUM64: u32 = 19;

/// A kernel that knows kinds up to `kind_max` and headers of `header_len` bytes, and what `more` adds.
fn kernel(kind_max: u32, header_len: u32, more: impl Fn(&mut Builder)) -> Builder {
    let mut base = Builder::base();
    let int = base.int("int", 4, 1);
    base.structure("task", 4, &[("pid", [int, 0])]);
    base.knows(kind_max, header_len);
    more(&mut base);
    base
}

/// A module on a distilled base, with a layout, and what `more` adds to it.
fn module(more: impl Fn(&mut Builder, u32)) -> Vec<u8> {
    let mut base = Builder::base();
    let int = base.int("int", 4, 1);
    let mut split = Builder::split(&base);
    split.structure("own", 4, &[("number", [int, 0])]);
    more(&mut split, int);
    let btf = split.build(&Header::LONG);
    ko(&[(".BTF", &btf), (".BTF.base", &base.bytes())])
}

/// A relocatable file with these sections.
fn ko(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = elf(sections);
    image[16] = 1;
    image
}

/// What `btfreloc relocate --in-place` says of `module` on `kernel`, with its status, and the BTF that is
/// in it then.
fn relocated(test: &str, kernel: &Builder, module: &[u8]) -> (String, i32, Vec<u8>) {
    let folder = folder(test);
    let vmlinux = file(&folder, "vmlinux", &kernel.bytes());
    let path = file(&folder, "module.ko", module);
    let output = text(&folder.join("btf"));
    let predicted = run(&["relocate", &path, "--against", &vmlinux, "-o", &output]);
    let run = run(&["relocate", "--in-place", &path, "--against", &vmlinux]);
    assert_eq!(predicted.status, run.status, "{predicted:?} {run:?}");
    let image = fs::read(&path).unwrap();
    let elf = Elf::parse(&image).unwrap();
    let btf = elf.data(&elf.section(b".BTF").unwrap()).unwrap().to_vec();
    // One way and the other give the same.
    if run.status == 0 {
        assert!(fs::read(&output).unwrap() == btf);
    }
    let line = run.text().lines().next().unwrap().to_owned();
    (line, run.status, btf)
}

fn header_len(btf: &[u8]) -> u32 {
    Blob::parse(Section::Btf, Form::Split, btf)
        .unwrap()
        .header_len()
}

#[test]
fn the_header_is_as_long_as_the_kernel_knows_it() {
    let module = module(|_, _| {});
    for (kernel_len, len) in [(24, 24), (32, 32)] {
        let kernel = kernel(ENUM64, kernel_len, |_| {});
        let (line, status, btf) = relocated("older-header", &kernel, &module);
        assert_eq!((status, header_len(&btf)), (0, len), "{line}");
        let blob = Blob::parse(Section::Btf, Form::Split, &btf).unwrap();
        assert_eq!(blob.layout().is_empty(), len == 24);
        // Before 7.2 nothing may come after the strings.
        assert!(btf.ends_with(blob.strings()));
    }
}

/// Plain split BTF of this very kernel is left alone, but for a header that the kernel refuses.
#[test]
fn valid_btf_loses_its_layout_alone() {
    let old = kernel(ENUM64, 24, |_| {});
    let mut split = Builder::split(&old);
    split.structure("own", 4, &[("number", [1, 0])]);
    let plain = ko(&[(".BTF", &split.build(&Header::LONG))]);
    let (line, status, btf) = relocated("older-plain", &old, &plain);
    assert_eq!(status, 0);
    let words = ": BTF written without its layout, which this kernel does not know";
    assert!(line.ends_with(words), "{line}");
    assert!(btf == split.bytes());
    let same = ko(&[(".BTF", &split.bytes())]);
    let (line, ..) = relocated("older-plain", &old, &same);
    assert_eq!(line, "1 module: 0 changed, 1 unchanged");
}

/// Adds a struct of so many members.
fn members(split: &mut Builder, count: u32) {
    let mut words = vec![0, info(Kind::Struct, false, count), 4];
    words.extend((0..count).flat_map(|_| [0, 1, 0]));
    split.raw(&words);
}

#[test]
fn what_an_older_kernel_does_not_know_is_not_written() {
    let tag = |split: &mut Builder, int: u32, kind: Kind| {
        let name = split.name("attribute");
        let mut words = vec![name, info(kind, true, 0), int];
        words.extend((kind == Kind::DeclTag).then_some(u32::MAX));
        split.raw(&words);
    };
    type More = Box<dyn Fn(&mut Builder, u32)>;
    let cases: [(&str, More, &str); 5] = [
        (
            "older-vlen",
            Box::new(|split, _| members(split, 0x1_0000)),
            "STRUCT : more than 65535 elements, which this kernel cannot count",
        ),
        (
            "older-decl-tag",
            Box::new(move |split, int| tag(split, int + 1, Kind::DeclTag)),
            "DECL_TAG attribute: an attribute (kind_flag), which this kernel does not know",
        ),
        (
            "older-type-tag",
            Box::new(move |split, int| tag(split, int, Kind::TypeTag)),
            "TYPE_TAG attribute: an attribute (kind_flag), which this kernel does not know",
        ),
        (
            "older-order",
            Box::new(|split, int| {
                let tag = split.type_tag("user", int);
                split.constant(tag);
            }),
            "CONST : a type tag after another modifier, which this kernel does not allow",
        ),
        (
            "older-section",
            Box::new(|split, int| {
                let variable = split.var("x", int, 0);
                split.datasec(".data-x", 4, &[[variable, 0, 4]]);
            }),
            "DATASEC .data-x: a name that is no identifier, which this kernel does not allow",
        ),
    ];
    for (test, more, why) in cases {
        let module = module(more);
        let old = kernel(ENUM64, 24, |_| {});
        let (line, status, _) = relocated(test, &old, &module);
        assert_eq!(status, 1, "{test}: {line}");
        let row = checked(test);
        let reason = row["reason"].as_str().unwrap();
        assert_eq!(row["outcome"], "left-to-kernel");
        assert!(reason.ends_with(why), "{row}");
        // As it is it names a layout besides.
        assert_eq!(row["kernel_alone"]["answer"], "refuses");
        let left = line.contains(": left as it is: [");
        assert!(left && line.ends_with(why), "{line}");
        let unchanged = fs::read(folder_of(test)).unwrap();
        assert!(unchanged == module, "{test}");
        // Today's kernel takes it.
        let new = kernel(ENUM64, 32, |_| {});
        let (line, status, _) = relocated(test, &new, &module);
        assert_eq!(status, 0, "{test}: {line}");
        // What is valid there is not on the old one, of which it has the right types.
        let plain = fs::read(folder_of(test)).unwrap();
        fs::write(folder_of(test).with_file_name("vmlinux"), old.bytes()).unwrap();
        for args in [&[][..], &["--if-needed"]] {
            let run = in_place(test, args);
            let left = format!("{why}\n1 module: 0 changed, 0 unchanged, 1 refused\n");
            assert!(run.text().ends_with(&left), "{run:?}");
            assert_eq!(run.status, 1);
        }
        assert_eq!(checked(test)["outcome"], "left-to-kernel");
        assert!(fs::read(folder_of(test)).unwrap() == plain, "{test}");
    }
}

/// What `btfreloc relocate --in-place` says of what `relocated` was given.
fn in_place(test: &str, args: &[&str]) -> Run {
    let path = folder_of(test);
    let (path, vmlinux) = (text(&path), text(&path.with_file_name("vmlinux")));
    let all = ["relocate", "--in-place", &path, "--against", &vmlinux];
    run(&[&all[..], args].concat())
}

/// What `btfreloc check` says of what `relocated` was given.
fn checked(test: &str) -> serde_json::Value {
    let path = folder_of(test);
    let vmlinux = text(&path.with_file_name("vmlinux"));
    let run = run(&[
        "check",
        &text(&path),
        "--against",
        &vmlinux,
        "--format",
        "json",
    ]);
    run.json()["results"][0].clone()
}

/// Where `relocated` puts the module.
fn folder_of(test: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(test)
        .join("module.ko")
}

/// A kernel with a header of 24 bytes that has the like itself is one of those between.
#[test]
fn what_the_kernel_has_itself_it_knows() {
    let between = kernel(ENUM64, 24, |base| {
        members(base, 0x1_0000);
        let tag = base.type_tag("user", 1);
        base.constant(tag);
        let name = base.name("attribute");
        base.raw(&[name, info(Kind::TypeTag, true, 0), 1]);
    });
    let module = module(|split, int| {
        members(split, 0x1_0000);
        let tag = split.type_tag("user", int);
        split.constant(tag);
        let name = split.name("attribute");
        split.raw(&[name, info(Kind::TypeTag, true, 0), int]);
    });
    let (line, status, btf) = relocated("older-between", &between, &module);
    assert_eq!((status, header_len(&btf)), (0, 24), "{line}");
}

/// Signed values came with ENUM64.
#[test]
fn signed_enums_are_known_with_enum64() {
    let module = module(|split, _| {
        let name = split.name("sign");
        let value = split.name("minus");
        split.raw(&[name, info(Kind::Enum, true, 1), 4, value, u32::MAX]);
    });
    let (line, status, _) = relocated("older-enum", &kernel(ENUM64 - 1, 24, |_| {}), &module);
    assert_eq!(status, 1);
    let why = "ENUM sign: signed values (kind_flag), which this kernel does not know";
    assert!(line.ends_with(why), "{line}");
    let (_, status, _) = relocated("older-enum", &kernel(ENUM64, 24, |_| {}), &module);
    assert_eq!(status, 0);
}

/// Before 6.6 a module that registers ids fails to load where it has no BTF.
#[test]
fn btf_that_ids_need_is_not_dropped() {
    let folder = folder("older-drop");
    let module = ko(&[(".BTF", b"damaged"), (".BTF_ids", &[0; 8])]);
    let path = file(&folder, "module.ko", &module);
    for (len, words) in [
        (
            24,
            "left as it is: this kernel may refuse it without BTF, as it has .BTF_ids",
        ),
        (32, "BTF dropped: "),
    ] {
        let vmlinux = file(&folder, "vmlinux", &kernel(ENUM64, len, |_| {}).bytes());
        let run = run(&[
            "relocate",
            "--in-place",
            "--drop",
            &path,
            "--against",
            &vmlinux,
        ]);
        assert!(run.text().contains(words), "{run:?}");
        assert_eq!(run.status, i32::from(len == 24));
    }
}

/// What `btfreloc check` says of `module` on `kernel`.
fn judged(test: &str, kernel: &Builder, module: &[u8]) -> serde_json::Value {
    let folder = folder(test);
    file(&folder, "vmlinux", &kernel.bytes());
    file(&folder, "module.ko", module);
    checked(test)
}

/// A layout is not known to the kernel, and nothing else is wrong.
#[test]
fn check_foretells_the_header() {
    let module = module(|_, _| {});
    let (old, new) = (kernel(ENUM64, 24, |_| {}), kernel(ENUM64, 32, |_| {}));
    let row = judged("older-check", &old, &module);
    assert_eq!(row["outcome"], "exact", "{row}");
    let why = ".BTF offset 24: the header names a layout, which this kernel does not know";
    assert_eq!(row["kernel_alone"]["answer"], "refuses");
    assert_eq!(row["kernel_alone"]["reason"], why);
    let row = judged("older-check", &new, &module);
    assert_eq!(row["kernel_alone"]["answer"], "accepts", "{row}");

    // Plain split BTF of this very kernel.
    let mut split = Builder::split(&old);
    split.structure("own", 4, &[("number", [1, 0])]);
    let plain = ko(&[(".BTF", &split.build(&Header::LONG))]);
    let row = judged("older-check", &old, &plain);
    assert_eq!(row["outcome"], "exact", "{row}");
    assert_eq!(
        row["left_out"],
        "its layout, which this kernel does not know"
    );
    assert_eq!(row["kernel_alone"]["reason"], why);
    let short = ko(&[(".BTF", &split.bytes())]);
    let row = judged("older-check", &old, &short);
    assert_eq!(
        (&row["outcome"], &row["kernel_alone"]["answer"]),
        (&"left-alone".into(), &"accepts".into())
    );
}

/// Of all names only those of sections may have any bytes in a file.
#[test]
fn what_a_terminal_would_act_on_is_escaped_in_names() {
    let old = kernel(ENUM64, 24, |_| {});
    let mut split = Builder::split(&old);
    let variable = split.var("x", 1, 0);
    split.datasec(".data\x1b[2J", 4, &[[variable, 0, 4]]);
    let row = judged("older-name", &old, &ko(&[(".BTF", &split.bytes())]));
    let why =
        "DATASEC .data\\x1b[2J: a name that is no identifier, which this kernel does not allow";
    let reason = row["kernel_alone"]["reason"].as_str().unwrap();
    assert!(reason.ends_with(why), "{row}");
}

/// Kernels before 6.11 do not read .BTF.base, and take ids of it for their own.
#[test]
fn check_knows_who_reads_a_distilled_base() {
    let with = |member: &'static str| {
        kernel(ENUM64, 24, move |base| {
            let pointer = base.ptr(0);
            base.structure(
                "module",
                16,
                &[("btf_data", [pointer, 0]), (member, [pointer, 64])],
            );
        })
    };
    let mut base = Builder::base();
    base.structure("task", 4, &[]);
    let mut split = Builder::split(&base);
    split.typedef("number", 1);
    let module = ko(&[(".BTF", &split.bytes()), (".BTF.base", &base.bytes())]);
    let row = judged("older-base", &with("btf_base_data"), &module);
    assert_eq!(
        (&row["outcome"], &row["kernel_alone"]["answer"]),
        (&"exact".into(), &"accepts".into())
    );
    let row = judged("older-base", &with("other"), &module);
    assert_eq!(
        (&row["outcome"], &row["kernel_alone"]["answer"]),
        (&"exact".into(), &"misreads".into())
    );
}

/// rust_btfreloc finds no base there, as it does not run there.
#[test]
fn stale_btf_wants_a_base_on_the_command_line() {
    let other = kernel(ENUM64, 24, |base| {
        base.typedef("more", 1);
    });
    let mut split = Builder::split(&other);
    split.func("work", 1, 1);
    let module = ko(&[(".BTF", &split.bytes())]);
    let row = judged("older-stale", &kernel(ENUM64, 24, |_| {}), &module);
    assert_eq!(row["outcome"], "dropped");
    let reason = row["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("; name the vmlinux that it was built with by --base"),
        "{row}"
    );
}
