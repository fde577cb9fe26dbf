// SPDX-License-Identifier: GPL-2.0

//! `btfreloc funcs`: which functions there are, in files and loaded, and what is said where they are not
//! shown.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use btfreloc_selftests::builder::Builder;
use common::{boot, file, folder, module, run, running, text, Run};
use serde_json::{json, Value};

const STEP: &str = "btfreloc_twins_step";

/// The twins with DWARF, with standalone BTF and a table.
fn unstripped(folder: &Path) -> String {
    let path = text(&folder.join("btfreloc_twins.ko"));
    let compiled = text(&module("work/twins/btfreloc_twins.ko"));
    let made = run(&["encode", "--standalone", "--funcs", &compiled, "-o", &path]);
    assert_eq!((made.status, &*made.err), (0, ""));
    path
}

/// Value and size of each symbol of this name, as readelf has them.
fn readelf(path: &str, name: &str) -> Vec<(u64, u64)> {
    let out = Command::new("readelf")
        .args(["-sW", path])
        .output()
        .unwrap();
    let out = String::from_utf8(out.stdout).unwrap();
    let lines = out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.filter(|words| words.len() == 8 && words[7] == name);
    found
        .map(|words| {
            (
                u64::from_str_radix(words[1], 16).unwrap(),
                words[2].parse().unwrap(),
            )
        })
        .collect()
}

#[test]
fn those_of_a_file_have_their_places_sources_and_lines() {
    let folder = folder("funcs-list-file");
    let path = unstripped(&folder);
    let listed = run(&["funcs", &path, STEP, "--format", "json"]);
    assert_eq!((listed.status, &*listed.err), (0, ""));
    let listed = &listed.json()["results"];
    let places: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            assert_eq!(
                (&f["module"], &f["name"]),
                (&json!("btfreloc_twins"), &json!(STEP))
            );
            assert_eq!(
                (&f["section"], &f["address"]),
                (&json!(".text"), &Value::Null)
            );
            assert_eq!(f["flags"], json!(["traceable", "same-named"]));
            assert_eq!(f["same_named"], 2);
            (f["offset"].as_u64().unwrap(), f["size"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(places, readelf(&path, STEP));
    // The lines are those of the source, where the functions are.
    for (at, source) in ["twins_one.c", "twins_two.c"].iter().enumerate() {
        assert_eq!(listed[at]["object"], *source);
        let code = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../selftests/twins")
            .join(source);
        let code = fs::read_to_string(code).unwrap();
        let signature = code
            .lines()
            .position(|line| line.contains(&format!("int {STEP}(")));
        // Its code begins with the brace, on the line after; the first line is 1.
        let line = signature.unwrap() + 2;
        let shown = listed[at]["line"].as_str().unwrap();
        assert!(shown.ends_with(&format!("/{source}:{line}")), "{shown}");
        // And each picks its own.
        for pick in [(*source).to_owned(), format!("{source}:{line}")] {
            let picked = run(&["funcs", &path, STEP, "--object", &pick, "--format", "json"]);
            assert_eq!(picked.json()["results"], json!([listed[at]]), "{pick}");
        }
    }
    // What is gone after init has a place in the file all the same.
    let first = run(&["funcs", &path, "btfreloc_twins_first", "--format", "json"]).json();
    let first = &first["results"];
    assert_eq!(
        (&first[0]["section"], &first[0]["offset"]),
        (
            &json!(".init.text"),
            &json!(readelf(&path, "btfreloc_twins_first")[0].0)
        )
    );
    let text = run(&["funcs", &path]);
    assert_eq!(text.text().lines().count(), 9);
    let line = text
        .text()
        .lines()
        .find(|line| line.contains("twins_two.c:7"))
        .unwrap();
    assert!(
        line.contains("traceable,same-named; 2 of this name"),
        "{line}"
    );
    // A name may be that of a symbol.
    let folded = run(&["funcs", &path, "btfreloc_twins_folded.constprop.0"]);
    assert!(folded
        .text()
        .contains("traceable,changed; btfreloc_twins_folded.constprop.0"));
}

#[test]
fn a_file_without_a_table_is_listed_by_its_symbols() {
    let folder = folder("funcs-list-symbols");
    let path = module("own/distilled/btfreloc_twins.ko");
    let with = file(&folder, "btfreloc_twins.ko", &fs::read(&path).unwrap());
    assert_eq!(run(&["funcs", "add", &with]).status, 0);
    let [with, without] =
        [with, text(&path)].map(|path| run(&["funcs", &path, "--format", "json"]));
    assert_eq!((with.status, &*with.err, &*without.err), (0, "", ""));
    assert_eq!(with.json(), without.json());
    // Without its kernel a table still names functions by their symbols.
    let plain = text(&module("own/plain/btfreloc_twins.ko"));
    let with = text(&folder.join("plain.ko"));
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    assert_eq!(
        run(&["funcs", "add", &plain, "--base", &vmlinux, "-o", &with]).status,
        0
    );
    let nowhere = text(&folder);
    let listed = run(&["funcs", &with, STEP, "--root", &nowhere]);
    assert_eq!((listed.status, listed.text().lines().count()), (0, 2));
    assert!(
        listed.err.contains("names are those of symbols"),
        "{}",
        listed.err
    );
    let named = run(&["funcs", &with, "--base", &vmlinux, "btfreloc_twins_first"]);
    assert_eq!((named.status, &*named.err), (0, ""));
}

/// A machine with a kernel, and two modules of which the first has a table.
struct Machine(PathBuf);

const KALLSYMS: &str = "\
ffffffff81000000 T _stext
ffffffff81000010 t __pfx_show
ffffffff81000020 t show
ffffffff81000060 t show
ffffffff81000090 T start_kernel.isra.0
ffffffff810000a0 t other
ffffffff81800000 T _sinittext
ffffffff81800010 t setup
ffffffff81800040 T _einittext
ffffffffc0001000 t step\t[tabled]
ffffffffc0001020 t step\t[tabled]
ffffffffc0001020 t step_alias\t[tabled]
ffffffffc0001050 T fold.constprop.0\t[tabled]
ffffffffc0002000 t probe\t[plain_one]
ffffffffc0002020 W probe_weak\t[plain_one]
ffffffffc0002030 r data\t[plain_one]
";
const TABLE: &str = "\
ffffffffc0001000 9 traceable,same-named step
ffffffffc0001020 9 traceable,same-named step
ffffffffc0001050 10 global,changed fold
- 11 init setup
";

impl Machine {
    fn new(test: &str) -> Self {
        let machine = Machine(folder(test));
        let mut kernel = Builder::base();
        let int = kernel.int("int", 4, 1);
        let proto = kernel.func_proto(int, &[]);
        for name in ["show", "start_kernel", "setup"] {
            kernel.func(name, proto, 0);
        }
        let other = kernel.func_proto(0, &[("n", [int])]);
        kernel.func("other", proto, 0);
        kernel.func("other", other, 0);
        let mut btf = Builder::split(&kernel);
        let own = btf.func_proto(int, &[("n", [int])]);
        let probe = btf.func("probe", own, 0);
        btf.decl_tag("bpf_kfunc", probe, -1);
        btf.func("probe_weak", own, 0);
        machine.put("sys/kernel/btf/vmlinux", &kernel.bytes());
        machine.put("sys/kernel/btf/plain_one", &btf.bytes());
        machine.put("sys/kernel/btf/tabled", &btf.bytes());
        machine.put("sys/kernel/debug/btfreloc/funcs/tabled", TABLE.as_bytes());
        machine.put("sys/module/bare/initstate", b"live\n");
        machine.put("proc/kallsyms", KALLSYMS.as_bytes());
        machine.put("proc/sys/kernel/kptr_restrict", b"1\n");
        machine
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn funcs(&self, args: &[&str]) -> Run {
        run(&[&["funcs", "--root", &text(&self.0)], args].concat())
    }

    /// Addresses are hidden.
    fn hide(&self, kptr_restrict: &[u8]) {
        let hidden = |line: &str| format!("{}{}\n", "0".repeat(16), &line[16..]);
        let kallsyms: String = KALLSYMS.lines().map(hidden).collect();
        let table = TABLE.lines().map(|line| match line.starts_with('-') {
            true => format!("{line}\n"),
            false => hidden(line),
        });
        self.put("proc/kallsyms", kallsyms.as_bytes());
        self.put(
            "sys/kernel/debug/btfreloc/funcs/tabled",
            table.collect::<String>().as_bytes(),
        );
        self.put("proc/sys/kernel/kptr_restrict", kptr_restrict);
    }
}

/// What was printed, with one blank between cells.
fn lines(run: &Run) -> Vec<String> {
    cells(run).iter().map(|cells| cells.join(" ")).collect()
}

fn cells(run: &Run) -> Vec<Vec<&str>> {
    run.text()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn those_of_a_loaded_module_come_from_its_table() {
    let machine = Machine::new("funcs-list-table");
    let listed = machine.funcs(&["--module", "tabled"]);
    assert_eq!((listed.status, &*listed.err), (0, ""));
    assert_eq!(
        lines(&listed),
        [
            "0xffffffffc0001000 32 [9] tabled step traceable,same-named; 2 of this name",
            "0xffffffffc0001020 48 [9] tabled step traceable,same-named; 2 of this name",
            "0xffffffffc0001050 4016 [10] tabled fold global,changed; fold.constprop.0",
            "- - [11] tabled setup init",
        ]
    );
    let json = machine
        .funcs(&["--module", "tabled", "fold", "--format", "json"])
        .json();
    assert_eq!(json["results"][0]["address"], "0xffffffffc0001050");
    // A table that is not what it should be is no reason to guess.
    machine.put(
        "sys/kernel/debug/btfreloc/funcs/tabled",
        b"ffffffffc0001000 9 new-flag step\n",
    );
    let broken = machine.funcs(&["--module", "tabled"]);
    assert_eq!(broken.status, 2);
    assert!(
        broken.err.contains("is not ADDRESS ID FLAGS NAME"),
        "{}",
        broken.err
    );
}

#[test]
fn without_a_table_symbols_are_joined_with_btf() {
    let machine = Machine::new("funcs-list-kallsyms");
    // A module is called as modprobe takes it, too.
    let listed = machine.funcs(&["--module", "plain-one"]);
    assert_eq!((listed.status, &*listed.err), (0, ""));
    assert_eq!(
        lines(&listed),
        [
            "0xffffffffc0002000 32 [10] plain_one probe kfunc",
            "0xffffffffc0002020 16 [12] plain_one probe_weak weak",
        ]
    );
    let listed = machine.funcs(&["--module", "vmlinux"]);
    assert_eq!(
        lines(&listed),
        [
            "0xffffffff81000020 64 [3] vmlinux show same-named; 2 of this name",
            "0xffffffff81000060 48 [3] vmlinux show same-named; 2 of this name",
            "0xffffffff81000090 16 [4] vmlinux start_kernel global,changed; start_kernel.isra.0",
            // Which of two FUNCs it is of is not known.
            "0xffffffff810000a0 8388448 - vmlinux other",
            "- 48 [5] vmlinux setup init",
        ]
    );
    // All that is loaded, vmlinux first.
    let all = machine.funcs(&[]);
    let modules: Vec<_> = cells(&all)
        .iter()
        .map(|cells| cells[3].to_owned())
        .collect();
    assert_eq!(modules.len(), 11);
    assert!(modules.is_sorted_by_key(|module| (module != "vmlinux", module.clone())));
}

#[test]
fn addresses_alone_are_what_tracers_take() {
    let machine = Machine::new("funcs-list-addrs");
    let one = machine.funcs(&["--module", "tabled", "fold", "--addrs"]);
    assert_eq!(
        (one.status, one.text(), &*one.err),
        (0, "0xffffffffc0001050\n", "")
    );
    let two = machine.funcs(&["--module", "tabled", "step", "--addrs"]);
    assert_eq!(
        (two.status, two.text()),
        (0, "0xffffffffc0001000\n0xffffffffc0001020\n")
    );
    assert!(
        two.err
            .contains("2 functions are named step: --object picks one"),
        "{}",
        two.err
    );
    let gone = machine.funcs(&["--module", "tabled", "setup", "--addrs"]);
    assert_eq!((gone.status, gone.text()), (1, ""));
    assert!(
        gone.err
            .contains("setup has no address: it is gone since its module was initialised"),
        "{}",
        gone.err
    );
    let path = text(&module("own/distilled/btfreloc_twins.ko"));
    let of_file = machine.funcs(&[&path, "--addrs"]);
    assert_eq!(of_file.status, 2);
    assert!(of_file
        .err
        .contains("a file has no addresses: name the loaded module with --module"));
}

#[test]
fn what_is_hidden_or_not_there_is_said() {
    let machine = Machine::new("funcs-list-hidden");
    for (args, why) in [
        (&["--module", "nowhere"][..], "nowhere is not loaded"),
        (
            &["--module", "bare"],
            "bare has no BTF to name its functions (no ",
        ),
        (
            &["--module", "tabled", "nothing"],
            "nothing: no such function",
        ),
        (
            &["--module", "tabled", "step", "--object", "x.c"],
            "x.c: no such function: what was read does not say where functions come from",
        ),
    ] {
        let none = machine.funcs(args);
        assert_eq!((none.status, none.text()), (1, ""), "{}", none.err);
        assert!(none.err.contains(why), "{}", none.err);
    }
    let two = machine.funcs(&["one", "two"]);
    assert_eq!(two.status, 2);
    assert!(
        two.err
            .contains("one and two: one function at a time (a file or folder is written ./one)"),
        "{}",
        two.err
    );
    for (kptr_restrict, why) in [
        (b"1\n", "addresses are hidden: run as root"),
        (b"2\n", "addresses are hidden, as kernel.kptr_restrict is 2"),
    ] {
        machine.hide(kptr_restrict);
        let listed = machine.funcs(&["--module", "tabled"]);
        assert_eq!(listed.status, 0);
        assert!(listed.err.contains(why), "{}", listed.err);
        let steps = cells(&listed)
            .into_iter()
            .filter(|cells| cells[4] == "step");
        assert!(steps.clone().count() == 2 && steps.into_iter().all(|cells| cells[0] == "-"));
        let addrs = machine.funcs(&["--module", "vmlinux", "--addrs"]);
        assert_eq!((addrs.status, addrs.text()), (1, ""));
        assert!(addrs.err.contains(why), "{}", addrs.err);
    }
    fs::remove_dir_all(machine.0.join("sys/kernel/btf")).unwrap();
    let none = machine.funcs(&[]);
    assert_eq!(none.status, 2);
    assert!(
        none.err.contains("this kernel shows no BTF"),
        "{}",
        none.err
    );
}

#[test]
fn the_file_of_a_loaded_module_says_where_its_functions_come_from() {
    let machine = Machine::new("funcs-list-join");
    let path = unstripped(&machine.0);
    let start = 0xffff_ffff_c000_4000_u64;
    let rows = readelf(&path, STEP).into_iter();
    let rows = rows.map(|(offset, _)| format!("{:016x} 14 same-named {STEP}\n", start + offset));
    let table = rows.collect::<Vec<_>>().concat();
    machine.put(
        "sys/kernel/debug/btfreloc/funcs/btfreloc_twins",
        table.as_bytes(),
    );
    let none = machine.funcs(&["--module", "btfreloc_twins", &path]);
    assert_eq!(none.status, 2);
    assert!(none.err.contains("run as root"), "{}", none.err);
    for section in [".text", ".exit.text"] {
        machine.put(
            &format!("sys/module/btfreloc_twins/sections/{section}"),
            format!("{start:#x}\n").as_bytes(),
        );
    }
    let picked = |source: &str| {
        let args = [
            "--module",
            "btfreloc_twins",
            &path,
            STEP,
            "--object",
            source,
            "--addrs",
        ];
        let picked = machine.funcs(&args);
        assert_eq!((picked.status, &*picked.err), (0, ""));
        picked.text().to_owned()
    };
    let wanted = readelf(&path, STEP)
        .into_iter()
        .map(|(offset, _)| format!("{:#x}\n", start + offset));
    assert_eq!(
        [picked("twins_one.c"), picked("twins_two.c")],
        wanted.collect::<Vec<_>>()[..]
    );
    // Another build has its functions elsewhere.
    machine.put(
        "sys/module/btfreloc_twins/sections/.text",
        b"0xffffffffc0008000\n",
    );
    let other = machine.funcs(&["--module", "btfreloc_twins", &path]);
    assert_eq!(other.status, 1);
    assert!(
        other
            .err
            .contains("is not where the file has it: that is another build"),
        "{}",
        other.err
    );
}

#[test]
fn inspect_shows_the_table() {
    let folder = folder("funcs-inspect");
    let path = unstripped(&folder);
    let shown = run(&["inspect", &path]);
    assert_eq!((shown.status, &*shown.err), (0, ""));
    let wanted = "  .BTF.funcs: 160 bytes: header 16, 9 records of 16 bytes, 1 changed, 5 global, 1 init, 1 kfunc, \
                  2 same-named, 9 traceable, 1 weak\n    [9] no address: global,init,traceable\n";
    assert!(shown.text().contains(wanted), "{}", shown.text());
    assert!(shown.text().contains("    and 1 more\n"));
    let json = run(&["inspect", &path, "--format", "json"]).json();
    let records = json["results"][0]["funcs"]["records"].as_array().unwrap();
    assert_eq!(records.len(), 9);
    assert_eq!(
        records[3],
        json!({"btf_id": 12, "symbol": "btfreloc_twins_kfunc", "flags": ["global", "kfunc", "traceable"]})
    );
    // One of a later version is shown for what it is.
    let mut image = fs::read(&path).unwrap();
    let at = image
        .windows(4)
        .position(|bytes| bytes == [0x9f, 0xfb, 1, 0])
        .unwrap();
    image[at + 2] = 2;
    let path = file(&folder, "later.ko", &image);
    let shown = run(&["inspect", &path]);
    assert_eq!(shown.status, 1);
    assert!(
        shown
            .text()
            .contains("  .BTF.funcs offset 2: version 2, not 1\n"),
        "{}",
        shown.text()
    );
    let listed = run(&["funcs", &path]);
    assert_eq!(listed.status, 2);
    assert!(
        listed.err.contains(".BTF.funcs offset 2: version 2, not 1"),
        "{}",
        listed.err
    );
}
