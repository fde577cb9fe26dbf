// SPDX-License-Identifier: GPL-2.0

//! Programs and kernels of chance: whatever `btfreloc min-core` writes proves itself, and nothing panics.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use btfreloc::cli::{Format, MinCore};
use btfreloc::input::Kernel;
use btfreloc::min_core::object::Object;
use btfreloc::min_core::{merged, prove, resolved, split};
use btfreloc_selftests::builder::Builder;
use common::{elf, folder};
use rust_btfreloc::btf::Kind;

const RUNS: u64 = 3000;
const NAMES: [&str; 6] = ["task", "file", "mode", "task___old", "file___v2", "number"];

/// Numbers that follow from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end)) as u32
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }
}

/// Some types, each of those before it; most have one of a few names.
fn types(chance: &mut Chance) -> Builder {
    let mut btf = Builder::base();
    btf.int("int", 4, 1);
    btf.int("long", 8, 1);
    for _ in 0..4 + chance.below(14) {
        let (name, any) = (chance.one(&NAMES), 1 + chance.below(btf.next_id() - 1));
        let other = 1 + chance.below(btf.next_id() - 1);
        match chance.below(12) {
            0 => btf.ptr(any),
            1 => btf.constant(any),
            2 => btf.typedef(name, any),
            3 => btf.array(any, 1, chance.below(4)),
            4 => btf.fwd(name, chance.below(2) == 1),
            5 => btf.enumeration(name, 4, &[("ON", [chance.below(3)]), ("OFF", [7])]),
            6 => btf.enum64(name, 8, false, &[("ON", [chance.below(3), 1])]),
            7 => btf.union(name, 16, &[("a", [any, 0]), ("b", [other, 0])]),
            8 => btf.bit_fields(
                name,
                8,
                &[("a", [1, 0, 3]), ("c", [1, 3 + chance.below(9), 5])],
            ),
            9 => {
                let proto = btf.func_proto(any, &[("x", [other])]);
                btf.refer(Kind::Volatile, proto)
            }
            10 => btf.structure("", 16, &[("a", [any, 0]), ("d", [other, 64])]),
            _ => {
                let first = chance.one(&["a", "b", ""]);
                btf.structure(
                    name,
                    24,
                    &[(first, [any, 0]), ("c", [other, 64 + 32 * chance.below(3)])],
                )
            }
        };
    }
    btf
}

/// A program of these types that asks for anything of them.
fn program(chance: &mut Chance) -> Vec<u8> {
    let mut btf = types(chance);
    let last = btf.next_id();
    let section = btf.name("kprobe/x");
    let count = 1 + chance.below(6);
    let mut words = vec![
        0x0001_eb9f,
        32,
        0,
        0,
        0,
        0,
        0,
        12 + 16 * count,
        16,
        section,
        count,
    ];
    for number in 0..count {
        let access = chance.one(&[
            "0", "0", "0", "0:0", "0:1", "0:1:0", "0:0:1", "1", "0:1:0:1", "2:0",
        ]);
        let access = btf.name(access);
        words.extend([
            8 * number,
            1 + chance.below(last - 1),
            access,
            chance.below(13),
        ]);
    }
    let ext: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let code = vec![0; 8 * count as usize];
    let mut image = elf(&[
        (".BTF", &btf.bytes()),
        (".BTF.ext", &ext),
        ("kprobe/x", &code),
    ]);
    // ET_REL for EM_BPF
    image[16] = 1;
    image[18] = 247;
    image
}

/// What came of one program on one kernel.
fn reduced(args: &MinCore) -> &'static str {
    let Ok(kernel) = Kernel::read(&args.base) else {
        return "kernel refused";
    };
    let Ok(object) = Object::read(&args.programs[0]) else {
        return "program refused";
    };
    let objects = [object];
    let (resolved, wrong) = resolved::resolve(args, &kernel, &objects).unwrap();
    if !wrong.is_empty() {
        return "relocation refused";
    }
    let files = split::files(&resolved).unwrap();
    prove::files(&resolved, &files).unwrap();
    let one = merged::merged(&resolved, None).unwrap();
    prove::merged(&resolved, &one).unwrap();
    match resolved
        .questions
        .iter()
        .all(|question| question.finds_nothing())
    {
        true => "nothing found",
        false => "reduced",
    }
}

fn args(folder: &Path) -> MinCore {
    MinCore {
        programs: vec![folder.join("a.bpf.o")],
        base: folder.join("vmlinux"),
        modules: Vec::new(),
        module: Vec::new(),
        output: Some(PathBuf::from("/dev/null")),
        merged: None,
        prefer: None,
        quiet: false,
        format: Format::Text,
    }
}

#[test]
fn what_is_kept_becomes_the_same() {
    let folder = folder("min-core-random");
    let args = args(&folder);
    let mut counts = BTreeMap::new();
    for seed in 0..RUNS {
        let mut chance = Chance(seed);
        let kernel = types(&mut chance).bytes();
        let mut image = program(&mut chance);
        // Some of them are damaged as well, after the header of the file.
        if seed % 4 == 0 {
            let at = 64 + chance.below(image.len() as u32 - 64 - 5 * 64) as usize;
            image[at] = chance.next() as u8;
        }
        fs::write(&args.base, kernel).unwrap();
        fs::write(&args.programs[0], image).unwrap();
        // The last that is seen of a failed run is its seed.
        let came = std::panic::catch_unwind(|| reduced(&args));
        let came = came.unwrap_or_else(|_| panic!("with seed {seed}"));
        *counts.entry(came).or_insert(0) += 1;
    }
    println!("{counts:?}");
    for came in [
        "reduced",
        "relocation refused",
        "program refused",
        "nothing found",
    ] {
        assert!(
            counts.get(came).is_some_and(|count| *count > 20),
            "{counts:?}"
        );
    }
}
