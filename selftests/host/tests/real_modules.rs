// SPDX-License-Identifier: GPL-2.0

//! Modules as Debian ships them: ELF against readelf, ids against the BTF they name.

use btfreloc_selftests::modules;
use rust_btfreloc::btf::{Blob, Btf, Form as BtfForm, Kind, Section as BtfSection, Table};
use rust_btfreloc::elf::{Elf, Section};
use rust_btfreloc::reloc::btf_ids::{BtfIds, Form};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel's BTF and its modules of netfilter, where many have `.BTF_ids`.
fn netfilter() -> (Vec<u8>, Vec<Vec<u8>>) {
    let kit = modules::kit();
    let release = modules::releases(&kit).remove(0);
    let vmlinux = modules::kernels(&kit)
        .into_iter()
        .find_map(|(name, btf)| (name == release.name).then_some(btf));
    let paths = release.modules.iter();
    let files: Vec<_> = paths
        .filter(|path| path.to_string_lossy().contains("/net/netfilter/"))
        .map(|path| read(path))
        .collect();
    assert!(files.len() > 20, "{} holds too few modules", kit.display());
    (vmlinux.unwrap(), files)
}

fn read(path: &Path) -> Vec<u8> {
    let output = Command::new("xz").arg("-dc").arg(path).output().unwrap();
    assert!(output.status.success(), "{}", path.display());
    output.stdout
}

fn readelf(option: &str, path: &Path) -> Vec<String> {
    let output = Command::new("readelf")
        .arg(option)
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(String::from)
        .collect()
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

/// Name, address, offset and size of each section.
fn readelf_sections(path: &Path) -> Vec<(String, u64, u64, u64)> {
    let lines = readelf("-SW", path);
    let described = lines
        .iter()
        .filter_map(|line| line.trim().strip_prefix('[')?.split_once(']'));
    let sections = described.filter(|(index, _)| index.trim().parse::<u32>().is_ok_and(|i| i > 0));
    sections
        .map(|(_, rest)| {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            (
                fields[0].into(),
                hex(fields[2]),
                hex(fields[3]),
                hex(fields[4]),
            )
        })
        .collect()
}

/// Value, section and name of each symbol; readelf gives a section's symbol the section's name.
fn readelf_symbols(path: &Path) -> Vec<(u64, Option<u32>, String)> {
    let lines = readelf("-sW", path);
    let symbols = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .filter(|(number, _)| number.trim().parse::<u32>().is_ok_and(|number| number > 0));
    symbols
        .map(|(_, rest)| {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let name = fields.get(6).filter(|_| fields[2] != "SECTION");
            (
                hex(fields[0]),
                fields[5].parse().ok(),
                (*name.unwrap_or(&"")).into(),
            )
        })
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn sections_and_symbols_are_those_of_readelf() {
    let path = &PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("real_module.ko");
    for file in netfilter().1 {
        std::fs::write(path, &file).unwrap();
        let elf = Elf::parse(&file).unwrap();
        let sections: Vec<_> = elf
            .sections()
            .map(|s| (text(s.name), s.addr, s.offset, s.size))
            .collect();
        assert_eq!(sections, readelf_sections(path));
        let symbols = elf.symbols().unwrap();
        let symbols: Vec<_> = symbols
            .iter()
            .map(|s| (s.value, s.section, text(s.name)))
            .collect();
        assert_eq!(symbols, readelf_symbols(path));
    }
}

/// A blob with room for its table, which lives as long as the test.
fn leaked(section: BtfSection, form: BtfForm, bytes: &[u8], first: u32) -> (Blob<'_>, Table<'_>) {
    let blob = Blob::parse(section, form, bytes).unwrap();
    let count = Table::count(&blob, first).unwrap();
    let offsets = vec![0; Table::needs(count, 0)].leak();
    (blob, Table::build(&blob, first, offsets, 0).unwrap())
}

fn btf_of(file: &[u8]) -> Option<&[u8]> {
    let elf = Elf::parse(file).unwrap();
    elf.data(&elf.section(b".BTF")?)
}

fn kind(text: &[u8]) -> Kind {
    match text {
        b"struct" => Kind::Struct,
        b"union" => Kind::Union,
        b"typedef" => Kind::Typedef,
        _ => Kind::Func,
    }
}

/// Kind and name of a type.
type Named = (Kind, String);

/// What the symbols of ids say, in any order: sets were sorted after their symbols were made.
fn reported<'n>(symbols: impl Iterator<Item = (u64, &'n [u8])>) -> Vec<Named> {
    let names = symbols.map(|(_, name)| text(name));
    let ids = names.filter_map(|name| {
        let (of, rest) = name.strip_prefix("__BTF_ID__")?.split_once("__")?;
        let (name, _) = rest.rsplit_once("__").filter(|_| !of.starts_with("set"))?;
        Some((kind(of.as_bytes()), name.to_string()))
    });
    ids.collect()
}

/// Finds every id to name what its symbol says; how many there are.
fn assert_ids(elf: &Elf<'_>, section: &Section<'_>, btf: &Btf<'_>) -> u32 {
    let bytes = elf.data(section).unwrap();
    let symbols = elf.symbols().unwrap().in_section(section);
    let mut output = vec![0; bytes.len()];
    let ids = BtfIds::read(bytes, symbols.clone(), &mut output).unwrap();
    let mut reported = reported(symbols.clone());
    let (mut found, mut not_found) = (0, 0);
    ids.each(symbols, |entry| {
        let Some(record) = btf.record(entry.id) else {
            assert_eq!(entry.id, 0);
            not_found += 1;
            return Ok(());
        };
        let names = (record.kind(), text(btf.string(record.name_off()).unwrap()));
        if let Form::Id { kind: of, name } = entry.form {
            assert_eq!(names, (kind(of), text(name)));
        }
        let at = reported.iter().position(|named| *named == names);
        reported.remove(at.unwrap_or_else(|| panic!("no symbol names {names:?}")));
        found += 1;
        Ok::<(), ()>(())
    })
    .unwrap();
    assert_eq!(reported.len(), not_found);
    let patched = ids.patch(Some).unwrap();
    assert_eq!(patched.bytes, bytes);
    assert_eq!(
        (patched.ids, patched.changed, patched.sorted),
        (found, 0, 0)
    );
    found
}

fn alone(section: BtfSection, bytes: &[u8]) -> Btf<'_> {
    let (blob, table) = leaked(section, BtfForm::Base, bytes, 1);
    Btf::alone(blob, table)
}

#[test]
fn ids_name_what_their_symbols_say() {
    let (vmlinux, files) = netfilter();
    let vmlinux = alone(BtfSection::Vmlinux, &vmlinux);
    let (mut with_ids, mut ids) = (0, 0);
    for file in &files {
        let elf = Elf::parse(file).unwrap();
        let (Some(section), Some(btf)) = (elf.section(b".BTF_ids"), btf_of(file)) else {
            continue;
        };
        let (blob, table) = leaked(BtfSection::Btf, BtfForm::Split, btf, vmlinux.end_id());
        with_ids += 1;
        ids += assert_ids(&elf, &section, &Btf::split(&vmlinux, blob, table));
    }
    assert!(
        with_ids > 0 && ids > 10,
        "{with_ids} modules with {ids} ids"
    );
}

/// The file as the module loader rewrites it; `symbols` too, as without `CONFIG_KALLSYMS`.
fn loaded(file: &[u8], symbols: bool) -> Vec<u8> {
    let elf = Elf::parse(file).unwrap();
    let mut loaded = file.to_vec();
    let headers = usize::try_from(u64::from_ne_bytes(file[40..48].try_into().unwrap())).unwrap();
    let address = |index: u32| 0xffff_ffff_c000_0000 + u64::from(index) * 0x10_0000;
    for section in elf.sections() {
        let header = headers + 64 * section.index as usize;
        loaded[header + 16..header + 24].copy_from_slice(&address(section.index).to_ne_bytes());
        loaded[header + 56..header + 64].copy_from_slice(&(7u64 << 60).to_ne_bytes());
    }
    let table = usize::try_from(elf.section(b".symtab").unwrap().offset).unwrap();
    for symbol in elf.symbols().unwrap().iter().filter(|_| symbols) {
        let at = table + 24 * symbol.index as usize + 8;
        let value = symbol.value + symbol.section.map_or(0, address);
        loaded[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    }
    loaded
}

fn ids(file: &[u8]) -> Option<Vec<(u64, String)>> {
    let elf = Elf::parse(file).unwrap();
    let section = elf.section(b".BTF_ids")?;
    let symbols = elf.symbols().unwrap().in_section(&section);
    Some(symbols.map(|(offset, name)| (offset, text(name))).collect())
}

#[test]
fn symbols_are_found_in_the_loaders_copy() {
    for file in netfilter().1 {
        assert_eq!(ids(&loaded(&file, false)), ids(&file));
        assert_eq!(ids(&loaded(&file, true)), ids(&file));
    }
}
