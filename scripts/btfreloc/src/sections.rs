// SPDX-License-Identifier: GPL-2.0

//! Puts sections into a module's ELF file, and keeps all others as they are.
//!
//! The bytes of a section are copied, whatever its type: no other section changes its index, so that
//! nothing that refers to one (symbols, relocations, groups, what only a compiler knows of) has to be
//! understood. A section that goes leaves an inactive header (`SHT_NULL`) in its place.

use std::borrow::Cow;

use anyhow::{anyhow, ensure, Context, Result};
use rust_btfreloc::btf::{put_u32, read_u32};
use rust_btfreloc::elf::Elf;

// Byte offsets in the header of the file, and its length.
const E_TYPE: usize = 16;
const E_SHOFF: usize = 40;
const E_PHNUM: usize = 56;
const E_SHNUM: usize = 60;
const E_SHSTRNDX: usize = 62;
const LEN: usize = 64;

// Byte offsets in the header of a section, which is as long.
const SH_NAME: usize = 0;
const SH_TYPE: usize = 4;
const SH_FLAGS: usize = 8;
const SH_OFFSET: usize = 24;
const SH_SIZE: usize = 32;
const SH_LINK: usize = 40;
const SH_INFO: usize = 44;
const SH_ADDRALIGN: usize = 48;
const SH_ENTSIZE: usize = 56;

const ET_REL: u16 = 1;
const SHT_NULL: u32 = 0;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const SHT_RELA: u32 = 4;
const SHT_NOBITS: u32 = 8;
const SHF_ALLOC: u64 = 1 << 1;
const SHF_INFO_LINK: u64 = 1 << 6;
/// From here on, section header 0 holds how many there are (`SHN_LORESERVE`).
const MANY: usize = 0xff00;
/// The index of the names is in section header 0 (`SHN_XINDEX`).
const IN_FIRST: u16 = 0xffff;

/// BTF is made of words.
const ALIGN: u64 = 4;
/// Relocations are made of addresses.
const RELA_ALIGN: u64 = 8;
/// Bytes of an `Elf64_Rela`.
const RELA_LEN: u64 = 24;
/// No section of a module needs more in its file, whatever it asks for in memory.
const MOST_ALIGN: u64 = 4096;

/// Puts `sections`, each a name and its bytes, into `image`, a module's ELF file: a section that is
/// there already gets the new bytes, and one without bytes goes.
///
/// All other sections keep their bytes, headers, order and index but for where they are in the file;
/// new sections are the last. What follows the ELF file, such as a signature, is left out.
///
/// # Errors
///
/// The file is damaged or not relocatable.
pub fn with_sections(image: &[u8], sections: &[(&str, Option<&[u8]>)]) -> Result<Vec<u8>> {
    let mut file = File::read(image).context("ELF file")?;
    for (name, bytes) in sections {
        match bytes {
            Some(bytes) => drop(file.put(name, bytes)?),
            None => file.remove(name),
        }
    }
    file.write()
}

/// A section that the kernel loads, which may be read and not written.
pub struct Loaded<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is aligned to, in bytes.
    pub align: u64,
    /// Its bytes in the file.
    pub bytes: &'a [u8],
    /// `Elf64_Rela` after `Elf64_Rela`, on the symbols of the file; none where it is empty.
    pub relocations: &'a [u8],
}

/// Puts `loaded` into `image` as [`with_sections`] does it, with its relocations in a section `.rela`
/// and its name.
///
/// # Errors
///
/// As [`with_sections`]; or there are relocations and no symbols.
pub fn with_loaded(image: &[u8], loaded: &Loaded<'_>) -> Result<Vec<u8>> {
    let mut file = File::read(image).context("ELF file")?;
    let table = file.put(loaded.name, loaded.bytes)?;
    let header = &mut file.sections[table].header;
    put_u32(header, SH_TYPE, SHT_PROGBITS);
    put_long(header, SH_FLAGS, SHF_ALLOC);
    put_long(header, SH_ADDRALIGN, loaded.align);
    let name = format!(".rela{}", loaded.name);
    if loaded.relocations.is_empty() {
        file.remove(&name);
        return file.write();
    }
    let mut kinds = file.sections.iter().map(Section::kind);
    let symbols = kinds.position(|kind| kind == SHT_SYMTAB);
    let symbols = u32::try_from(symbols.context("no symbols")?)?;
    let rela = file.put(&name, loaded.relocations)?;
    let header = &mut file.sections[rela].header;
    put_u32(header, SH_TYPE, SHT_RELA);
    put_long(header, SH_FLAGS, SHF_INFO_LINK);
    put_u32(header, SH_LINK, symbols);
    put_u32(header, SH_INFO, u32::try_from(table)?);
    put_long(header, SH_ADDRALIGN, RELA_ALIGN);
    put_long(header, SH_ENTSIZE, RELA_LEN);
    file.write()
}

/// A file in its parts.
struct File<'a> {
    header: [u8; LEN],
    /// By index, the inactive first one included.
    sections: Vec<Section<'a>>,
    /// Index of the section that holds the names.
    names: usize,
}

/// A section.
struct Section<'a> {
    header: [u8; LEN],
    bytes: Cow<'a, [u8]>,
    /// Where its bytes were in the file; those of a new one were nowhere, which is past the end.
    at: u64,
}

impl<'a> File<'a> {
    fn read(image: &'a [u8]) -> Result<Self> {
        let elf = Elf::parse(image).map_err(|error| anyhow!("{error}"))?;
        let header = chunk(image, 0)?;
        let kind = half(&header, E_TYPE);
        ensure!(
            kind == ET_REL,
            "type {kind}, not relocatable ({ET_REL}): no module"
        );
        ensure!(half(&header, E_PHNUM) == 0, "program headers: no module");
        let headers = usize::try_from(long(&header, E_SHOFF))?;
        let first = Section {
            header: chunk(image, headers)?,
            bytes: Cow::default(),
            at: 0,
        };
        let mut sections = vec![first];
        for section in elf.sections() {
            sections.push(Section {
                header: chunk(image, headers + LEN * sections.len())?,
                bytes: elf.data(&section).unwrap_or(&[]).into(),
                at: section.offset,
            });
        }
        let names = match half(&header, E_SHSTRNDX) {
            IN_FIRST => read_u32(&sections[0].header, SH_LINK).unwrap_or(0) as usize,
            names => usize::from(names),
        };
        let file = File {
            header,
            sections,
            names,
        };
        file.shares_nothing()?;
        Ok(file)
    }

    /// Bytes of two sections would become bytes of each, and a small file a huge one.
    fn shares_nothing(&self) -> Result<()> {
        let mut end = 0;
        for (index, section) in self.in_order() {
            if section.bytes.is_empty() {
                continue;
            }
            ensure!(
                section.at >= end,
                "section [{index}] begins at {} inside of another, which ends at {end}",
                section.at
            );
            end = section.at + section.bytes.len() as u64;
        }
        Ok(())
    }

    /// The sections in the order of their bytes in the file.
    fn in_order(&self) -> Vec<(usize, &Section<'a>)> {
        let mut sections: Vec<_> = self.sections.iter().enumerate().skip(1).collect();
        sections.sort_by_key(|(_, section)| section.at);
        sections
    }

    fn name(&self, section: &Section<'_>) -> &[u8] {
        let at = read_u32(&section.header, SH_NAME).unwrap_or(0) as usize;
        let names = &self.sections[self.names].bytes;
        let name = names.get(at..).unwrap_or(&[]);
        name.split(|byte| *byte == 0).next().unwrap_or(&[])
    }

    fn find(&self, name: &str) -> Option<usize> {
        let mut sections = self.sections.iter().skip(1);
        let found = sections.position(|section| self.name(section) == name.as_bytes());
        found.map(|found| found + 1)
    }

    /// Returns the index of the section.
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<usize> {
        let index = match self.find(name) {
            Some(index) => index,
            None => self.add(name)?,
        };
        let section = &mut self.sections[index];
        // One that had no bytes has some now.
        if section.kind() == SHT_NOBITS {
            put_u32(&mut section.header, SH_TYPE, SHT_PROGBITS);
        }
        section.bytes = bytes.to_vec().into();
        Ok(index)
    }

    /// A new section at the end, or where one was that went.
    fn add(&mut self, name: &str) -> Result<usize> {
        let name = self.named(name)?;
        let mut header = [0; LEN];
        put_u32(&mut header, SH_NAME, name);
        put_u32(&mut header, SH_TYPE, SHT_PROGBITS);
        put_long(&mut header, SH_ADDRALIGN, ALIGN);
        let section = Section {
            header,
            bytes: Cow::default(),
            at: u64::MAX,
        };
        let mut others = self.sections.iter().skip(1);
        let gone = others.position(|section| section.header == [0; LEN]);
        let index = gone.map_or(self.sections.len(), |gone| gone + 1);
        match self.sections.get_mut(index) {
            Some(gone) => *gone = section,
            None => self.sections.push(section),
        }
        Ok(index)
    }

    /// The offset of a name, which is added where it is not there yet.
    fn named(&mut self, name: &str) -> Result<u32> {
        let names = self.sections[self.names].bytes.to_mut();
        let name = [name.as_bytes(), &[0]].concat();
        let there = names.windows(name.len()).position(|there| there == name);
        let at = there.unwrap_or(names.len());
        if there.is_none() {
            names.extend(name);
        }
        Ok(u32::try_from(at)?)
    }

    fn remove(&mut self, name: &str) {
        if let Some(index) = self.find(name) {
            self.sections[index] = Section {
                header: [0; LEN],
                bytes: Cow::default(),
                at: 0,
            };
        }
    }

    fn write(mut self) -> Result<Vec<u8>> {
        let mut image = vec![0; LEN];
        let order: Vec<_> = self.in_order().iter().map(|(index, _)| *index).collect();
        for index in order {
            let section = &mut self.sections[index];
            if section.kind() == SHT_NULL {
                continue;
            }
            pad(&mut image, long(&section.header, SH_ADDRALIGN))?;
            put_long(&mut section.header, SH_OFFSET, image.len() as u64);
            if section.kind() != SHT_NOBITS {
                put_long(&mut section.header, SH_SIZE, section.bytes.len() as u64);
            }
            image.extend_from_slice(&section.bytes);
        }
        pad(&mut image, 8)?;
        put_long(&mut self.header, E_SHOFF, image.len() as u64);
        self.put_count();
        for section in &self.sections {
            image.extend(section.header);
        }
        image[..LEN].copy_from_slice(&self.header);
        Ok(image)
    }

    fn put_count(&mut self) {
        let count = self.sections.len();
        let number = u16::try_from(count).ok().filter(|_| count < MANY);
        if number.is_none() {
            put_long(&mut self.sections[0].header, SH_SIZE, count as u64);
        }
        let number = number.unwrap_or(0).to_ne_bytes();
        self.header[E_SHNUM..E_SHNUM + 2].copy_from_slice(&number);
    }
}

impl Section<'_> {
    fn kind(&self) -> u32 {
        read_u32(&self.header, SH_TYPE).unwrap_or(SHT_NULL)
    }
}

/// Makes `image` as long as what follows wants it to be aligned.
fn pad(image: &mut Vec<u8>, align: u64) -> Result<()> {
    let align = usize::try_from(align.clamp(1, MOST_ALIGN))?;
    image.resize(image.len().next_multiple_of(align), 0);
    Ok(())
}

fn chunk(image: &[u8], at: usize) -> Result<[u8; LEN]> {
    let tail = image.get(at..).and_then(|tail| tail.first_chunk());
    tail.copied().context("cut short")
}

fn half(header: &[u8; LEN], at: usize) -> u16 {
    u16::from_ne_bytes([header[at], header[at + 1]])
}

fn long(header: &[u8; LEN], at: usize) -> u64 {
    let bytes = header[at..].first_chunk();
    bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
}

fn put_long(header: &mut [u8; LEN], at: usize, value: u64) {
    header[at..at + 8].copy_from_slice(&value.to_ne_bytes());
}
