// SPDX-License-Identifier: GPL-2.0

//! `btfreloc status` where what it reads is damaged, hostile, unreadable, or goes while it reads: each module
//! still has its row, and nothing of it reaches a terminal.

mod common;
mod machine;
mod schema;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::Run;
use machine::{distilled, fitting, wrong, Machine, RELEASE};
use schema::valid;
use serde_json::{json, Value};

/// What terminals act on, and what breaks a line.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\u{8}\u{202e}";

/// The report, in the forms that it has; each says the same.
fn reported(machine: &Machine, modules: &[&str]) -> (Value, Run) {
    let json = machine.run(&[&["status", "--format", "json"], modules].concat(), "80");
    let text = machine.run(&[&["status", "-v"], modules].concat(), "80");
    for run in [&json, &text] {
        assert!(!run.err.contains("panicked"), "{}", run.err);
        assert_eq!(run.status, json.status);
    }
    for shown in [text.text(), &text.err] {
        let acts = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
        assert!(!shown.contains(acts), "{shown:?}");
    }
    (valid(&json), text)
}

fn state(report: &Value, module: &str) -> Value {
    row(report, module)["state"].clone()
}

fn row<'r>(report: &'r Value, module: &str) -> &'r Value {
    let rows = report["results"].as_array().unwrap();
    let row = rows.iter().find(|row| row["module"] == module);
    row.unwrap_or(&Value::Null)
}

#[test]
fn a_damaged_list_of_modules_has_the_rows_that_can_be_read() {
    let mut machine = Machine::new("status-hostile-list");
    machine.load_with("fuse", &fitting());
    let list = b"\xff\xfe\0 1 0 - Live 0x0\n\n \n/etc/passwd 1 0 - Live 0x0\n.. 1 0\n. 1 0\nfuse 4096 0 - Live 0x0\nlast";
    machine.put("proc/modules", list);
    let (report, text) = reported(&machine, &[]);
    assert_eq!(state(&report, "fuse"), "as-built");
    for name in ["/etc/passwd", "..", ".", ""] {
        assert_eq!(row(&report, name), &Value::Null, "{name}");
    }
    assert!(!text.text().contains("passwd"));
}

#[test]
fn names_and_words_reach_no_terminal_as_they_are() {
    let mut machine = Machine::new("status-hostile-escapes");
    machine.load_ours();
    let name = format!("evil{}", ESCAPES.replace('\r', ""));
    machine.load_with(&name, &fitting());
    machine.load_with("said", &fitting());
    machine.report(
        "said",
        &format!("BTF relocated: 1 types, 0 opaque{ESCAPES}\n"),
    );
    machine.load_with(
        "unread",
        &format!("{ESCAPES}{}", "x".repeat(64)).into_bytes(),
    );
    machine.load("refused", "");
    machine.log(&format!("BPF: {ESCAPES}"));
    machine.log("failed to validate module [refused] BTF: -22");
    machine.log(&format!(
        "failed to validate module [gone{ESCAPES}] BTF: {ESCAPES}"
    ));
    machine.put(
        "sys/kernel/debug/btfreloc/stats",
        format!("policy {ESCAPES}\n"),
    );
    let (report, _) = reported(&machine, &[]);
    let rows = report["results"].as_array().unwrap();
    assert!(rows.len() >= 6, "{report}");
    reported(&machine, &[&name, "said", "refused", "unread", ESCAPES]);
}

#[test]
fn registered_btf_of_any_contents_is_judged() {
    let mut machine = Machine::new("status-hostile-btf");
    let cut = |len: usize| fitting()[..len].to_vec();
    let mut long = fitting();
    long[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    for (name, bytes) in [
        ("empty", vec![]),
        ("one", vec![0x9f]),
        ("head", cut(20)),
        ("cut", cut(fitting().len() - 1)),
        ("long", long),
        ("zeros", vec![0; 4096]),
        ("ones", vec![0xff; 4096]),
    ] {
        machine.load_with(name, &bytes);
    }
    machine.load("folder", "");
    fs::create_dir_all(machine.root.join("sys/kernel/btf/folder")).unwrap();
    machine.load("loop", "");
    symlink("loop", machine.root.join("sys/kernel/btf/loop")).unwrap();
    machine.load_with("fuse", &fitting());
    let (report, text) = reported(&machine, &[]);
    assert_eq!(state(&report, "fuse"), "as-built");
    let mut errors = Vec::new();
    for name in [
        "cut", "empty", "folder", "head", "long", "loop", "one", "ones", "zeros",
    ] {
        let row = row(&report, name);
        let reason = row["reason"].as_str().unwrap_or_default();
        match reason.starts_with("what the kernel has registered cannot be read: ") {
            true => {
                let found = (&row["state"], &row["by"]);
                assert_eq!(found, (&json!("unread"), &Value::Null), "{row}");
                errors.push(format!("{name}: {reason}"));
            }
            false => assert_eq!(row["state"], "wrong-types", "{row}"),
        }
        assert_eq!(row["btf"], true, "{name}: {row}");
    }
    // Each is an error as well, and so the exit status.
    assert!(errors.len() > 6, "{report}");
    assert_eq!((&report["errors"], text.status), (&json!(errors), 2));
    let heading = format!("\nwith BTF that cannot be read ({})\n", errors.len());
    assert!(text.text().contains(&heading), "{}", text.text());
}

/// `line`, changed in one of many ways.
fn mutated(line: &str, number: usize) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    let at = number * 7 % bytes.len();
    match number % 7 {
        0 => bytes.truncate(at),
        1 => bytes[at] = 0xff,
        2 => drop(bytes.splice(at..at, "\u{e9}\u{20ac}".bytes())),
        3 => drop(bytes.drain(..at)),
        4 => drop(bytes.splice(at..at, *b": ")),
        5 => drop(bytes.splice(at..at, *b"; .BTF_ids changed, ")),
        _ => bytes.extend_from_within(at..),
    }
    bytes
}

#[test]
fn reports_and_log_of_any_contents_are_taken_apart() {
    let lines = [
        "BTF relocated by way of firmware btfreloc/x.btf: 51 types, 2 opaque (a, b), 3 of 3 .BTF_ids changed, in 12 ns",
        "BTF dropped: malformed BTF: .BTF offset 24; 2 of 2 .BTF_ids set to 0",
        "BTF left to the kernel: no memory; its .BTF_ids stay, and name other types here: no memory",
        "BTF refused by the kernel, which does not show it in /sys/kernel/btf; it was rebased: 1 differ from x",
        "BTF reduced: 3 of 3 .BTF_ids changed; left out: 1 type of kind 44",
        "BTF rebased:",
        "BTF :",
        "BTF ; ",
        "BTF relocated;\u{20ac}",
    ];
    let mut machine = Machine::new("status-hostile-reports");
    machine.load_ours();
    let (mut list, mut log) = (String::new(), Vec::new());
    for number in 0..400 {
        let (name, line) = (format!("module{number}"), lines[number % lines.len()]);
        list += &format!("{name} 4096 0 - Live 0x0\n");
        machine.put(format!("sys/module/{name}/initstate"), "live\n");
        let bytes = mutated(line, number);
        let record = [
            format!("4,1,1,-;rust_btfreloc: {name}: ").as_bytes(),
            &bytes,
        ]
        .concat();
        log.extend(mutated(&String::from_utf8_lossy(&record), number / 7));
        log.push(b'\n');
        if number % 2 == 0 {
            machine.put(format!("sys/kernel/debug/btfreloc/{name}"), bytes);
            machine.put(format!("sys/kernel/btf/{name}"), fitting());
        }
    }
    machine.put("proc/modules", list + "rust_btfreloc 4096 0 - Live 0x0\n");
    machine.put("dev/kmsg", &log);
    let (report, _) = reported(&machine, &[]);
    assert!(report["results"].as_array().unwrap().len() > 400);
    // Those that were loaded after rust_btfreloc are looked up in its reports.
    assert!(
        report["summary"]["relocated"].as_u64().unwrap()
            + report["summary"]["opaque"].as_u64().unwrap()
            > 0
    );
}

#[test]
fn a_report_without_end_is_not_read_to_it() {
    let mut machine = Machine::new("status-hostile-long");
    machine.load_ours();
    for name in ["long", "folder", "empty", "zeros"] {
        machine.load_with(name, &fitting());
    }
    machine.report("long", &"BTF relocated: ".repeat(1 << 17));
    machine.report("empty", "");
    machine.put("sys/kernel/debug/btfreloc/zeros", vec![0; 1 << 20]);
    fs::create_dir_all(machine.root.join("sys/kernel/debug/btfreloc/folder")).unwrap();
    let (report, text) = reported(&machine, &[]);
    for name in ["folder", "empty", "zeros"] {
        assert_eq!(state(&report, name), "as-built", "{name}");
    }
    assert!(text.out.len() < 1 << 18, "{}", text.out.len());
}

#[test]
fn a_log_of_any_form_names_no_file_elsewhere() {
    let mut machine = Machine::new("status-hostile-log");
    machine.put("etc/secret", "x");
    for line in [
        "failed to validate module [../../../etc/secret] BTF: -22",
        "failed to validate module [] BTF: -22",
        "failed to validate module [.] BTF: -22",
        "failed to validate module [a] BTF: [b] BTF: -22",
        "failed to validate module [",
        "BPF:",
        "rust_btfreloc: ",
        "rust_btfreloc: x: BTF ",
    ] {
        machine.log(line);
    }
    let (report, _) = reported(&machine, &[]);
    let names = report["results"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|row| row["module"].as_str().unwrap()).collect();
    assert_eq!(names, ["a"]);
    for bytes in [
        &b""[..],
        b"\n",
        b";",
        b"4,1,1,-",
        b"\xff;\xff",
        b" SUBSYSTEM=x",
    ] {
        machine.put("dev/kmsg", bytes);
        let (report, _) = reported(&machine, &[]);
        assert_eq!(report["results"], json!([]));
        assert_eq!(report["not_seen"], json!([]));
    }
}

#[test]
fn what_cannot_be_read_is_reported_as_not_seen() {
    let mut machine = Machine::new("status-hostile-unread");
    machine.load_ours();
    machine.load_with("fuse", &fitting());
    for path in ["dev/kmsg", &format!("lib/modules/{RELEASE}/modules.dep")] {
        fs::remove_file(machine.root.join(path)).unwrap();
        fs::create_dir(machine.root.join(path)).unwrap();
    }
    fs::remove_dir_all(machine.root.join("sys/kernel/debug/btfreloc")).unwrap();
    machine.put("sys/kernel/debug/btfreloc", "a file");
    let (report, text) = reported(&machine, &[]);
    let not_seen = report["not_seen"].as_array().unwrap();
    for (at, what) in [
        "what rust_btfreloc reports",
        "the kernel log",
        "the files of the modules",
    ]
    .iter()
    .enumerate()
    {
        assert!(
            not_seen[at].as_str().unwrap().starts_with(what),
            "{not_seen:?}"
        );
        assert!(
            text.text().contains(&format!("not seen: {what}")),
            "{}",
            text.text()
        );
    }
    assert_eq!(state(&report, "fuse"), "valid");
}

#[test]
fn without_the_kernels_own_there_is_no_report() {
    for (path, bytes) in [
        ("proc/modules", None),
        ("proc/sys/kernel/osrelease", None),
        ("sys/kernel/btf/vmlinux", None),
        ("sys/kernel/btf/vmlinux", Some(&b""[..])),
        ("sys/kernel/btf/vmlinux", Some(&[0xff; 100][..])),
    ] {
        let machine = Machine::new("status-hostile-kernel");
        match bytes {
            None => fs::remove_file(machine.root.join(path)).unwrap(),
            Some(bytes) => machine.put(path, bytes),
        }
        let run = machine.run(&["status"], "80");
        assert_eq!((run.status, run.text()), (2, ""), "{path}: {run:?}");
        let lines: Vec<_> = run.err.lines().collect();
        assert!(
            lines.len() == 1 && lines[0].starts_with("btfreloc: "),
            "{path}: {run:?}"
        );
    }
}

#[test]
fn files_of_any_contents_are_judged() {
    let mut machine = Machine::new("status-hostile-files");
    let [split, base] = distilled(true);
    let sections: [(&str, &[u8]); 2] = [(".BTF", &split), (".BTF.base", &base)];
    let names = [
        "empty",
        "text",
        "cut",
        "folder",
        "loop",
        "gone",
        "fifo",
        "zero",
        "garbage",
        "compressed",
    ];
    for name in names {
        let ending = if name == "compressed" { "ko.xz" } else { "ko" };
        machine.install(&format!("updates/{name}.{ending}"), &sections);
        machine.load(name, " (OE)");
    }
    let updates = machine.root.join(format!("lib/modules/{RELEASE}/updates"));
    let put = |name: &str, bytes: &[u8]| fs::write(updates.join(name), bytes).unwrap();
    let whole = fs::read(updates.join("cut.ko")).unwrap();
    put("empty.ko", b"");
    put("text.ko", ESCAPES.repeat(9).as_bytes());
    put("cut.ko", &whole[..whole.len() / 2]);
    put("garbage.ko", &[&whole[..64], &[0xff; 4096]].concat());
    put("compressed.ko.xz", b"\xfd7zXZ\0\0garbage");
    for name in ["folder.ko", "loop.ko", "gone.ko", "fifo.ko", "zero.ko"] {
        fs::remove_file(updates.join(name)).unwrap();
    }
    fs::create_dir(updates.join("folder.ko")).unwrap();
    symlink("loop.ko", updates.join("loop.ko")).unwrap();
    // What would be waited for, and what has no end.
    machine.fifo(updates.join("fifo.ko"));
    symlink("/dev/zero", updates.join("zero.ko")).unwrap();
    let (report, _) = reported(&machine, &[]);
    for name in names {
        let row = row(&report, name);
        assert_eq!(row["state"], "no-btf", "{row}");
        assert!(
            !row["reason"].as_str().unwrap_or_default().is_empty(),
            "{row}"
        );
    }
    // The same of one that is not loaded.
    machine.put("proc/modules", "");
    let (report, text) = reported(&machine, &names);
    for name in names {
        assert_eq!(state(&report, name), "not-loaded-finding", "{name}");
    }
    assert_eq!(text.status, 1);
}

#[test]
fn damaged_lists_of_files_lose_what_is_damaged() {
    let mut machine = Machine::new("status-hostile-dep");
    machine.install("kernel/fs/fuse/fuse.ko", &[(".BTF", &fitting())]);
    let folder = format!("lib/modules/{RELEASE}");
    let dep =
        b"\xff\xfe\0:\n:::\nno colon\n:\nupdates/:\nkernel/fs/fuse/fuse.ko: a b\n/: /\n../../..:"
            .to_vec();
    machine.put(format!("{folder}/modules.dep"), dep);
    machine.put(
        format!("{folder}/modules.builtin"),
        b"\xff\n\n/\n..\nkernel/fs/ext4/ext4.ko\n",
    );
    machine.put(format!("boot/config-{RELEASE}"), b"\xff\xfe\0CONFIG_RUST\n");
    let (report, text) = reported(&machine, &["fuse", "ext4"]);
    assert_eq!(state(&report, "fuse"), "not-loaded");
    assert_eq!(state(&report, "ext4"), "built-in");
    assert_eq!(text.status, 0);
}

#[test]
fn modules_that_are_built_in_have_nothing_to_do() {
    let mut machine = Machine::new("status-built-in");
    let builtin = format!("lib/modules/{RELEASE}/modules.builtin");
    machine.put(
        &builtin,
        "kernel/fs/ext4/ext4.ko\nkernel/drivers/i2c/i2c-core.ko\n",
    );
    // One with parameters has a folder, and is not in the list of those that are loaded.
    machine.put("sys/module/ext4/parameters/x", "1\n");
    for name in ["ext4", "i2c-core", "i2c_core"] {
        let (report, text) = reported(&machine, &[name]);
        let row = &report["results"][0];
        assert_eq!(
            (&row["state"], &row["loaded"]),
            (&json!("built-in"), &json!(false))
        );
        assert_eq!((&row["to_do"], &row["file"]), (&Value::Null, &Value::Null));
        assert!(
            text.text().contains("\nbuilt into the kernel (1)\n"),
            "{}",
            text.text()
        );
        assert_eq!(text.status, 0);
    }
    // It is not among all that are loaded.
    machine.load_with("fuse", &fitting());
    let (report, _) = reported(&machine, &[]);
    assert_eq!(report["results"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_left_to_the_kernel_says_why() {
    let mut machine = Machine::new("status-left");
    machine.load_ours();
    let line = "BTF left to the kernel: its copy failed: ENOMEM; its .BTF_ids stay, and name other types here";
    machine.load_with("taken", &fitting());
    machine.load("refused", "");
    for name in ["taken", "refused"] {
        machine.report(name, &format!("{line}\n"));
    }
    let (report, text) = reported(&machine, &[]);
    for name in ["taken", "refused"] {
        let row = row(&report, name);
        assert_eq!(
            (&row["state"], &row["by"]),
            (&json!("left-to-kernel"), &json!("kernel"))
        );
        assert_eq!(row["reason"], "its copy failed: ENOMEM");
        assert_eq!(row["ids"], "its .BTF_ids stay, and name other types here");
    }
    assert!(text
        .text()
        .contains("\nleft to the kernel by rust_btfreloc (2)\n"));
    assert_eq!(text.status, 1);
}

#[test]
fn what_is_loaded_without_the_btf_of_its_file_is_missing() {
    let mut machine = Machine::new("status-missing");
    let [split, base] = distilled(false);
    machine.install("updates/refused.ko", &[(".BTF", &wrong())]);
    machine.install(
        "updates/unsaid.ko",
        &[(".BTF", &split), (".BTF.base", &base)],
    );
    for name in ["refused", "unsaid"] {
        machine.load(name, " (OE)");
    }
    machine.log("BPF: Invalid name");
    machine.log("failed to validate module [refused] BTF: -22");
    let (report, text) = reported(&machine, &[]);
    assert_eq!(
        row(&report, "refused")["reason"],
        "the kernel refused it: Invalid name"
    );
    for (name, by) in [("refused", json!("kernel")), ("unsaid", Value::Null)] {
        let row = row(&report, name);
        assert_eq!(
            (&row["state"], &row["by"]),
            (&json!("missing"), &by),
            "{row}"
        );
    }
    assert_eq!(
        row(&report, "unsaid")["to_do"],
        "install rust_btfreloc and load it, then unload unsaid and load it again"
    );
    assert!(text
        .text()
        .contains("\nwithout BTF, though there is some in the file (2)\n"));
}

#[test]
fn a_kernel_without_rust_is_named_and_no_module_is_advised() {
    let mut machine = Machine::new("status-no-rust");
    machine.without_rust();
    machine.load_with("exfat", &wrong());
    let (report, text) = reported(&machine, &[]);
    let ours = &report["rust_btfreloc"];
    assert_eq!(
        (&ours["loaded"], &ours["to_do"]),
        (&json!(false), &Value::Null)
    );
    let why = "this kernel has no Rust (CONFIG_RUST), which rust_btfreloc needs";
    assert_eq!(ours["why_not"], why);
    let exfat = row(&report, "exfat");
    assert_eq!(
        exfat["to_do"],
        format!("{why}: install the exfat that belongs to this kernel")
    );
    assert_eq!(exfat["with_rust_btfreloc"], Value::Null);
    assert!(text
        .text()
        .starts_with(&format!("Linux {RELEASE}: this kernel has no Rust")));
    // Where the configuration is not there, it may have it.
    fs::remove_file(machine.root.join(format!("boot/config-{RELEASE}"))).unwrap();
    let (report, _) = reported(&machine, &[]);
    assert_eq!(
        report["rust_btfreloc"]["to_do"],
        "install rust_btfreloc and load it"
    );
}

/// Loads and unloads modules as a kernel does, until it is to end.
fn churn(root: &Path, end: &AtomicBool) {
    let fitting = fitting();
    let mut number = 0;
    while !end.load(Ordering::Relaxed) {
        let name = format!("comes{}", number % 40);
        let btf = root.join("sys/kernel/btf").join(&name);
        let module = root.join("sys/module").join(&name);
        let report = root.join("sys/kernel/debug/btfreloc").join(&name);
        let file = root.join(format!("lib/modules/{RELEASE}/updates/{name}.ko"));
        if number / 40 % 2 == 0 {
            fs::create_dir_all(&module).unwrap();
            // The kernel shows the whole of it, or nothing.
            let whole = root.join("sys/module/btf");
            fs::write(&whole, &fitting).unwrap();
            fs::rename(whole, btf).unwrap();
            fs::write(report, "BTF relocated: 1 types, 0 opaque\n").unwrap();
            fs::write(file, &fitting).unwrap();
        } else {
            for path in [btf, report, file] {
                let _ = fs::remove_file(path);
            }
            let _ = fs::remove_dir_all(module);
        }
        number += 1;
    }
}

#[test]
fn modules_that_go_while_they_are_looked_at_are_no_error() {
    let mut machine = Machine::new("status-vanishing");
    machine.load_ours();
    for number in 0..40 {
        let name = format!("comes{number}");
        machine.install(&format!("updates/{name}.ko"), &[]);
        machine.load(&name, " (OE)");
    }
    // One that went between the list and the look.
    machine.load("went", " (OE)");
    fs::remove_dir_all(machine.root.join("sys/module/went")).unwrap();
    machine.load_with("stays", &fitting());
    let (mut runs, end) = (Vec::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| churn(&machine.root, &end));
        for _ in 0..30 {
            let run = machine.run(&["status", "--format", "json"], "80");
            runs.push(run);
        }
        end.store(true, Ordering::Relaxed);
    });
    for run in runs {
        assert!(run.status <= 1 && run.err.is_empty(), "{run:?}");
        let report = valid(&run);
        assert_eq!(state(&report, "stays"), "as-built");
        assert_eq!(row(&report, "went"), &Value::Null);
    }
    let (report, _) = reported(&machine, &["went"]);
    assert_eq!(state(&report, "went"), "no-btf");
}
