// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate --in-place`: what a module's file becomes, and when it is left as it is.

mod common;
mod kept;

use std::fs;
use std::path::{Path, PathBuf};

use btfreloc::in_place::enforced;
use common::{
    boot, built_for, elf, file, folder, module, release, run, running, small_kernel, stock, text,
    Run,
};
use kept::kept;
use rust_btfreloc::elf::Elf;

/// The sections that become others.
const CHANGED: [&str; 3] = [".BTF", ".BTF.base", ".BTF_ids"];

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

/// The kernel that stale modules were made for.
fn elder() -> String {
    text(&boot(&built_for(), "vmlinux.btf"))
}

fn in_place(args: &[&str], modules: &[&str]) -> Run {
    let vmlinux = vmlinux();
    let against = ["relocate", "--in-place", "--against", &vmlinux];
    run(&[&against[..], args, modules].concat())
}

/// A copy of a test module in this folder.
fn copy(folder: &Path, name: &str) -> String {
    let from = module(name);
    let to = folder.join(from.file_name().unwrap());
    fs::copy(from, &to).unwrap();
    text(&to)
}

fn section(image: &[u8], name: &str) -> Option<Vec<u8>> {
    let elf = Elf::parse(image).unwrap();
    elf.data(&elf.section(name.as_bytes())?).map(<[u8]>::to_vec)
}

/// What `btfreloc relocate` says that the kernel registers.
fn predicted(module: &str) -> Vec<u8> {
    let run = run(&["relocate", module, "--against", &vmlinux(), "-o", "-"]);
    assert_eq!((run.status, &*run.err), (0, ""), "{module}");
    run.out
}

/// Changes a copy of `name`, and holds that its BTF is the predicted one and all else as before.
fn changed(folder: &Path, name: &str, says: &str) -> String {
    let path = copy(folder, name);
    let (before, predicted) = (fs::read(&path).unwrap(), predicted(&path));
    let done = in_place(&[], &[&path]);
    assert_eq!((done.status, &*done.err), (0, ""), "{name}");
    let lines: Vec<_> = done.text().lines().collect();
    assert!(
        lines[0].starts_with(&format!("{path}: BTF {says}: ")),
        "{done:?}"
    );
    assert_eq!(lines[1..], ["1 module: 1 changed, 0 unchanged"]);
    let after = fs::read(&path).unwrap();
    assert!(section(&after, ".BTF").unwrap() == predicted, "{name}");
    assert_eq!(section(&after, ".BTF.base"), None);
    assert!(same_but_for_the_base(&before, &after), "{name}");
    path
}

/// Whether all sections and symbols are as before, at their indices; one that went left a place.
fn same_but_for_the_base(before: &[u8], after: &[u8]) -> bool {
    let has_base = section(before, ".BTF.base").is_some();
    let (old, new) = (kept(before, &CHANGED), kept(after, &CHANGED));
    let left = usize::from(has_base);
    old.0 == new.0 && old.2 == new.2 && old.1.len() + left == new.1.len()
}

#[test]
fn each_sort_of_btf_becomes_what_the_kernel_registers() {
    let folder = folder("in-place-sorts");
    for (name, says) in [
        ("distilled/acpi_call.ko", "relocated"),
        ("distilled/btfreloc_demo.ko", "relocated"),
        ("distilled/langford.ko", "relocated"),
        ("distilled/vpoll.ko", "relocated"),
        ("own/distilled/btfreloc_demo.ko", "relocated"),
        ("clang/distilled/btfreloc_demo.ko", "relocated"),
        ("standalone/vpoll.ko", "rebased"),
        ("standalone/btfreloc_demo.ko", "rebased"),
        ("kinds/plain.ko", "reduced"),
    ] {
        let path = changed(&folder, name, says);
        let after = fs::read(&path).unwrap();
        // The kernel takes it as it is, now and the next time.
        let again = in_place(&[], &[&path]);
        assert_eq!(again.text(), "1 module: 0 changed, 1 unchanged\n", "{name}");
        assert_eq!(again.status, 0);
        assert!(fs::read(&path).unwrap() == after, "{name}");
        let check = run(&["check", &path, "--against", &vmlinux()]);
        assert!(check.text().contains(": left alone"), "{check:?}");
        fs::remove_file(&path).unwrap();
    }
}

/// The ids are those that a build against this kernel has, but for the types that it lacks.
#[test]
fn ids_go_with_the_types() {
    let folder = folder("in-place-ids");
    let path = changed(&folder, "own/distilled/btfreloc_demo.ko", "relocated");
    let built = text(&module("own/plain/btfreloc_demo.ko"));
    // Those of vmlinux's types are the same in both.
    let (image, other) = (fs::read(&path).unwrap(), fs::read(&built).unwrap());
    let words = |image: &[u8]| {
        let bytes = section(image, ".BTF_ids").unwrap();
        let words = bytes
            .chunks_exact(4)
            .map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
        words.collect::<Vec<_>>()
    };
    let first = vmlinux_types();
    let of_base = |words: Vec<u32>| {
        let words = words.into_iter();
        words.filter(|id| *id < first).collect::<Vec<_>>()
    };
    // What a distilled base has no place for, and is not found by name, is 0.
    let mut built = of_base(words(&other)).into_iter();
    let found = of_base(words(&image));
    assert!(found.len() > 15);
    assert!(found.iter().all(|id| built.any(|other| other == *id)));
    assert!(words(&image).iter().any(|id| *id >= first));
}

fn vmlinux_types() -> u32 {
    let kernel = btfreloc::input::Kernel::read(vmlinux().as_ref()).unwrap();
    let end = kernel.base().btf().end_id();
    end
}

#[test]
fn stale_btf_wants_the_kernel_that_it_was_made_for() {
    let folder = folder("in-place-stale");
    let path = copy(&folder, "plain/vpoll.ko");
    let before = fs::read(&path).unwrap();
    let refused = in_place(&[], &[&path]);
    assert_eq!(refused.status, 1);
    let words = "name the vmlinux that it was built with by --base\n";
    assert!(
        refused.text().starts_with(&format!(
            "{path}: left as it is: not for this kernel: .BTF offset "
        )) && refused.text().contains(words),
        "{refused:?}"
    );
    // An image says of which release it is.
    let image = text(&boot(&running(), "vmlinuz"));
    let same = run(&["relocate", "--in-place", &path, "--against", &image]);
    let another = format!(
        "left as it is: made with another build of {} than this kernel: .BTF offset ",
        running()
    );
    assert!(same.text().contains(&another) && same.text().contains(words));
    assert!(fs::read(&path).unwrap() == before);
    // Neither this kernel nor a third one is that.
    let wrong = in_place(&["--base", &vmlinux()], &[&path]);
    let own = format!(
        "{} is this very kernel, and it was built for another; ",
        vmlinux()
    );
    assert!(wrong.text().contains(&own), "{wrong:?}");
    let third = text(&boot(&release("RUNNING2"), "vmlinux.btf"));
    let wrong = in_place(&["--base", &third], &[&path]);
    let other = format!("{third} is not the kernel that it was built for: ");
    assert!(wrong.text().contains(&other), "{wrong:?}");
    assert_eq!(wrong.status, 1);
    assert!(fs::read(&path).unwrap() == before);
    // Among several the right one is found.
    let done = in_place(&["--base", &third, "--base", &elder()], &[&path]);
    assert_eq!((done.status, &*done.err), (0, ""), "{done:?}");
    assert!(done.text().contains(": BTF relocated: "), "{done:?}");
    let distilled = copy(&folder, "plain/vpoll.ko");
    let distill = run(&["distill", &distilled, "--base", &elder()]);
    assert_eq!(distill.status, 0, "{distill:?}");
    // The same by another way, made elsewhere meanwhile: from what was distilled.
    let by_hand = predicted(&distilled);
    fs::write(&path, &before).unwrap();
    in_place(&["--base", &elder()], &[&path]);
    assert!(section(&fs::read(&path).unwrap(), ".BTF").unwrap() == by_hand);
}

/// What the kernel relocates by itself keeps its base, and so its other kernels.
#[test]
fn only_what_is_needed_is_changed_where_that_is_asked_for() {
    let folder = folder("in-place-needed");
    let demo = module("distilled/btfreloc_demo.ko");
    let taken = copy(&folder, "distilled/vpoll.ko");
    let before = fs::read(&taken).unwrap();
    let done = in_place(&["--if-needed"], &[&taken]);
    assert_eq!(done.text(), "1 module: 0 changed, 1 unchanged\n");
    assert!(fs::read(&taken).unwrap() == before);
    // Of .BTF_ids the kernel maps a part, opaque types it refuses, and the others as well.
    let names = ["demo.ko", "stale.ko", "standalone.ko"].map(|name| text(&folder.join(name)));
    fs::copy(demo, &names[0]).unwrap();
    fs::copy(module("plain/vpoll.ko"), &names[1]).unwrap();
    fs::copy(module("standalone/vpoll.ko"), &names[2]).unwrap();
    let paths = names.each_ref().map(|name| &**name);
    let done = in_place(&["--if-needed", "--base", &elder()], &paths);
    assert!(
        done.text().ends_with("3 modules: 3 changed, 0 unchanged\n"),
        "{done:?}"
    );
}

/// What is dropped while a module loads stays in its file, unless that is asked for.
#[test]
fn what_would_be_dropped_is_left_unless_asked() {
    let folder = folder("in-place-drop");
    let path = copy(&folder, "broken/base_kind.ko");
    let before = fs::read(&path).unwrap();
    let left = in_place(&[], &[&path]);
    let line = format!("{path}: left as it is: malformed BTF: .BTF.base offset 32, type [1]: kind 63 is not known; build the module again");
    assert!(left.text().starts_with(&line), "{left:?}");
    assert!(left
        .text()
        .ends_with("1 module: 0 changed, 0 unchanged, 1 refused\n"));
    assert_eq!(left.status, 1);
    assert!(fs::read(&path).unwrap() == before);
    let dropped = in_place(&["--drop"], &[&path]);
    assert_eq!(dropped.status, 0, "{dropped:?}");
    assert!(dropped
        .text()
        .starts_with(&format!("{path}: BTF dropped: ")));
    let after = fs::read(&path).unwrap();
    assert_eq!(section(&after, ".BTF"), None);
    assert_eq!(section(&after, ".BTF.base"), None);
    let again = in_place(&["--drop"], &[&path]);
    assert_eq!(again.text(), "1 module: 0 changed, 1 unchanged\n");
}

#[test]
fn ids_of_dropped_btf_name_nothing() {
    let folder = folder("in-place-drop-ids");
    let path = copy(&folder, "plain/btfreloc_demo.ko");
    let dropped = in_place(&["--drop"], &[&path]);
    assert_eq!(dropped.status, 0, "{dropped:?}");
    assert!(
        dropped.text().contains("; 28 of 28 .BTF_ids set to 0"),
        "{dropped:?}"
    );
    let after = fs::read(&path).unwrap();
    assert_eq!(section(&after, ".BTF"), None);
    let bytes = section(&after, ".BTF_ids").unwrap();
    let words = bytes.chunks_exact(4);
    let words = words.map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
    // What is left are counts and flags.
    assert!(words.into_iter().all(|word| word < 256));
}

#[test]
fn the_strict_policy_makes_nothing_opaque() {
    let path = copy(&folder("in-place-strict"), "distilled/btfreloc_demo.ko");
    let before = fs::read(&path).unwrap();
    let refused = in_place(&["--strict"], &[&path]);
    assert_eq!(refused.status, 1);
    let why = "left as it is: policy is strict: .BTF.base type [1] STRUCT cred_label: ";
    assert!(refused.text().contains(why), "{refused:?}");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn what_has_no_btf_or_valid_btf_is_not_touched() {
    let folder = folder("in-place-same");
    for name in [
        "broken/nobtf.ko",
        "own/plain/vpoll.ko",
        "empty/plain.ko",
        "empty/distilled.ko",
    ] {
        let path = copy(&folder, name);
        let (before, written) = (fs::read(&path).unwrap(), stamp(&path));
        let same = in_place(&[], &[&path]);
        assert_eq!(same.text(), "1 module: 0 changed, 1 unchanged\n", "{name}");
        assert_eq!((same.status, &*same.err), (0, ""));
        assert!(fs::read(&path).unwrap() == before && stamp(&path) == written);
        fs::remove_file(path).unwrap();
    }
}

/// When, and as which file, it was written.
fn stamp(path: &str) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    let file = fs::metadata(path).unwrap();
    (file.ino(), file.ctime(), file.ctime_nsec())
}

#[test]
fn what_is_no_module_is_refused() {
    let folder = folder("in-place-no-module");
    let raw = file(&folder, "raw.ko", &small_kernel());
    let image = text(&boot(&running(), "vmlinuz"));
    for (path, why) in [
        (&*raw, "raw BTF is no module"),
        (&*image, "this is a kernel and not a module"),
        ("-", "nothing is there to be changed in place: name a file"),
        ("/nowhere/x.ko", "No such file or directory (os error 2)"),
        ("/dev/null", "not a regular file"),
    ] {
        let run = in_place(&[], &[path]);
        let label = if path == "-" { "standard input" } else { path };
        assert_eq!(run.err, format!("btfreloc: {label}: {why}\n"));
        assert_eq!(run.status, 2);
    }
}

#[test]
fn of_a_folder_the_others_go_on() {
    let folder = folder("in-place-folder");
    let good = copy(&folder, "distilled/vpoll.ko");
    let stale = copy(&folder, "plain/langford.ko");
    let below = folder.join("below");
    fs::create_dir(&below).unwrap();
    let deep = copy(&below, "distilled/acpi_call.ko");
    let torn = file(&folder, "torn.ko", &fs::read(&good).unwrap()[..999]);
    let packed = file(&folder, "packed.ko.xz", b"\xfd7zXZ\0damaged");
    fs::write(folder.join("readme"), "no module").unwrap();
    let run = in_place(&[], &[&text(&folder)]);
    assert_eq!(run.status, 2);
    let errors: Vec<_> = run.err.lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors[0].starts_with(&format!("btfreloc: {packed}: ")),
        "{errors:?}"
    );
    assert!(
        errors[1].starts_with(&format!("btfreloc: {torn}: ")),
        "{errors:?}"
    );
    let lines: Vec<_> = run.text().lines().collect();
    assert!(lines[0].starts_with(&format!("{deep}: BTF relocated: ")));
    assert!(lines[1].starts_with(&format!("{stale}: left as it is: ")));
    assert!(lines[2].starts_with(&format!("{good}: BTF relocated: ")));
    assert_eq!(lines[3], "3 modules: 2 changed, 0 unchanged, 1 refused");
    // Only what is no success is shown where that is asked for.
    let quiet = in_place(&["--quiet"], &[&text(&folder)]);
    assert!(quiet
        .text()
        .starts_with(&format!("{stale}: left as it is: ")));
    assert_eq!(quiet.text().lines().count(), 1);
}

#[test]
fn json_has_the_decision_and_what_was_done() {
    let folder = folder("in-place-json");
    let demo = copy(&folder, "distilled/btfreloc_demo.ko");
    let bad = copy(&folder, "broken/base_kind.ko");
    let args = ["--format", "json", "--backup", "--dry-run"];
    let report = in_place(&args, &[&demo, &bad, "/nowhere/x.ko"]);
    assert_eq!(report.status, 2);
    let report = report.json();
    assert_eq!(report["dry_run"], true);
    let done = &report["results"][0];
    assert_eq!(done["became"], "changed");
    assert_eq!(done["module"], demo);
    let verdict = &done["verdict"];
    assert_eq!(verdict["outcome"], "opaque");
    assert_eq!(verdict["relocation"]["opaque"], 4);
    assert_eq!(verdict["relocation"]["ids"]["changed"], 28);
    assert_eq!(done["backup"], format!("{demo}.orig"));
    assert_eq!(done["signature_removed"], false);
    assert_eq!(report["results"][1]["became"], "refused");
    assert_eq!(report["results"][1]["verdict"]["outcome"], "dropped");
    assert_eq!(report["errors"].as_array().unwrap().len(), 1);
    let summary = &report["summary"];
    let counts = ["modules", "changed", "unchanged", "refused"].map(|key| summary[key].as_u64());
    assert_eq!(counts, [Some(2), Some(1), Some(0), Some(1)]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn options_of_one_way_are_not_those_of_the_other() {
    let (vmlinux, against) = (vmlinux(), "--against");
    for (args, what) in [
        (&["--in-place", "-o", "x"][..], "cannot be used with"),
        (&["-o", "x", "--drop"], "'--drop'"),
        (
            &["-o", "x", "--sign-with", "true"],
            "'--sign-with <PROGRAM>'",
        ),
        (&["-o", "x", "--base", "y"], "'--base <KERNEL>'"),
        (&["--in-place", "--inline", "x"], "'--inline <BTF>'"),
        (&[], "--in-place"),
    ] {
        let args = [&["relocate", "x.ko", against, &vmlinux], args].concat();
        let run = run(&args);
        assert_eq!((run.status, run.text()), (2, ""), "{args:?}");
        assert!(run.err.contains(what), "{args:?}: {}", run.err);
    }
    let two = run(&["relocate", "x.ko", "y.ko", against, &vmlinux, "-o", "x"]);
    let words =
        "btfreloc: one output for 2 modules: name one module, or let them be changed in place\n";
    assert_eq!((two.status, &*two.err), (2, words));
}

/// Real modules, by way of the kernel they were built for: what is made of each is valid on the other.
#[test]
fn stock_modules_become_valid_on_another_kernel() {
    let folder = folder("in-place-stock");
    let other = release("RUNNING2");
    let base = text(&boot(&running(), "vmlinux.btf"));
    let kernel = text(&boot(&other, "vmlinux.btf"));
    for (index, from) in some_modules(40).iter().enumerate() {
        // Two folders have files of one name.
        let name = format!("{index}-{}", from.file_name().unwrap().to_string_lossy());
        fs::copy(from, folder.join(name)).unwrap();
    }
    let there = text(&folder);
    let args = ["relocate", "--in-place", &there, "--against", &kernel];
    let done = run(&[&args[..], &["--base", &base]].concat());
    assert_eq!((done.status, &*done.err), (0, ""), "{done:?}");
    let again = run(&args);
    let totals = again.text();
    assert!(
        totals.starts_with("40 modules: 0 changed, 40 unchanged"),
        "{totals}"
    );
    let check = run(&["check", "--format", "json", &there, "--against", &kernel]).json();
    for row in check["results"].as_array().unwrap() {
        let valid = ["left-alone", "no-btf"].contains(&row["outcome"].as_str().unwrap());
        assert!(valid, "{row}");
        let alone = row["kernel_alone"]["answer"].as_str();
        assert!(alone.is_none_or(|answer| answer == "accepts"), "{row}");
    }
}

/// As many of the newest kernel's modules, of all sizes.
fn some_modules(count: usize) -> Vec<PathBuf> {
    let all = btfreloc::input::modules(&[stock(&running()).join("kernel")]);
    let mut all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    all.sort_by_key(|path| fs::metadata(path).unwrap().len());
    let step = (all.len() - 1) / (count - 1);
    all.into_iter().step_by(step).take(count).collect()
}

#[test]
fn a_module_without_btf_in_it_keeps_its_place_in_the_totals() {
    let folder = folder("in-place-bare");
    let path = file(&folder, "bare.ko", &elf(&[(".text", b"code")]));
    let kernel = file(&folder, "vmlinux", &small_kernel());
    let run = run(&["relocate", "--in-place", &path, "--against", &kernel]);
    assert_eq!(
        (run.status, run.text()),
        (0, "1 module: 0 changed, 1 unchanged\n")
    );
}

#[test]
fn whether_signatures_are_enforced_is_read() {
    let root = folder("in-place-enforced");
    assert!(!enforced(&root));
    let parameters = root.join("sys/module/module/parameters");
    fs::create_dir_all(&parameters).unwrap();
    fs::write(parameters.join("sig_enforce"), "N\n").unwrap();
    assert!(!enforced(&root));
    fs::write(parameters.join("sig_enforce"), "Y\n").unwrap();
    assert!(enforced(&root));
    fs::remove_dir_all(root.join("sys/module")).unwrap();
    let security = root.join("sys/kernel/security");
    fs::create_dir_all(&security).unwrap();
    for (lockdown, is_enforced) in [
        ("[none] integrity confidentiality\n", false),
        ("none [integrity] confidentiality\n", true),
        ("none integrity [confidentiality]\n", true),
    ] {
        fs::write(security.join("lockdown"), lockdown).unwrap();
        assert_eq!(enforced(&root), is_enforced, "{lockdown}");
    }
}

/// The table of functions names the same ones as one that is made for the new BTF.
#[test]
fn the_table_of_functions_goes_with_the_types() {
    let folder = folder("in-place-funcs");
    for name in [
        "distilled/vpoll.ko",
        "plain/vpoll.ko",
        "standalone/vpoll.ko",
    ] {
        let path = copy(&folder, name);
        let add = run(&["funcs", "add", "--base", &elder(), &path]);
        assert_eq!(add.status, 0, "{add:?}");
        let before = section(&fs::read(&path).unwrap(), ".BTF.funcs");
        let done = in_place(&["--base", &elder()], &[&path]);
        assert_eq!((done.status, &*done.err), (0, ""), "{name}");
        let after = fs::read(&path).unwrap();
        assert_ne!(section(&after, ".BTF.funcs"), before, "{name}");
        let anew = run(&["funcs", "add", "--base", &vmlinux(), &path]);
        assert_eq!(anew.status, 0, "{anew:?}");
        let anew = fs::read(&path).unwrap();
        for table in [".BTF.funcs", ".rela.BTF.funcs"] {
            assert_eq!(section(&after, table), section(&anew, table), "{name}");
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn without_btf_there_is_no_table_of_functions() {
    let path = copy(&folder("in-place-no-funcs"), "plain/vpoll.ko");
    run(&["funcs", "add", "--base", &elder(), &path]);
    let dropped = in_place(&["--drop"], &[&path]);
    let words =
        "the module has no BTF now: .BTF.funcs was removed; `btfreloc funcs add` makes it anew\n";
    assert!(
        dropped.status == 0 && dropped.err.ends_with(words),
        "{dropped:?}"
    );
    let after = fs::read(&path).unwrap();
    assert!([".BTF", ".BTF.funcs", ".rela.BTF.funcs"]
        .iter()
        .all(|name| section(&after, name).is_none()));
}
