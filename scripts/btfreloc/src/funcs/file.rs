// SPDX-License-Identifier: GPL-2.0

//! The functions of a module's file: of its table, or what that would have.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{anyhow, bail, Result};
use rust_btfreloc::btf::Btf;
use rust_btfreloc::elf::{Elf, Symbol};
use rust_btfreloc::text::Name;

use super::function::{count_same_named, Function};
use super::lines::{Debug, Lines};
use super::make::make;
use super::symbol::{func_name, Defined};
use super::table::{self, Row};
use crate::input::{Bases, Module};
use crate::resolve_ids::with_btf;
use crate::status::{note, Finding};

const STT_FILE: u8 = 4;

/// The functions of `module`.
///
/// # Errors
///
/// It has neither a table nor BTF, or is damaged.
pub(super) fn functions(module: &Module, bases: &Bases<'_>) -> Result<Vec<Function>> {
    let sections = module.sections()?;
    let Some(elf) = sections.elf else {
        bail!(Finding("raw BTF is no module".to_owned()));
    };
    let image = &module.image().bytes;
    let rows = table::read(image)?;
    let named = |btf: Option<&Btf<'_>>, rows: &[Row]| listed(module, &elf, rows, btf);
    let Some(btf) = sections.btf else {
        return match rows {
            Some(rows) => named(None, &rows),
            None => bail!(Finding("neither .BTF.funcs nor BTF".to_owned())),
        };
    };
    let on_btf = |btf: &Btf<'_>| match &rows {
        Some(rows) => named(Some(btf), rows),
        None => named(Some(btf), &make(image, btf)?.rows),
    };
    let base = || Ok(bases.choose(module)?.0);
    match (with_btf(&sections.btf.unwrap_or(btf), base, on_btf), &rows) {
        (Ok(functions), _) => Ok(functions),
        // Symbols have the names of all but those that are gone after init.
        (Err(error), Some(rows)) => {
            note(&format!(
                "{}: names are those of symbols: {error:#}",
                module.label()
            ));
            named(None, rows)
        }
        (Err(error), None) => Err(error),
    }
}

fn listed(
    module: &Module,
    elf: &Elf<'_>,
    rows: &[Row],
    btf: Option<&Btf<'_>>,
) -> Result<Vec<Function>> {
    let file = Symbols::of(elf)?;
    let debug = Debug::of(&module.image().bytes);
    let lines = debug.as_ref().and_then(Lines::of);
    let mut init = file.init(btf);
    let mut functions = Vec::new();
    for row in rows {
        let func = btf.and_then(|btf| btf.name(btf.record(row.record.type_id)?.name_off()));
        let symbol = match row.symbol {
            Some(index) => file.by_index.get(&index),
            // The relocation is what names the symbol; these have none.
            None => func.and_then(|func| init.get_mut(func)?.pop()),
        };
        let name = func.or(symbol.and_then(|symbol| Some(func_name(symbol.name)?.0)));
        let section = symbol.and_then(|symbol| file.defined.section(symbol));
        let place = symbol.and_then(|symbol| Some((symbol.section?, symbol.offset)));
        functions.push(Function {
            module: module_name(&module.image().path),
            name: name.map_or("?".to_owned(), |name| Name(name).to_string()),
            symbol: symbol.map(|symbol| Name(symbol.name).to_string()),
            address: None,
            section: section.map(|section| Name(section.name).to_string()),
            offset: symbol.map(|symbol| symbol.offset),
            size: symbol.map(|symbol| symbol.size),
            object: symbol.and_then(|symbol| file.objects.get(&symbol.index).cloned()),
            line: place.and_then(|place| lines.as_ref()?.at(place)),
            btf_id: Some(row.record.type_id),
            flags: row.record.flags,
            same_named: 0,
        });
    }
    count_same_named(&mut functions);
    Ok(functions)
}

/// The symbols of a file.
struct Symbols<'a> {
    defined: Defined<'a>,
    by_index: HashMap<u32, Symbol<'a>>,
    /// The objects that local symbols come from.
    objects: HashMap<u32, String>,
}

impl<'a> Symbols<'a> {
    fn of(elf: &Elf<'a>) -> Result<Self> {
        let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?;
        let (mut by_index, mut objects) = (HashMap::new(), HashMap::new());
        let mut object = None;
        for symbol in symbols.iter() {
            match (symbol.info & 0xf, symbol.info >> 4) {
                (STT_FILE, _) => object = Some(Name(symbol.name).to_string()),
                // Global symbols follow all local ones, and belong to none of the files.
                (_, 0) => objects.extend(object.clone().map(|object| (symbol.index, object))),
                _ => {}
            }
            by_index.insert(symbol.index, symbol);
        }
        Ok(Symbols {
            defined: Defined::of(elf),
            by_index,
            objects,
        })
    }

    /// What is gone after init by the names of their FUNCs, the first symbol of each name last.
    fn init(&self, btf: Option<&Btf<'_>>) -> HashMap<&'a [u8], Vec<&Symbol<'a>>> {
        let mut init = HashMap::<_, Vec<_>>::new();
        if btf.is_none() {
            return init;
        }
        let is_init = |symbol: &&Symbol<'_>| self.defined.is_init(symbol);
        let mut symbols: Vec<_> = self.by_index.values().filter(is_init).collect();
        symbols.sort_by_key(|symbol| std::cmp::Reverse(symbol.index));
        for symbol in symbols {
            if let Some((name, _)) = func_name(symbol.name) {
                init.entry(name).or_default().push(symbol);
            }
        }
        init
    }
}

/// A module's name, from that of its file.
fn module_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.split(".ko").next().unwrap_or_default();
    name.replace('-', "_")
}
