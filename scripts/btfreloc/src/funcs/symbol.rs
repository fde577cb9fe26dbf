// SPDX-License-Identifier: GPL-2.0

//! Which symbols are functions, and of which FUNC.

use std::collections::HashMap;

use rust_btfreloc::elf::{Elf, Section, Symbol};
use rust_btfreloc::reloc::funcs::FuncFlags;

// `ELF_ST_TYPE` and `ELF_ST_BIND` of a symbol, and flags of its section.
const STT_FUNC: u8 = 2;
const STB_GLOBAL: u8 = 1;
const STB_WEAK: u8 = 2;
const SHF_EXECUTED: u64 = (1 << 1) | (1 << 2);

/// Suffixes of a function that the compiler changed, each with a number after it.
const CHANGED: [&[u8]; 2] = [b"isra", b"constprop"];

/// The functions that the symbols of a file define, in their order.
pub(super) struct Defined<'a> {
    sections: HashMap<u32, Section<'a>>,
}

impl<'a> Defined<'a> {
    pub(super) fn of(elf: &Elf<'a>) -> Self {
        let executed = |section: &Section<'_>| section.flags & SHF_EXECUTED == SHF_EXECUTED;
        let sections = elf.sections().filter(executed);
        Defined {
            sections: sections.map(|section| (section.index, section)).collect(),
        }
    }

    /// The section of `symbol`; `None` where that is no function.
    pub(super) fn section(&self, symbol: &Symbol<'_>) -> Option<&Section<'a>> {
        let is_function = symbol.info & 0xf == STT_FUNC;
        let section = self.sections.get(&symbol.section?)?;
        is_function.then_some(section)
    }

    /// What a record says of `symbol` by itself, the name of its FUNC apart.
    pub(super) fn flags(&self, symbol: &Symbol<'_>) -> FuncFlags {
        let binding = match symbol.info >> 4 {
            STB_GLOBAL => FuncFlags::GLOBAL,
            STB_WEAK => FuncFlags::WEAK,
            _ => FuncFlags::default(),
        };
        match self.is_init(symbol) {
            true => binding.with(FuncFlags::INIT),
            false => binding,
        }
    }

    /// Whether `symbol` is a function of which the memory is freed (`module_init_section` in
    /// `kernel/module/main.c`).
    pub(super) fn is_init(&self, symbol: &Symbol<'_>) -> bool {
        let section = self.section(symbol);
        section.is_some_and(|section| section.name.starts_with(b".init"))
    }
}

/// Name of the FUNC that the symbol `name` is of, and whether the compiler changed it; `None` for a part of
/// a function (`.cold`, `.part.0`).
pub(super) fn func_name(name: &[u8]) -> Option<(&[u8], FuncFlags)> {
    let mut parts = name.split(|byte| *byte == b'.');
    let func = parts.next()?;
    let mut flags = FuncFlags::default();
    while let Some(suffix) = parts.next() {
        let number = parts.next()?;
        let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        if !CHANGED.contains(&suffix) || !is_number {
            return None;
        }
        flags = FuncFlags::CHANGED;
    }
    Some((func, flags))
}
