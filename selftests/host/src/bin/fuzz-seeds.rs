// SPDX-License-Identifier: GPL-2.0

//! fuzz-seeds FOLDER: small modules of the kit's newest kernel as input, in FOLDER/TARGET.

use std::fs;
use std::path::{Path, PathBuf};

use btfreloc_selftests::builder::{Builder, Header, SIGNED};
use btfreloc_selftests::distilled::distill;
use btfreloc_selftests::fuzz::{pair, vmlinux};
use btfreloc_selftests::kernel::Vmlinux;

use btfreloc_selftests::modules;
use btfreloc_selftests::peer::{self, flatten};
use rust_btfreloc::btf::Kind;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::distill::Order;

/// Larger ones are slow to mutate and hold nothing new.
const LONGEST: usize = 12 << 10;
/// How many of the smallest modules are looked at, spread over their sizes; besides those of
/// net/ipv4 and net/netfilter, where many have `.BTF_ids`.
const MODULES: usize = 1500;
const SAMPLE: usize = 60;

fn main() {
    let folder = PathBuf::from(
        std::env::args_os()
            .nth(1)
            .expect("usage: fuzz-seeds FOLDER"),
    );
    let (base, split) = of_all_kinds();
    for (name, header) in [("all_kinds", Header::SHORT), ("long_header", Header::LONG)] {
        let folder = &folder;
        let seeds = Seeds { folder, name };
        let (base, split) = (base.build(&header), split.build(&header));
        seeds.of_distilled(&base, &split);
        seeds.write(
            "growth",
            &[&[0; 5], &pair::join(&base, &split)[..]].concat(),
        );
        let whole = peer::Btf::base(&base).unwrap();
        let alone = flatten(&peer::Btf::split(&whole, &split).unwrap()).btf;
        let seeds = Seeds {
            folder,
            name: &format!("{name}_alone"),
        };
        seeds.write("growth", &[&[0; 5], &pair::join(&[], &alone)[..]].concat());
    }
    let kit = modules::kit();
    let release = modules::releases(&kit).pop().expect("a kernel's modules");
    let kernels = modules::kernels(&kit).into_iter();
    let vmlinux = kernels.filter(|(name, _)| *name == release.name);
    let vmlinux = Vmlinux::new(vmlinux.map(|(_, btf)| btf).next().expect("a kernel's BTF"));
    let (net, others): (Vec<PathBuf>, Vec<PathBuf>) =
        release.modules.into_iter().partition(|path| {
            let path = path.to_string_lossy();
            path.contains("/net/ipv4/") || path.contains("/net/netfilter/")
        });
    let smallest = &others[..MODULES.min(others.len())];
    for path in modules::sample(smallest, SAMPLE).into_iter().chain(net) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let seeds = Seeds {
            folder: &folder,
            name: name.split('.').next().unwrap(),
        };
        seeds.of_module(&vmlinux, &modules::read(&path));
    }
}

/// A module that refers to each type whose name vmlinux has several times, and has all kinds itself.
fn of_all_kinds() -> (Builder, Builder) {
    let mut base = Builder::base();
    let int = base.int("int", 4, SIGNED);
    let mut held = vec![int, base.float("double", 8), base.int("signed", 4, SIGNED)];
    for (name, size) in [
        ("twin", 8),
        ("rival", 8),
        ("sizes", 8),
        ("nested", 4),
        ("sized_alike", 4),
    ] {
        held.push(base.structure(name, size, &[]));
    }
    held.push(base.union("both", 8, &[]));
    for (name, size) in [("state", 4), ("wide", 8), ("enum_twin", 4)] {
        held.push(base.enumeration(name, size, &[]));
    }
    let declared = [
        ("both", false),
        ("hidden", false),
        ("hidden_union", true),
        ("gone", false),
    ];
    let declared = declared.map(|(name, is_union)| base.fwd(name, is_union));
    let mut split = Builder::split(&base);
    let members: Vec<(&str, [u32; 2])> = (0..)
        .zip(&held)
        .map(|(at, id)| ("m", [*id, 64 * at]))
        .collect();
    split.structure("holder", 8 * held.len() as u32, &members);
    for id in declared {
        split.ptr(id);
    }
    split.bit_fields("bits", 4, &[("low", [int, 0, 3]), ("high", [int, 3, 29])]);
    split.enum64("wider", 8, true, &[("MINUS", [u32::MAX, u32::MAX])]);
    let tag = split.type_tag("rcu", int);
    let tag = split.refer(Kind::Volatile, tag);
    let array = split.array(tag, int, 3);
    let named = split.typedef("array_t", array);
    let proto = split.func_proto(named, &[("arg", [int]), ("", [0])]);
    let func = split.func("run", proto, 1);
    split.decl_tag("kfunc", func, 0);
    let var = split.var("counter", named, 1);
    split.datasec(".data", 12, &[[var, 0, 12]]);
    (base, split)
}

/// Where the seeds of one module go.
struct Seeds<'a> {
    folder: &'a Path,
    name: &'a str,
}

impl Seeds<'_> {
    fn of_module(&self, vmlinux: &Vmlinux, image: &[u8]) {
        self.write("elf", image);
        let elf = Elf::parse(image).unwrap();
        let data = |name: &[u8]| elf.section(name).and_then(|section| elf.data(&section));
        if let (Some(section), Some(ids)) = (elf.section(b".BTF_ids"), data(b".BTF_ids")) {
            let symbols = elf.symbols().unwrap();
            let symbols = pair::of_symbols(symbols.in_section(&section));
            self.write("btf_ids", &pair::join(ids, &symbols));
        }
        match data(b".BTF").filter(|btf| !btf.is_empty()) {
            Some(btf) => self.of_btf(vmlinux, btf),
            None => eprintln!("{} has no BTF", self.name),
        }
    }

    fn of_btf(&self, vmlinux: &Vmlinux, btf: &[u8]) {
        let distilled = distill(vmlinux, btf, Order::Kept).unwrap();
        self.of_distilled(&distilled.base, &distilled.split);
    }

    /// What is plain split BTF on the small kernel is what relocation to that makes.
    fn of_distilled(&self, base: &[u8], split: &[u8]) {
        self.write("relocate", &pair::join(base, split));
        let done = vmlinux::vmlinux().relocate(base, split).unwrap();
        self.write("plain", &done.btf);
        self.write("distill", &done.btf);
        let module = peer::Btf::split(vmlinux::peer(), &done.btf).unwrap();
        self.write("standalone", &flatten(&module).btf);
    }

    fn write(&self, target: &str, bytes: &[u8]) {
        if bytes.len() > LONGEST {
            return;
        }
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(self.name), bytes).unwrap();
    }
}
