// SPDX-License-Identifier: GPL-2.0

//! `btfreloc status` where the log is of a load before, or the file is not what was loaded: what was is not taken
//! for what is.

mod common;
mod machine;
mod schema;

use machine::{distilled, wrong, Machine};
use schema::valid;
use serde_json::{json, Value};

/// What rust_btfreloc logs of a module that it relocates.
const RELOCATED: &str = "BTF relocated: 3 types, 2 base types mapped, 0 opaque, in 12 ns";

/// The row of a module, and the exit status.
fn row(machine: &Machine, name: &str) -> (Value, i32) {
    let run = machine.run(&["status", name, "--format", "json"], "80");
    (valid(&run)["results"][0].clone(), run.status)
}

/// It was relocated, and then loaded again by the kernel alone, which takes stale BTF.
#[test]
fn types_that_are_wrong_now_are_not_those_of_the_log() {
    let mut machine = Machine::new("status-again-wrong");
    machine.log(&format!("rust_btfreloc: vpoll: {RELOCATED}"));
    machine.load_with("vpoll", &wrong());
    let (found, status) = row(&machine, "vpoll");
    assert_eq!(
        (&found["state"], &found["by"], status),
        (&json!("wrong-types"), &json!("kernel"), 1)
    );
    assert_eq!(
        found["to_do"],
        "install rust_btfreloc and load it, then unload vpoll and load it again"
    );
}

/// It was loaded from a file elsewhere, and unloaded.
#[test]
fn a_module_that_is_gone_is_not_built_in() {
    let mut machine = Machine::new("status-again-gone");
    machine.log(&format!("rust_btfreloc: foo: {RELOCATED}"));
    let run = machine.run(&["status", "foo"], "80");
    assert_eq!((run.status, run.text()), (2, ""));
    let error = "btfreloc: foo: no such file, and no module of that name in ";
    assert!(run.err.starts_with(error), "{run:?}");
}

/// Where the policy forbids what has to be done, loading it again is of no use.
#[test]
fn the_policy_is_that_of_the_machine() {
    let mut machine = Machine::new("status-again-strict");
    let [split, base] = distilled(true);
    let sections: [(&str, &[u8]); 2] = [(".BTF", &split), (".BTF.base", &base)];
    machine.install("updates/vendor.ko", &sections);
    machine.load_ours_with(0);
    let to_do = "build vendor for this kernel, or load rust_btfreloc with policy=1";
    let would = "left to the kernel: policy is strict: .BTF.base type [2] STRUCT gone: vmlinux has no type of this \
                 name; rebuild it for this kernel, or load rust_btfreloc with policy=1";
    let held = |machine: &Machine, state: &str| {
        let (found, status) = row(machine, "vendor");
        assert_eq!((&found["state"], status), (&json!(state), 1));
        assert_eq!(found["to_do"], to_do);
        assert_eq!(found["with_rust_btfreloc"], would);
    };
    held(&machine, "not-loaded-finding");
    machine.log_refused("vendor");
    held(&machine, "failed");
    // The other policy takes it.
    machine.load_ours_with(1);
    let (found, _) = row(&machine, "vendor");
    assert_eq!(found["to_do"], "modprobe vendor");
}
