// SPDX-License-Identifier: GPL-2.0

//! What is said in advance of a module's table of function addresses, for each that becomes of its BTF.

mod common;

use std::path::Path;

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::invent::invent;
use rust_btfreloc::btf::Form;
use rust_btfreloc::reloc::funcs::{header, FuncFlags, FuncRecord};
use serde_json::{json, Value};

use common::{elf, file, folder, run};

fn table(type_ids: &[u32]) -> Vec<u8> {
    let record = |type_id: &u32| FuncRecord {
        type_id: *type_id,
        flags: FuncFlags::SAME_NAMED,
        addr: 0,
    };
    let mut bytes = header(type_ids.len() as u32).to_vec();
    bytes.extend(type_ids.iter().flat_map(|id| record(id).bytes()));
    bytes
}

/// The module's sections, `.BTF.funcs` last.
fn module(folder: &Path, btf: &[(&str, &[u8])], funcs: &[u8], edit: impl Fn(&mut [u8])) -> String {
    let sections = [btf, &[(".BTF.funcs", funcs)]].concat();
    let mut image = elf(&sections);
    let headers = u64::from_ne_bytes(image[40..48].try_into().unwrap()) as usize;
    let header = &mut image[headers + 64 * sections.len()..][..64];
    // SHF_ALLOC
    header[8] = 2;
    edit(header);
    file(folder, "module.ko", &image)
}

fn vmlinux() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    b.structure("task", 4, &[("pid", [int, 0])]);
    b
}

/// A module's own types, on a base with an INT of id 1: its FUNCs, two, and a struct before them.
fn own(b: &mut Builder) -> u32 {
    let own = b.structure("own", 4, &[("x", [1, 0])]);
    let ptr = b.ptr(own);
    let proto = b.func_proto(1, &[("own", [ptr])]);
    b.func("show", proto, 0);
    b.func("store", proto, 0)
}

fn checked(folder: &Path, module: &str, strict: bool) -> (String, Value) {
    let kernel = file(folder, "vmlinux.btf", &vmlinux().bytes());
    let strict = if strict { "--strict" } else { "--quiet" };
    let text = run(&["check", strict, module, "--against", &kernel]);
    assert_eq!(text.err, "");
    let text = match strict {
        // What is clean is not printed.
        "--quiet" => run(&["check", module, "--against", &kernel]),
        _ => text,
    };
    let args = [
        "check",
        strict,
        "--format",
        "json",
        module,
        "--against",
        &kernel,
    ];
    (
        text.text().to_owned(),
        run(&args).json()["results"][0].clone(),
    )
}

const SHOWN: &str = "\n    3 function addresses are shown\n";

#[test]
fn plain_btf_that_fits() {
    let folder = folder("funcs-plain");
    let mut split = Builder::split(&vmlinux());
    let last = own(&mut split);
    let funcs = table(&[last - 1, last - 1, last]);
    let path = module(&folder, &[(".BTF", &split.bytes())], &funcs, |_| ());
    let (text, row) = checked(&folder, &path, false);
    assert!(text.contains(SHOWN), "{text}");
    assert_eq!(row["outcome"], "left-alone");
    assert_eq!(row["funcs"], json!({"shown": 3}));
}

#[test]
fn distilled_btf_whose_ids_become_others() {
    let folder = folder("funcs-distilled");
    let mut base = Builder::base();
    base.int("int", 4, SIGNED);
    base.structure("gone", 8, &[]);
    let mut split = Builder::split(&base);
    split.ptr(2);
    let last = own(&mut split);
    let funcs = table(&[last - 1, last - 1, last]);
    let (btf, base) = (split.bytes(), base.bytes());
    let btf = [(".BTF", &btf[..]), (".BTF.base", &base[..])];
    let path = module(&folder, &btf, &funcs, |_| ());
    let (text, row) = checked(&folder, &path, false);
    assert!(text.contains(SHOWN), "{text}");
    assert_eq!(row["outcome"], "opaque");
    assert_eq!(row["funcs"], json!({"shown": 3}));
    // What is left to the kernel may be refused by it, and its ids are those that it gives.
    let (text, row) = checked(&folder, &path, true);
    assert!(!text.contains("function address"), "{text}");
    assert_eq!(row["outcome"], "left-to-kernel");
    assert_eq!(row["funcs"], Value::Null);
}

#[test]
fn standalone_btf() {
    let folder = folder("funcs-standalone");
    let mut alone = Builder::base();
    alone.int("int", 4, SIGNED);
    let last = own(&mut alone);
    let funcs = table(&[last - 1, last - 1, last]);
    let path = module(&folder, &[(".BTF", &alone.bytes())], &funcs, |_| ());
    let (text, row) = checked(&folder, &path, false);
    assert!(text.contains(SHOWN), "{text}");
    assert_eq!(
        (&row["outcome"], &row["funcs"]),
        (&json!("exact"), &json!({"shown": 3}))
    );
}

#[test]
fn btf_without_types_of_unknown_kinds() {
    let folder = folder("funcs-reduced");
    let mut split = Builder::split(&vmlinux());
    let last = own(&mut split);
    let btf = invent(&split.bytes(), Form::Split, true, |place, _| place == 0);
    let path = module(&folder, &[(".BTF", &btf)], &table(&[last]), |_| ());
    let (text, row) = checked(&folder, &path, false);
    assert!(
        text.contains("\n    1 function address is shown\n"),
        "{text}"
    );
    assert_eq!(
        (&row["outcome"], &row["funcs"]),
        (&json!("reduced"), &json!({"shown": 1}))
    );
}

#[test]
fn the_table_goes_with_the_btf() {
    let folder = folder("funcs-dropped");
    // Split BTF of another kernel, with a FUNC where there is an INT.
    let mut other = vmlinux();
    other.ptr(1);
    let mut split = Builder::split(&other);
    let last = own(&mut split);
    let path = module(
        &folder,
        &[(".BTF", &split.bytes())],
        &table(&[last]),
        |_| (),
    );
    let (text, row) = checked(&folder, &path, false);
    assert_eq!(
        (&row["outcome"], &row["funcs"]),
        (&json!("dropped"), &Value::Null)
    );
    assert!(!text.contains("function address"), "{text}");
}

/// A module whose BTF fits, with a table that is refused.
fn refused(name: &str, funcs: &[u8], edit: impl Fn(&mut [u8])) -> String {
    let folder = folder(name);
    let mut split = Builder::split(&vmlinux());
    own(&mut split);
    let path = module(&folder, &[(".BTF", &split.bytes())], funcs, edit);
    let (text, row) = checked(&folder, &path, false);
    // It costs the module nothing else.
    assert_eq!(row["outcome"], "left-alone");
    let why = row["funcs"]["refused"].as_str().unwrap().to_owned();
    let line = format!("\n    function addresses are not shown: {why}\n");
    assert!(text.contains(&line), "{text}");
    why
}

#[test]
fn what_the_loader_does_not_fill_in_is_refused() {
    let funcs = table(&[6]);
    assert_eq!(
        refused("funcs-not-allocated", &funcs, |header| header[8] = 0),
        ".BTF.funcs offset 0: the section is not allocated, so that the kernel fills in no address"
    );
    assert_eq!(
        refused("funcs-misaligned", &funcs, |header| header[16] = 4),
        ".BTF.funcs offset 0: the section is not at a multiple of 8 bytes"
    );
    assert_eq!(
        refused("funcs-no-data", &funcs, |header| header[4] = 8),
        ".BTF.funcs offset 0: the section has no bytes in the file"
    );
}

#[test]
fn what_does_not_hold_is_refused() {
    assert_eq!(
        refused("funcs-not-func", &table(&[3]), |_| ()),
        ".BTF.funcs offset 16: id 3 is a STRUCT, not a FUNC"
    );
    assert_eq!(
        refused("funcs-not-own", &table(&[7, 1]), |_| ()),
        ".BTF.funcs offset 32: id 1 is no type of this module"
    );
    assert_eq!(
        refused("funcs-short", b"\x9f\xfb", |_| ()),
        ".BTF.funcs offset 0: 2 bytes are no header"
    );
}

#[test]
fn a_module_without_types_has_no_functions() {
    let folder = folder("funcs-no-types");
    let empty = Builder::split(&vmlinux()).bytes();
    let path = module(&folder, &[(".BTF", &empty)], &table(&[3]), |_| ());
    let (_, row) = checked(&folder, &path, true);
    assert_eq!(
        row["funcs"]["refused"],
        ".BTF.funcs offset 16: id 3 is no type of this module"
    );
}
