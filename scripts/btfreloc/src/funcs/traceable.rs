// SPDX-License-Identifier: GPL-2.0

//! Which functions ftrace can be attached to: those that its list of call sites leads into.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use rust_btfreloc::elf::{Symbol, Symbols};

use super::machine::Machine;
use super::symbol::Defined;
use super::table::relocations;

/// Where the functions with a call site start: section and offset.
pub(super) struct Traceable(HashSet<(u32, u64)>);

impl Traceable {
    /// Those of a file with these symbols.
    ///
    /// # Errors
    ///
    /// The file is damaged, or of a machine that is not known.
    pub(super) fn of(image: &[u8], symbols: &Symbols<'_>, defined: &Defined<'_>) -> Result<Self> {
        let machine = Machine::of(image)?;
        // The end of each function by its start, section by section.
        let mut functions = HashMap::<u32, BTreeMap<u64, u64>>::new();
        for symbol in symbols.iter() {
            if let Some(section) = defined.section(&symbol) {
                let starts = functions.entry(section.index).or_default();
                let end = starts.entry(symbol.offset).or_default();
                *end = symbol.offset.saturating_add(symbol.size).max(*end);
            }
        }
        let places: HashMap<_, _> = symbols
            .iter()
            .filter_map(|symbol| Some((symbol.index, (symbol.section?, symbol.offset))))
            .collect();
        let sites = relocations(image, machine.call_sites)?;
        let starts = sites.filter_map(|site| {
            let (section, offset) = places.get(&site.symbol)?;
            let at = offset.wrapping_add_signed(site.addend);
            let functions = functions.get(section)?;
            Some((*section, start(functions, at, machine.before)?))
        });
        Ok(Traceable(starts.collect()))
    }

    /// Whether it has the function `symbol`.
    pub(super) fn has(&self, symbol: &Symbol<'_>) -> bool {
        let section = symbol.section;
        section.is_some_and(|section| self.0.contains(&(section, symbol.offset)))
    }
}

/// Where the function starts that `at` is in, or that follows it within `before` bytes.
fn start(functions: &BTreeMap<u64, u64>, at: u64, before: u64) -> Option<u64> {
    let inside = functions.range(..=at).next_back();
    let inside = inside.filter(|(start, end)| at < **end || at == **start);
    let next = functions.range(at..=at.saturating_add(before)).next();
    inside.or(next).map(|(start, _)| *start)
}
