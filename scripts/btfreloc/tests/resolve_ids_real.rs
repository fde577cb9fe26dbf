// SPDX-License-Identifier: GPL-2.0

//! `.BTF_ids` of real modules: what is made anew of them is what resolve_btfids made of them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use btfreloc::input::{modules, Kernel, Module};
use btfreloc::resolve_ids::{resolve, with_btf, Resolved};
use btfreloc_selftests::peer::Btf;
use common::{boot, folder, kit, module, running, stock, text};
use rayon::prelude::*;
use rust_btfreloc::btf::{put_u32, read_u32};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::Form;
use rust_btfreloc::reloc::Input;

fn vmlinux() -> PathBuf {
    boot(&running(), "vmlinux.btf")
}

fn section<'a>(image: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let elf = Elf::parse(image).unwrap();
    let found = elf.section(name.as_bytes())?;
    elf.data(&found).filter(|bytes| !bytes.is_empty())
}

/// `image` as it was before its ids were filled in: in a set8 the flags back beside the name they
/// were written with.
fn unresolved(image: &[u8], btf: &Btf<'_>) -> Vec<u8> {
    let elf = Elf::parse(image).unwrap();
    let ids = elf.section(b".BTF_ids").unwrap();
    let original = elf.data(&ids).unwrap();
    let mut section = original.to_vec();
    let symbols = elf.symbols().unwrap();
    let symbols: Vec<_> = symbols
        .iter()
        .filter(|s| s.section == Some(ids.index))
        .collect();
    for symbol in &symbols {
        let at = symbol.offset as usize;
        match Form::of(symbol.name).transpose().unwrap() {
            None => continue,
            Some(Form::Set8 { .. }) => {
                let entries = (at + 8..at + symbol.size as usize).step_by(8);
                let word = |at| read_u32(original, at).unwrap();
                let flags: Vec<_> = entries
                    .clone()
                    .map(|at| (btf.get(word(at)).unwrap().name, word(at + 4)))
                    .collect();
                for entry in symbols
                    .iter()
                    .filter(|s| entries.clone().any(|at| s.offset as usize == at))
                {
                    let Some(Ok(Form::Id { name, .. })) = Form::of(entry.name) else {
                        continue;
                    };
                    let (_, flags) = flags.iter().find(|(found, _)| *found == name).unwrap();
                    put_u32(&mut section, entry.offset as usize + 4, *flags).unwrap();
                }
            }
            Some(_) => {}
        }
        put_u32(&mut section, at, 0).unwrap();
    }
    let mut image = image.to_vec();
    let start = ids.offset as usize;
    image[start..start + section.len()].copy_from_slice(&section);
    image
}

/// Fills the ids of `image` from BTF that need not be its own.
fn resolved(mut image: Vec<u8>, btf: &[u8], btf_base: Option<&[u8]>) -> (Vec<u8>, Resolved) {
    let vmlinux = vmlinux();
    let input = Input { btf, btf_base };
    let done = with_btf(
        &input,
        || Ok(Arc::new(Kernel::read(&vmlinux)?)),
        |btf| resolve(&mut image, btf),
    )
    .unwrap();
    (image, done)
}

/// Modules with ids, each with the bytes of its file.
fn with_ids(paths: Vec<PathBuf>) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| {
        let image = Module::read(&path).unwrap().image().bytes.clone();
        section(&image, ".BTF_ids")
            .is_some()
            .then_some((path, image))
    };
    paths.into_par_iter().filter_map(read).collect()
}

#[test]
fn as_the_compiler_leaves_it() {
    let built = fs::read(module("work/modules/btfreloc_demo.ko")).unwrap();
    for sort in ["own/distilled", "own/plain", "distilled"] {
        let done = fs::read(module(&format!("{sort}/btfreloc_demo.ko"))).unwrap();
        let (btf, btf_base) = (section(&done, ".BTF").unwrap(), section(&done, ".BTF.base"));
        let (filled, found) = resolved(built.clone(), btf, btf_base);
        assert_eq!(
            section(&filled, ".BTF_ids"),
            section(&done, ".BTF_ids"),
            "{sort}"
        );
        assert!(found.changed);
        assert_eq!(found.missing, []);
    }
}

#[test]
fn stock_modules() {
    let folders = [
        "arch",
        "block",
        "net",
        "drivers/block",
        "drivers/infiniband",
    ];
    let folders = folders.map(|folder| stock(&running()).join("kernel").join(folder));
    let paths = modules(&folders).into_iter().map(Result::unwrap);
    let found = with_ids(paths.collect());
    assert!(found.len() > 20, "{}", found.len());
    let base = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    let check = |(path, image): &(PathBuf, Vec<u8>)| {
        let raw = section(image, ".BTF").unwrap();
        let btf = Btf::split(&base, raw).unwrap();
        let before = unresolved(image, &btf);
        assert_ne!(before, *image, "{}", path.display());
        let (after, found) = resolved(before, raw, None);
        // The whole file, so that nothing else changes either.
        assert!(after == *image, "{}", path.display());
        assert_eq!(found.missing, [], "{}", path.display());
        let (again, found) = resolved(after, raw, None);
        assert!(again == *image && !found.changed, "{}", path.display());
        found.sets
    };
    let sets: usize = found.par_iter().map(check).sum();
    assert!(sets > 5, "{sets}");
}

/// What resolve_btfids makes of `image` and `btf`: the BTF that it changes too, and the ids in it.
fn by_the_peer(folder: &Path, image: &[u8], btf: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let tool = kit()
        .join("tree")
        .join(running())
        .join("tools/bpf/resolve_btfids/resolve_btfids");
    let file = |name: &str| folder.join(name);
    fs::write(file("raw"), btf).unwrap();
    fs::write(file("module.ko"), image).unwrap();
    let run = Command::new(&tool)
        .args([
            "--btf",
            &text(&file("raw")),
            "--btf_base",
            &text(&vmlinux()),
        ])
        .arg(file("module.ko"))
        .output();
    let run = run.unwrap_or_else(|error| panic!("{}: {error}: run scripts/kit", tool.display()));
    assert!(run.status.success(), "{run:?}");
    (
        fs::read(file("module.ko.BTF")).unwrap(),
        fs::read(file("module.ko.BTF_ids")).unwrap(),
    )
}

#[test]
fn some_stock_modules_by_resolve_btfids_of_today() {
    let net = stock(&running()).join("kernel/net");
    let paths = modules(&[net]).into_iter().map(Result::unwrap);
    let found = with_ids(paths.collect());
    let base = Btf::base(&fs::read(vmlinux()).unwrap()).unwrap();
    let folder = folder("resolve-ids-peer");
    let mut sets = 0;
    for (path, image) in found.into_iter().take(12) {
        let btf = section(&image, ".BTF").unwrap();
        let before = unresolved(&image, &Btf::split(&base, btf).unwrap());
        let (btf, ids) = by_the_peer(&folder, &before, btf);
        let (after, found) = resolved(before, &btf, None);
        assert_eq!(
            section(&after, ".BTF_ids"),
            Some(&*ids),
            "{}",
            path.display()
        );
        sets += found.sets;
    }
    assert!(sets > 3, "{sets}");
}
