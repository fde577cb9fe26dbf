// SPDX-License-Identifier: GPL-2.0

//! Fills `.BTF_ids` in the bytes of an ELF file.
//!
//! As the compiler leaves it, the section is zero but for flags. Its symbols say what belongs
//! where: an id by its name, the number of ids in a set by its size.

use anyhow::{anyhow, ensure, Context, Result};
use rust_btfreloc::btf::{put_u32, read_u32, Btf, Kind};
use rust_btfreloc::elf::{Elf, Symbol};
use rust_btfreloc::reloc::btf_ids::{kind_of, BtfIds, Form};
use rust_btfreloc::text::Name;

use super::wanted::Wanted;
use super::{Missing, Resolved, Several};

/// A set or set8.
struct Set<'n> {
    name: &'n [u8],
    /// Where it is in the section, in bytes.
    at: usize,
    /// Bytes of an entry, and before the first.
    step: usize,
    /// How many ids it has.
    count: usize,
    /// Whether the count is there already, which means that it is sorted.
    done: bool,
}

/// Fills `.BTF_ids` of the ELF file `elf` with ids of `btf`, which is the module's own on its base,
/// and sorts the sets; no other byte changes.
///
/// What is not found is 0. A section that was filled before is filled again, but for a set8: its
/// flags moved with the ids, so that once it is sorted no others can take their place.
///
/// # Errors
///
/// The ELF file or the section is damaged, its symbols are gone, or a set8 was filled from other
/// BTF. Then `elf` is as it was.
pub fn resolve(elf: &mut [u8], btf: &Btf<'_>) -> Result<Resolved> {
    let Some(filled) = filled(elf, btf)? else {
        return Ok(Resolved::default());
    };
    let section = elf.iter_mut().skip(filled.at);
    for (byte, filled) in section.zip(filled.bytes) {
        *byte = filled;
    }
    Ok(filled.resolved)
}

/// What the section becomes.
struct Filled {
    /// Where it is in the file, in bytes.
    at: usize,
    bytes: Vec<u8>,
    resolved: Resolved,
}

/// `None` where there is no section, or an empty one.
fn filled(image: &[u8], btf: &Btf<'_>) -> Result<Option<Filled>> {
    let elf = Elf::parse(image).map_err(|error| anyhow!("{error}"))?;
    let found = elf.section(b".BTF_ids");
    let found = found.and_then(|section| Some((elf.data(&section)?, section)));
    let Some((original, section)) = found.filter(|(bytes, _)| !bytes.is_empty()) else {
        return Ok(None);
    };
    let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?.iter();
    let own = symbols.filter(|symbol| symbol.section == Some(section.index));
    let (bytes, resolved) = fill(original, &own.collect::<Vec<_>>(), btf)?;
    Ok(Some(Filled {
        at: usize::try_from(section.offset)?,
        bytes,
        resolved,
    }))
}

fn fill(original: &[u8], symbols: &[Symbol<'_>], btf: &Btf<'_>) -> Result<(Vec<u8>, Resolved)> {
    let mut resolved = Resolved::default();
    let mut words = original.to_vec();
    let sets = put_counts(symbols, &mut words)?;
    put_ids(symbols, btf, &mut words, &mut resolved);
    let symbols = symbols.iter().map(|symbol| (symbol.offset, symbol.name));
    let mut sorted = vec![0; words.len()];
    BtfIds::read(&words, symbols, &mut sorted)
        .and_then(|ids| ids.patch(Some))
        .map_err(|error| anyhow!("{error}"))?;
    for set in sets.iter().filter(|set| set.done && set.step == PAIR) {
        set.keep(original, &mut sorted)?;
    }
    resolved.sets = sets.len();
    resolved.changed = sorted != original;
    Ok((sorted, resolved))
}

const WORD: usize = 4;
const PAIR: usize = 8;

/// The type that a symbol names; `None` for that of a set, and for what is no id.
fn named(symbol: &[u8]) -> Option<(Kind, &[u8])> {
    match Form::of(symbol)? {
        Ok(Form::Id { kind, name }) => Some((kind_of(kind)?, name)),
        _ => None,
    }
}

/// Writes how many ids each set has. What is outside of the section is found when it is read.
fn put_counts<'n>(symbols: &[Symbol<'n>], words: &mut [u8]) -> Result<Vec<Set<'n>>> {
    let mut sets = Vec::new();
    for symbol in symbols {
        let (name, step) = match Form::of(symbol.name) {
            Some(Ok(Form::Set(name))) => (name, WORD),
            Some(Ok(Form::Set8 { name, .. })) => (name, PAIR),
            _ => continue,
        };
        let (at, size) = (
            usize::try_from(symbol.offset)?,
            usize::try_from(symbol.size)?,
        );
        let count = size / step;
        ensure!(
            count != 0 && size % step == 0,
            ".BTF_ids offset {at}: the size of set {} is {size}, not a multiple of {step}",
            Name(name)
        );
        let count = count - 1;
        let found = read_u32(words, at).unwrap_or(0);
        ensure!(
            found == 0 || u32::try_from(count) == Ok(found),
            ".BTF_ids offset {at}: set {} counts {found} ids, by its size it has {count}",
            Name(name)
        );
        put_u32(words, at, u32::try_from(count)?);
        sets.push(Set {
            name,
            at,
            step,
            count,
            done: found != 0,
        });
    }
    Ok(sets)
}

/// Writes the id of each type in its place.
fn put_ids(symbols: &[Symbol<'_>], btf: &Btf<'_>, words: &mut [u8], resolved: &mut Resolved) {
    let names = symbols
        .iter()
        .filter_map(|symbol| Some(named(symbol.name)?.1));
    let wanted = Wanted::find(names, btf);
    for symbol in symbols {
        let Some((kind, name)) = named(symbol.name) else {
            continue;
        };
        let ids = wanted.ids(kind, name);
        match *ids {
            [] => resolved.missing.push(Missing {
                symbol: Name(symbol.name).to_string(),
                kind: kind.to_string(),
                name: Name(name).to_string(),
            }),
            [_] => {}
            _ => resolved.several.push(Several {
                kind: kind.to_string(),
                name: Name(name).to_string(),
                ids: ids.clone(),
            }),
        }
        resolved.ids += 1;
        let id = ids.first().copied().unwrap_or(0);
        let at = usize::try_from(symbol.offset).unwrap_or(usize::MAX);
        put_u32(words, at, id);
    }
}

impl Set<'_> {
    /// Keeps the entries of a set8 that was sorted before: its symbols no longer
    /// say which flags belong to which name.
    fn keep(&self, original: &[u8], sorted: &mut [u8]) -> Result<()> {
        let start = self.at + self.step;
        let range = start..start + self.count * self.step;
        let (before, after) = original
            .get(range.clone())
            .zip(sorted.get_mut(range))
            .context("a set that goes on past the end")?;
        let ids = |entries: &[u8]| -> Vec<_> {
            let entries = entries.chunks_exact(PAIR);
            entries.map(|entry| read_u32(entry, 0)).collect()
        };
        ensure!(
            ids(before) == ids(after),
            ".BTF_ids offset {}: set8 {} was resolved with other BTF, and what its flags belong to is \
             no longer known: build the module again",
            self.at,
            Name(self.name)
        );
        after.copy_from_slice(before);
        Ok(())
    }
}
