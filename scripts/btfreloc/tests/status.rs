// SPDX-License-Identifier: GPL-2.0

//! `btfreloc status` on machines in a folder, in each of their states.

mod common;
mod machine;
mod schema;

use machine::{distilled, fitting, wrong, Machine, RELEASE};
use schema::valid;
use serde_json::{json, Value};

/// The row of a module, and the status of the command.
fn row(machine: &Machine, name: &str) -> (Value, i32) {
    let run = machine.run(&["status", "--format", "json"], "80");
    let json = valid(&run);
    assert_eq!(json["command"], "status");
    assert_eq!(json["kernels"][0]["release"], RELEASE);
    let rows = json["results"].as_array().unwrap();
    let row = rows.iter().find(|row| row["module"] == name);
    (row.cloned().unwrap_or(Value::Null), run.status)
}

/// One with a module in each state, without rust_btfreloc.
fn without(test: &str) -> Machine {
    let mut machine = Machine::new(test);
    let (wrong, fitting) = (wrong(), fitting());
    let [split, base] = distilled(true);
    machine.install("kernel/fs/exfat/exfat.ko", &[(".BTF", &wrong)]);
    machine.install("kernel/fs/fuse/fuse.ko", &[(".BTF", &fitting)]);
    machine.install("kernel/net/plain.ko", &[]);
    machine.install(
        "updates/vendor.ko",
        &[(".BTF", &split), (".BTF.base", &base)],
    );
    machine.load_with("fuse", &fitting);
    machine.put("sys/module/fuse/sections/.BTF_ids", "");
    machine.load("plain", "");
    machine.load_with("af_packet", &fitting);
    machine.load_with("exfat", &wrong);
    machine.log("BPF: [5] FUNC_PROTO (anon)");
    machine.log("BPF: Invalid name");
    machine.log("BPF:");
    machine.log("failed to validate module [vendor] BTF: -22");
    machine
}

/// One with a module in each state, with rust_btfreloc.
fn with(test: &str) -> Machine {
    let mut machine = Machine::new(test);
    let fitting = fitting();
    machine.load_with("early", &wrong());
    machine.load_ours();
    for name in [
        "exact",
        "opaque",
        "repaired",
        "rebased",
        "conflicts",
        "reduced",
        "as_built",
    ] {
        machine.load_with(name, &fitting);
    }
    for name in ["dropped", "empty", "refused"] {
        machine.load(name, "");
    }
    let figures = "51 types, 20 base types mapped";
    let ids = "3 of 3 .BTF_ids changed";
    for (name, line) in [
        ("exact", format!("relocated: {figures}, 0 opaque, {ids}")),
        ("opaque", format!("relocated: {figures}, 2 opaque (cred_label, mnt_pcp)")),
        (
            "repaired",
            format!("relocated by way of firmware btfreloc/{RELEASE}.btf: {figures}, 0 opaque"),
        ),
        ("rebased", "rebased: 4 mapped to vmlinux, 3 kept, 0 dropped, 0 differ from vmlinux's".to_owned()),
        ("conflicts", "rebased: 4 mapped to vmlinux, 3 kept, 0 dropped, 1 differ from vmlinux's".to_owned()),
        ("reduced", format!("reduced: {ids}; left out: 1 type of kind 44")),
        (
            "dropped",
            "dropped: malformed BTF: .BTF offset 24: kind 63 is not known; build the module again; 2 of 2 .BTF_ids set to 0"
                .to_owned(),
        ),
        ("empty", "dropped: it describes no type, and some programs fail to read such BTF".to_owned()),
        (
            "refused",
            format!(
                "refused by the kernel, which does not show it in /sys/kernel/btf; it was relocated: {figures}, 0 opaque"
            ),
        ),
    ] {
        machine.report(name, &format!("BTF {line}\n[1] INT int\n.BTF_ids set x: 1 -> 2\n"));
    }
    machine
}

#[test]
fn each_state_is_known_without_rust_btfreloc() {
    let machine = without("status-without");
    for (name, state, loaded, btf) in [
        ("exfat", "wrong-types", true, true),
        ("fuse", "as-built", true, true),
        ("af_packet", "as-built", true, true),
        ("plain", "no-btf", true, false),
        ("vendor", "failed", false, false),
    ] {
        let (row, status) = row(&machine, name);
        assert_eq!(row["state"], state, "{row}");
        assert_eq!(
            (&row["loaded"], &row["btf"]),
            (&json!(loaded), &json!(btf)),
            "{row}"
        );
        assert_eq!(status, 1);
    }
    let (exfat, _) = row(&machine, "exfat");
    assert_eq!(
        exfat["to_do"],
        "install rust_btfreloc and load it, then unload exfat and load it again"
    );
    let would = exfat["with_rust_btfreloc"].as_str().unwrap();
    assert!(
        would.starts_with("dropped: not for this kernel: "),
        "{would}"
    );
    let (vendor, _) = row(&machine, "vendor");
    assert_eq!(vendor["reason"], "Invalid name (error -22)");
    assert_eq!(
        vendor["with_rust_btfreloc"],
        "relocated: 1 types, 1 base types mapped, 1 opaque (gone)"
    );
    let (fuse, _) = row(&machine, "fuse");
    assert_eq!(
        (&fuse["ids"], &fuse["by"]),
        (&json!("as built"), &json!("kernel"))
    );
}

#[test]
fn each_state_is_known_with_rust_btfreloc() {
    let machine = with("status-with");
    for (name, state, by) in [
        ("early", "wrong-types", "kernel"),
        ("exact", "relocated", "rust_btfreloc"),
        ("opaque", "opaque", "rust_btfreloc"),
        ("repaired", "repaired", "rust_btfreloc"),
        ("rebased", "rebased", "rust_btfreloc"),
        ("conflicts", "conflicts", "rust_btfreloc"),
        ("reduced", "reduced", "rust_btfreloc"),
        ("as_built", "as-built", "kernel"),
        ("dropped", "dropped", "rust_btfreloc"),
        ("empty", "no-btf", "rust_btfreloc"),
        ("refused", "refused", "rust_btfreloc"),
    ] {
        let (row, status) = row(&machine, name);
        assert_eq!(
            (&row["state"], &row["by"]),
            (&json!(state), &json!(by)),
            "{row}"
        );
        assert_eq!(status, 1);
    }
    let ids = |name| row(&machine, name).0["ids"].clone();
    assert_eq!(ids("exact"), "3 of 3 .BTF_ids changed");
    assert_eq!(ids("reduced"), "3 of 3 .BTF_ids changed");
    assert_eq!(ids("dropped"), "2 of 2 .BTF_ids set to 0");
    assert_eq!(
        row(&machine, "repaired").0["supplied"],
        format!("btfreloc/{RELEASE}.btf")
    );
    let (early, _) = row(&machine, "early");
    assert_eq!(
        early["to_do"],
        "it was loaded before rust_btfreloc: unload early and load it again"
    );
}

const WITHOUT_WIDE: &str = "\
Linux 7.3.4-test: rust_btfreloc is not loaded (install rust_btfreloc and load it)

built without BTF (1)
  plain

taken by the kernel as built (2)
  af_packet fuse

with wrong types, made for another kernel (1)
  exfat  .BTF offset 32, type [3] FUNC work: refers to INT [1], where a FUNC_PROTO belongs
         with rust_btfreloc: dropped: not for this kernel: .BTF offset 32, type [3] FUNC work: refers to INT [1], where
         a FUNC_PROTO belongs; rebuild it with .BTF.base
         to do: install rust_btfreloc and load it, then unload exfat and load it again

refused by the kernel, not loaded (1)
  vendor  Invalid name (error -22)
          with rust_btfreloc: relocated: 1 types, 1 base types mapped, 1 opaque (gone)
          to do: install rust_btfreloc and load it, then modprobe vendor

5 modules: something to do for 2 of them
";

const WITHOUT_NARROW: &str = "\
Linux 7.3.4-test: rust_btfreloc is not
  loaded (install rust_btfreloc and load it)

built without BTF (1)
  plain

taken by the kernel as built (2)
  af_packet fuse

with wrong types, made for another kernel
  (1)
  exfat
    .BTF offset 32, type [3] FUNC work:
    refers to INT [1], where a FUNC_PROTO
    belongs
    with rust_btfreloc: dropped: not for
    this kernel: .BTF offset 32, type [3]
    FUNC work: refers to INT [1], where a
    FUNC_PROTO belongs; rebuild it with
    .BTF.base
    to do: install rust_btfreloc and load
    it, then unload exfat and load it again

refused by the kernel, not loaded (1)
  vendor
    Invalid name (error -22)
    with rust_btfreloc: relocated: 1 types,
    1 base types mapped, 1 opaque (gone)
    to do: install rust_btfreloc and load
    it, then modprobe vendor

5 modules: something to do for 2 of them
";

const WITH_WIDE: &str = "\
Linux 7.3.4-test: rust_btfreloc is loaded, policy opaque

built without BTF (2)
  empty rust_btfreloc

taken by the kernel as built (1)
  as_built

rebased (1)
  rebased

relocated by way of a supplied base (1)
  repaired

relocated (1)
  exact

registered without types of unknown kinds (1)
  reduced  left out: 1 type of kind 44
           .BTF_ids: 3 of 3 .BTF_ids changed

rebased with conflicts (1)
  conflicts  4 mapped to vmlinux, 3 kept, 0 dropped, 1 differ from vmlinux's
             to do: build it for this kernel if BPF programs are to see these types

relocated with opaque types (1)
  opaque  51 types, 20 base types mapped, 2 opaque (cred_label, mnt_pcp)
          to do: build it for this kernel if BPF programs are to see these types

without BTF, dropped by rust_btfreloc (1)
  dropped  malformed BTF: .BTF offset 24: kind 63 is not known; build the module again
           .BTF_ids: 2 of 2 .BTF_ids set to 0

without BTF, as the kernel refused what was made for it (1)
  refused  relocated: 51 types, 20 base types mapped, 0 opaque
           to do: report it: the kernel did not take what was made for it

with wrong types, made for another kernel (1)
  early  .BTF offset 32, type [3] FUNC work: refers to INT [1], where a FUNC_PROTO belongs
         to do: it was loaded before rust_btfreloc: unload early and load it again

12 modules: something to do for 6 of them
";

const WITH_VERBOSE: &str = "\
relocated by way of a supplied base (1)
  repaired  51 types, 20 base types mapped, 0 opaque
            by way of firmware btfreloc/7.3.4-test.btf

relocated (1)
  exact  51 types, 20 base types mapped, 0 opaque
         .BTF_ids: 3 of 3 .BTF_ids changed
";

/// What is shown on a terminal of so many columns.
#[track_caller]
fn shows(machine: &Machine, args: &[&str], columns: &str, expected: &str) {
    let run = machine.run(&[&["status"], args].concat(), columns);
    assert_eq!((run.text(), &*run.err), (expected, ""));
}

#[test]
fn the_text_fits_wide_and_narrow_terminals() {
    let machine = without("status-text-without");
    shows(&machine, &[], "120", WITHOUT_WIDE);
    shows(&machine, &[], "44", WITHOUT_NARROW);
    let machine = with("status-text-with");
    shows(&machine, &[], "120", WITH_WIDE);
    let verbose = machine.run(&["status", "-v"], "120");
    assert!(verbose.text().contains(WITH_VERBOSE), "{}", verbose.text());
}

#[test]
fn quiet_shows_findings_alone() {
    let machine = without("status-quiet");
    let (_, findings) = WITHOUT_WIDE.split_once("\nwith wrong").unwrap();
    let (findings, _) = findings.split_once("\n5 modules").unwrap();
    shows(&machine, &["-q"], "120", &format!("with wrong{findings}"));
    let mut machine = Machine::new("status-quiet-clean");
    machine.load_with("fuse", &fitting());
    let run = machine.run(&["status", "--quiet"], "80");
    assert_eq!((run.text(), run.status), ("", 0));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let machine = without("status-colour");
    let plain = |variables: &[(&str, &str)]| {
        let variables = [variables, &[("COLUMNS", "120")]].concat();
        machine.run_with(&["status"], &variables).text().to_owned()
    };
    assert_eq!(plain(&[]), WITHOUT_WIDE);
    assert_eq!(plain(&[("NO_COLOR", "1")]), WITHOUT_WIDE);
    let forced = plain(&[("CLICOLOR_FORCE", "1")]);
    assert!(
        forced.contains("\u{1b}[1m\u{1b}[31mrefused by the kernel, not loaded\u{1b}[0m (1)"),
        "{forced:?}"
    );
    assert_eq!(
        plain(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]),
        WITHOUT_WIDE
    );
}
