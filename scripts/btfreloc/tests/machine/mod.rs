// SPDX-License-Identifier: GPL-2.0

//! A machine in a folder: what its kernel shows in /proc and /sys, and the modules that are installed.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use btfreloc_selftests::builder::Builder;

use crate::common::{elf, folder, small_kernel, Run};

pub const RELEASE: &str = "7.3.4-test";

pub struct Machine {
    pub root: PathBuf,
    modules: Vec<String>,
    dep: Vec<String>,
    log: Vec<String>,
}

impl Machine {
    /// One without modules, whose kernel is that of [`small_kernel`].
    pub fn new(test: &str) -> Self {
        let machine = Machine {
            root: folder(test),
            modules: Vec::new(),
            dep: Vec::new(),
            log: Vec::new(),
        };
        machine.put("proc/sys/kernel/osrelease", format!("{RELEASE}\n"));
        machine.put(
            "proc/version",
            format!("Linux version {RELEASE} (a@b) (gcc, ld) #1 SMP\n"),
        );
        machine.put("proc/modules", "");
        machine.put("dev/kmsg", "6,1,0,-;Linux version\n");
        machine.put("sys/kernel/btf/vmlinux", small_kernel());
        machine.put(format!("lib/modules/{RELEASE}/modules.dep"), "");
        machine.put(
            format!("lib/modules/{RELEASE}/modules.builtin"),
            "kernel/fs/ext4/ext4.ko\n",
        );
        machine.put(format!("boot/config-{RELEASE}"), "CONFIG_RUST=y\n");
        machine
    }

    pub fn put(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A file that nobody writes to.
    pub fn fifo(&self, path: impl AsRef<Path>) {
        let path = self.root.join(path);
        let done = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(done.success());
    }

    /// A module that is loaded now, the newest of all, out of the tree if there are `taints`.
    pub fn load(&mut self, name: &str, taints: &str) {
        self.modules.insert(
            0,
            format!("{name} 4096 0 - Live 0x0000000000000000{taints}"),
        );
        self.put("proc/modules", self.modules.join("\n") + "\n");
        self.put(format!("sys/module/{name}/initstate"), "live\n");
    }

    /// A module that is loaded and has this BTF registered.
    pub fn load_with(&mut self, name: &str, btf: &[u8]) {
        self.load(name, "");
        self.put(format!("sys/kernel/btf/{name}"), btf);
    }

    /// The file of a module.
    pub fn install(&mut self, path: &str, sections: &[(&str, &[u8])]) {
        let mut image = elf(sections);
        // ET_REL
        image[16] = 1;
        self.put(format!("lib/modules/{RELEASE}/{path}"), image);
        self.dep.push(format!("{path}:\n"));
        self.put(
            format!("lib/modules/{RELEASE}/modules.dep"),
            self.dep.concat(),
        );
    }

    /// The kernel has no Rust.
    pub fn without_rust(&self) {
        self.put(format!("boot/config-{RELEASE}"), "CONFIG_MODULES=y\n");
    }

    /// The kernel is this one; its modules are still those of [`RELEASE`].
    pub fn boot(&self, vmlinux: &Path) {
        self.put("sys/kernel/btf/vmlinux", fs::read(vmlinux).unwrap());
    }

    /// This file is a module of the release, from outside of the kernel.
    pub fn install_file(&mut self, name: &str, file: &Path) {
        self.install(&format!("updates/{name}"), &[]);
        let path = format!("lib/modules/{RELEASE}/updates/{name}");
        self.put(path, fs::read(file).unwrap());
    }

    /// rust_btfreloc, loaded now, with its reports.
    pub fn load_ours(&mut self) {
        self.load_ours_with(1);
    }

    /// The same with this `policy`.
    pub fn load_ours_with(&mut self, policy: u32) {
        self.load("rust_btfreloc", " (OE)");
        self.put(
            "sys/kernel/debug/btfreloc/stats",
            format!("policy {policy}\nmodules_seen 0\n"),
        );
    }

    /// What rust_btfreloc reports of a module.
    pub fn report(&self, name: &str, text: &str) {
        self.put(format!("sys/kernel/debug/btfreloc/{name}"), text);
    }

    /// A line of the kernel log.
    pub fn log(&mut self, line: &str) {
        let number = self.log.len();
        self.log
            .push(format!("4,{number},{number},-;{line}\n SUBSYSTEM=x\n"));
        self.put("dev/kmsg", self.log.concat());
    }

    /// The kernel log says that this module was refused for its BTF, and nothing else.
    pub fn log_refused(&self, name: &str) {
        let line = format!("failed to validate module [{name}] BTF: -22");
        self.put("dev/kmsg", format!("4,1,1,-;{line}\n"));
    }

    /// Runs a command of the tool there, on a terminal of `columns`.
    pub fn run(&self, args: &[&str], columns: &str) -> Run {
        self.run_with(args, &[("COLUMNS", columns)])
    }

    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_btfreloc"));
        tool.args(args).arg("--root").arg(&self.root);
        for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "TERM"] {
            tool.env_remove(name);
        }
        tool.envs(variables.iter().copied());
        let done = tool.output().unwrap();
        Run {
            status: done.status.code().expect("not ended by a signal"),
            out: done.stdout,
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }
}

/// The builder of the BTF of [`small_kernel`], for what is split off it.
fn vmlinux() -> Builder {
    let mut base = Builder::base();
    let int = base.int("int", 4, 1);
    base.structure("task", 4, &[("pid", [int, 0])]);
    base
}

/// Split BTF that fits the kernel.
pub fn fitting() -> Vec<u8> {
    let mut split = Builder::split(&vmlinux());
    split.typedef("number", 1);
    split.bytes()
}

/// Split BTF that the kernel takes, and whose types are others there.
pub fn wrong() -> Vec<u8> {
    let mut split = Builder::split(&vmlinux());
    split.func("work", 1, 1);
    split.bytes()
}

/// `.BTF` and `.BTF.base`, with a struct that the kernel lacks if `lacking`.
pub fn distilled(lacking: bool) -> [Vec<u8>; 2] {
    let mut base = Builder::base();
    let int = base.int("int", 4, 1);
    if lacking {
        base.structure("gone", 4, &[]);
    }
    let mut split = Builder::split(&base);
    split.typedef("number", int);
    [split.bytes(), base.bytes()]
}
