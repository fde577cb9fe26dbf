// SPDX-License-Identifier: GPL-2.0

//! `btfreloc status` on kernels on which rust_btfreloc cannot be loaded: what it says to type gives modules BTF
//! that these take.

mod common;
mod machine;
mod schema;

use std::fs;

use btfreloc_selftests::builder::Builder;
use common::{boot, built_for, module, run, running, text, Run};
use machine::{distilled, fitting, wrong, Machine, RELEASE};
use rust_btfreloc::elf::Elf;
use schema::valid;
use serde_json::{json, Value};

fn row(machine: &Machine, name: &str) -> Value {
    let run = machine.run(&["status", name, "--format", "json"], "80");
    valid(&run)["results"][0].clone()
}

/// Runs the command with which `to_do` begins, on the kernel of `machine`.
fn typed(machine: &Machine, to_do: &str) -> Run {
    let start = to_do.find("btfreloc ").unwrap();
    let end = to_do[start..]
        .find([';', '('])
        .unwrap_or(to_do.len() - start);
    let vmlinux = text(&machine.root.join("sys/kernel/btf/vmlinux"));
    let command = to_do[start..start + end].trim_end();
    let words = command.split(' ').skip(1).map(|word| match word {
        RELEASE => vmlinux.clone(),
        word => word.to_owned(),
    });
    run(&words.collect::<Vec<_>>())
}

/// The BTF of a kernel before 6.11, which reads no .BTF.base, with the types of the others.
fn old_kernel() -> Vec<u8> {
    let mut old = Builder::base();
    let int = old.int("int", 4, 1);
    old.structure("task", 4, &[("pid", [int, 0])]);
    old.structure("module", 4, &[("btf_data_size", [int, 0])]);
    old.knows(19, 24);
    old.bytes()
}

fn file(machine: &Machine, path: &str) -> String {
    text(&machine.root.join("lib/modules").join(RELEASE).join(path))
}

#[test]
fn without_rust_the_command_is_named_that_changes_the_file() {
    let mut machine = Machine::new("status-in-place");
    machine.without_rust();
    let [split, base] = distilled(true);
    let sections: [(&str, &[u8]); 2] = [(".BTF", &split), (".BTF.base", &base)];
    machine.install("updates/vendor.ko", &sections);
    machine.install("updates/fits.ko", &[(".BTF", &fitting())]);
    machine.log("BPF: Invalid name");
    machine.log("failed to validate module [vendor] BTF: -22");
    let vendor = file(&machine, "updates/vendor.ko");
    let found = row(&machine, "vendor");
    assert_eq!(found["state"], "failed");
    let command = format!("btfreloc relocate --in-place {vendor} --against {RELEASE}");
    assert_eq!(found["to_do"], format!("{command}; then modprobe vendor"));
    let makes = "relocated: 1 types, 1 base types mapped, 1 opaque (gone)";
    assert_eq!(found["in_place"], makes);
    assert_eq!(found["with_rust_btfreloc"], Value::Null);
    let shown = machine.run(&["status"], "300");
    let kernel = format!(
        "Linux {RELEASE}: this kernel has no Rust (CONFIG_RUST), which rust_btfreloc needs\n"
    );
    assert!(shown.text().starts_with(&kernel), "{}", shown.text());
    assert!(
        shown.text().contains(&format!(
            "\n          in place: {makes}\n          to do: {command}; then "
        )),
        "{}",
        shown.text()
    );

    let done = typed(&machine, found["to_do"].as_str().unwrap());
    assert_eq!(done.status, 0, "{done:?}");
    let mut clean = machine.run(&["check", "vendor"], "80");
    assert!(clean.text().ends_with(": left alone\n"), "{clean:?}");
    // The log still has what became of the file before.
    let found = row(&machine, "vendor");
    assert_eq!(
        (&found["state"], &found["to_do"]),
        (&json!("failed"), &json!("modprobe vendor"))
    );
    machine.put("dev/kmsg", "6,1,0,-;Linux version\n");
    clean = machine.run(&["status", "vendor", "fits"], "80");
    assert_eq!(clean.status, 0, "{clean:?}");
}

/// What the running kernel finds to be of another build is right for that, after a reboot.
#[test]
fn a_file_of_another_build_of_the_kernel_is_kept() {
    let mut machine = Machine::new("status-in-place-own");
    machine.without_rust();
    machine.install("kernel/exfat.ko", &[(".BTF", &wrong())]);
    machine.load_with("exfat", &wrong());
    let exfat = file(&machine, "kernel/exfat.ko");
    assert_eq!(
        row(&machine, "exfat")["to_do"],
        format!(
            "reboot, as its file is of another build of this kernel; until then btfreloc relocate --in-place \
             {exfat} --against {RELEASE} --base VMLINUX --backup (VMLINUX is that of the kernel that it was built \
             for); then unload exfat and load it again"
        )
    );
}

/// Damaged BTF becomes none, and a kernel that takes signed modules alone wants a signature.
#[test]
fn the_command_has_the_options_that_it_takes() {
    let mut machine = Machine::new("status-in-place-options");
    machine.without_rust();
    machine.install("updates/broken.ko", &[(".BTF", b"damaged")]);
    let [split, base] = distilled(true);
    machine.install(
        "updates/signed it.ko",
        &[(".BTF", &split), (".BTF.base", &base)],
    );
    let to_do = |machine: &Machine, name: &str| {
        machine.log_refused(name);
        row(machine, name)["to_do"].as_str().unwrap().to_owned()
    };
    let broken = file(&machine, "updates/broken.ko");
    assert_eq!(
        to_do(&machine, "broken"),
        format!(
            "btfreloc relocate --in-place {broken} --against {RELEASE} --drop; then modprobe broken"
        )
    );
    let signed = file(&machine, "updates/signed it.ko");
    let mut image = fs::read(&signed).unwrap();
    image.extend(
        [
            b"signature",
            &[0; 8][..],
            &9u32.to_be_bytes(),
            b"~Module signature appended~\n",
        ]
        .concat(),
    );
    fs::write(&signed, image).unwrap();
    let command = format!("btfreloc relocate --in-place '{signed}' --against {RELEASE}");
    let then = "; then modprobe signed it";
    assert_eq!(to_do(&machine, "signed it"), format!("{command}{then}"));
    machine.put("sys/module/module/parameters/sig_enforce", "Y\n");
    assert_eq!(
        to_do(&machine, "signed it"),
        format!("{command} --sign-with PROGRAM{then}")
    );
}

/// What the log says of the file before the command is not of the module that was loaded after it.
#[test]
fn a_module_without_its_damaged_btf_has_nothing_to_do() {
    let mut machine = Machine::new("status-in-place-dropped");
    machine.without_rust();
    machine.install("updates/broken.ko", &[(".BTF", b"damaged")]);
    machine.log_refused("broken");
    let found = row(&machine, "broken");
    let done = typed(&machine, found["to_do"].as_str().unwrap());
    assert_eq!(done.status, 0, "{done:?}");
    let found = row(&machine, "broken");
    assert_eq!(
        (&found["state"], &found["to_do"]),
        (&json!("failed"), &json!("modprobe broken"))
    );
    machine.load("broken", " (OE)");
    let run = machine.run(&["status", "--format", "json"], "80");
    let found = &valid(&run)["results"][0];
    assert_eq!((&found["state"], run.status), (&json!("no-btf"), 0));
    assert_eq!(found["reason"], Value::Null);
}

/// A kernel that ignores .BTF.base takes other types for those of a module, and goes on to until that is loaded
/// again.
#[test]
fn a_file_that_is_changed_is_not_loaded_yet() {
    let mut machine = Machine::new("status-in-place-changed");
    machine.put("sys/kernel/btf/vmlinux", old_kernel());
    let mut base = Builder::base();
    base.structure("task", 4, &[]);
    let int = base.int("int", 4, 1);
    let mut split = Builder::split(&base);
    split.ptr(int);
    let (split, base) = (split.bytes(), base.bytes());
    machine.install(
        "updates/vendor.ko",
        &[(".BTF", &split), (".BTF.base", &base)],
    );
    machine.load_with("vendor", &split);
    let found = row(&machine, "vendor");
    assert_eq!(found["state"], "wrong-types");
    let done = typed(&machine, found["to_do"].as_str().unwrap());
    assert_eq!(done.status, 0, "{done:?}");
    let found = row(&machine, "vendor");
    assert_eq!(
        (&found["state"], &found["to_do"]),
        (
            &json!("replaced"),
            &json!("unload vendor and load it again")
        )
    );
    assert_eq!(found["reason"], "its file was replaced since it was loaded");
    let shown = machine.run(&["status", "vendor"], "80");
    let heading = "\nwith other BTF than there is in the file (1)\n  vendor  its file ";
    assert!(shown.text().contains(heading), "{shown:?}");
    assert_eq!(shown.status, 1);

    let vendor = fs::read(file(&machine, "updates/vendor.ko")).unwrap();
    let elf = Elf::parse(&vendor).unwrap();
    let changed = elf.data(&elf.section(b".BTF").unwrap()).unwrap();
    machine.put("sys/kernel/btf/vendor", changed);
    let again = machine.run(&["status", "vendor"], "80");
    assert_eq!(again.status, 0, "{again:?}");
}

/// A kernel before 7.2 has no rust_btfreloc, with Rust or without.
#[test]
fn an_older_kernel_is_called_that() {
    let machine = Machine::new("status-in-place-old");
    machine.put("sys/kernel/btf/vmlinux", old_kernel());
    let shown = machine.run(&["status"], "120");
    let line = "this kernel is older than 7.2, which rust_btfreloc needs\n";
    assert!(shown.text().contains(line), "{}", shown.text());
    let json = valid(&machine.run(&["status", "--format", "json"], "80"));
    let ours = &json["rust_btfreloc"];
    assert_eq!(ours["why_not"], line.trim_end());
    assert_eq!(ours["to_do"], Value::Null);
}

/// Real plain split BTF of another build, whose vmlinux is where the hook puts it.
#[test]
fn the_base_that_is_at_hand_is_named() {
    let mut machine = Machine::new("status-in-place-base");
    machine.without_rust();
    machine.boot(&boot(&running(), "vmlinux.btf"));
    machine.install_file("vpoll.ko", &module("plain/vpoll.ko"));
    machine.log_refused("vpoll");
    let vpoll = file(&machine, "updates/vpoll.ko");
    let wanted = row(&machine, "vpoll");
    assert_eq!(
        wanted["to_do"],
        format!(
            "btfreloc relocate --in-place {vpoll} --against {RELEASE} --base VMLINUX (VMLINUX is that of the build \
             of {} that it was made with); then modprobe vpoll",
            running()
        )
    );
    let elder = fs::read(boot(&built_for(), "vmlinux.btf")).unwrap();
    let firmware = format!("lib/firmware/btfreloc/{}.btf", running());
    machine.put(&firmware, elder);
    let found = row(&machine, "vpoll");
    let base = text(&machine.root.join(firmware));
    assert_eq!(
        found["to_do"],
        format!(
            "btfreloc relocate --in-place {vpoll} --against {RELEASE} --base {base}; then modprobe vpoll"
        )
    );
    let done = typed(&machine, found["to_do"].as_str().unwrap());
    assert_eq!(done.status, 0, "{done:?}");
    let checked = machine.run(&["check", "vpoll"], "80");
    assert!(checked.text().ends_with(": left alone\n"), "{checked:?}");
}
