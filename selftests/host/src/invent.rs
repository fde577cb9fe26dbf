// SPDX-License-Identifier: GPL-2.0

//! Makes types of BTF ones of kinds that nobody knows, with or without a layout part that says how
//! long they are.

use rust_btfreloc::btf::{info, write_header, Blob, Form, Kind, Record, Section};

use crate::builder::{layout, put};

/// What is added to the number of a kind.
const OFFSET: u32 = 40;

/// Number of the kind that nobody knows and that is laid out as `kind`.
pub fn invented(kind: Kind) -> u32 {
    kind as u32 + OFFSET
}

/// The whole section `btf` with types that say where the FUNC `func` was inlined, after all others, of
/// which the first will be `next_id`.
pub fn with_locations(btf: &[u8], form: Form, next_id: u32, func: u32) -> Vec<u8> {
    let blob = Blob::parse(Section::Btf, form, btf).unwrap();
    let record = |kind, vlen, rest: &[u32]| [&[0, info(kind, false, vlen), 0], rest].concat();
    let words = [
        record(Kind::LocParam, 1, &[0, 7]),
        record(Kind::LocProto, 1, &[next_id]),
        record(Kind::Locsec, 1, &[func, next_id + 1, 16]),
    ];
    let added = words.iter().flatten().flat_map(|word| word.to_ne_bytes());
    let types: Vec<u8> = blob.types().iter().copied().chain(added).collect();
    section(&blob, &types, &[])
}

/// The whole section `btf`, of which the types that `chosen` picks by place and record become types of
/// invented kinds; nothing else of them changes. With `described` it has a layout part.
pub fn invent(
    btf: &[u8],
    form: Form,
    described: bool,
    chosen: impl Fn(usize, &Record<'_>) -> bool,
) -> Vec<u8> {
    let blob = Blob::parse(Section::Btf, form, btf).unwrap();
    let mut types = blob.types().to_vec();
    for (place, record) in blob.records().enumerate() {
        if chosen(place, &record) {
            let old = info(record.kind(), record.kflag(), record.vlen());
            put(&mut types, record.at() as usize + 4, old + (OFFSET << 24));
        }
    }
    let layout = match described {
        true => described_kinds(),
        false => Vec::new(),
    };
    section(&blob, &types, &layout)
}

/// The section with other types and another layout part.
fn section(blob: &Blob<'_>, types: &[u8], layout: &[u8]) -> Vec<u8> {
    let len = |part: &[u8]| u32::try_from(part.len()).unwrap();
    let mut header = vec![0; 32];
    write_header(&mut header, len(types), len(layout), blob.strings_len()).unwrap();
    [&header, types, layout, blob.strings()].concat()
}

/// What a layout part says of the known and of the invented kinds.
fn described_kinds() -> Vec<u8> {
    let known = layout();
    let locations = [[4, 4, 0, 0], [0, 4, 0, 0], [0, 12, 0, 0]];
    let mut all = [&known, locations.as_flattened()].concat();
    all.resize(OFFSET as usize * 4, 0);
    all.extend(known);
    all
}
