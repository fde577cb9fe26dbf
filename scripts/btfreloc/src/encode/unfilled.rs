// SPDX-License-Identifier: GPL-2.0

//! Takes the ids out of the set8s in `.BTF_ids` again, so that those of other BTF can be filled in.
//!
//! A set8 is sorted when it is filled in, and flags move with ids: only the BTF that the ids are of
//! says to which name they belong.

use std::collections::HashSet;

use anyhow::{anyhow, Result};
use rust_btfreloc::btf::{put_u32, read_u32, Btf};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::Form;

use super::kfuncs::PAIR;

/// Makes each set8 of `image` what the compiler made, its ids being of `btf`; one that these ids
/// cannot be of stays as it is.
///
/// # Errors
///
/// The symbols are damaged.
pub(super) fn unfill(image: &mut [u8], btf: &Btf<'_>) -> Result<()> {
    for (at, word) in words(image, btf)? {
        put_u32(image, at, word);
    }
    Ok(())
}

/// A function's name in a set8, and where in the section its entry is.
struct Named<'e> {
    name: &'e [u8],
    at: usize,
}

/// The words that change, by their offsets in the file.
fn words(image: &[u8], btf: &Btf<'_>) -> Result<Vec<(usize, u32)>> {
    let elf = Elf::parse(image).map_err(|error| anyhow!("{error}"))?;
    let found = elf.section(b".BTF_ids");
    let Some((section, ids)) = found.and_then(|found| Some((found, elf.data(&found)?))) else {
        return Ok(Vec::new());
    };
    let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?.iter();
    let symbols = symbols.filter(|symbol| symbol.section == Some(section.index));
    let (mut names, mut sets) = (Vec::new(), Vec::new());
    for symbol in symbols {
        let at = usize::try_from(symbol.offset)?;
        match Form::of(symbol.name) {
            Some(Ok(Form::Id { name, .. })) => names.push(Named { name, at }),
            Some(Ok(Form::Set8 { .. })) => sets.push((at, usize::try_from(symbol.size)?)),
            _ => {}
        }
    }
    let start = usize::try_from(section.offset)?;
    let mut words = Vec::new();
    for (at, size) in sets {
        let inside = at..at.saturating_add(size);
        let named: Vec<_> = names
            .iter()
            .filter(|named| inside.contains(&named.at))
            .collect();
        words.extend(entries(ids, at, &named, btf).into_iter().flatten());
    }
    Ok(words
        .into_iter()
        .map(|(at, word)| (start + at, word))
        .collect())
}

/// The words of the set8 at `at`, by their offsets in the section; `None` where it was not filled in,
/// or not from `btf`.
fn entries(
    ids: &[u8],
    at: usize,
    named: &[&Named<'_>],
    btf: &Btf<'_>,
) -> Option<Vec<(usize, u32)>> {
    let count = read_u32(ids, at).filter(|count| *count as usize == named.len())?;
    let pair = |index: usize| {
        let at = at + index * PAIR;
        Some((read_u32(ids, at)?, read_u32(ids, at + 4)?))
    };
    let filled = (1..=count as usize).map(pair).collect::<Option<Vec<_>>>()?;
    // What was not found has the id 0, and whose flags are whose is known where they are the same.
    let (nobody, found): (Vec<_>, Vec<_>) = filled.into_iter().partition(|(id, _)| *id == 0);
    let lost: HashSet<_> = nobody.iter().map(|(_, flags)| *flags).collect();
    let name = |id: u32| btf.string(btf.record(id)?.name_off());
    let mut words = vec![(at, 0)];
    let mut taken = 0;
    for Named { name: wanted, at } in named {
        let entry = found.iter().find(|(id, _)| name(*id) == Some(wanted));
        let flags = match entry {
            Some((_, flags)) => {
                taken += 1;
                *flags
            }
            None if lost.len() == 1 => *lost.iter().next()?,
            None => return None,
        };
        words.extend([(*at, 0), (*at + 4, flags)]);
    }
    (count != 0 && taken == found.len()).then_some(words)
}
