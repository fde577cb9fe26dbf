// SPDX-License-Identifier: GPL-2.0

//! BTF taken apart into types and strings, right or wrong, and put together after a header that
//! holds.

use std::convert::Infallible;

use rust_btfreloc::btf::{read_u32, write_header, Record, Shape, HEADER_LEN, HEADER_LEN_LAYOUT};

/// Where in a type's words its kind stands, and what a type has at least.
pub const INFO: usize = 1;
pub const FIXED: usize = 3;

/// BTF taken apart.
pub struct Loose {
    /// The words of each type.
    pub types: Vec<Vec<u32>>,
    pub strings: Vec<u8>,
    layout: Vec<u8>,
}

impl Loose {
    /// What there is of a section in `bytes`; parts that are not there are empty.
    pub fn read(bytes: &[u8]) -> Self {
        let field = |at| read_u32(bytes, at).unwrap_or(0) as usize;
        let header = field(4);
        let part = |at: usize| {
            let start = header.saturating_add(field(at));
            let rest = bytes.get(start..).unwrap_or(&[]);
            &rest[..field(at + 4).min(rest.len())]
        };
        let layout = if header >= HEADER_LEN_LAYOUT as usize {
            part(24)
        } else {
            &[]
        };
        let words = part(8).chunks_exact(4);
        Loose {
            types: types(words.map(|word| u32::from_ne_bytes(word.try_into().unwrap()))),
            strings: part(16).to_vec(),
            layout: layout.to_vec(),
        }
    }

    /// The section.
    pub fn bytes(&self) -> Vec<u8> {
        let types: Vec<u8> = self.words().flat_map(u32::to_ne_bytes).collect();
        let len = if self.layout.is_empty() {
            HEADER_LEN
        } else {
            HEADER_LEN_LAYOUT
        };
        let mut header = vec![0; len as usize];
        let [types_len, layout_len, strings_len] =
            [&types, &self.layout, &self.strings].map(|part| u32::try_from(part.len()).unwrap());
        write_header(&mut header, types_len, layout_len, strings_len).unwrap();
        [header, types, self.layout.clone(), self.strings.clone()].concat()
    }

    /// Adds `by` to each id from `first` on.
    pub fn move_ids(&mut self, first: u32, by: u32) {
        self.change(|words| places(words).0, first, by);
    }

    /// Adds `by` to each offset of a string from `first` on.
    pub fn move_names(&mut self, first: u32, by: u32) {
        self.change(|words| places(words).1, first, by);
    }

    fn change(&mut self, places: fn(&[u32]) -> Vec<usize>, first: u32, by: u32) {
        for words in &mut self.types {
            for at in places(words) {
                if words[at] >= first {
                    words[at] = words[at].wrapping_add(by);
                }
            }
        }
    }

    fn words(&self) -> impl Iterator<Item = u32> + '_ {
        self.types.iter().flatten().copied()
    }
}

/// How many words a type with this second word has.
pub fn words_of(info: u32) -> usize {
    let vlen = (info & 0x00ff_ffff) as usize;
    FIXED
        + shape(info).map_or(0, |shape| {
            (shape.extra as usize + shape.elem as usize * vlen) / 4
        })
}

/// Where the type ids and where the names are in the words of a type.
pub fn places(words: &[u32]) -> (Vec<usize>, Vec<usize>) {
    let (mut ids, mut names) = (Vec::new(), vec![0]);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let Ok(record) = Record::parse(&bytes, 0) else {
        return (ids, names);
    };
    let note = |places: &mut Vec<usize>, at: u32| {
        places.push(at as usize / 4);
        Ok::<(), Infallible>(())
    };
    let Ok(()) = record.each_id(|at, _| note(&mut ids, at));
    let Ok(()) = record.each_string(|at, _| note(&mut names, at));
    names.dedup();
    (ids, names)
}

pub fn shape(info: u32) -> Option<&'static Shape> {
    Shape::of((info >> 24) & 0x7f)
}

/// Cuts words into types; what is left over at the end is not one.
fn types(words: impl Iterator<Item = u32>) -> Vec<Vec<u32>> {
    let words: Vec<u32> = words.collect();
    let mut rest = words.as_slice();
    let mut types = Vec::new();
    while rest.len() >= FIXED {
        let (first, tail) = rest.split_at(words_of(rest[INFO]).min(rest.len()));
        types.push(first.to_vec());
        rest = tail;
    }
    types
}
