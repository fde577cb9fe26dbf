// SPDX-License-Identifier: GPL-2.0

//! File and line of a function, from the DWARF of a module's file.
//!
//! Sections of a module's file all start at 0. So that an address in DWARF says which section it is in,
//! each gets one of its own here, and the relocations of DWARF are applied with those.

use addr2line::gimli::{DwarfSections, EndianSlice, NativeEndian, SectionId};
use addr2line::Context;
use anyhow::{Context as _, Result};
use object::elf::FileHeader64;
use object::read::elf::ElfFile;
use object::{
    Endianness, Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionKind, SymbolSection,
};

type File<'a> = ElfFile<'a, FileHeader64<Endianness>>;

/// The sections of DWARF in a file, relocated.
pub(super) struct Debug(DwarfSections<Vec<u8>>);

impl Debug {
    /// Those of `image`; `None` where it has no DWARF that can be read.
    pub(super) fn of(image: &[u8]) -> Option<Self> {
        let file = File::parse(image).ok()?;
        file.section_by_name(".debug_line")?;
        let load = |id: SectionId| -> Result<Vec<u8>> {
            let section = file.section_by_name(id.name());
            let bytes = section.map(|section| relocated(&file, &section));
            Ok(bytes.transpose()?.unwrap_or_default())
        };
        DwarfSections::load(load).ok().map(Debug)
    }
}

/// Which line each address is of.
pub(super) struct Lines<'a>(Context<EndianSlice<'a, NativeEndian>>);

impl<'a> Lines<'a> {
    /// Reads them; `None` where they are damaged.
    pub(super) fn of(debug: &'a Debug) -> Option<Self> {
        let dwarf = debug
            .0
            .borrow(|bytes| EndianSlice::new(bytes, NativeEndian));
        Context::from_dwarf(dwarf).ok().map(Lines)
    }

    /// `FILE:LINE` at a section and an offset in it.
    pub(super) fn at(&self, (section, offset): (u32, u64)) -> Option<String> {
        let found = self.0.find_location(start(section) + offset).ok()??;
        Some(format!("{}:{}", found.file?, found.line?))
    }
}

/// The address that the section of this index has here.
fn start(section: u32) -> u64 {
    u64::from(section) << 40
}

fn relocated<'a>(file: &File<'a>, section: &impl ObjectSection<'a>) -> Result<Vec<u8>> {
    let mut bytes = section.uncompressed_data()?.into_owned();
    for (at, relocation) in section.relocations() {
        let RelocationTarget::Symbol(symbol) = relocation.target() else {
            continue;
        };
        let symbol = file.symbol_by_index(symbol)?;
        let base = match symbol.section() {
            SymbolSection::Section(index)
                if file.section_by_index(index)?.kind() == SectionKind::Text =>
            {
                start(u32::try_from(index.0)?)
            }
            _ => 0,
        };
        let value = base + symbol.address();
        let value = value.wrapping_add_signed(relocation.addend()).to_ne_bytes();
        let len = usize::from(relocation.size()) / 8;
        let at = usize::try_from(at)?;
        let place = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..len));
        let value = value.get(..len);
        let (place, value) = place.zip(value).context("a relocation outside")?;
        place.copy_from_slice(value);
    }
    Ok(bytes)
}
