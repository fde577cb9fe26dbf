// SPDX-License-Identifier: GPL-2.0

//! Writes small ELF files, right or wrong.

/// A section to be written.
#[derive(Clone, Default)]
pub struct Section {
    pub name: &'static str,
    pub kind: u32,
    pub flags: u64,
    pub addr: u64,
    pub data: Vec<u8>,
    pub link: u32,
    pub info: u32,
    pub entsize: u64,
}

pub const PROGBITS: u32 = 1;
pub const SYMTAB: u32 = 2;
pub const STRTAB: u32 = 3;
pub const NOBITS: u32 = 8;
pub const SYMTAB_SHNDX: u32 = 18;

/// Name, section, value and size of a symbol to be written.
pub type Symbol = (&'static str, u16, u64, u64);

pub fn section(name: &'static str, data: &[u8]) -> Section {
    Section {
        name,
        kind: PROGBITS,
        data: data.to_vec(),
        ..Section::default()
    }
}

/// `.symtab` and its `.strtab`, which comes next, at index `index` and the one after it.
pub fn symbols(index: u32, symbols: &[Symbol]) -> [Section; 2] {
    let (mut table, mut names) = (vec![0; 24], vec![0]);
    for (name, section, value, size) in symbols {
        table.extend(u32::try_from(names.len()).unwrap().to_ne_bytes());
        table.extend([1, 0]);
        table.extend(section.to_ne_bytes());
        table.extend(value.to_ne_bytes());
        table.extend(size.to_ne_bytes());
        names.extend(name.bytes().chain([0]));
    }
    let symtab = section(".symtab", &table);
    let strtab = section(".strtab", &names);
    [
        Section {
            kind: SYMTAB,
            link: index + 1,
            entsize: 24,
            ..symtab
        },
        Section {
            kind: STRTAB,
            ..strtab
        },
    ]
}

/// A whole file: header, the sections' bytes, section headers. The names come last.
pub fn file(sections: &[Section]) -> Vec<u8> {
    let mut all = vec![Section::default()];
    all.extend_from_slice(sections);
    all.push(Section {
        name: ".shstrtab",
        kind: STRTAB,
        ..Section::default()
    });
    let names: Vec<u8> = all.iter().flat_map(|s| s.name.bytes().chain([0])).collect();
    all.last_mut().unwrap().data = names;
    let mut file = vec![0; 64];
    let (mut headers, mut name) = (Vec::new(), 0);
    for section in &all {
        headers.extend(header(section, name, file.len()));
        name += section.name.len() + 1;
        if section.kind != NOBITS {
            file.extend(&section.data);
        }
    }
    file_header(&mut file, all.len());
    file.extend(headers);
    file
}

fn header(section: &Section, name: usize, offset: usize) -> Vec<u8> {
    let mut header = u32::try_from(name).unwrap().to_ne_bytes().to_vec();
    header.extend(section.kind.to_ne_bytes());
    for word in [
        section.flags,
        section.addr,
        offset as u64,
        section.data.len() as u64,
    ] {
        header.extend(word.to_ne_bytes());
    }
    header.extend(section.link.to_ne_bytes());
    header.extend(section.info.to_ne_bytes());
    header.extend(1u64.to_ne_bytes());
    header.extend(section.entsize.to_ne_bytes());
    header
}

fn file_header(file: &mut [u8], sections: usize) {
    let native = if cfg!(target_endian = "little") { 1 } else { 2 };
    let count = u16::try_from(sections).unwrap();
    put(file, 0, &[0x7f, b'E', b'L', b'F', 2, native, 1]);
    put(file, 16, &1u16.to_ne_bytes());
    put(file, 20, &1u32.to_ne_bytes());
    put(file, 40, &(file.len() as u64).to_ne_bytes());
    put(file, 52, &64u16.to_ne_bytes());
    put(file, 58, &64u16.to_ne_bytes());
    put(file, 60, &count.to_ne_bytes());
    put(file, 62, &(count - 1).to_ne_bytes());
}

/// Byte offset of the header of the section of this index.
pub fn header_at(file: &[u8], index: usize) -> usize {
    let at = u64::from_ne_bytes(file[40..48].try_into().unwrap());
    usize::try_from(at).unwrap() + index * 64
}

/// Writes `bytes` at byte `at`.
pub fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}
