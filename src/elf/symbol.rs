// SPDX-License-Identifier: GPL-2.0

//! The symbol table (`Elf64_Sym`), each symbol with the section it is defined in.

use super::bytes::{range, u16_at, u32_at, u64_at, u8_at, Strings};
use super::section::{self, NULL, SHT_SYMTAB, SHT_SYMTAB_SHNDX};
use super::{Elf, Error, Place, Reason, Section};

// Byte offsets of the fields, and a symbol's length, which `sh_entsize` need not say.
const NAME: u64 = 0;
const INFO: u64 = 4;
const SHNDX: u64 = 6;
const VALUE: u64 = 8;
const SIZE: u64 = 16;
const LEN: u64 = 24;

const SHN_LORESERVE: u16 = 0xff00;
const SHN_XINDEX: u16 = 0xffff;

/// A symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// Index in the symbol table.
    pub index: u32,
    /// Name, without a NUL.
    pub name: &'a [u8],
    /// Binding and type (`ELF_ST_BIND`, `ELF_ST_TYPE`).
    pub info: u8,
    /// Index of the section it is defined in; `None` for undefined, absolute and common symbols.
    pub section: Option<u32>,
    /// `st_value` as it stands there.
    pub value: u64,
    /// Byte offset in its section, never checked against the section's size; 0 without a section.
    ///
    /// Counted from the section's address, unless the value is below that: then it is an offset
    /// already, as in a module's file, where addresses are 0, and in the kernel's copy of it.
    pub offset: u64,
    /// Size in bytes; 0 where it is not known.
    pub size: u64,
}

/// A symbol table whose names and sections exist.
#[derive(Clone, Copy, Default)]
pub struct Symbols<'a> {
    /// Section headers, for the addresses of sections.
    headers: &'a [u8],
    table: &'a [u8],
    count: u32,
    names: Strings<'a>,
    /// Section indexes of more than 16 bits, one word a symbol; empty where there are none.
    extended: &'a [u8],
}

impl<'a> Symbols<'a> {
    pub(super) fn parse(elf: &Elf<'a>) -> Result<Self, Error> {
        let Some(section) = elf.sections().find(|section| section.kind == SHT_SYMTAB) else {
            return Ok(Symbols::default());
        };
        let bad = |field, reason| elf.error(section.index, field, reason);
        let link = elf
            .at(section.link)
            .ok_or(bad(section::LINK, Reason::Link(section.link)))?;
        let count = u32::try_from(section.size / LEN);
        let symbols = Symbols {
            headers: elf.headers,
            table: elf.data(&section).unwrap_or(&[]),
            count: count.map_err(|_| bad(section::SIZE, Reason::TooMany(section.size)))?,
            names: elf.strings(&link)?,
            extended: extended(elf, &section),
        };
        symbols.check(section.offset, elf.count)?;
        Ok(symbols)
    }

    /// All symbols but that of index 0, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'a>> + Clone + 'a {
        let symbols = *self;
        (1..symbols.count).filter_map(move |index| symbols.at(index))
    }

    /// Byte offset in `section` and name of each symbol that is defined in it.
    pub fn in_section(
        &self,
        section: &Section<'_>,
    ) -> impl Iterator<Item = (u64, &'a [u8])> + Clone + 'a {
        let symbols = *self;
        let (index, addr) = (section.index, section.addr);
        (1..symbols.count).filter_map(move |at| {
            let symbol = symbols.raw(at)?;
            if symbols.section(symbol, at)? != Some(index) {
                return None;
            }
            Some((offset(u64_at(symbol, VALUE)?, addr), symbols.name(symbol)?))
        })
    }

    fn at(&self, index: u32) -> Option<Symbol<'a>> {
        let symbol = self.raw(index)?;
        let section = self.section(symbol, index)?;
        let addr = section.and_then(|section| section::addr(self.headers, section));
        let value = u64_at(symbol, VALUE)?;
        Some(Symbol {
            index,
            name: self.name(symbol)?,
            info: u8_at(symbol, INFO)?,
            section,
            value,
            offset: addr.map_or(0, |addr| offset(value, addr)),
            size: u64_at(symbol, SIZE)?,
        })
    }

    #[inline]
    fn raw(&self, index: u32) -> Option<&'a [u8]> {
        range(self.table, u64::from(index).wrapping_mul(LEN), LEN)
    }

    #[inline]
    fn name(&self, symbol: &[u8]) -> Option<&'a [u8]> {
        self.names.at(u32_at(symbol, NAME)?)
    }

    /// The section that the symbol of this index is defined in, which may be none.
    #[inline]
    fn section(&self, symbol: &[u8], index: u32) -> Option<Option<u32>> {
        let section = match u16_at(symbol, SHNDX)? {
            SHN_XINDEX => u32_at(self.extended, u64::from(index).wrapping_mul(4))?,
            SHN_LORESERVE.. => NULL,
            section => u32::from(section),
        };
        Some((section != NULL).then_some(section))
    }

    /// Finds each symbol's name and section; there are `sections`, and the table is at byte `at`.
    fn check(&self, at: u64, sections: u32) -> Result<(), Error> {
        (1..self.count).try_for_each(|index| {
            let symbol = self.raw(index).unwrap_or(&[]);
            let bad = |field: u64, reason| Error {
                place: Place::Symbol(index),
                offset: at
                    .wrapping_add(u64::from(index).wrapping_mul(LEN))
                    .wrapping_add(field),
                reason,
            };
            if !u32_at(symbol, NAME).is_some_and(|name| self.names.holds(name)) {
                return Err(bad(NAME, Reason::Name));
            }
            match self.section(symbol, index) {
                Some(Some(section)) if section >= sections => {
                    Err(bad(SHNDX, Reason::SymbolSection(section)))
                }
                Some(_) => Ok(()),
                None => Err(bad(SHNDX, Reason::SymbolSection(u32::from(SHN_XINDEX)))),
            }
        })
    }
}

/// The words that go with the symbols of `table`.
fn extended<'a>(elf: &Elf<'a>, table: &Section<'_>) -> &'a [u8] {
    let mut sections = elf.sections();
    let found =
        sections.find(|section| section.kind == SHT_SYMTAB_SHNDX && section.link == table.index);
    found.and_then(|section| elf.data(&section)).unwrap_or(&[])
}

/// Offset in a section at `addr`; see [`Symbol::offset`].
#[inline]
fn offset(value: u64, addr: u64) -> u64 {
    value.checked_sub(addr).unwrap_or(value)
}
