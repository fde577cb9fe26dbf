// SPDX-License-Identifier: GPL-2.0

//! What a `.BTF.funcs` section holds.

use std::collections::BTreeMap;

use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::funcs::{FuncFlags, HEADER_LEN, RECORD_LEN, SECTION};
use rust_btfreloc::text::Name;
use serde::Serialize;

use crate::funcs::{in_words, table_of};

/// A `.BTF.funcs` section.
#[derive(Debug, Default, Serialize)]
pub struct FuncTable {
    /// Its size in bytes.
    pub size: u64,
    /// Bytes of its header, and of each record.
    pub header: u32,
    /// Bytes of each record.
    pub record: u32,
    /// How many records have each flag.
    pub flags: BTreeMap<&'static str, usize>,
    /// The records.
    pub records: Vec<FuncReport>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
}

/// A record.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct FuncReport {
    pub btf_id: u32,
    /// What its address is relocated to; none where it has no address.
    pub symbol: Option<String>,
    #[serde(serialize_with = "in_words")]
    pub flags: FuncFlags,
}

impl FuncTable {
    /// The section of `elf`, which is the file `image`; `None` where there is none.
    pub fn of(image: &[u8], elf: &Elf<'_>) -> Option<Self> {
        let section = elf.section(SECTION.as_bytes())?;
        let mut table = FuncTable {
            size: section.size,
            ..FuncTable::default()
        };
        let names = |symbols: rust_btfreloc::elf::Symbols<'_>| {
            let symbols = symbols.iter();
            let names = symbols.map(|symbol| (symbol.index, Name(symbol.name).to_string()));
            names.collect::<BTreeMap<_, _>>()
        };
        let symbols = elf.symbols().map(names).unwrap_or_default();
        match table_of(image) {
            Ok(rows) => {
                (table.header, table.record) = (HEADER_LEN, RECORD_LEN);
                for row in rows.unwrap_or_default() {
                    let symbol = row.symbol.and_then(|index| symbols.get(&index).cloned());
                    table.add(FuncReport {
                        btf_id: row.record.type_id,
                        symbol,
                        flags: row.record.flags,
                    });
                }
            }
            Err(error) => table.malformed = Some(format!("{error:#}")),
        }
        Some(table)
    }

    fn add(&mut self, record: FuncReport) {
        for (flag, word) in FuncFlags::WORDS {
            if record.flags.has(flag) {
                *self.flags.entry(word).or_default() += 1;
            }
        }
        self.records.push(record);
    }
}
