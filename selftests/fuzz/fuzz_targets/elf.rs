// SPDX-License-Identifier: GPL-2.0

//! A file that may be a module: refused with a reason, or all that is read is inside it.

#![no_main]

use btfreloc_fuzz::{mutate, say};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rust_btfreloc::elf::{Elf, Section};

const SHT_NULL: u32 = 0;
const SHT_NOBITS: u32 = 8;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::elf)
});

fuzz_target!(|image: &[u8]| {
    let elf = match Elf::parse(image) {
        Ok(elf) => elf,
        Err(error) => return say(error),
    };
    for section in elf.sections() {
        inside(image, section.name);
        match elf.data(&section) {
            Some(data) => {
                inside(image, data);
                assert_eq!(data.len() as u64, section.size);
            }
            None => assert!(matches!(section.kind, SHT_NULL | SHT_NOBITS)),
        }
        let found = elf.section(section.name).unwrap();
        assert!(found.index <= section.index && found.name == section.name);
    }
    said_of_itself(image, &elf);
    match elf.symbols() {
        Ok(_) => symbols(image, &elf),
        Err(error) => say(error),
    }
});

fn said_of_itself(image: &[u8], elf: &Elf<'_>) {
    for key in [&b"name"[..], b"vermagic", b""] {
        if let Some(value) = elf.modinfo(key) {
            inside(image, value);
        }
    }
    let release = elf.release().unwrap_or(b"none");
    assert!(!release.is_empty() && !release.contains(&b'/') && !release.starts_with(b"."));
}

/// By section there are as many symbols as there are with a section.
fn symbols(image: &[u8], elf: &Elf<'_>) {
    let symbols = elf.symbols().unwrap();
    let end = elf.sections().map(|section| section.index + 1).max();
    for symbol in symbols.iter() {
        inside(image, symbol.name);
        assert!(symbol.section < end);
    }
    // With many sections the product would be what takes the time.
    let some: Vec<Section<'_>> = elf.sections().take(16).collect();
    for section in some {
        let mine = symbols
            .iter()
            .filter(|symbol| symbol.section == Some(section.index));
        let mine = mine.map(|symbol| (symbol.offset, symbol.name));
        assert!(symbols.in_section(&section).eq(mine));
    }
}

fn inside(image: &[u8], part: &[u8]) {
    let (all, part) = (image.as_ptr_range(), part.as_ptr_range());
    assert!(all.start <= part.start && part.end <= all.end);
}
