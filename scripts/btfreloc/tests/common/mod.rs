// SPDX-License-Identifier: GPL-2.0

//! Runs the tool on the files of the development kit.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use btfreloc_selftests::builder::Builder;
use serde_json::Value;

/// What a run of the tool printed and returned.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Run {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text on standard output")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.out).expect("JSON on standard output")
    }
}

/// Runs the tool.
pub fn run<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Run {
    run_with(args, b"")
}

/// Runs the tool with this on standard input.
pub fn run_with<A: AsRef<std::ffi::OsStr>>(args: &[A], input: &[u8]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_btfreloc"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A tool that answers before it has read all closes the pipe.
    let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    Run {
        status: output.status.code().expect("not ended by a signal"),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What the kit calls its kernels, from its file `kernels`.
pub fn release(name: &str) -> String {
    let path = kit().join("kernels");
    let text = fs::read_to_string(&path).unwrap_or_else(|_| missing(&path, "scripts/kit"));
    let prefix = format!("{name}=");
    let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
    value
        .unwrap_or_else(|| missing(&path, "scripts/kit"))
        .to_owned()
}

/// The newest kernel of the kit.
pub fn running() -> String {
    release("RUNNING")
}

/// The kernel that its test modules were built for.
pub fn built_for() -> String {
    release("BUILT_FOR")
}

pub fn kit() -> PathBuf {
    btfreloc_selftests::modules::kit()
}

/// A file of a kernel: `vmlinuz`, `vmlinux.btf`.
pub fn boot(release: &str, file: &str) -> PathBuf {
    there(kit().join("boot").join(release).join(file), "scripts/kit")
}

/// The stock modules of a kernel.
pub fn stock(release: &str) -> PathBuf {
    let folder = kit().join("modules").join(release);
    there(folder.join("lib/modules").join(release), "scripts/kit")
}

/// A test module for the newest kernel, such as `distilled/btfreloc_demo.ko`.
pub fn module(path: &str) -> PathBuf {
    let repo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = repo
        .canonicalize()
        .unwrap()
        .join("build")
        .join(running())
        .join("modules");
    there(folder.join(path), "scripts/build tests")
}

/// A BPF program of `selftests/bpf/mincore`.
pub fn program(name: &str) -> PathBuf {
    let repo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = repo.canonicalize().unwrap().join("build").join(running());
    let path = folder.join("bpf/mincore").join(name);
    there(path.with_extension("bpf.o"), "scripts/build tests")
}

fn there(path: PathBuf, make: &str) -> PathBuf {
    match path.exists() {
        true => path,
        false => missing(&path, make),
    }
}

fn missing(path: &Path, make: &str) -> ! {
    panic!("{} is not there: run {make}", path.display())
}

/// A folder for one test, empty.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a file, and returns its path as text.
pub fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    text(&path)
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An ELF file with these sections and nothing else.
pub fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0];
    let mut image = vec![0; 64];
    let mut headers = vec![0; 64];
    let names_header = [(".shstrtab", &[][..])];
    for (name, bytes) in sections.iter().chain(&names_header) {
        let name_at = names.len() as u32;
        names.extend(name.bytes().chain([0]));
        let is_names = *name == ".shstrtab";
        let data = if is_names { &names[..] } else { bytes };
        let mut header = [0; 64];
        header[..4].copy_from_slice(&name_at.to_ne_bytes());
        // SHT_STRTAB, SHT_PROGBITS
        header[4] = if is_names { 3 } else { 1 };
        header[24..32].copy_from_slice(&(image.len() as u64).to_ne_bytes());
        header[32..40].copy_from_slice(&(data.len() as u64).to_ne_bytes());
        image.extend_from_slice(data);
        headers.extend(header);
    }
    image[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    image[20] = 1;
    let sections_at = image.len() as u64;
    image[40..48].copy_from_slice(&sections_at.to_ne_bytes());
    image[58] = 64;
    image[60] = sections.len() as u8 + 2;
    image[62] = sections.len() as u8 + 1;
    [image, headers].concat()
}

/// BTF of a kernel with one struct.
pub fn small_kernel() -> Vec<u8> {
    let mut base = Builder::base();
    let int = base.int("int", 4, 1);
    base.structure("task", 4, &[("pid", [int, 0])]);
    base.bytes()
}
