// SPDX-License-Identifier: GPL-2.0

//! `btfreloc check` and `btfreloc status` of plain split BTF of another build, where the vmlinux BTF of that build
//! is at hand.

mod common;
mod machine;
mod schema;

use std::fs;
use std::process::Command;

use common::{boot, built_for, file, folder, module, release, run, running, text, Run};
use machine::Machine;
use schema::valid;
use serde_json::Value;

/// What is said of vpoll as it is repaired, after the verdict.
const FIGURES: &str = "1018 types, 272 base types mapped, 0 opaque";

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

fn vpoll() -> String {
    text(&module("plain/vpoll.ko"))
}

/// The kernel that the plain test modules were built for.
fn elder() -> String {
    text(&boot(&built_for(), "vmlinux.btf"))
}

fn check(args: &[&str]) -> Run {
    run(&[&["check", &vpoll(), "--against", &vmlinux()][..], args].concat())
}

/// The only result.
fn result(run: &Run) -> Value {
    let json = valid(run);
    assert_eq!(json["results"].as_array().unwrap().len(), 1);
    json["results"][0].clone()
}

/// A machine with the newest kernel, vpoll, and the base as this file below /lib/firmware.
fn machine(test: &str, base: &str) -> Machine {
    let mut machine = Machine::new(test);
    machine.boot(&boot(&running(), "vmlinux.btf"));
    machine.install_file("vpoll.ko", &module("plain/vpoll.ko"));
    machine.put(format!("lib/firmware/{base}"), fs::read(elder()).unwrap());
    machine
}

#[test]
fn a_base_that_is_named_repairs_stale_btf() {
    let without = check(&[]);
    assert!(without.text().contains(": dropped: "), "{without:?}");
    let with = check(&["--base", &elder()]);
    assert_eq!((with.status, &*with.err), (0, ""));
    let said = format!("relocates exactly: {FIGURES}");
    assert!(with.text().contains(&said), "{with:?}");
    let end = format!(
        "; by way of {}; the kernel alone refuses the module\n",
        elder()
    );
    let lines: Vec<_> = with.text().lines().collect();
    assert!(
        lines[0].contains(end.trim_end().split("; the").next().unwrap()),
        "{with:?}"
    );

    let row = result(&check(&["--base", &elder(), "--format", "json"]));
    assert_eq!(
        (&row["outcome"], &row["supplied"]),
        (&"exact".into(), &elder().into())
    );
    // Where it is the first of its release.
    let log = format!(
        "BTF relocated by way of firmware btfreloc/{}.btf: {FIGURES}",
        running()
    );
    assert!(row["log"].as_str().unwrap().starts_with(&log), "{row}");
    assert_eq!(row["kernel_alone"]["answer"], "refuses");
}

/// What is foretold is what `relocate --in-place` makes by way of the same base.
#[test]
fn it_is_what_is_written_in_place() {
    let folder = folder("check-bases-written");
    let copy = file(&folder, "vpoll.ko", &fs::read(vpoll()).unwrap());
    let (vmlinux, elder) = (vmlinux(), elder());
    let args = ["relocate", "--in-place", &copy, "--against", &vmlinux];
    let args = [&args[..], &["--base", &elder, "--format", "json"]].concat();
    let written = result(&run(&args))["verdict"].clone();
    let foretold = result(&check(&["--base", &elder, "--format", "json"]));
    for name in ["outcome", "relocation", "supplied"] {
        assert_eq!(written[name], foretold[name], "{name}");
    }
}

#[test]
fn of_several_the_one_that_fits_is_taken() {
    let third = text(&boot(&release("RUNNING2"), "vmlinux.btf"));
    let several = ["--base", &third, "--base", &elder(), "--format", "json"];
    let row = result(&check(&several));
    assert_eq!(row["supplied"], elder());
    let second = format!("btfreloc/{}.1.btf", running());
    assert!(row["log"].as_str().unwrap().contains(&second), "{row}");

    let wrong = check(&["--base", &third]);
    let words = format!("dropped: {third} is not the kernel that it was built for: ");
    assert!(wrong.text().contains(&words), "{wrong:?}");
    // In the log it has the name of its file.
    let row = result(&check(&["--base", &third, "--format", "json"]));
    let log = format!(
        "BTF dropped: firmware btfreloc/{}.btf is not the vmlinux BTF",
        running()
    );
    assert!(row["log"].as_str().unwrap().starts_with(&log), "{row}");

    let nine: Vec<_> = ["--base", &*third].repeat(9);
    let words = "btfreloc: --base is given 9 times: rust_btfreloc looks at 8 builds of a release\n";
    let in_place = ["relocate", "--in-place", &vpoll(), "--against", &vmlinux()];
    let in_place = run(&[&in_place[..], &["--dry-run"], &nine].concat());
    for many in [check(&nine), in_place] {
        assert_eq!((many.status, &*many.err), (2, words));
    }
}

#[test]
fn each_type_of_a_repaired_module_is_explained() {
    let run = check(&["--base", &elder(), "--explain", "--format", "json"]);
    let types = result(&run)["relocation"]["base_types"].clone();
    let types = types.as_array().unwrap();
    assert_eq!(types.len(), 272);
    for base_type in types {
        assert!(
            base_type["candidates"]
                .as_array()
                .is_some_and(|found| !found.is_empty()),
            "{base_type}"
        );
        // The kernel has no such base to look at.
        assert_eq!(base_type["kernel_alone"], Value::Null);
    }
}

/// Of the running kernel it is known what is at hand.
#[test]
fn what_is_installed_is_found_where_the_firmware_loader_looks() {
    let name = format!("btfreloc/{}.btf", running());
    for (test, base) in [
        ("check-bases-plain", name.clone()),
        ("check-bases-updates", format!("updates/{name}")),
        ("check-bases-release", format!("7.3.4-test/{name}")),
    ] {
        let machine = machine(test, &base);
        let found = result(&machine.run(&["check", "vpoll", "--format", "json"], "80"));
        let path = machine.root.join("lib/firmware").join(&base);
        assert_eq!(found["supplied"], text(&path), "{found}");
        let said = machine.run(&["status", "vpoll", "--format", "json"], "80");
        let row = result(&said);
        let would = format!("relocated by way of firmware {name}: {FIGURES}");
        let found = row["with_rust_btfreloc"].as_str().unwrap();
        assert!(found.starts_with(&would), "{row}");
        // It is not loaded, and will be valid.
        assert_eq!(
            (&row["state"], said.status),
            (&"not-loaded".into(), 0),
            "{row}"
        );
    }
}

#[test]
fn a_folder_of_the_operators_and_compressed_files_are_read() {
    let name = format!("btfreloc/{}.btf", running());
    let machine = machine("check-bases-own", "unused");
    let folder = machine.root.join("own/btfreloc");
    fs::create_dir_all(&folder).unwrap();
    machine.put("sys/module/firmware_class/parameters/path", "/own\n");
    let to = folder.join(format!("{}.btf.zst", running()));
    let packed = Command::new("zstd")
        .args(["-q", &elder(), "-o"])
        .arg(&to)
        .status();
    assert!(packed.unwrap().success());
    let found = result(&machine.run(&["check", "vpoll", "--format", "json"], "80"));
    assert_eq!(found["supplied"], text(&to));
    // What cannot be unpacked is passed over, and reported where it is in the last folder.
    fs::write(&to, "damaged").unwrap();
    let run = machine.run(&["check", "vpoll"], "80");
    assert!(
        run.text().contains("; rebuild it with .BTF.base, or put "),
        "{run:?}"
    );
    machine.put(format!("lib/firmware/{name}.zst"), "damaged");
    let run = machine.run(&["check", "vpoll"], "80");
    let words = format!(": dropped: firmware {name} is no file, empty, or compressed in a way");
    assert!(run.text().contains(&words), "{run:?}");
}

/// Without a base at hand the words of the kernel module say where it belongs.
#[test]
fn without_one_it_is_said_where_it_belongs() {
    let machine = machine("check-bases-none", "unused");
    let run = machine.run(&["check", "vpoll"], "80");
    let words = format!(
        "or put the vmlinux BTF of {0} at /lib/firmware/btfreloc/{0}.btf",
        running()
    );
    assert!(run.text().contains(&words), "{run:?}");
}
