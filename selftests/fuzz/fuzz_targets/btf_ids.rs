// SPDX-License-Identifier: GPL-2.0

//! `.BTF_ids` and its symbols: refused with a reason, or every id mapped and nothing else changed.

#![no_main]

use std::collections::BTreeSet;

use btfreloc_fuzz::{mutate, say};
use btfreloc_selftests::fuzz::pair;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rust_btfreloc::reloc::btf_ids::{BtfIds, Error, Form, IdEntry};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::either)
});

fuzz_target!(|data: &[u8]| {
    let (section, symbols) = pair::split(data);
    let (found, same) = match patch(section, symbols, Some) {
        Ok(patched) => patched,
        Err(error) => return say(error),
    };
    assert_eq!(sorted(section), sorted(&same));
    // Where nothing has to be sorted any more, each id is where it was.
    let (again, bytes) = patch(&same, symbols, Some).unwrap();
    assert_eq!((again, &bytes), (found, &same));
    let away = patch(&same, symbols, |id| Some(!id));
    let (_, away) = away.unwrap();
    let (_, back) = patch(&away, symbols, |id| Some(!id)).unwrap();
    if !same.chunks_exact(4).any(|word| word == [0xff; 4]) {
        assert_eq!(back, same);
    }
    sets_are_sorted(&same, symbols);
    let unmapped = patch(section, symbols, |_| None);
    assert_eq!(unmapped.is_err(), found.ids > 0);
});

/// How much there is of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    ids: u32,
    sets: u32,
}

/// The section with its ids mapped; as many ids are visited as are mapped.
fn patch(
    section: &[u8],
    symbols: &[u8],
    map: fn(u32) -> Option<u32>,
) -> Result<(Found, Vec<u8>), Error> {
    let symbols = pair::symbols(symbols);
    let mut output = vec![0xa5; section.len()];
    let ids = BtfIds::read(section, symbols.clone(), &mut output)?;
    // A word that two symbols name is visited twice.
    let mut visited = BTreeSet::new();
    let note = |entry: IdEntry<'_>| {
        if entry.id != 0 {
            visited.insert(entry.offset);
        }
        Ok::<(), ()>(())
    };
    ids.each(symbols, note).unwrap();
    let patched = ids.patch(map)?;
    let found = Found {
        ids: patched.ids,
        sets: patched.sets,
    };
    assert_eq!(visited.len(), found.ids as usize);
    Ok((found, patched.bytes.to_vec()))
}

/// In each set the ids go up, as the kernel's search by halves wants them.
fn sets_are_sorted(section: &[u8], symbols: &[u8]) {
    let symbols = pair::symbols(symbols);
    let mut output = vec![0; section.len()];
    let ids = BtfIds::read(section, symbols.clone(), &mut output).unwrap();
    let mut before = None;
    let in_order = |entry: IdEntry<'_>| {
        let step = match entry.form {
            Form::Id { .. } => 0,
            Form::Set(_) => 4,
            Form::Set8 { .. } => 8,
        };
        // The first entry of the next set is farther away.
        let last = before.filter(|(offset, _)| step > 0 && offset + step == entry.offset);
        assert!(last.is_none_or(|(_, id)| id <= entry.id));
        before = Some((entry.offset, entry.id));
        Ok::<(), ()>(())
    };
    ids.each(symbols, in_order).unwrap();
}

fn sorted(bytes: &[u8]) -> Vec<&[u8]> {
    let mut words: Vec<&[u8]> = bytes.chunks(4).collect();
    words.sort_unstable();
    words
}
