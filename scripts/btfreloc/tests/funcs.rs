// SPDX-License-Identifier: GPL-2.0

//! `.BTF.funcs`: each function of a module that BTF describes has one record, as the symbols of its file
//! have it, whatever else is done with the module.

mod common;
mod kept;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use btfreloc::sections::with_sections;
use btfreloc_selftests::builder::Builder;
use common::{boot, built_for, elf, file, folder, module, run, running, stock, text};
use kept::kept;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SymbolKind};

const TABLE: [&str; 2] = [".BTF.funcs", ".rela.BTF.funcs"];

fn vmlinux() -> String {
    text(&boot(&running(), "vmlinux.btf"))
}

fn twins(how: &str) -> PathBuf {
    module(&format!("{how}/btfreloc_twins.ko"))
}

/// A copy of a module in the folder of a test, with a table.
fn with_table(folder: &Path, module: &Path, arguments: &[&str]) -> String {
    let path = file(folder, "module.ko", &fs::read(module).unwrap());
    let run = run(&[&["funcs", "add", &path], arguments].concat());
    assert_eq!((run.status, &*run.err), (0, ""));
    let line = format!("{path}: .BTF.funcs with ");
    assert!(
        run.text().is_empty() || run.text().starts_with(&line),
        "{run:?}"
    );
    path
}

/// A record as the section has it: its id, its flags, and the symbol that its address is relocated to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    id: u32,
    flags: u32,
    symbol: Option<(String, u64, usize)>,
}

/// The table of a file, read by its bytes and with another library's relocations.
fn table(image: &[u8]) -> Vec<Record> {
    let file = ElfFile64::<object::LittleEndian>::parse(image).unwrap();
    let section = file.section_by_name(".BTF.funcs").expect("a table");
    let bytes = section.data().unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(bytes[..4], [0x9f, 0xfb, 1, 0]);
    assert_eq!((word(4), word(8)), (16, 16));
    assert_eq!(bytes.len(), 16 + 16 * word(12) as usize);
    assert_eq!(section.align(), 8);
    let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else {
        panic!("ELF");
    };
    // SHF_ALLOC alone
    assert_eq!(sh_flags, object::elf::SHF_ALLOC);
    let targets: BTreeMap<_, _> = section.relocations().collect();
    let records = (0..word(12) as usize).map(|index| {
        let at = 16 + 16 * index;
        assert_eq!(bytes[at + 8..at + 16], [0; 8]);
        let target = targets.get(&(at as u64 + 8)).map(|relocation| {
            let RelocationTarget::Symbol(symbol) = relocation.target() else {
                panic!("a symbol");
            };
            assert_eq!(relocation.addend(), 0);
            // R_X86_64_64
            assert!(matches!(
                relocation.flags(),
                object::RelocationFlags::Elf { r_type } if r_type == object::elf::R_X86_64_64
            ));
            symbol
        });
        Record {
            id: word(at),
            flags: word(at + 4),
            symbol: target.map(|index| {
                let symbol = file.symbol_by_index(index).unwrap();
                (
                    symbol.name().unwrap().to_owned(),
                    symbol.address(),
                    symbol.section_index().unwrap().0,
                )
            }),
        }
    });
    let records: Vec<_> = records.collect();
    let relocated = records.iter().filter(|record| record.symbol.is_some());
    assert_eq!(relocated.count(), targets.len());
    assert!(records.is_sorted_by_key(|record| record.id));
    records
}

/// Ids of the FUNCs in the own BTF of a module, by their names, as bpftool has them.
fn funcs(folder: &Path, image: &[u8], vmlinux: &str) -> BTreeMap<String, Vec<u32>> {
    let file = ElfFile64::<object::LittleEndian>::parse(image).unwrap();
    let raw = |name: &str| {
        let section = file.section_by_name(name)?;
        let path = folder.join(format!("raw{name}"));
        fs::write(&path, section.data().unwrap()).unwrap();
        Some(text(&path))
    };
    let btf = raw(".BTF").unwrap();
    let base = raw(".BTF.base").unwrap_or(vmlinux.to_owned());
    let mut bpftool = Command::new("bpftool");
    bpftool.args(["btf", "dump", "file", &btf]);
    if !base.is_empty() {
        bpftool.args(["-B", &base]);
    }
    let out = bpftool.output().unwrap();
    assert!(out.status.success());
    let mut funcs = BTreeMap::<String, Vec<u32>>::new();
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let Some((id, rest)) = line.split_once("] FUNC '") else {
            continue;
        };
        let name = rest.split('\'').next().unwrap().to_owned();
        funcs
            .entry(name)
            .or_default()
            .push(id[1..].parse().unwrap());
    }
    funcs
}

/// The name of the function that a symbol is of, as the format's page has it.
fn function(symbol: &str) -> Option<&str> {
    let (name, suffixes) = symbol.split_once('.').unwrap_or((symbol, ""));
    let mut rest = suffixes;
    while !rest.is_empty() {
        let after = rest
            .strip_prefix("isra.")
            .or(rest.strip_prefix("constprop."))?;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    Some(name)
}

/// What the table of a module should be, from its symbols and what bpftool finds in its BTF.
fn expected(image: &[u8], funcs: &BTreeMap<String, Vec<u32>>) -> Vec<(u32, String, bool)> {
    let file = ElfFile64::<object::LittleEndian>::parse(image).unwrap();
    let mut expected = Vec::new();
    for symbol in file.symbols() {
        if symbol.kind() != SymbolKind::Text || symbol.is_undefined() {
            continue;
        }
        let section = symbol.section_index().unwrap();
        let section = file.section_by_index(section).unwrap();
        let name = symbol.name().unwrap();
        let ids = function(name).and_then(|name| funcs.get(name));
        if let Some([id]) = ids.map(Vec::as_slice) {
            let is_init = section.name().unwrap().starts_with(".init");
            expected.push((*id, name.to_owned(), is_init));
        }
    }
    expected.sort_by_key(|(id, ..)| *id);
    expected
}

fn words(flags: u32) -> String {
    rust_btfreloc::reloc::funcs::FuncFlags(flags).to_string()
}

/// Flags by name of the twins, in the order of their FUNCs.
const TWINS: [(&str, &str); 9] = [
    ("", "global,init,traceable"),
    ("btfreloc_twins_fold", "global,traceable"),
    ("btfreloc_twins_folded.constprop.0", "traceable,changed"),
    ("btfreloc_twins_kfunc", "global,kfunc,traceable"),
    ("btfreloc_twins_one", "global,traceable"),
    ("btfreloc_twins_step", "traceable,same-named"),
    ("btfreloc_twins_step", "traceable,same-named"),
    ("btfreloc_twins_two", "global,traceable"),
    ("btfreloc_twins_weak", "weak,traceable"),
];

#[test]
fn each_function_has_one_record_with_what_it_is() {
    let folder = folder("funcs-twins");
    for how in ["distilled", "own/plain", "own/distilled"] {
        let path = with_table(&folder, &twins(how), &["--base", &vmlinux()]);
        let image = fs::read(path).unwrap();
        let records = table(&image);
        let shown: Vec<_> = records
            .iter()
            .map(|record| {
                let name = record.symbol.as_ref().map_or("", |(name, ..)| name);
                (name.to_owned(), words(record.flags))
            })
            .collect();
        let wanted = TWINS.map(|(name, flags)| (name.to_owned(), flags.to_owned()));
        assert_eq!(shown, wanted, "{how}");
        let step: Vec<_> = records
            .iter()
            .filter_map(|record| record.symbol.as_ref())
            .filter(|(name, ..)| name == "btfreloc_twins_step")
            .collect();
        assert_ne!(step[0].1, step[1].1, "two functions");
        let before = fs::read(twins(how)).unwrap();
        assert!(kept(&before, &TABLE) == kept(&image, &TABLE), "{how}");
    }
}

#[test]
fn records_of_real_modules_are_what_their_symbols_and_bpftool_say() {
    let folder = folder("funcs-real");
    let root = stock(&running()).join("kernel");
    let mut checked = 0;
    for path in [
        "drivers/gpu/drm/drm.ko.xz",
        "drivers/net/ethernet/intel/e1000e/e1000e.ko.xz",
        "fs/xfs/xfs.ko.xz",
        "net/netfilter/nf_conntrack.ko.xz",
    ] {
        let output = text(&folder.join("module.ko"));
        let path = text(&root.join(path));
        let run = run(&["funcs", "add", &path, "--base", &vmlinux(), "-o", &output]);
        assert_eq!(run.status, 0, "{}", run.err);
        let image = fs::read(&output).unwrap();
        let records = table(&image);
        let wanted = expected(&image, &funcs(&folder, &image, &vmlinux()));
        let wanted: Vec<_> = wanted
            .into_iter()
            .map(|(id, name, is_init)| (id, (!is_init).then_some(name)))
            .collect();
        let found: Vec<_> = records
            .iter()
            .map(|record| {
                let symbol = record.symbol.as_ref().map(|(name, ..)| name.clone());
                (record.id, symbol)
            })
            .collect();
        assert_eq!(found, wanted, "{path}");
        checked += records.len();
    }
    assert!(checked > 5000, "{checked}");
}

#[test]
fn a_second_time_changes_nothing() {
    let folder = folder("funcs-again");
    let path = with_table(&folder, &twins("distilled"), &[]);
    let first = fs::read(&path).unwrap();
    assert_eq!(run(&["funcs", "add", &path]).status, 0);
    assert!(fs::read(&path).unwrap() == first);
    // A signature of what is right already is still valid.
    let signature = [&[0; 12][..], b"~Module signature appended~\n"].concat();
    let signed = [first, signature].concat();
    fs::write(&path, &signed).unwrap();
    let again = run(&["funcs", "add", &path]);
    assert_eq!((again.status, &*again.err), (0, ""));
    assert!(fs::read(&path).unwrap() == signed);
    // And one of what is not is removed.
    let path = file(
        &folder,
        "signed.ko",
        &[
            fs::read(twins("distilled")).unwrap(),
            signed[signed.len() - 40..].to_vec(),
        ]
        .concat(),
    );
    let added = run(&["funcs", "add", &path]);
    assert!(
        added.err.contains("its signature was removed"),
        "{}",
        added.err
    );
    assert_eq!(added.status, 0);
}

#[test]
fn what_strips_debug_information_keeps_it() {
    let folder = folder("funcs-strip");
    let path = text(&folder.join("module.ko"));
    for strip in [
        &["strip", "--strip-debug"][..],
        &["strip", "-g"],
        &["strip", "--strip-unneeded"],
        &["objcopy", "--strip-debug"],
    ] {
        let unstripped = module("work/twins/btfreloc_twins.ko");
        let made = run(&[
            "encode",
            &text(&unstripped),
            "--base",
            &vmlinux(),
            "--funcs",
            "-o",
            &path,
        ]);
        assert_eq!((made.status, &*made.err), (0, ""));
        let before = table(&fs::read(&path).unwrap());
        let done = Command::new(strip[0]).args(&strip[1..]).arg(&path).status();
        assert!(done.unwrap().success());
        let image = fs::read(&path).unwrap();
        assert!(object::File::parse(&*image)
            .unwrap()
            .section_by_name(".debug_info")
            .is_none());
        let names = |records: Vec<Record>| -> Vec<_> {
            let symbol =
                |record: Record| (record.id, record.flags, record.symbol.map(|s| (s.0, s.1)));
            records.into_iter().map(symbol).collect()
        };
        assert_eq!(names(table(&image)), names(before), "{strip:?}");
    }
}

/// The table of a module in which `btfreloc funcs add` has made it anew, which is what it has to be.
fn anew(folder: &Path, image: &[u8]) -> Vec<Record> {
    let path = file(folder, "anew.ko", image);
    let added = run(&["funcs", "add", &path, "--base", &vmlinux()]);
    assert_eq!((added.status, &*added.err), (0, ""));
    table(&fs::read(&path).unwrap())
}

#[test]
fn distilling_gives_records_the_new_ids() {
    let folder = folder("funcs-distill");
    let path = with_table(&folder, &twins("own/plain"), &["--base", &vmlinux()]);
    let before = table(&fs::read(&path).unwrap());
    let distilled = run(&["distill", &path, "--base", &vmlinux()]);
    assert_eq!((distilled.status, &*distilled.err), (0, ""));
    let image = fs::read(&path).unwrap();
    let after = table(&image);
    assert!(after.iter().zip(&before).all(|(new, old)| new.id < old.id));
    assert_eq!(after, anew(&folder, &image));
    // Of a real module, whose types stand in another order then.
    let drm = stock(&running()).join("kernel/drivers/gpu/drm/drm.ko.xz");
    let path = text(&folder.join("drm.ko"));
    run(&[
        "funcs",
        "add",
        &text(&drm),
        "--base",
        &vmlinux(),
        "-o",
        &path,
    ]);
    let distilled = run(&["distill", &path, "--base", &vmlinux()]);
    assert_eq!((distilled.status, &*distilled.err), (0, ""));
    let image = fs::read(&path).unwrap();
    assert_eq!(table(&image), anew(&folder, &image));
}

#[test]
fn a_table_that_cannot_be_mapped_is_removed_with_a_word() {
    let folder = folder("funcs-removed");
    let path = with_table(&folder, &twins("own/plain"), &["--base", &vmlinux()]);
    let whole = fs::read(&path).unwrap();
    let funcs = ElfFile64::<object::LittleEndian>::parse(&*whole).unwrap();
    let (at, _) = funcs
        .section_by_name(".BTF.funcs")
        .unwrap()
        .file_range()
        .unwrap();
    for (offset, word, why) in [
        (2, 0x0009, ".BTF.funcs offset 2: version 9, not 1"),
        (
            16,
            0xff00_0001,
            ".BTF.funcs: id 4278190081 is no type of the module",
        ),
    ] {
        let mut image = whole.clone();
        let at = at as usize + offset;
        image[at..at + 4].copy_from_slice(&u32::to_le_bytes(word));
        fs::write(&path, &image).unwrap();
        let distilled = run(&["distill", &path, "--base", &vmlinux()]);
        assert_eq!(distilled.status, 0);
        let (said, after) = (&distilled.err, fs::read(&path).unwrap());
        let word = format!("{why}: .BTF.funcs was removed; `btfreloc funcs add` makes it anew");
        assert!(said.contains(&word), "{said}");
        let after = ElfFile64::<object::LittleEndian>::parse(&*after).unwrap();
        for name in TABLE {
            assert!(after.section_by_name(name).is_none(), "{name}");
        }
    }
}

#[test]
fn encode_makes_it_with_the_btf() {
    let folder = folder("funcs-encode");
    let compiled = fs::read(module("work/twins/btfreloc_twins.ko")).unwrap();
    for how in [&["--standalone"][..], &["--base", &vmlinux()]] {
        let path = file(&folder, "module.ko", &compiled);
        let encode = |more: &[&str]| {
            let done = run(&[&["encode", &path], how, more].concat());
            assert_eq!((done.status, &*done.err), (0, ""));
            fs::read(&path).unwrap()
        };
        let image = encode(&["--funcs"]);
        let records = table(&image);
        assert_eq!(records.len(), TWINS.len());
        assert_eq!(records, anew(&folder, &image));
        let changed = [&[".BTF", ".BTF.base", ".BTF_ids"], &TABLE[..]].concat();
        assert!(kept(&compiled, &changed) == kept(&image, &changed));
        // BTF that is made anew has other ids, and the table has them too.
        assert_eq!(table(&encode(&["--force"])), records);
        // What has BTF gets a table alone.
        fs::write(&path, &compiled).unwrap();
        encode(&[]);
        assert_eq!(table(&encode(&["--if-missing", "--funcs"])), records);
    }
}

#[test]
fn what_has_no_table_says_why() {
    let folder = folder("funcs-errors");
    let stripped = file(
        &folder,
        "stripped.ko",
        &fs::read(twins("distilled")).unwrap(),
    );
    let strip = Command::new("strip")
        .args(["--strip-all", &stripped])
        .status();
    assert!(strip.unwrap().success());
    let mut foreign = fs::read(twins("distilled")).unwrap();
    // EM_S390
    foreign[18] = 22;
    let foreign = file(&folder, "foreign.ko", &foreign);
    let no_btf = text(&module("work/twins/btfreloc_twins.ko"));
    let no_module = file(&folder, "no.ko", &elf(&[(".BTF", &common::small_kernel())]));
    for (path, why) in [
        (
            &no_btf,
            "no BTF to name its functions: `btfreloc encode --funcs` makes both",
        ),
        (
            &stripped,
            "no symbols to find its functions by: make .BTF.funcs before the module is stripped",
        ),
        (
            &foreign,
            "machine 22 in the ELF header: addresses can be recorded on x86-64, arm64",
        ),
        (&vmlinux(), "raw BTF is no module"),
        (&no_module, "no symbols to find its functions by"),
    ] {
        let before = fs::read(path).unwrap();
        let added = run(&["funcs", "add", path]);
        assert_eq!((added.status, added.text()), (1, ""), "{}", added.err);
        assert!(added.err.contains(why), "{}", added.err);
        assert!(fs::read(path).unwrap() == before, "{path}");
    }
    let other = text(&boot(&built_for(), "vmlinux.btf"));
    let plain = file(&folder, "plain.ko", &fs::read(twins("own/plain")).unwrap());
    let added = run(&["funcs", "add", &plain, "--base", &other]);
    assert_eq!(added.status, 2);
    assert!(added.err.contains("not split off"), "{}", added.err);
}

/// The twins, as they are compiled, with this BTF.
fn twins_with(folder: &Path, btf: &[u8]) -> String {
    let image = fs::read(module("work/twins/btfreloc_twins.ko")).unwrap();
    let image = with_sections(&image, &[(".BTF", Some(btf))]).unwrap();
    file(folder, "twins.ko", &image)
}

#[test]
fn functions_whose_func_is_not_known_are_left_out_and_named() {
    let folder = folder("funcs-unclear");
    // Two prototypes of one name.
    let mut btf = Builder::base();
    let int = btf.int("int", 4, 1);
    let (one, two) = (btf.func_proto(int, &[]), btf.func_proto(0, &[("n", [int])]));
    btf.func("btfreloc_twins_step", one, 0);
    btf.func("btfreloc_twins_step", two, 0);
    btf.func("btfreloc_twins_two", two, 1);
    let path = twins_with(&folder, &btf.bytes());
    let added = run(&["funcs", "add", &path]);
    assert_eq!(added.status, 0);
    assert!(added.err.contains("2 left out of .BTF.funcs: btfreloc_twins_step (2): BTF has several FUNCs of that name, and it cannot be known which is whose"), "{}", added.err);
    let records = table(&fs::read(&path).unwrap());
    assert_eq!((records.len(), records[0].id), (1, 6));
    // One that the kernel has as well.
    let mut kernel = Builder::base();
    let int = kernel.int("int", 4, 1);
    let proto = kernel.func_proto(int, &[]);
    kernel.func("btfreloc_twins_step", proto, 0);
    let mut btf = Builder::split(&kernel);
    let own = btf.func_proto(0, &[("n", [int])]);
    let own = btf.func("btfreloc_twins_two", own, 1);
    let base = file(&folder, "vmlinux", &kernel.bytes());
    let path = twins_with(&folder, &btf.bytes());
    let added = run(&["funcs", "add", &path, "--base", &base]);
    assert!(added.err.contains("2 left out of .BTF.funcs: btfreloc_twins_step (2): the kernel has a function of that name and prototype"), "{}", added.err);
    let records = table(&fs::read(&path).unwrap());
    assert_eq!((records.len(), records[0].id), (1, own));
    // None at all.
    let path = twins_with(&folder, &common::small_kernel());
    let added = run(&["funcs", "add", &path]);
    assert_eq!(added.status, 0);
    assert!(
        added
            .err
            .contains("BTF describes no function of the module: no .BTF.funcs was made"),
        "{}",
        added.err
    );
}

#[test]
fn other_machines_have_their_own_relocations_and_call_sites() {
    let folder = folder("funcs-machines");
    let image = fs::read(twins("distilled")).unwrap();
    let path = file(&folder, "module.ko", &image);
    let rename = "__mcount_loc=__patchable_function_entries";
    let renamed = Command::new("objcopy")
        .args(["--rename-section", rename, &path])
        .status();
    assert!(renamed.unwrap().success());
    let renamed = fs::read(&path).unwrap();
    // EM_X86_64 and its like, with R_X86_64_64 and its like; x86 has those entries for padding only.
    for (machine, kind, traceable) in [(62, 1, 0), (183, 257, 9), (243, 2, 9), (258, 2, 9)] {
        let mut image = renamed.clone();
        image[18..20].copy_from_slice(&u16::to_le_bytes(machine));
        fs::write(&path, image).unwrap();
        let added = run(&["funcs", "add", &path]);
        assert_eq!((added.status, &*added.err), (0, ""), "{machine}");
        let image = fs::read(&path).unwrap();
        let elf = ElfFile64::<object::LittleEndian>::parse(&*image).unwrap();
        let rela = elf.section_by_name(".rela.BTF.funcs").unwrap();
        let kinds = rela.data().unwrap().chunks(24);
        let kinds = kinds.map(|rela| u32::from_le_bytes(rela[8..12].try_into().unwrap()));
        assert_eq!(kinds.collect::<Vec<_>>(), [kind; 8], "{machine}");
        let shown = run(&["funcs", &path]);
        let count = shown.text().matches("traceable").count();
        assert_eq!(count, traceable, "{machine}: {}", shown.text());
    }
}
