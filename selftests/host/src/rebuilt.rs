// SPDX-License-Identifier: GPL-2.0

//! The BTF of a kernel as another build of the same source leaves it: the same types and strings, of
//! the same lengths, in other places.

use std::collections::HashMap;
use std::hash::Hash;

use rust_btfreloc::btf::{rewrite, Blob, Form, Kind, Record, Section};

/// What changes places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The anonymous types and the strings, which stand in the order that the files of the source
    /// were met in. The named types are sorted, and stay.
    Reordered,
    /// Types with those of their kind and size, and no string: as little as can be distinguished.
    Swapped,
}

/// Builds `vmlinux`, BTF with the short header, anew.
pub fn rebuilt(vmlinux: &[u8], build: Build) -> Vec<u8> {
    let blob = Blob::parse(Section::Vmlinux, Form::Base, vmlinux).unwrap();
    let records: Vec<_> = blob.records().collect();
    let old: Vec<u32> = (0..u32::try_from(records.len()).unwrap()).collect();
    let alike = |index: &u32| alike(&records[*index as usize], *index, build);
    let order = shuffled_among(&old, alike);
    let mut new_ids = vec![0; records.len() + 1];
    for (place, index) in (1..).zip(&order) {
        new_ids[*index as usize + 1] = place;
    }
    let (strings, offsets) = match build {
        Build::Reordered => shuffled_strings(blob.strings()),
        Build::Swapped => (blob.strings().to_vec(), HashMap::new()),
    };
    let moved = |off| *offsets.get(&off).unwrap_or(&off);
    let in_order = order
        .iter()
        .flat_map(|index| records[*index as usize].bytes());
    let mut types: Vec<u8> = in_order.copied().collect();
    let new_id = |id: u32| new_ids.get(id as usize).copied();
    rewrite(&mut types, new_id, moved).unwrap();
    let mut out = vmlinux[..blob.types_start() as usize].to_vec();
    out.extend(types);
    out.extend(strings);
    out
}

/// What two types have in common that may change places; a type that stays has it with none.
fn alike(record: &Record<'_>, index: u32, build: Build) -> (u8, u32) {
    let kind = record.kind();
    let has_size = matches!(
        kind,
        Kind::Int
            | Kind::Struct
            | Kind::Union
            | Kind::Enum
            | Kind::Enum64
            | Kind::Float
            | Kind::Datasec
    );
    match build {
        Build::Swapped if has_size => (kind as u8, record.size()),
        Build::Swapped => (kind as u8, 0),
        Build::Reordered if record.name_off() == 0 => (0, 0),
        Build::Reordered => (u8::MAX, index),
    }
}

/// The strings after the first, which is empty, in another order, and where each went.
fn shuffled_strings(strings: &[u8]) -> (Vec<u8>, HashMap<u32, u32>) {
    let mut at = 1;
    let mut all = Vec::new();
    for string in strings[1..].split_inclusive(|byte| *byte == 0) {
        all.push((at, string));
        at += u32::try_from(string.len()).unwrap();
    }
    let mut moved = vec![0];
    let mut offsets = HashMap::new();
    for (at, string) in shuffled_among(&all, |_| ()) {
        offsets.insert(at, u32::try_from(moved.len()).unwrap());
        moved.extend(string);
    }
    (moved, offsets)
}

/// `items` with those changing places at random for which `alike` gives the same.
fn shuffled_among<T: Clone, K: Eq + Hash>(items: &[T], alike: impl Fn(&T) -> K) -> Vec<T> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |count: usize| {
        // Xorshift, the same on each run.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % count as u64).unwrap()
    };
    let mut groups: HashMap<K, Vec<usize>> = HashMap::new();
    let mut shuffled = items.to_vec();
    for (place, item) in items.iter().enumerate() {
        let group = groups.entry(alike(item)).or_default();
        group.push(place);
        // Each of those before, or itself, is as likely to end up here.
        let other = group[below(group.len())];
        shuffled.swap(place, other);
    }
    shuffled
}
