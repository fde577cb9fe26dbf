// SPDX-License-Identifier: GPL-2.0

//! `/proc/kallsyms`: the symbols of the kernel and of its modules, with their addresses.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rust_btfreloc::reloc::funcs::FuncFlags;

/// The kernel itself.
pub(super) const VMLINUX: &str = "vmlinux";

/// All symbols, in the order of their addresses.
pub(super) struct Kallsyms {
    symbols: Vec<KernelSymbol>,
    /// The symbols of each module, by their indexes.
    of: HashMap<String, Vec<usize>>,
    /// Whether addresses are hidden from who reads it.
    pub hidden: bool,
}

/// A symbol.
pub(super) struct KernelSymbol {
    pub address: u64,
    /// As `nm` has it.
    pub kind: char,
    pub name: String,
}

impl Kallsyms {
    /// That of the machine of `root`.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = root.join("proc/kallsyms");
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<_> = text.lines().filter_map(parse).collect();
        lines.sort_by_key(|(_, symbol)| symbol.address);
        let hidden = lines.iter().all(|(_, symbol)| symbol.address == 0);
        let (mut symbols, mut of) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        for (module, symbol) in lines {
            of.entry(module.to_owned()).or_default().push(symbols.len());
            symbols.push(symbol);
        }
        Ok(Kallsyms {
            symbols,
            of,
            hidden,
        })
    }

    /// The functions of `module`, each with its size: the distance to the next symbol.
    pub(super) fn functions<'a>(
        &'a self,
        module: &str,
    ) -> impl Iterator<Item = (&'a KernelSymbol, Option<u64>)> + Clone + 'a {
        let of = self.of.get(module).map_or(&[][..], Vec::as_slice);
        let all = of.iter().map(|at| (*at, &self.symbols[*at]));
        let functions = all.filter(|(_, symbol)| matches!(symbol.kind, 't' | 'T' | 'w' | 'W'));
        functions.map(move |(at, symbol)| (symbol, self.size(at)))
    }

    fn size(&self, at: usize) -> Option<u64> {
        let address = self.symbols[at].address;
        let mut after = self.symbols[at..].iter();
        let next = after.find(|symbol| symbol.address > address)?;
        Some(next.address - address)
    }

    /// Address of a symbol of the kernel itself.
    pub(super) fn address(&self, name: &str) -> Option<u64> {
        let mut of = self.of.get(VMLINUX)?.iter().map(|at| &self.symbols[*at]);
        Some(of.find(|symbol| symbol.name == name)?.address)
    }
}

impl KernelSymbol {
    /// What its kind says.
    pub(super) fn flags(&self) -> FuncFlags {
        match self.kind {
            'T' => FuncFlags::GLOBAL,
            'W' | 'w' => FuncFlags::WEAK,
            _ => FuncFlags::default(),
        }
    }
}

/// `ADDRESS KIND NAME`, and `[MODULE]` after a tabulator.
fn parse(line: &str) -> Option<(&str, KernelSymbol)> {
    let mut words = line.split_ascii_whitespace();
    let symbol = KernelSymbol {
        address: u64::from_str_radix(words.next()?, 16).ok()?,
        kind: words.next()?.chars().next()?,
        name: words.next()?.to_owned(),
    };
    let module = words.next().unwrap_or(VMLINUX);
    Some((module.trim_matches(['[', ']']), symbol))
}
