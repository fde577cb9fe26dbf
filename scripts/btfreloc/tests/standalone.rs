// SPDX-License-Identifier: GPL-2.0

//! Modules with standalone BTF: what every command says to them.

mod common;

use std::fs;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::peer::{flatten, Btf};
use common::{boot, elf, file, folder, run, running, stock, text};
use serde_json::json;

/// A kernel, and a module with a struct and a function of its own; of what the two share, one
/// struct has another size in the module where `size` is not 8.
fn small(test: &str, size: u32) -> (String, String) {
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, 1);
    let ptr = vmlinux.next_id() + 1;
    vmlinux.structure("task", 8, &[("next", [ptr, 0])]);
    vmlinux.ptr(2);
    vmlinux.structure("outer", 16, &[("task", [ptr, 0]), ("pid", [int, 64])]);
    let mut module = Builder::base();
    let ptr = module.next_id() + 1;
    let task = module.structure("task", size, &[("next", [ptr, 0])]);
    module.ptr(task);
    let int = module.int("int", 4, 1);
    module.structure("outer", 16, &[("task", [ptr, 0]), ("pid", [int, 64])]);
    module.structure("own", 8, &[("task", [ptr, 0])]);
    let proto = module.func_proto(int, &[("task", [ptr])]);
    module.func("work", proto, 0);
    let folder = folder(test);
    let module = elf(&[(".BTF", &module.bytes())]);
    (
        file(&folder, "vmlinux.btf", &vmlinux.bytes()),
        file(&folder, "own.ko", &module),
    )
}

#[test]
fn a_module_without_conflicts_is_clean() {
    let (kernel, module) = small("standalone-clean", 8);
    let run = run(&["check", &module, "--against", &kernel]);
    let line = format!(
        "{module}: {kernel}: standalone, rebased exactly: 4 mapped to vmlinux, 3 kept, \
         0 dropped, 0 differ from vmlinux's\n"
    );
    assert!(run.text().starts_with(&line), "{}", run.text());
    assert!(
        run.text().contains("the kernel alone refuses the module: "),
        "{}",
        run.text()
    );
    assert_eq!((run.status, &*run.err), (0, ""));
}

#[test]
fn conflicts_are_reported_and_explained() {
    let (kernel, module) = small("standalone-conflicts", 16);
    let short = run(&["check", &module, "--against", &kernel]);
    let line = format!(
        "{module}: {kernel}: standalone, rebased with conflicts: 1 mapped to vmlinux, \
         6 kept, 0 dropped, 2 differ from vmlinux's (first: [1] STRUCT task is not vmlinux [2]: it has \
         16 bytes, 8 in vmlinux)"
    );
    assert!(short.text().starts_with(&line), "{}", short.text());
    let itself = "    [1] STRUCT task is not vmlinux [2]: it has 16 bytes, 8 in vmlinux\n";
    let through = "    [4] STRUCT outer is not vmlinux [4]: through member task, [1] STRUCT task \
                   has 16 bytes, 8 in vmlinux [2]\n";
    assert!(
        short.text().contains(itself) && !short.text().contains(through),
        "{}",
        short.text()
    );
    assert_eq!((short.status, &*short.err), (1, ""));
    let long = run(&["check", &module, "--against", &kernel, "--explain"]);
    assert!(
        long.text().contains(&format!("{itself}{through}")),
        "{}",
        long.text()
    );
    assert_eq!(long.status, 1);
}

#[test]
fn json_has_the_figures_and_the_conflicts() {
    let (kernel, module) = small("standalone-json", 16);
    let run = run(&["check", "--format", "json", &module, "--against", &kernel]);
    let row = &run.json()["results"][0];
    assert_eq!(row["outcome"], "conflicts");
    assert_eq!(
        row["rebase"],
        json!({
            "mapped": 1, "own": 6, "left_out": 0, "conflicts": 2,
            "first": "[1] STRUCT task is not vmlinux [2]: it has 16 bytes, 8 in vmlinux",
            "conflicting": [{
                "id": 1, "kind": "STRUCT", "name": "task", "candidate": 2,
                "text": "[1] STRUCT task is not vmlinux [2]: it has 16 bytes, 8 in vmlinux",
            }],
        })
    );
}

#[test]
fn what_is_written_is_split_btf_on_the_kernel() {
    let (kernel, module) = small("standalone-written", 8);
    let output = text(&folder("standalone-output").join("btf"));
    let done = run(&["relocate", &module, "--against", &kernel, "-o", &output]);
    assert_eq!((done.status, done.text(), &*done.err), (0, "", ""));
    let base = Btf::base(&fs::read(&kernel).unwrap()).unwrap();
    let split = Btf::split(&base, &fs::read(&output).unwrap()).expect("libbpf takes it");
    let names: Vec<_> = split.own().map(|(_, own)| own.name.to_vec()).collect();
    assert_eq!(names, [&b""[..], b"own", b"work"]);
    // The parameter is the kernel's own `struct task *`.
    let (_, proto) = split.own().next().unwrap();
    assert_eq!(proto.rest()[1], 3);
}

#[test]
fn a_damaged_one_is_dropped_with_the_type_named() {
    let mut module = Builder::base();
    let int = module.int("int", 4, 1);
    module.structure("torn", 4, &[("far", [int, 64])]);
    let bytes = elf(&[(".BTF", &module.bytes())]);
    let module = file(&folder("standalone-damaged"), "torn.ko", &bytes);
    let kernel = text(&boot(&running(), "vmlinux.btf"));
    let run = run(&["check", &module, "--against", &kernel]);
    let why =
        "dropped: malformed BTF: .BTF offset 60, type [2] STRUCT torn: member 0 starts at bit 64";
    assert!(run.text().contains(why), "{}", run.text());
    assert_eq!(run.status, 1);
}

#[test]
fn a_stock_module_with_all_it_refers_to_is_recognised_and_rebased() {
    let vmlinux = fs::read(boot(&running(), "vmlinux.btf")).unwrap();
    let base = Btf::base(&vmlinux).unwrap();
    let stock = stock(&running()).join("kernel/crypto/ccm.ko.xz");
    let split = btfreloc_selftests::modules::btf(&stock).unwrap();
    let alone = flatten(&Btf::split(&base, &split).unwrap()).btf;
    let module = file(
        &folder("standalone-stock"),
        "ccm.ko",
        &elf(&[(".BTF", &alone)]),
    );
    let shown = run(&["inspect", &module]);
    assert!(
        shown.text().contains("\n  standalone BTF\n"),
        "{}",
        shown.text()
    );
    let kernel = text(&boot(&running(), "vmlinuz"));
    let checked = run(&["check", &module, "--against", &kernel]);
    assert!(
        checked.text().contains(": standalone, rebased exactly: "),
        "{}",
        checked.text()
    );
    assert_eq!(checked.status, 0);
}

/// The kernel would read such ids, and the BTF they are of, as vmlinux's.
#[test]
fn unidentified_ids_cost_the_module_its_btf() {
    let folder = folder("standalone-ids");
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, 1);
    let kernel = file(&folder, "vmlinux.btf", &vmlinux.bytes());
    let mut alone = Builder::base();
    let int = alone.int("int", 4, 1);
    alone.typedef("number", int);
    let sections = [(".BTF", &*alone.bytes()), (".BTF_ids", &[1, 0, 0, 0][..])];
    let module = file(&folder, "module.ko", &elf(&sections));
    let run = run(&["check", &module, "--against", &kernel]);
    let verdict = format!(
        "{module}: {kernel}: dropped: .BTF_ids offset 0: the module was stripped of the symbols that \
         identify its ids; use strip --strip-debug"
    );
    assert!(run.text().starts_with(&verdict), "{}", run.text());
    assert_eq!(run.status, 1);
}
