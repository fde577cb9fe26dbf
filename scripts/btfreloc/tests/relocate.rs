// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate`: what is written is what the kernel would register.

mod common;

use std::fs;
use std::path::Path;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::model::{Model, Word};
use btfreloc_selftests::peer::Btf;
use common::{boot, elf, file, folder, module, run, running, small_kernel, text};
use rust_btfreloc::btf::{Blob, Form, Section};
use rust_btfreloc::elf::Elf;

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

#[test]
fn the_result_is_split_btf_on_the_kernel() {
    let output = text(&folder("relocate-file").join("btf"));
    let base = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    for (name, lacking) in [
        ("own/distilled/btfreloc_demo.ko", false),
        ("distilled/btfreloc_demo.ko", true),
    ] {
        let image = fs::read(module(name)).unwrap();
        let elf = Elf::parse(&image).unwrap();
        let btf = elf.data(&elf.section(b".BTF").unwrap()).unwrap();
        let types = Blob::parse(Section::Btf, Form::Split, btf).unwrap();
        let types = u32::try_from(types.records().count()).unwrap();
        let module = text(&module(name));
        let check = [
            "check",
            "--format",
            "json",
            &module,
            "--against",
            &vmlinux(),
        ];
        let opaque = &run(&check).json()["results"][0]["relocation"]["opaque"];
        let opaque = u32::try_from(opaque.as_u64().unwrap()).unwrap();
        assert_eq!(opaque > 0, lacking, "{name}");
        let run = run(&["relocate", &module, "--against", &vmlinux(), "-o", &output]);
        assert_eq!((run.status, run.text(), &*run.err), (0, "", ""));
        // Read by libbpf, which is what bpftool reads it with.
        let written = fs::read(&output).unwrap();
        let split = Btf::split(&base, &written).expect("libbpf takes it");
        // What has no match, and the two types that keep those held by value from being scalars.
        let added = opaque + if lacking { 2 } else { 0 };
        assert_eq!(split.own_count(), types + added, "{name}");
        let demo = split.own().find(|(_, own)| own.name == b"btfreloc_demo");
        assert!(demo.is_some(), "{name}");
    }
}

#[test]
fn a_stream_gets_the_same() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let output = text(&folder("relocate-stream").join("btf"));
    run(&["relocate", &demo, "--against", &vmlinux(), "-o", &output]);
    let stream = run(&["relocate", &demo, "--against", &vmlinux(), "-o", "-"]);
    assert_eq!(stream.status, 0);
    assert_eq!(stream.out, fs::read(&output).unwrap());
}

#[test]
fn what_is_left_alone_is_written_as_it_is() {
    let own = module("own/plain/vpoll.ko");
    let image = fs::read(&own).unwrap();
    let written = run(&["relocate", &text(&own), "--against", &vmlinux(), "-o", "-"]).out;
    assert!(image.windows(written.len()).any(|part| part == written));
    let base = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    assert!(Btf::split(&base, &written).is_ok());
}

#[test]
fn where_none_would_be_registered_none_is_written() {
    let folder = folder("relocate-none");
    let output = folder.join("btf");
    let cases = [
        ("broken/nobtf.ko", "", "no BTF"),
        (
            "broken/base_kind.ko",
            "",
            "dropped: malformed BTF: .BTF.base offset 32, type [1]: kind 63 is not known; build \
             the module again",
        ),
        (
            "distilled/btfreloc_demo.ko",
            "--strict",
            "left to the kernel: policy is strict: .BTF.base type [1] STRUCT cred_label: vmlinux has \
             no type of this name; rebuild it for this kernel, or load rust_btfreloc with policy=1",
        ),
    ];
    for (name, option, reason) in cases {
        let (module, vmlinux, output) = (text(&module(name)), vmlinux(), text(&output));
        let mut args = vec!["relocate", &module, "--against", &vmlinux, "-o", &output];
        args.extend(Some(option).filter(|option| !option.is_empty()));
        let run = run(&args);
        assert_eq!(
            run.err,
            format!("btfreloc: {module}: {vmlinux}: {reason}\n")
        );
        assert_eq!((run.status, run.text()), (1, ""));
    }
    assert!(!output.exists());
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let run = run(&[
        "relocate",
        &demo,
        "--against",
        &vmlinux(),
        "-o",
        "/nowhere/btf",
    ]);
    let error = "btfreloc: /nowhere/btf: No such file or directory (os error 2)\n";
    assert_eq!((&*run.err, run.status), (error, 2));
}

/// A kernel, and a module with `.BTF.inline`: of its functions one was inlined, and only there.
fn inlined(folder: &Path) -> (String, String) {
    let kernel = file(folder, "vmlinux", &small_kernel());
    let mut base = Builder::base();
    base.structure("gone", 8, &[]);
    let int = base.int("int", 4, 1);
    let mut split = Builder::split(&base);
    let pointer = split.ptr(1);
    let proto = split.func_proto(int, &[("gone", [pointer])]);
    let mut inline = Builder::split(&split);
    let func = inline.func("inlined", proto, 0);
    let param = inline.loc_param(8, 8, &[5]);
    let params = inline.loc_proto(&[param]);
    inline.locsec("inline.text", &[[func, params, 64]]);
    let sections = [
        (".BTF", &*split.bytes()),
        (".BTF.base", &*base.bytes()),
        (".BTF.inline", &*inline.bytes()),
    ];
    (kernel, file(folder, "module.ko", &elf(&sections)))
}

#[test]
fn inlined_functions_are_those_of_the_result() {
    let folder = folder("relocate-inline");
    let (kernel, module) = inlined(&folder);
    let [btf, inline] = ["btf", "inline"].map(|name| text(&folder.join(name)));
    #[rustfmt::skip]
    let args = ["relocate", &module, "--against", &kernel, "-o", &btf, "--inline", &inline];
    let run = run(&args);
    assert_eq!((run.status, run.text(), &*run.err), (0, "", ""));
    let read = |path: &str| fs::read(path).unwrap();
    let own = Model::base(&read(&kernel)).split(&read(&btf));
    let own = own.split(&read(&inline));
    let func = own.first_id;
    assert_eq!(own.get(func).name, "inlined");
    let proto = own.get(own.get(func).word);
    assert_eq!(own.words(proto)[1], Word::Name("gone".into()));
    let places = own.words(own.get(func + 3));
    assert_eq!(
        places[1..],
        [Word::Id(func), Word::Id(func + 2), Word::Plain(64)]
    );
}

#[test]
fn without_inlined_functions_none_are_written() {
    let folder = folder("relocate-no-inline");
    let kernel = file(&folder, "vmlinux", &small_kernel());
    let module = file(&folder, "module.ko", &elf(&[(".BTF", &small_kernel())]));
    let inline = text(&folder.join("inline"));
    #[rustfmt::skip]
    let args = ["relocate", &module, "--against", &kernel, "-o", "-", "--inline", &inline];
    let run = run(&args);
    let said = format!("btfreloc: {module}: {kernel}: no .BTF.inline\n");
    assert_eq!((run.status, &*run.err), (1, &*said));
    assert!(!folder.join("inline").exists());
}

/// One decision: what cannot be handed to the kernel where the module loads is left to it.
#[test]
fn inlined_functions_are_left_to_a_kernel_that_reads_them() {
    let folder = folder("check-inline");
    let (kernel, module) = inlined(&folder);
    let verdict = |kernel: &str| {
        let run = run(&["check", &module, "--against", kernel]);
        run.text().split(": ").nth(2).map(str::to_owned)
    };
    assert_eq!(verdict(&kernel), Some("relocates with opaque types".into()));
    let reads = |types: &[(&str, u32)]| {
        let mut b = Builder::base();
        let int = b.int("int", 4, 1);
        for (name, size) in types {
            b.structure(name, *size, &[]);
        }
        b.structure("module", 4, &[("btf_inline_data", [int, 0])]);
        file(&folder, "reads", &b.bytes())
    };
    // Of what has no match the kernel would refuse the module.
    assert_eq!(verdict(&reads(&[])), Some("dropped".into()));
    assert_eq!(
        verdict(&reads(&[("gone", 8)])),
        Some("left to the kernel".into())
    );
}

#[test]
fn inlined_functions_are_shown() {
    let (_, module) = inlined(&folder("inspect-inline"));
    let run = run(&["inspect", &module]);
    let shown = "  .BTF.inline: 116 bytes: header 24, types 72, strings 20\n    \
                 4 types: 1 FUNC, 1 LOCSEC, 1 LOC_PARAM, 1 LOC_PROTO\n";
    assert!(run.text().contains(shown), "{}", run.text());
}
