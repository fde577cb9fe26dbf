// SPDX-License-Identifier: GPL-2.0

//! What is printed for programs is what `docs/btfreloc.schema.json` and `docs/json.md` say, and has all
//! that they name.

mod common;
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use common::{
    boot, built_for, elf, file, folder, module, program, release, run, running, stock, text,
};
use rust_btfreloc::reloc::funcs;
use schema::{docs, schema, valid};
use serde_json::{json, Value};

/// Runs a command, and adds to `seen` the names that are in what it prints, which is valid.
fn hold(args: &[&str], seen: &mut BTreeSet<String>) -> Value {
    let run = run(&[args, &["--format", "json"]].concat());
    let printed = valid(&run);
    let command = match args[..2] {
        ["funcs", "add"] => "funcs-add",
        _ => args[0],
    };
    assert_eq!(printed["command"], command);
    // Nothing is in one of the two only.
    let is_error = |line: &&str| !line.contains(": warning: ") && !line.contains(": note: ");
    let complaints = run.err.lines().filter(is_error);
    assert_eq!(
        complaints.count(),
        printed["errors"].as_array().unwrap().len(),
        "{}",
        run.err
    );
    names(&printed, seen);
    printed
}

/// The names of the values in `json`.
fn names(json: &Value, seen: &mut BTreeSet<String>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| names(item, seen)),
        Value::Object(entries) => {
            for (name, value) in entries {
                seen.insert(name.clone());
                names(value, seen);
            }
        }
        _ => {}
    }
}

/// The names that the schema allows.
fn allowed(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| allowed(item, found)),
        Value::Object(entries) => {
            if let Some(Value::Object(properties)) = entries.get("properties") {
                found.extend(properties.keys().cloned());
            }
            entries.values().for_each(|value| allowed(value, found));
        }
        _ => {}
    }
}

/// All test modules of the newest kernel, and some that no build makes.
fn modules(test: &str) -> [PathBuf; 2] {
    let built = module("work").parent().unwrap().to_owned();
    let folder = folder(test);
    file(&folder, "stripped.ko", &elf(&[(".BTF_ids", &[1, 0, 0, 0])]));
    // A table of functions of a version that is not known.
    let mut twins = fs::read(module("funcs/own/plain/btfreloc_twins.ko")).unwrap();
    let mut parts = twins.windows(4);
    let at = parts.position(|part| part == &funcs::header(0)[..4]);
    twins[at.unwrap() + 2] = 2;
    file(&folder, "refused.ko", &twins);
    [built, folder]
}

#[test]
fn each_command_prints_what_is_documented() {
    let mut seen = BTreeSet::new();
    let (vmlinux, old) = (
        boot(&running(), "vmlinux.btf"),
        boot(&release("RUNNING2"), "vmlinuz"),
    );
    let (vmlinux, old) = (text(&vmlinux), text(&old));
    let [built, odd] = modules("json-modules").map(|folder| text(&folder));
    let two = [
        &*built,
        "/no/such/module.ko",
        "--against",
        &vmlinux,
        "--against",
        &old,
    ];
    let check = hold(&[&["check"][..], &two].concat(), &mut seen);
    assert_eq!(
        check["kernels"][0],
        json!({ "kernel": vmlinux, "release": null })
    );
    assert_eq!(check["kernels"][1]["release"], release("RUNNING2"));
    hold(
        &[
            "check",
            "--explain",
            "--strict",
            &built,
            &odd,
            "--against",
            &vmlinux,
        ],
        &mut seen,
    );

    let (plain, elder) = (
        text(&module("plain/vpoll.ko")),
        boot(&built_for(), "vmlinux.btf"),
    );
    let base = ["--base", &*text(&elder), "--against", &*vmlinux];
    hold(&[&["check", &*plain][..], &base].concat(), &mut seen);

    hold(
        &[
            "inspect",
            &built,
            &odd,
            "/no/such/module.ko",
            "--against",
            &vmlinux,
        ],
        &mut seen,
    );

    let resolved = folder("json-resolved");
    for name in [
        "own/distilled/btfreloc_demo.ko",
        "own/plain/btfreloc_demo.ko",
        "broken/nobtf.ko",
    ] {
        let to = resolved.join(name.replace('/', "-"));
        fs::copy(module(name), to).unwrap();
    }
    // One that asks for a type that is not there.
    let mut bytes = fs::read(module("own/distilled/btfreloc_demo.ko")).unwrap();
    let name = b"__BTF_ID__struct__task_struct__";
    let mut parts = bytes.windows(name.len());
    let at = parts.position(|part| part == name).unwrap();
    bytes[at + name.len() - 3] = b'x';
    file(&resolved, "missing.ko", &bytes);
    hold(
        &["resolve-ids", &text(&resolved), "--base", &vmlinux],
        &mut seen,
    );

    hold(
        &[
            "relocate",
            "--in-place",
            "--dry-run",
            "--backup",
            &built,
            "/no/such/module.ko",
            "--against",
            &vmlinux,
        ],
        &mut seen,
    );

    written(&vmlinux, &mut seen);

    let few = text(&stock(&release("RUNNING2")).join("kernel/crypto"));
    let new = text(&boot(&running(), "vmlinuz"));
    hold(&["diff", &old, &new, &few, "/no/such/module.ko"], &mut seen);

    let twins = text(&module("funcs/own/plain/btfreloc_twins.ko"));
    let funcs = ["funcs", &*twins, "/no/such/module.ko", "--base", &vmlinux];
    hold(&funcs, &mut seen);

    let mut schema = schema();
    // Machines in all states are those of the tests of status, which hold it as well.
    let definitions = schema["$defs"].as_object_mut().unwrap();
    assert!(definitions.remove("status").is_some() && definitions.remove("loaded").is_some());
    let mut named = BTreeSet::new();
    allowed(&schema, &mut named);
    let unseen: Vec<_> = named.difference(&seen).collect();
    assert!(
        unseen.is_empty(),
        "documented, and never printed: {unseen:?}"
    );
}

/// Holds what those commands print that write.
fn written(vmlinux: &str, seen: &mut BTreeSet<String>) {
    let folder = folder("json-written");
    let copy = |from: &str, to: &str| {
        file(&folder, to, &fs::read(module(from)).unwrap());
    };
    copy("own/plain/btfreloc_demo.ko", "plain.ko");
    copy("own/distilled/btfreloc_demo.ko", "distilled.ko");
    let all = text(&folder);
    for command in [&["distill"][..], &["funcs", "add"]] {
        let args = [command, &[&all, "/no/such/module.ko", "--base", vmlinux]].concat();
        let printed = hold(&args, seen);
        assert_eq!(printed["results"].as_array().unwrap().len(), 2, "{printed}");
        // What has a base of its own needs no other.
        let kernels = printed["kernels"].as_array().unwrap();
        assert_eq!(kernels.is_empty(), command[0] == "funcs", "{printed}");
    }
    if cfg!(feature = "encode") {
        hold(&["encode", "--if-missing", &all], seen);
    }
    let firmware = text(&folder.join("firmware"));
    let named = ["--firmware", &*firmware, "--release", "1.2"];
    let printed = hold(&[&["extract", vmlinux][..], &named].concat(), seen);
    assert_eq!(printed["results"][0]["release"], "1.2");
    let (split, merged) = (text(&folder.join("split")), text(&folder.join("merged")));
    let wanted = text(&program("kinds"));
    let to = ["-o", &split, "--merged", &merged];
    let printed = hold(
        &[&["min-core", &wanted, "--base", vmlinux][..], &to].concat(),
        seen,
    );
    assert_eq!(printed["results"][0]["of"], "vmlinux");
}

#[test]
fn the_page_names_all_that_is_in_the_schema() {
    let (page, mut named) = (docs("json.md"), BTreeSet::new());
    allowed(&schema(), &mut named);
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/json.md: {missing:?}");
}

#[test]
fn the_schema_takes_nothing_else() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let run = run(&["inspect", &vmlinux, "--format", "json"]);
    let right = run.json();
    assert!(validator.is_valid(&right));
    for (pointer, wrong) in [
        ("", json!({ "more": 1 })),
        ("/results/0", json!({ "more": 1 })),
        ("", json!({ "schema": 2 })),
        ("", json!({ "command": "check" })),
        ("", json!({ "errors": [1] })),
        ("/results/0", json!({ "size": "1" })),
    ] {
        let mut changed = right.clone();
        let at = changed
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap();
        at.extend(wrong.as_object().unwrap().clone());
        assert!(!validator.is_valid(&changed), "{wrong}");
    }
}
