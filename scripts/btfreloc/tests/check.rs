// SPDX-License-Identifier: GPL-2.0

//! `btfreloc check` on the modules of the kit.

mod common;
#[path = "../../../selftests/host/tests/image/mod.rs"]
#[allow(dead_code)]
mod image;

use std::path::Path;

use btfreloc_selftests::builder::Builder;
use common::{boot, built_for, elf, file, folder, module, run, running, small_kernel, stock, text};
use serde_json::{json, Value};

fn vmlinuz() -> String {
    text(&boot(&running(), "vmlinuz"))
}

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

#[test]
fn a_distilled_module_relocates_exactly() {
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let run = run(&["check", &demo, "--against", &vmlinuz()]);
    let line = format!("{demo}: {}: relocates exactly: 61 types, ", running());
    assert!(run.text().starts_with(&line), "{}", run.text());
    assert!(
        run.text().ends_with("; the kernel alone accepts it\n"),
        "{}",
        run.text()
    );
    assert_eq!((run.status, &*run.err), (0, ""));
}

#[test]
fn the_kernels_image_and_its_raw_btf_are_one() {
    let modules = ["own/distilled", "own/plain", "distilled", "plain", "broken"].map(module);
    let modules = modules.map(|path| text(&path));
    let rows = |kernel: String| {
        let mut args = vec!["check", "--format", "json"];
        args.extend(modules.iter().map(String::as_str));
        args.extend(["--explain", "--against", &kernel]);
        let mut json = run(&args).json();
        json["kernels"].take();
        for row in json["results"].as_array_mut().unwrap() {
            assert_eq!(row["kernel"], *kernel);
            row["kernel"] = Value::Null;
            // Only the image says which release it is of, so that another build of it is known as one.
            let reason = row["reason"].as_str().unwrap_or_default();
            let stale = ["made with another build of ", "not for this kernel: "];
            if stale.iter().any(|start| reason.starts_with(start)) {
                (row["reason"], row["log"]) = (Value::Null, Value::Null);
            }
        }
        json
    };
    assert_eq!(rows(vmlinuz()), rows(vmlinux()));
}

#[test]
fn opaque_types_are_named_with_their_reason() {
    let demo = text(&module("distilled/btfreloc_demo.ko"));
    let run = run(&["check", &demo, "--against", &vmlinux()]);
    assert_eq!((run.status, &*run.err), (1, ""));
    let out = run.text();
    assert!(
        out.contains(": relocates with opaque types: 51 types, "),
        "{out}"
    );
    let why = "    .BTF.base type [1] STRUCT cred_label: vmlinux has no type of this name\n";
    assert!(out.contains(why), "{out}");
    let alone = "    the kernel alone refuses the module: .BTF.base type [1] STRUCT cred_label: none matches\n";
    assert!(out.ends_with(alone), "{out}");
}

#[test]
fn the_reason_of_what_is_dropped_is_reported_once() {
    let name = text(&module("broken/base_kind.ko"));
    let run = run(&["check", &name, "--against", &vmlinux()]);
    let verdict = "dropped: malformed BTF: .BTF.base offset 32, type [1]: kind 63 is not known; \
                   build the module again";
    let line = format!(
        "{name}: {}: {verdict}; the kernel alone refuses the module\n",
        vmlinux()
    );
    assert_eq!((run.text(), run.status, &*run.err), (&*line, 1, ""));
}

#[test]
fn stale_btf_is_dropped_and_its_own_is_left_alone() {
    let [stale, own] = ["plain", "own/plain"].map(|folder| {
        let module = text(&module(&format!("{folder}/acpi_call.ko")));
        run(&["check", &module, "--against", &vmlinux()])
    });
    assert!(
        stale
            .text()
            .contains(": dropped: not for this kernel: .BTF offset "),
        "{stale:?}"
    );
    assert!(
        stale
            .text()
            .contains("; rebuild it with .BTF.base, or put the vmlinux BTF of "),
        "{stale:?}"
    );
    assert_eq!((stale.status, &*stale.err), (1, ""));
    assert!(own.text().ends_with(": left alone\n"), "{own:?}");
    assert_eq!((own.status, &*own.err), (0, ""));
}

/// The kernel follows no reference when it takes BTF, and maps a struct to what has its name.
#[test]
fn what_the_kernel_alone_accepts_and_misreads_is_called_that() {
    let folder = folder("check-misread");
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, 1);
    vmlinux.union("task", 4, &[("pid", [int, 0])]);
    let kernel = file(&folder, "vmlinux.btf", &vmlinux.bytes());
    let mut stale = Builder::split(&vmlinux);
    stale.func("work", int, 1);
    let mut base = Builder::base();
    base.structure("task", 4, &[]);
    let mut distilled = Builder::split(&base);
    distilled.ptr(1);
    let (stale, base, distilled) = (stale.bytes(), base.bytes(), distilled.bytes());
    let modules = [
        (elf(&[(".BTF", &stale)]), "dropped"),
        (
            elf(&[(".BTF", &distilled), (".BTF.base", &base)]),
            "relocates with opaque types",
        ),
    ];
    for (image, verdict) in modules {
        let module = file(&folder, "module.ko", &image);
        let done = run(&["check", &module, "--against", &kernel]);
        let line = done.text().lines().next().unwrap();
        assert!(line.contains(&format!(": {verdict}: ")), "{line}");
        assert!(
            line.ends_with("; the kernel alone accepts it and misreads it"),
            "{line}"
        );
        let json = run(&["check", "--format", "json", &module, "--against", &kernel]).json();
        assert_eq!(json["results"][0]["kernel_alone"]["answer"], "misreads");
        let page = run(&["check", &module, "--against", &kernel, "--matrix", "-"]);
        assert!(page.text().contains("<small>kernel misreads</small>"));
    }
}

#[test]
fn without_btf_is_clean_unless_strict() {
    let nobtf = text(&module("broken/nobtf.ko"));
    let args = ["check", &nobtf, "--against", &vmlinux(), "--strict"];
    let line = format!("{nobtf}: {}: no BTF\n", vmlinux());
    let lax = run(&args[..4]);
    assert_eq!((lax.text(), lax.status), (&*line, 0));
    let strict = run(&args);
    assert_eq!((strict.text(), strict.status), (&*line, 1));
}

/// As kbuild makes it for a module that is all Rust, and one that is all data.
#[test]
fn btf_without_types_is_as_good_as_none() {
    let header = |strings: u32| {
        let mut btf = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, 0, 0, strings] {
            btf.extend(u32::to_le_bytes(word));
        }
        btf.resize(24 + strings as usize, 0);
        btf
    };
    let (split, base) = (header(0), header(1));
    let folder = folder("check-no-types");
    for sections in [
        &[(".BTF", &*split)][..],
        &[(".BTF", &*split), (".BTF.base", &*base)],
    ] {
        let name = file(&folder, "rust.ko", &elf(sections));
        let args = ["check", &name, "--against", &vmlinux(), "--strict"];
        let lax = run(&args[..4]);
        let verdict = "no BTF: it describes no type, and some programs fail to read such BTF; \
                       the kernel alone accepts it";
        let line = format!("{name}: {}: {verdict}\n", vmlinux());
        assert_eq!((lax.text(), lax.status), (&*line, 0));
        let strict = run(&args);
        let line = format!("{name}: {}: left alone\n", vmlinux());
        assert_eq!((strict.text(), strict.status), (&*line, 0));
    }
}

#[test]
fn strict_leaves_to_the_kernel_what_has_no_match() {
    let demo = text(&module("distilled/btfreloc_demo.ko"));
    let run = run(&["check", "--strict", &demo, "--against", &vmlinux()]);
    let why = ": left to the kernel: policy is strict: .BTF.base type [1] STRUCT cred_label: \
               vmlinux has no type of this name; rebuild it for this kernel, or load \
               rust_btfreloc with policy=1\n";
    assert!(run.text().contains(why), "{}", run.text());
    assert_eq!(run.status, 1);
}

#[test]
fn quiet_shows_the_findings_and_the_count() {
    let names = ["own/distilled/btfreloc_demo.ko", "broken/base_kind.ko"];
    let paths = names.map(|name| text(&module(name)));
    let run = run(&["check", "-q", &paths[0], &paths[1], "--against", &vmlinux()]);
    let [head, group, .., count] = &*run.text().lines().collect::<Vec<_>>() else {
        panic!("{run:?}");
    };
    assert_eq!(*head, format!("{}: 2 modules", vmlinux()));
    assert_eq!(
        *group,
        "      1  dropped; the kernel alone refuses the module"
    );
    assert_eq!(*count, "2 checked: 1 exact, 1 dropped");
    assert_eq!(run.status, 1);
}

#[test]
fn json_has_every_pair_with_its_figures() {
    let demo = text(&module("distilled/btfreloc_demo.ko"));
    let broken = text(&module("broken/base_kind.ko"));
    let own = text(&boot(&built_for(), "vmlinux.btf"));
    let args = [
        "check",
        "--format",
        "json",
        &demo,
        &broken,
        "--against",
        &vmlinux(),
        "--against",
        &own,
    ];
    let run = run(&args);
    let json = run.json();
    let pairs: Vec<_> = json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            [
                &row["module"],
                &row["kernel"],
                &row["outcome"],
                &row["kernel_alone"]["answer"],
            ]
        })
        .map(|row| row.map(|value| value.as_str().unwrap().to_owned()))
        .collect();
    let pair = |module: &str, kernel: &str, outcome: &str, alone: &str| {
        [module, kernel, outcome, alone].map(str::to_owned)
    };
    let expected = [
        pair(&demo, &vmlinux(), "opaque", "refuses"),
        pair(&demo, &own, "exact", "accepts"),
        pair(&broken, &vmlinux(), "dropped", "refuses"),
        pair(&broken, &own, "dropped", "refuses"),
    ];
    assert_eq!(pairs, expected);
    let relocation = &json["results"][0]["relocation"];
    assert_eq!(relocation["types"], 51);
    assert_eq!(
        relocation["opaque"],
        relocation["base_types"].as_array().unwrap().len()
    );
    let mut first = relocation["base_types"][0].clone();
    assert!(first["new_id"].take().is_u64());
    let expected = json!({
        "id": 1, "kind": "STRUCT", "name": "cred_label", "size": 16, "new_id": null,
        "opaque": "vmlinux has no type of this name",
        "text": ".BTF.base type [1] STRUCT cred_label: vmlinux has no type of this name",
    });
    assert_eq!(first, expected);
    let summary = json!({
        "checked": 4, "exact": 1, "opaque": 1, "conflicts": 0, "reduced": 0, "left_alone": 0,
        "dropped": 2, "left_to_kernel": 0, "no_btf": 0,
    });
    assert_eq!(json["summary"], summary);
    assert_eq!((json["errors"].clone(), run.status), (json!([]), 1));
}

#[test]
fn explained_types_are_all_there_and_agree_with_what_became_of_them() {
    let modules = ["distilled", "own/distilled"].map(|path| text(&module(path)));
    let args = [
        "check",
        "--explain",
        "--format",
        "json",
        &modules[0],
        &modules[1],
        "--against",
    ];
    let json = run(&[&args[..], &[&vmlinux()]].concat()).json();
    let rows = json["results"].as_array().unwrap();
    assert!(rows.len() > 10);
    for row in rows {
        let relocation = &row["relocation"];
        let types = relocation["base_types"].as_array().unwrap();
        let count = relocation["mapped"].as_u64().unwrap() + relocation["opaque"].as_u64().unwrap();
        assert_eq!(types.len() as u64, count);
        for base_type in types {
            let candidates = base_type["candidates"].as_array().unwrap();
            let taken = candidates
                .iter()
                .filter(|candidate| candidate["standing"] == "taken");
            let taken: Vec<_> = taken.map(|candidate| candidate["id"].clone()).collect();
            match &base_type["opaque"] {
                Value::Null => assert_eq!(taken, [base_type["new_id"].clone()], "{base_type}"),
                _ => assert!(taken.is_empty(), "{base_type}"),
            }
        }
    }
}

#[test]
fn explained_text_shows_the_candidates() {
    let demo = text(&module("distilled/btfreloc_demo.ko"));
    let run = run(&["check", "--explain", &demo, "--against", &vmlinux()]);
    let lines: Vec<_> = run.text().lines().collect();
    let at = lines
        .iter()
        .position(|line| line.starts_with("    [7] STRUCT mnt_pcp size 8 -> opaque ["));
    let candidate = lines[at.unwrap() + 1];
    assert!(candidate.starts_with("        vmlinux ["), "{candidate}");
    assert!(
        candidate.ends_with("] STRUCT size 12: another size"),
        "{candidate}"
    );
}

#[test]
fn a_folder_is_searched_and_every_stock_module_is_left_alone() {
    let folder = text(&stock(&running()).join("kernel/crypto"));
    let run = run(&["check", "-q", &folder, "--against", &vmlinux()]);
    let [count, rest] = *run.text().split(' ').take(2).collect::<Vec<_>>() else {
        panic!("{run:?}");
    };
    let count: u32 = count.parse().unwrap();
    assert!(count > 50, "{run:?}");
    assert_eq!(rest, "checked:");
    // Of a module without a function there is nothing to describe: kbuild gives it BTF without types.
    let empty = [0, 1].map(|empty| match empty {
        0 => format!("checked: {count} left alone\n"),
        _ => format!(
            "checked: {} left alone, {empty} without BTF\n",
            count - empty
        ),
    });
    assert!(
        empty.iter().any(|last| run.text().ends_with(last)),
        "{run:?}"
    );
    assert_eq!((run.status, &*run.err), (0, ""));
}

#[test]
fn what_cannot_be_read_is_reported_and_the_others_are_checked() {
    let folder = folder("check-unreadable");
    let bad = file(&folder, "bad.ko", b"\x7fEL");
    let demo = text(&module("own/distilled/btfreloc_demo.ko"));
    let run = run(&[
        "check",
        &bad,
        &demo,
        "/nowhere/x.ko",
        "--against",
        &vmlinux(),
    ]);
    let errors = format!(
        "btfreloc: {bad}: neither ELF nor BTF: it has only 3 bytes\n\
         btfreloc: /nowhere/x.ko: No such file or directory (os error 2)\n"
    );
    assert_eq!(run.err, errors);
    assert!(run.text().contains(": relocates exactly: "), "{run:?}");
    assert_eq!(run.status, 2);
}

/// A kernel, and a distilled module's `.BTF` and `.BTF.base`, of which the kernel lacks a struct
/// where `lacking`.
fn distilled(folder: &Path, lacking: bool) -> (String, Vec<u8>, Vec<u8>) {
    let kernel = file(folder, "vmlinux", &small_kernel());
    let mut base = btfreloc_selftests::builder::Builder::base();
    let int = base.int("int", 4, 1);
    if lacking {
        base.structure("gone", 4, &[]);
    }
    let mut split = btfreloc_selftests::builder::Builder::split(&base);
    split.typedef("number", int);
    (kernel, split.bytes(), base.bytes())
}

/// The verdict on a module and a kernel without their names, and the tool's status.
fn verdict(module: &str, kernel: &str) -> (String, i32) {
    let run = run(&["check", module, "--against", kernel]);
    let names = format!("{module}: {kernel}: ");
    assert!(run.text().starts_with(&names), "{run:?}");
    (run.text()[names.len()..].to_owned(), run.status)
}

/// The verdict on the module of [`distilled`], whose `.BTF_ids` is a word that a symbol of this name
/// stands at, with the kernel of [`distilled`].
fn with_symbol(test: &str, lacking: bool, symbol: &'static str) -> String {
    let folder = folder(test);
    let (kernel, split, base) = distilled(&folder, lacking);
    let [symtab, strtab] = image::symbols(4, &[(symbol, 3, 0, 4)]);
    let sections = [
        image::section(".BTF", &split),
        image::section(".BTF.base", &base),
        image::section(".BTF_ids", &[9, 0, 0, 0]),
        symtab,
        strtab,
    ];
    let module = file(&folder, "module.ko", &image::file(&sections));
    verdict(&module, &kernel).0
}

#[test]
fn malformed_ids_cost_the_module_its_btf() {
    let verdict = with_symbol("check-malformed-ids", false, "__BTF_ID__set__s");
    let expected =
        "dropped: .BTF_ids offset 0: a set that goes on past the end; build the module again";
    assert!(verdict.starts_with(expected), "{verdict}");
}

/// The kernel alone takes what is distilled and has its matches, whatever is in `.BTF_ids`.
#[test]
fn ids_of_a_form_that_came_later_leave_the_module_to_the_kernel() {
    for (lacking, expected) in [(false, "left to the kernel"), (true, "dropped")] {
        let test = format!("check-ids-form-{lacking}");
        let verdict = with_symbol(&test, lacking, "__BTF_ID__set16__s");
        let expected =
            format!("{expected}: .BTF_ids offset 0: a symbol of a form that is not known");
        assert!(verdict.starts_with(&expected), "{verdict}");
    }
}

/// What the module's code reads names no type any more.
#[test]
fn ids_of_dropped_btf_are_set_to_0() {
    let module = text(&module("plain/btfreloc_demo.ko"));
    let check = |format| {
        run(&[
            "check",
            &module,
            "--format",
            format,
            "--against",
            &vmlinux(),
        ])
    };
    let (shown, json) = (check("text"), check("json").json());
    let cleared = &json["results"][0]["dropped_ids"]["cleared"];
    assert_eq!(
        (&cleared["ids"], &cleared["changed"]),
        (&json!(28), &json!(28))
    );
    let words = "; 28 of 28 .BTF_ids set to 0";
    assert!(shown.text().contains(words), "{}", shown.text());
}

#[test]
fn ids_of_dropped_btf_stay_where_nothing_identifies_them() {
    let (kernel, module) = stripped("check-ids-stay", true);
    let check = |format| run(&["check", &module, "--format", format, "--against", &kernel]);
    let (shown, json) = (check("text"), check("json").json());
    // For the reason that the BTF is dropped for.
    assert_eq!(json["results"][0]["dropped_ids"], json!({ "kept": null }));
    let words = "use strip --strip-debug; its .BTF_ids stay, and name other types here";
    assert!(shown.text().contains(words), "{}", shown.text());
}

/// The kernel and the module of [`distilled`], which has ids without symbols.
fn stripped(test: &str, lacking: bool) -> (String, String) {
    let folder = folder(test);
    let (kernel, split, base) = distilled(&folder, lacking);
    let sections = [
        (".BTF", &*split),
        (".BTF.base", &*base),
        (".BTF_ids", &[1, 0, 0, 0][..]),
    ];
    (kernel, file(&folder, "module.ko", &elf(&sections)))
}

/// The kernel refuses what lacks a match, so that nothing is lost with its BTF.
#[test]
fn unidentified_ids_cost_btf_that_the_kernel_refuses() {
    let (kernel, module) = stripped("check-ids-lacking", true);
    let run = run(&["check", &module, "--against", &kernel]);
    let verdict =
        format!("{module}: {kernel}: dropped: .BTF_ids offset 0: the module was stripped ");
    assert!(run.text().starts_with(&verdict), "{}", run.text());
}

#[test]
fn unidentified_ids_leave_the_module_to_the_kernel() {
    let (kernel, module) = stripped("check-ids", false);
    let run = run(&["check", &module, "--against", &kernel]);
    let line = format!(
        "{module}: {kernel}: left to the kernel: .BTF_ids offset 0: the module was stripped of the \
         symbols that identify its ids; use strip --strip-debug; the kernel alone accepts it\n"
    );
    assert_eq!((run.text(), run.status), (&*line, 1));
}

/// The verdict on a module with a type of the kind `kind`, of three words, on a kernel that knows
/// kinds up to `kind_max`.
fn with_kind(test: &str, kind: u32, kind_max: u32) -> (String, i32) {
    let folder = folder(test);
    let (_, _, base) = distilled(&folder, false);
    let mut kernel = btfreloc_selftests::builder::Builder::base();
    kernel.int("int", 4, 1);
    kernel.knows(kind_max, 32);
    let kernel = file(&folder, "vmlinux", &kernel.bytes());
    let mut split = btfreloc_selftests::builder::Builder::split_at(2, 5);
    split.raw(&[0, kind << 24, 0]);
    let sections = [(".BTF", &*split.bytes()), (".BTF.base", &*base)];
    let module = file(&folder, "module.ko", &elf(&sections));
    verdict(&module, &kernel)
}

#[test]
fn what_only_the_kernel_knows_is_left_to_it() {
    let (verdict, status) = with_kind("check-kind-newer", 23, 23);
    assert_eq!(
        verdict,
        "left to the kernel: this kernel knows more BTF than rust_btfreloc: .BTF offset 24, type \
         [2]: kind 23 is not known; install a newer rust_btfreloc\n"
    );
    assert_eq!(status, 1);
}

#[test]
fn what_the_kernel_does_not_know_either_is_dropped() {
    for (test, kind) in [("check-kind-unknown", 23), ("check-kind-location", 21)] {
        let (verdict, _) = with_kind(test, kind, 19);
        let expected = format!("kind {kind} is not known; build the module again; ");
        assert!(
            verdict.starts_with("dropped: malformed BTF: .BTF offset 24, type [2]"),
            "{verdict}"
        );
        assert!(verdict.contains(&expected), "{verdict}");
    }
    let (verdict, status) = with_kind("check-kind-known", 21, 22);
    assert!(verdict.starts_with("relocates exactly: "), "{verdict}");
    assert_eq!(status, 0);
}

/// The first line on a form of the demonstration (`scripts/build-odd`), without the names.
fn odd(name: &str) -> String {
    let module = text(&module(&format!("odd/{name}.ko")));
    let run = run(&["check", &module, "--against", &vmlinux()]);
    let line = run.text().lines().next().unwrap().to_owned();
    let names = format!("{module}: {}: ", vmlinux());
    line.strip_prefix(&names).expect(&line).to_owned()
}

#[test]
fn allocated_btf_is_relocated_where_its_file_is_found_in_memory() {
    let relocated = "relocates with opaque types: ";
    for form in ["alloc", "alloc_base", "alloc_both", "merged", "embedded"] {
        assert!(odd(form).starts_with(relocated), "{form}: {}", odd(form));
    }
    let lost =
        "its ELF file was not found in memory: its BTF is allocated, and it was stripped of \
                the symbols of .modinfo; build the module again";
    // With what becomes of its ids.
    let dropped = format!("dropped: {lost}; its .BTF_ids stay");
    assert!(odd("alloc_stripped").starts_with(&dropped));
    let left = format!("left to the kernel: {lost}");
    assert!(odd("alloc_stripped_own").starts_with(&left));
}

#[test]
fn btf_without_bytes_in_the_file_is_what_the_kernel_reads_there() {
    assert!(odd("nobits").starts_with("relocates with opaque types: "));
    // As the kernel module, which looks for no ids in a file that it does not trust.
    let outside =
        "dropped: malformed BTF: a section is not inside the ELF file; build the module again";
    assert_eq!(odd("far"), outside);
}
