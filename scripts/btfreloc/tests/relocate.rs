// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate`: what is written is what the kernel would register.

mod common;

use std::fs;

use btfreloc_selftests::peer::Btf;
use common::{boot, folder, module, run, running, text};

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

#[test]
fn the_result_is_split_btf_on_the_kernel() {
    let output = text(&folder("relocate-file").join("btf"));
    let base = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    for (name, types) in [
        ("own/distilled/btfreloc_demo.ko", 40),
        ("distilled/btfreloc_demo.ko", 34),
    ] {
        let module = text(&module(name));
        let run = run(&["relocate", &module, "--against", &vmlinux(), "-o", &output]);
        assert_eq!((run.status, run.text(), &*run.err), (0, "", ""));
        // Read by libbpf, which is what bpftool reads it with.
        let written = fs::read(&output).unwrap();
        let split = Btf::split(&base, &written).expect("libbpf takes it");
        assert_eq!(split.own_count(), types);
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
