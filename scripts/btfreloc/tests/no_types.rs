// SPDX-License-Identifier: GPL-2.0

//! A module whose plain split BTF describes no type: its `.BTF_ids` name vmlinux's.

mod common;

use std::fs;

use object::endian::LittleEndian;
use object::read::elf::{ElfFile64, SectionHeader};
use object::{Object, ObjectSection};

use common::{boot, file, folder, module, run, running, text};

/// The bytes of a module with BTF as that of one without types.
fn without_types(mut bytes: Vec<u8>) -> Vec<u8> {
    let (at, header) = {
        let elf = ElfFile64::<LittleEndian>::parse(&*bytes).unwrap();
        let section = elf.section_by_name(".BTF").unwrap();
        let headers = elf.elf_header().e_shoff.get(LittleEndian) as usize;
        let header = headers + 64 * section.index().0;
        let at = section.elf_section_header().sh_offset(LittleEndian) as usize;
        (at, header)
    };
    let mut btf = [0; 25];
    btf[..8].copy_from_slice(&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0]);
    btf[20] = 1;
    bytes[at..at + 25].copy_from_slice(&btf);
    // Its sh_size.
    bytes[header + 32..header + 40].copy_from_slice(&25u64.to_le_bytes());
    bytes
}

#[test]
fn their_ids_stay() {
    let kernel = text(&boot(&running(), "vmlinux.btf"));
    let plain = fs::read(module("own/plain/btfreloc_asked.ko")).unwrap();
    let without = file(&folder("no-types-ids"), "without.ko", &without_types(plain));
    let done = run(&["check", "--format", "json", "--against", &kernel, &without]);
    let json = done.json();
    let result = &json["results"][0];
    assert_eq!(result["outcome"], "no-btf", "{json}");
    assert_eq!(result.get("dropped_ids"), None, "{json}");
}
