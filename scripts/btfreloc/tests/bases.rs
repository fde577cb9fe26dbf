// SPDX-License-Identifier: GPL-2.0

//! Which kernel a module's BTF is split off: the one it was built for, or one that was named.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use btfreloc::input::{Bases, Kernel, Kernels, Module, Remark};
use common::{boot, built_for, elf, file, folder, module, run, running, small_kernel, text};

/// An installed kernel's file, or what the running one shows.
fn install(root: &Path, path: &str, bytes: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A module that says it was built for this release.
fn built(folder: &Path, release: &str) -> Module {
    let info = format!("vermagic={release} SMP preempt mod_unload \0");
    let image = elf(&[(".modinfo", info.as_bytes())]);
    Module::read(file(folder, "module.ko", &image).as_ref()).unwrap()
}

/// The file that was chosen, below `root`, and what is said.
fn chosen(root: &Path, module: &Module) -> Result<(String, Option<Remark>), String> {
    let bases = Bases::new(None, root);
    let (kernel, remark) = bases.choose(module).map_err(|error| format!("{error:#}"))?;
    let file = Path::new(kernel.label()).strip_prefix(root).unwrap();
    Ok((text(file), remark))
}

#[test]
fn the_kernel_is_that_of_the_vermagic_where_it_is_installed() {
    let root = folder("bases-installed");
    let module = built(&root, "1.2.3-test");
    install(&root, "proc/sys/kernel/osrelease", b"9.9-host\n");
    install(&root, "sys/kernel/btf/vmlinux", &small_kernel());
    // What is found first comes last.
    for path in [
        "usr/src/linux-headers-1.2.3-test/vmlinux",
        "lib/modules/1.2.3-test/build/vmlinux",
        "boot/vmlinuz-1.2.3-test",
    ] {
        install(&root, path, &elf(&[(".BTF", &small_kernel())]));
        assert_eq!(chosen(&root, &module), Ok((path.to_owned(), None)));
    }
    // What has no BTF is passed over.
    install(&root, "boot/vmlinuz-1.2.3-test", &elf(&[]));
    let build = "lib/modules/1.2.3-test/build/vmlinux".to_owned();
    assert_eq!(chosen(&root, &module), Ok((build, None)));
}

#[test]
fn the_running_kernel_serves_with_a_note_where_it_is_another() {
    let root = folder("bases-running");
    let module = built(&root, "1.2.3-test");
    let none = "1.2.3-test, which it was built for, is not installed, and the running kernel shows no BTF: name \
                one that is installed with --base RELEASE, or a file with --base VMLINUX";
    assert_eq!(chosen(&root, &module), Err(none.to_owned()));
    install(&root, "proc/sys/kernel/osrelease", b"9.9-host\n");
    assert_eq!(chosen(&root, &module), Err(none.to_owned()));
    let own = "sys/kernel/btf/vmlinux";
    install(&root, own, &small_kernel());
    let note = "1.2.3-test, which it was built for, is not installed: taking the running kernel, 9.9-host; --base \
                names another";
    let expected = (own.to_owned(), Some(Remark::Note(note.to_owned())));
    assert_eq!(chosen(&root, &module), Ok(expected));
    install(&root, "proc/sys/kernel/osrelease", b"1.2.3-test\n");
    assert_eq!(chosen(&root, &module), Ok((own.to_owned(), None)));
    // Another build of it may be installed, which is the one to build against.
    install(&root, "boot/vmlinuz-1.2.3-test", &small_kernel());
    let installed = "boot/vmlinuz-1.2.3-test".to_owned();
    assert_eq!(chosen(&root, &module), Ok((installed, None)));
}

#[test]
fn a_base_that_is_not_the_modules_is_warned_of() {
    let folder = folder("bases-other");
    let release = running();
    let other = text(&boot(&built_for(), "vmlinuz"));
    let found = Kernel::read(other.as_ref()).unwrap();
    assert_eq!(found.release(), Some(&*built_for()));
    let warning = |path: &str| {
        format!(
            "btfreloc: warning: {path}: it was built for {release} (vermagic), and {other} is {}: if its BTF is not \
             of that kernel, its types are the wrong ones there\n",
            built_for()
        )
    };
    let output = text(&folder.join("output.ko"));
    let vpoll = text(&module("work/vpoll/vpoll.ko"));
    let encoded = run(&["encode", &vpoll, "--base", &other, "-o", &output]);
    assert_eq!((encoded.status, encoded.err), (0, warning(&vpoll)));
    let plain = text(&module("plain/vpoll.ko"));
    let distilled = run(&["distill", &plain, "--base", &other, "-o", &output]);
    assert_eq!((distilled.status, distilled.err), (0, warning(&plain)));
    let demo = text(&module("plain/btfreloc_demo.ko"));
    let resolved = run(&["resolve-ids", &demo, "--base", &other, "-o", &output]);
    assert!(
        resolved.err.starts_with(&warning(&demo)),
        "{}",
        resolved.err
    );
    // Its own says nothing, nor does BTF alone, which names no release.
    for base in ["vmlinuz", "vmlinux.btf"] {
        let own = text(&boot(&release, base));
        let encoded = run(&["encode", &vpoll, "--base", &own, "-o", &output]);
        assert_eq!((encoded.status, &*encoded.err), (0, ""));
    }
}

/// Or else pahole stumbles over it, and the module is blamed.
#[test]
fn a_damaged_base_is_refused_with_the_place() {
    let folder = folder("bases-damaged");
    let mut btf = fs::read(boot(&running(), "vmlinux.btf")).unwrap();
    let types = 24 + u32::from_ne_bytes(btf[8..12].try_into().unwrap()) as usize;
    // The first type is an INT, whose name an INT cannot have.
    btf[types..types + 4].copy_from_slice(&0x00ff_fff0_u32.to_ne_bytes());
    let base = file(&folder, "vmlinux.btf", &btf);
    let output = text(&folder.join("output.ko"));
    let [vpoll, plain] =
        ["work/vpoll/vpoll.ko", "own/plain/vpoll.ko"].map(|path| text(&module(path)));
    let commands: [&[&str]; 4] = [
        &["encode", &vpoll, "--base", &base, "-o", &output],
        &["distill", &plain, "--base", &base, "-o", &output],
        &["check", &plain, "--against", &base],
        &["inspect", &plain, "--against", &base],
    ];
    for command in commands {
        let done = run(command);
        let place = format!("{base}: vmlinux BTF offset {types}, type [1]: ");
        assert!(done.err.contains(&place), "{}", done.err);
        assert_eq!((done.status, done.text()), (2, ""), "{command:?}");
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    }
    assert!(!Path::new(&output).exists());
}

/// Whatever becomes of their files.
#[test]
fn the_kernels_of_a_command_are_each_read_once() {
    let root = folder("bases-once");
    let [good, bad] = ["good", "bad"].map(|name| root.join(name));
    fs::write(&good, small_kernel()).unwrap();
    fs::write(&bad, "").unwrap();
    let kernels = Kernels::default();
    assert!(kernels.known(&good).is_none());
    let first = kernels.read(&good).unwrap();
    let error = kernels.read(&bad).err().unwrap().to_string();
    fs::remove_file(&good).unwrap();
    fs::write(&bad, small_kernel()).unwrap();
    assert!(Arc::ptr_eq(&first, &kernels.read(&good).unwrap()));
    assert_eq!(kernels.read(&bad).err().unwrap().to_string(), error);
    assert!(kernels.known(&good).is_some() && kernels.known(&bad).is_none());
}
