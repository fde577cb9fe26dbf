// SPDX-License-Identifier: GPL-2.0

//! `.BTF.funcs` in a module's file: records, and the relocations that give them their addresses.
//!
//! Format: `docs/btf-funcs.md`.

use std::collections::HashMap;

use anyhow::{anyhow, Context, Result};
use object::elf::FileHeader64;
use object::read::elf::ElfFile;
use object::{Endianness, Object, ObjectSection, RelocationTarget};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::funcs::{
    header, Error, FuncRecord, Funcs, Reason, ADDR, ALIGN, HEADER_LEN, RECORD_LEN, SECTION,
};

use super::machine::Machine;
use crate::sections::{with_loaded, with_sections, Loaded};

/// The section of its relocations.
const RELA: &str = ".rela.BTF.funcs";

/// A record, and the symbol that gives it its address: none where it has no address.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub record: FuncRecord,
    pub symbol: Option<u32>,
}

/// Whether the file has a table.
pub fn has_funcs(elf: &Elf<'_>) -> bool {
    elf.section(SECTION.as_bytes()).is_some()
}

/// The records of the file `image`; `None` where it has no table.
///
/// # Errors
///
/// The table or its relocations are damaged.
pub(crate) fn read(image: &[u8]) -> Result<Option<Vec<Row>>> {
    let elf = Elf::parse(image).map_err(|error| anyhow!("{error}"))?;
    let Some(section) = elf.section(SECTION.as_bytes()) else {
        return Ok(None);
    };
    let no_data = Error {
        offset: 0,
        reason: Reason::NoData,
    };
    let funcs = elf.data(&section).ok_or(no_data).and_then(Funcs::parse);
    let funcs = funcs.map_err(|error| anyhow!("{error}"))?;
    let targets = relocations(image, &[SECTION])?;
    let targets: HashMap<_, _> = targets.map(|found| (found.at, found.symbol)).collect();
    let rows = funcs.records().map(|(offset, record)| Row {
        record,
        symbol: targets.get(&u64::from(offset + ADDR)).copied(),
    });
    Ok(Some(rows.collect()))
}

/// `image` with a table of `rows`, in place of one that it has.
///
/// # Errors
///
/// There are too many, no such relocations on its machine, or it is damaged.
pub(super) fn put(image: &[u8], rows: &[Row]) -> Result<Vec<u8>> {
    let count = u32::try_from(rows.len()).context("too many functions")?;
    let kind = Machine::of(image)?.address;
    let mut bytes = header(count).to_vec();
    let mut relocations = Vec::new();
    for row in rows {
        let at = bytes.len() as u64 + u64::from(ADDR);
        bytes.extend(row.record.bytes());
        let Some(symbol) = row.symbol else {
            continue;
        };
        let info = (u64::from(symbol) << 32) | u64::from(kind);
        relocations.extend([at, info, 0].into_iter().flat_map(u64::to_ne_bytes));
    }
    debug_assert_eq!(bytes.len() as u32, HEADER_LEN + count * RECORD_LEN);
    let table = Loaded {
        name: SECTION,
        align: ALIGN,
        bytes: &bytes,
        relocations: &relocations,
    };
    with_loaded(image, &table)
}

/// `image` without its table.
///
/// # Errors
///
/// It is damaged.
pub(super) fn removed(image: &[u8]) -> Result<Vec<u8>> {
    with_sections(image, &[(SECTION, None), (RELA, None)])
}

/// A relocation: where in its section, and what to.
pub(super) struct Target {
    pub at: u64,
    pub symbol: u32,
    pub addend: i64,
}

/// The relocations on symbols of all sections that have one of these names.
///
/// # Errors
///
/// The file is damaged.
pub(super) fn relocations<'a>(
    image: &'a [u8],
    names: &'a [&str],
) -> Result<impl Iterator<Item = Target> + 'a> {
    let file = ElfFile::<FileHeader64<Endianness>>::parse(image)?;
    let mut found = Vec::new();
    for section in file.sections() {
        if !section.name().is_ok_and(|name| names.contains(&name)) {
            continue;
        }
        for (at, relocation) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else {
                continue;
            };
            found.push(Target {
                at,
                symbol: u32::try_from(symbol.0)?,
                addend: relocation.addend(),
            });
        }
    }
    Ok(found.into_iter())
}
