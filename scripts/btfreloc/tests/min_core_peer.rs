// SPDX-License-Identifier: GPL-2.0

//! libbpf relocates programs with all of a kernel's BTF and with what `btfreloc min-core` keeps of it:
//! each instruction has to become the same.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use btfreloc_selftests::peer::core::{relocate, Record, Relocated};
use btfreloc_selftests::peer::Btf;
use common::{boot, file, folder, kit, module, program, run, running, stock, text};
use object::{Object, ObjectSection};
use rust_btfreloc::btf::read_u32;

/// BPF_CORE_TYPE_ID_TARGET: the id is another in other BTF.
const TARGET_ID: u32 = 7;
/// EM_BPF
const BPF: u16 = 247;

/// A program's BTF and its relocations, each with the instruction and the one after it.
struct Program {
    name: String,
    btf: Vec<u8>,
    relocations: Vec<(Record, [u8; 16])>,
}

impl Program {
    fn read(name: &str, bytes: &[u8]) -> Self {
        let elf = object::File::parse(bytes).unwrap();
        let data = |name: &str| elf.section_by_name(name).unwrap().data().unwrap();
        let (btf, ext) = (data(".BTF"), data(".BTF.ext"));
        let strings = read_u32(btf, 4).unwrap() + read_u32(btf, 16).unwrap();
        let string = |off: u32| {
            let tail = &btf[(strings + off) as usize..];
            std::str::from_utf8(tail.split(|byte| *byte == 0).next().unwrap()).unwrap()
        };
        let word = |at: u32| read_u32(ext, at as usize).unwrap();
        let mut relocations = Vec::new();
        let header = word(4);
        if header >= 32 && word(28) > 0 {
            let (start, end) = (header + word(24), header + word(24) + word(28));
            let (size, mut at) = (word(start), start + 4);
            while at < end {
                let (code, count) = (data(string(word(at))), word(at + 4));
                at += 8;
                for _ in 0..count {
                    let [instruction, type_id, access, kind] =
                        [0, 4, 8, 12].map(|field| word(at + field));
                    let mut two = [0; 16];
                    let left = &code[instruction as usize..];
                    let len = left.len().min(16);
                    two[..len].copy_from_slice(&left[..len]);
                    let record = Record {
                        instruction,
                        type_id,
                        access,
                        kind,
                    };
                    relocations.push((record, two));
                    at += size;
                }
            }
        }
        Program {
            name: name.to_owned(),
            btf: btf.to_vec(),
            relocations,
        }
    }

    /// What each relocation becomes.
    fn relocated(&self, vmlinux: &Btf<'_>, modules: &[&Btf<'_>]) -> Vec<Result<Relocated, i32>> {
        let local = Btf::base(&self.btf).unwrap();
        let relocations = self.relocations.iter();
        let relocated = relocations.map(|(record, code)| {
            let mut made = relocate(&local, vmlinux, modules, *record, *code)?;
            if record.kind == TARGET_ID {
                (made.value, made.code) = (u64::from(made.value != 0), [0; 16]);
            }
            Ok(made)
        });
        relocated.collect()
    }
}

fn own(name: &str) -> Program {
    Program::read(name, &fs::read(program(name)).unwrap())
}

fn base() -> Vec<u8> {
    fs::read(boot(&running(), "vmlinux.btf")).unwrap()
}

/// The programs in Debian's libbpf-tools: each tool has its object in itself.
fn tools() -> Vec<(String, Vec<u8>)> {
    let folder = kit().join("root/usr/sbin");
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut tools = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with("-libbpf") {
            tools.extend(embedded(&fs::read(&path).unwrap()).map(|object| (name, object)));
        }
    }
    assert!(
        tools.len() >= 50,
        "{} programs: run scripts/kit",
        tools.len()
    );
    tools.sort();
    tools
}

/// The BPF object inside of another ELF file.
fn embedded(bytes: &[u8]) -> Option<Vec<u8>> {
    let starts = (1..bytes.len()).filter(|at| bytes[*at..].starts_with(b"\x7fELF\x02\x01\x01"));
    let half = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let at = starts.into_iter().find(|at| half(at + 18) == BPF)?;
    let sections = u64::from_le_bytes(bytes[at + 40..at + 48].try_into().unwrap()) as usize;
    let end = sections + usize::from(half(at + 58)) * usize::from(half(at + 60));
    Some(bytes[at..at + end].to_vec())
}

fn compare(program: &Program, full: &[Result<Relocated, i32>], kept: &[Result<Relocated, i32>]) {
    for (((record, _), full), kept) in program.relocations.iter().zip(full).zip(kept) {
        assert_eq!(full, kept, "{}: {record:?}", program.name);
    }
}

#[test]
fn each_program_of_libbpf_tools() {
    let folder = folder("min-core-tools");
    let vmlinux = boot(&running(), "vmlinux.btf");
    let full = Btf::base(&base()).unwrap();
    let (mut relocations, mut ours, mut theirs) = (0, 0, 0);
    for (name, object) in tools() {
        let path = file(&folder, &format!("{name}.bpf.o"), &object);
        let merged = text(&folder.join("merged"));
        let made = run(&[
            "min-core",
            "--base",
            &text(&vmlinux),
            &path,
            "--merged",
            &merged,
        ]);
        assert_eq!(made.status, 0, "{name}: {}", made.err);
        let program = Program::read(&name, &object);
        let bytes = fs::read(&merged).unwrap();
        let kept = Btf::base(&bytes).unwrap();
        compare(
            &program,
            &program.relocated(&full, &[]),
            &program.relocated(&kept, &[]),
        );
        relocations += program.relocations.len();
        ours += bytes.len();
        theirs += by_bpftool(&vmlinux, &path, &folder.join("bpftool"));
        assert!(ours <= theirs, "{name}: {ours} bytes, by bpftool {theirs}");
    }
    assert!(relocations > 500, "{relocations} relocations");
    println!("{relocations} relocations, {ours} bytes, by bpftool {theirs}");
}

fn by_bpftool(vmlinux: &Path, object: &str, to: &Path) -> usize {
    let bpftool = std::process::Command::new("/usr/sbin/bpftool")
        .args(["gen", "min_core_btf", &text(vmlinux), &text(to), object])
        .output()
        .unwrap();
    assert!(bpftool.status.success(), "{bpftool:?}");
    fs::read(to).unwrap().len()
}

#[test]
fn each_kind_of_relocation_on_vmlinux() {
    let folder = folder("min-core-kinds");
    let merged = text(&folder.join("merged"));
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let object = text(&program("kinds"));
    let made = run(&["min-core", "--base", &vmlinux, &object, "--merged", &merged]);
    let note = "btfreloc: note: 2 of 35 relocations find nothing: name the modules with --modules if their types are \
                meant\n";
    assert_eq!((made.status, &*made.err), (0, note));
    let program = own("kinds");
    let (full, kept) = (
        Btf::base(&base()).unwrap(),
        Btf::base(&fs::read(merged).unwrap()).unwrap(),
    );
    let full = program.relocated(&full, &[]);
    let mut kinds: Vec<_> = program
        .relocations
        .iter()
        .map(|(record, _)| record.kind)
        .collect();
    kinds.sort();
    kinds.dedup();
    // All but that of a type of its own.
    assert_eq!(kinds, [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]);
    assert!(full.iter().all(Result::is_ok), "{full:?}");
    compare(&program, &full, &program.relocated(&kept, &[]));
}

/// The modules that the programs are for.
fn modules() -> [(&'static str, Vec<PathBuf>); 5] {
    let stock = |path: &str| {
        stock(&running())
            .join("kernel")
            .join(format!("{path}.ko.xz"))
    };
    let intel = |name: &str| stock(&format!("drivers/net/ethernet/intel/{name}/{name}"));
    [
        ("e1000", vec![intel("e1000"), intel("e1000e")]),
        ("conntrack", vec![stock("net/netfilter/nf_conntrack")]),
        ("kvm", vec![stock("arch/x86/kvm/kvm-intel")]),
        (
            "filesystems",
            vec![stock("fs/ext4/ext4"), stock("fs/xfs/xfs")],
        ),
        ("vpoll", vec![module("own/plain/vpoll.ko")]),
    ]
}

/// The BTF of a module, by the tool.
fn btf_of(module: &Path, folder: &Path) -> Vec<u8> {
    let to = folder.join("whole");
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let made = run(&[
        "relocate",
        &text(module),
        "--against",
        &vmlinux,
        "-o",
        &text(&to),
    ]);
    assert_eq!((made.status, &*made.err), (0, ""));
    fs::read(to).unwrap()
}

#[test]
fn types_of_modules() {
    let vmlinux = boot(&running(), "vmlinux.btf");
    let full_base = Btf::base(&base()).unwrap();
    for (name, modules) in modules() {
        let folder = folder(&format!("min-core-{name}"));
        let (out, merged) = (folder.join("out"), folder.join("merged"));
        let object = text(&program(name));
        let mut args = vec![
            "min-core".to_owned(),
            "--base".to_owned(),
            text(&vmlinux),
            object,
        ];
        args.extend(
            modules
                .iter()
                .flat_map(|path| ["--module".to_owned(), text(path)]),
        );
        args.extend([
            "-o".to_owned(),
            text(&out),
            "--merged".to_owned(),
            text(&merged),
        ]);
        let made = run(&args);
        assert_eq!((made.status, &*made.err), (0, ""), "{name}");
        let program = own(name);

        let full: Vec<_> = modules.iter().map(|path| btf_of(path, &folder)).collect();
        let full: Vec<_> = full
            .iter()
            .map(|bytes| Btf::split(&full_base, bytes).unwrap())
            .collect();
        let kept_base = Btf::base(&fs::read(out.join("vmlinux")).unwrap()).unwrap();
        let kept = modules.iter().map(|path| {
            let file = path.file_name().unwrap().to_str().unwrap();
            let name = file.split('.').next().unwrap().replace('-', "_");
            fs::read(out.join(name)).unwrap()
        });
        let kept: Vec<_> = kept.collect();
        let kept: Vec<_> = kept
            .iter()
            .map(|bytes| Btf::split(&kept_base, bytes).unwrap())
            .collect();

        // All at once, each alone, and as one file.
        let (all_full, all_kept) = (
            full.iter().collect::<Vec<_>>(),
            kept.iter().collect::<Vec<_>>(),
        );
        let whole = program.relocated(&full_base, &all_full);
        let poisoned = whole
            .iter()
            .filter(|made| made.is_ok_and(|made| made.poison));
        assert_eq!(poisoned.count(), 0, "{name}: {whole:?}");
        compare(&program, &whole, &program.relocated(&kept_base, &all_kept));
        for (full, kept) in full.iter().zip(&kept) {
            let (full, kept) = (
                program.relocated(&full_base, &[full]),
                program.relocated(&kept_base, &[kept]),
            );
            compare(&program, &full, &kept);
        }
        let one = Btf::base(&fs::read(&merged).unwrap()).unwrap();
        compare(&program, &whole, &program.relocated(&one, &[]));
    }
}

#[test]
fn what_differs_in_two_modules_is_right_in_each() {
    let folder = folder("min-core-same");
    let out = folder.join("out");
    let [(_, modules), ..] = modules();
    let vmlinux = text(&boot(&running(), "vmlinux.btf"));
    let mut args = vec![
        "min-core".to_owned(),
        "--base".to_owned(),
        vmlinux,
        text(&program("e1000-same")),
    ];
    args.extend(
        modules
            .iter()
            .flat_map(|path| ["--module".to_owned(), text(path)]),
    );
    let made = run(&[&args[..], &["-o".to_owned(), text(&out)]].concat());
    assert_eq!((made.status, &*made.err), (0, ""));
    let program = own("e1000-same");
    let (full_base, kept_base) = (
        Btf::base(&base()).unwrap(),
        Btf::base(&fs::read(out.join("vmlinux")).unwrap()).unwrap(),
    );
    let mut both = Vec::new();
    for (path, name) in modules.iter().zip(["e1000", "e1000e"]) {
        let full = btf_of(path, &folder);
        let full = Btf::split(&full_base, &full).unwrap();
        let kept = fs::read(out.join(name)).unwrap();
        let kept = Btf::split(&kept_base, &kept).unwrap();
        let (full, kept) = (
            program.relocated(&full_base, &[&full]),
            program.relocated(&kept_base, &[&kept]),
        );
        compare(&program, &full, &kept);
        // The one that is preferred is the one of the file.
        let merged = text(&folder.join(name));
        let made = run(&[
            &args[..],
            &["--merged", &merged, "--prefer", name].map(str::to_owned),
        ]
        .concat());
        assert_eq!((made.status, &*made.err), (0, ""));
        let one = Btf::base(&fs::read(&merged).unwrap()).unwrap();
        compare(&program, &full, &program.relocated(&one, &[]));
        both.push(
            full.iter()
                .map(|made| made.unwrap().value)
                .collect::<Vec<_>>(),
        );
    }
    let sizes = |values: &Vec<u64>| values[2..4].to_vec();
    assert_eq!(
        both.iter().map(sizes).collect::<Vec<_>>(),
        [[2592, 288], [12672, 9392]]
    );
}
