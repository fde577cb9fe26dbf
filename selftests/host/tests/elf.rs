// SPDX-License-Identifier: GPL-2.0

//! Sections and symbols of ELF images: right, wrong, cut short, and as the kernel keeps them.

mod image;

use image::{file, header_at, put, section, symbols, Section, NOBITS, PROGBITS, SYMTAB_SHNDX};
use rust_btfreloc::elf::{Elf, Error, Place, Reason, Symbol};

const IDS: u32 = 2;
const SYMTAB: usize = 4;

/// `.text`, `.BTF_ids`, `.bss`, `.symtab`, `.strtab`, `.shstrtab`.
fn module() -> Vec<Section> {
    let text = Section {
        flags: 6,
        ..section(".text", b"\x90\x90\xc3")
    };
    let ids = Section {
        flags: 2,
        ..section(".BTF_ids", &[0; 16])
    };
    let bss = Section {
        kind: NOBITS,
        data: vec![0; 0x1000],
        ..section(".bss", b"")
    };
    let [symtab, strtab] = symbols(4, SYMBOLS);
    vec![text, ids, bss, symtab, strtab]
}

const SYMBOLS: &[image::Symbol] = &[
    ("init", 1, 1, 2),
    ("__BTF_ID__set__a", 2, 0, 8),
    ("printk", 0, 0, 0),
    ("__BTF_ID__func__b__1", 2, 12, 4),
    ("absolute", 0xfff1, 0x1234, 0),
    ("common", 0xfff2, 8, 8),
    ("livepatch", 0xff20, 0, 0),
    ("", 1, 0, 0),
];

fn found(file: &[u8]) -> Vec<(u64, String)> {
    let elf = Elf::parse(file).unwrap();
    let ids = elf.section(b".BTF_ids").unwrap();
    let symbols = elf.symbols().unwrap().in_section(&ids);
    symbols
        .map(|(offset, name)| (offset, String::from_utf8(name.to_vec()).unwrap()))
        .collect()
}

fn expected() -> Vec<(u64, String)> {
    vec![
        (0, "__BTF_ID__set__a".into()),
        (12, "__BTF_ID__func__b__1".into()),
    ]
}

#[test]
fn sections_by_index_and_by_name() {
    let file = file(&module());
    let elf = Elf::parse(&file).unwrap();
    let names: Vec<_> = elf.sections().map(|s| (s.index, s.name)).collect();
    let expected: [&[u8]; 6] = [
        b".text",
        b".BTF_ids",
        b".bss",
        b".symtab",
        b".strtab",
        b".shstrtab",
    ];
    assert_eq!(names, (1..).zip(expected).collect::<Vec<_>>());
    let text = elf.section(b".text").unwrap();
    assert_eq!(
        (text.kind, text.flags, text.size, text.offset),
        (PROGBITS, 6, 3, 64)
    );
    assert_eq!(elf.data(&text), Some(&b"\x90\x90\xc3"[..]));
    assert_eq!(elf.section(b".BTF"), None);
}

#[test]
fn bss_has_a_size_and_no_data() {
    let file = file(&module());
    let elf = Elf::parse(&file).unwrap();
    let bss = elf.section(b".bss").unwrap();
    assert_eq!((bss.size, elf.data(&bss)), (0x1000, None));
}

#[test]
fn of_sections_of_one_name_the_first_counts() {
    let file = file(&[section("x", b"first"), section("x", b"second")]);
    let elf = Elf::parse(&file).unwrap();
    assert_eq!(elf.data(&elf.section(b"x").unwrap()), Some(&b"first"[..]));
}

#[test]
fn symbols_with_their_sections() {
    let file = file(&module());
    let table = Elf::parse(&file).unwrap().symbols().unwrap();
    let all: Vec<Symbol<'_>> = table.iter().collect();
    assert_eq!(all.len(), SYMBOLS.len());
    for ((symbol, (name, _, value, size)), index) in all.iter().zip(SYMBOLS).zip(1..) {
        assert_eq!((symbol.name, symbol.index), (name.as_bytes(), index));
        assert_eq!((symbol.value, symbol.size, symbol.info), (*value, *size, 1));
    }
    let sections: Vec<_> = all.iter().map(|symbol| symbol.section).collect();
    assert_eq!(
        sections,
        [Some(1), Some(2), None, Some(2), None, None, None, Some(1)]
    );
    assert_eq!(all.iter().map(|symbol| symbol.offset).sum::<u64>(), 1 + 12);
}

#[test]
fn symbols_of_one_section() {
    assert_eq!(found(&file(&module())), expected());
}

#[test]
fn no_symbol_table_means_no_symbols() {
    let file = file(&[section("x", b"")]);
    assert_eq!(
        Elf::parse(&file).unwrap().symbols().unwrap().iter().count(),
        0
    );
}

/// Section addresses as in the kernel's copy, and a loader's note in place of entry sizes.
fn loaded() -> Vec<Section> {
    let mut sections = module();
    for (section, at) in sections.iter_mut().zip(1..) {
        section.addr = 0xffff_ffff_c000_0000 + at * 0x1000;
        section.entsize = 0x7000_0000_0000_0123;
    }
    sections
}

#[test]
fn loaded_with_symbols_left_as_in_the_file() {
    assert_eq!(found(&file(&loaded())), expected());
}

#[test]
fn loaded_with_symbols_made_addresses() {
    let mut sections = loaded();
    let bases: Vec<u64> = sections.iter().map(|section| section.addr).collect();
    let moved: Vec<image::Symbol> = SYMBOLS
        .iter()
        .map(|(name, section, value, size)| {
            let base = usize::from(*section)
                .checked_sub(1)
                .and_then(|at| bases.get(at));
            (
                *name,
                *section,
                base.unwrap_or(&0).wrapping_add(*value),
                *size,
            )
        })
        .collect();
    sections[SYMTAB - 1].data = symbols(4, &moved)[0].data.clone();
    let file = file(&sections);
    assert_eq!(found(&file), expected());
    let table = Elf::parse(&file).unwrap().symbols().unwrap();
    let init = table.iter().next().unwrap();
    assert_eq!((init.offset, init.value), (1, 0xffff_ffff_c000_1001));
}

#[test]
fn any_alignment() {
    let file = file(&module());
    for shift in 0..8 {
        let shifted: Vec<u8> = vec![0; shift]
            .into_iter()
            .chain(file.iter().copied())
            .collect();
        assert_eq!(found(&shifted[shift..]), expected());
    }
}

#[test]
fn what_follows_the_file_does_not_matter() {
    let mut file = file(&module());
    file.extend(b"~Module signature appended~\n");
    assert_eq!(found(&file), expected());
}

#[test]
fn more_sections_than_the_header_counts() {
    let mut file = file(&module());
    let first = header_at(&file, 0);
    put(&mut file, 60, &0u16.to_ne_bytes());
    put(&mut file, 62, &0xffffu16.to_ne_bytes());
    put(&mut file, first + 32, &7u64.to_ne_bytes());
    put(&mut file, first + 40, &6u32.to_ne_bytes());
    assert_eq!(found(&file), expected());
}

/// The last symbol's section is in `SHT_SYMTAB_SHNDX`.
fn with_extended_index(index: u32) -> Vec<u8> {
    let mut sections = module();
    let all: Vec<_> = SYMBOLS
        .iter()
        .copied()
        .chain([("far", 0xffff, 4, 4)])
        .collect();
    let [symtab, strtab] = symbols(4, &all);
    (sections[3], sections[4]) = (symtab, strtab);
    let words = vec![0u32; all.len()].into_iter().chain([index]);
    let bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    let extended = section(".symtab_shndx", &bytes);
    sections.push(Section {
        kind: SYMTAB_SHNDX,
        link: 4,
        ..extended
    });
    file(&sections)
}

#[test]
fn symbol_in_a_section_beyond_16_bits() {
    let mut expected = expected();
    expected.push((4, "far".into()));
    assert_eq!(found(&with_extended_index(IDS)), expected);
}

fn refused(file: &[u8]) -> Error {
    let elf = match Elf::parse(file) {
        Ok(elf) => elf,
        Err(error) => return error,
    };
    elf.symbols().err().expect("the image is accepted")
}

fn header(offset: u64, reason: Reason) -> Error {
    Error {
        place: Place::Header,
        offset,
        reason,
    }
}

/// The header field at byte `at` overwritten.
fn header_with(at: usize, bytes: &[u8]) -> Error {
    let mut file = file(&module());
    put(&mut file, at, bytes);
    refused(&file)
}

#[test]
fn refused_headers() {
    assert_eq!(refused(b"\x7fELF"), header(0, Reason::Short(4)));
    assert_eq!(header_with(3, b"G"), header(0, Reason::Magic));
    assert_eq!(header_with(4, &[1]), header(4, Reason::Class(1)));
    assert_eq!(header_with(5, &[0]), header(5, Reason::ByteOrder(0)));
    assert_eq!(
        header_with(20, &9u32.to_ne_bytes()),
        header(20, Reason::Version(9))
    );
    assert_eq!(
        header_with(58, &40u16.to_ne_bytes()),
        header(58, Reason::HeaderLength(40))
    );
    assert_eq!(
        header_with(40, &0u64.to_ne_bytes()),
        header(40, Reason::NoSections)
    );
    assert_eq!(
        header_with(40, &u64::MAX.to_ne_bytes()),
        header(40, Reason::NoSections)
    );
    assert_eq!(
        header_with(60, &8u16.to_ne_bytes()),
        header(60, Reason::HeadersOutside(8))
    );
    assert_eq!(
        header_with(62, &0u16.to_ne_bytes()),
        header(62, Reason::NameSection(0))
    );
    assert_eq!(
        header_with(62, &7u16.to_ne_bytes()),
        header(62, Reason::NameSection(7))
    );
}

#[test]
fn refused_count_in_section_header_0() {
    let mut file = file(&module());
    let first = header_at(&file, 0);
    put(&mut file, 60, &0u16.to_ne_bytes());
    put(&mut file, first + 32, &u64::MAX.to_ne_bytes());
    assert_eq!(refused(&file), header(60, Reason::HeadersOutside(u64::MAX)));
    put(&mut file, first + 32, &0u64.to_ne_bytes());
    assert_eq!(refused(&file), header(62, Reason::NameSection(6)));
}

/// The field at byte `field` of a section's header overwritten.
fn section_with(index: u32, field: usize, bytes: &[u8]) -> (Error, u64) {
    let mut file = file(&module());
    let at = header_at(&file, index as usize) + field;
    put(&mut file, at, bytes);
    (refused(&file), at as u64)
}

fn assert_section(index: u32, field: usize, bytes: &[u8], reason: Reason) {
    let (error, offset) = section_with(index, field, bytes);
    assert_eq!(
        error,
        Error {
            place: Place::Section(index),
            offset,
            reason
        }
    );
}

#[test]
fn refused_sections() {
    let size = file(&module()).len() as u64 + 1;
    assert_section(1, 0, &0x1000u32.to_ne_bytes(), Reason::Name);
    assert_section(
        1,
        24,
        &size.to_ne_bytes(),
        Reason::Outside {
            offset: size,
            size: 3,
        },
    );
    let offset = u64::MAX;
    assert_section(
        1,
        24,
        &offset.to_ne_bytes(),
        Reason::Outside { offset, size: 3 },
    );
    assert_section(4, 40, &7u32.to_ne_bytes(), Reason::Link(7));
    assert_section(4, 40, &0u32.to_ne_bytes(), Reason::Link(0));
}

#[test]
fn refused_string_tables() {
    // The names' section as one without bytes, and cut before its last NUL.
    let (error, at) = section_with(6, 4, &NOBITS.to_ne_bytes());
    let refused = Error {
        place: Place::Section(6),
        offset: at + 20,
        reason: Reason::Strings,
    };
    assert_eq!(error, refused);
    let (error, at) = section_with(6, 32, &5u64.to_ne_bytes());
    assert_eq!(
        error,
        Error {
            offset: at - 8,
            ..refused
        }
    );
    let (error, at) = section_with(5, 32, &3u64.to_ne_bytes());
    assert_eq!(
        error,
        Error {
            place: Place::Section(5),
            offset: at - 8,
            ..refused
        }
    );
}

/// A field of the symbol of this index overwritten.
fn assert_symbol(index: u32, field: usize, bytes: &[u8], reason: Reason) {
    let mut file = file(&module());
    let elf = Elf::parse(&file).unwrap();
    let table = usize::try_from(elf.section(b".symtab").unwrap().offset).unwrap();
    let at = table + 24 * index as usize + field;
    put(&mut file, at, bytes);
    let error = Error {
        place: Place::Symbol(index),
        offset: at as u64,
        reason,
    };
    assert_eq!(refused(&file), error);
}

#[test]
fn refused_symbols() {
    assert_symbol(2, 0, &0x1000u32.to_ne_bytes(), Reason::Name);
    assert_symbol(2, 6, &7u16.to_ne_bytes(), Reason::SymbolSection(7));
    // No table goes with it.
    assert_symbol(
        3,
        6,
        &0xffffu16.to_ne_bytes(),
        Reason::SymbolSection(0xffff),
    );
    let far = refused(&with_extended_index(99));
    assert_eq!(far.place, Place::Symbol(9));
    assert_eq!(far.reason, Reason::SymbolSection(99));
}

/// Reads all there is, of which nothing may panic.
fn read_all(file: &[u8]) -> Option<usize> {
    let elf = Elf::parse(file).ok()?;
    let mut bytes = 0;
    for section in elf.sections() {
        bytes += section.name.len() + elf.data(&section).map_or(0, <[u8]>::len);
        bytes += elf.symbols().ok()?.in_section(&section).count();
    }
    Some(
        bytes
            + elf
                .symbols()
                .ok()?
                .iter()
                .map(|symbol| symbol.name.len())
                .sum::<usize>(),
    )
}

#[test]
fn every_truncation() {
    let file = file(&module());
    let whole = (0..=file.len()).find(|len| read_all(&file[..*len]).is_some());
    assert_eq!(whole, Some(file.len()));
}

#[test]
fn every_byte_damaged() {
    for file in [file(&module()), with_extended_index(IDS), file(&loaded())] {
        let accepted = (0..file.len()).filter(|at| {
            [0, 1, 0x7f, 0x80, 0xfe, 0xff].iter().any(|byte| {
                let mut damaged = file.clone();
                damaged[*at] = *byte;
                read_all(&damaged).is_some()
            })
        });
        // Bytes of content, for one, may be anything.
        assert!(accepted.count() > 16);
    }
}

fn release_in(modinfo: &[u8]) -> Option<String> {
    let bytes = file(&[section(".modinfo", modinfo)]);
    let release = Elf::parse(&bytes).unwrap().release();
    release.map(|release| String::from_utf8(release.to_vec()).unwrap())
}

#[test]
fn the_release_a_module_was_built_for() {
    let magic = |text: &str| release_in(format!("license=GPL\0vermagic={text}\0").as_bytes());
    let debian = "7.2.6+deb13-amd64";
    for text in [
        debian.to_string(),
        format!("{debian} SMP preempt mod_unload "),
    ] {
        assert_eq!(magic(&text).as_deref(), Some(debian));
    }
    assert_eq!(magic(&"7".repeat(64)), Some("7".repeat(64)));
    // Nothing that could lead a path elsewhere.
    for bad in [
        "",
        " SMP",
        "../etc",
        ".",
        "7.2/6",
        "7.2\\6",
        "7.2\u{e9}",
        &"7".repeat(65),
    ] {
        assert_eq!(magic(bad), None, "{bad}");
    }
    assert_eq!(release_in(b"license=GPL\0notvermagic=7.2\0"), None);
    // The last string need not end with NUL.
    assert_eq!(release_in(b"vermagic=7.2").as_deref(), Some("7.2"));
}

#[test]
fn without_modinfo_there_is_no_release() {
    let bytes = file(&module());
    assert_eq!(Elf::parse(&bytes).unwrap().release(), None);
}

/// `.BTF` with these flags and one symbol in a section with those.
fn module_with(btf: u64, name: &'static str, kind: u32, flags: u64) -> Vec<u8> {
    let btf = Section {
        flags: btf,
        ..section(".BTF", b"types")
    };
    let other = Section {
        kind,
        flags,
        ..section(name, &[0; 16])
    };
    let [symtab, strtab] = symbols(3, &[("symbol", 2, 4, 4)]);
    file(&[btf, other, symtab, strtab])
}

#[test]
fn the_loaders_copy_is_found_where_something_leads_to_it() {
    const ALLOC: u64 = 2;
    let found = |file: &[u8]| Elf::parse(file).unwrap().is_found();
    assert!(found(&module_with(0, ".data", PROGBITS, ALLOC)));
    assert!(!found(&module_with(ALLOC, ".data", PROGBITS, ALLOC)));
    assert!(found(&module_with(ALLOC, ".comment", PROGBITS, 0)));
    // The loader does not keep it, whatever its flags.
    assert!(found(&module_with(ALLOC, ".modinfo", PROGBITS, ALLOC)));
    assert!(!found(&module_with(ALLOC, ".comment", NOBITS, 0)));
    let base = |flags| Section {
        flags,
        ..section(".BTF.base", b"")
    };
    let btf = |flags| Section {
        flags,
        ..section(".BTF", b"types")
    };
    assert!(found(&file(&[btf(ALLOC), base(0)])));
    assert!(!found(&file(&[btf(ALLOC), base(ALLOC)])));
}

#[test]
fn a_notifier_is_shown_what_has_no_bytes_in_the_file() {
    let shown = |flags, len| {
        let btf = Section {
            kind: NOBITS,
            flags,
            data: vec![0; len],
            ..section(".BTF", b"")
        };
        let file = file(&[section(".text", b"code"), btf, section(".data", b"types")]);
        let elf = Elf::parse(&file).unwrap();
        let section = elf.section(b".BTF").unwrap();
        assert_eq!(elf.data(&section), None);
        elf.shown(&section).map(<[u8]>::to_vec)
    };
    // What follows it.
    assert_eq!(shown(0, 5), Some(b"types".to_vec()));
    assert_eq!(shown(0, 0x10000), None);
    assert_eq!(shown(2, 5), Some(vec![0; 5]));
    assert_eq!(shown(2, 0x10000), Some(vec![0; 64]));
}
