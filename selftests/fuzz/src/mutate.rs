// SPDX-License-Identifier: GPL-2.0

//! Mutators that keep what is around the change true: half of what they make still has a header
//! that holds, and ids that name the types they did.

use btfreloc_selftests::fuzz::{pair, vmlinux};
use fastrand::Rng;
use libfuzzer_sys::fuzzer_mutate;
use rust_btfreloc::btf::Kind;
use rust_btfreloc::elf::Elf;

use crate::grow::WAY_LEN;
use crate::loose::{places, shape, words_of, Loose, FIXED, INFO};

/// Numbers that are at the edge of something.
const EDGES: [u32; 12] = [
    0,
    1,
    2,
    4,
    8,
    16,
    64,
    0xff,
    0x00ff_ffff,
    0x000f_ffff,
    0x7fff_ffff,
    u32::MAX,
];

/// Where the types and strings of a section start.
#[derive(Clone, Copy)]
pub struct Start {
    pub id: u32,
    pub string: u32,
}

impl Start {
    /// Of standalone BTF.
    pub const ALONE: Start = Start { id: 1, string: 0 };

    /// Of BTF that is split off the kernel of [`vmlinux`].
    pub fn behind_vmlinux() -> Self {
        let (id, string) = vmlinux::end();
        Start { id, string }
    }

    /// Of BTF that is split off `base`.
    pub fn after(base: &Loose) -> Self {
        Start {
            id: 1 + base.types.len() as u32,
            string: base.strings.len() as u32,
        }
    }
}

/// Mutates the input of a target, of `size` bytes, in place by `with`; returns its new size.
pub fn input(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    with: impl FnOnce(&mut Rng, &[u8]) -> Vec<u8>,
) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    if rng.u32(0..16) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let new = with(&mut rng, &data[..size]);
    let len = new.len().min(max_size);
    data[..len].copy_from_slice(&new[..len]);
    len
}

/// A distilled base and the split BTF on it.
pub fn on_distilled(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    let (base, split) = pair::split(data);
    let start = Start::after(&Loose::read(base));
    match rng.u32(0..3) {
        0 => pair::join(&btf(rng, base, Start::ALONE), split),
        _ => pair::join(base, &btf(rng, split, start)),
    }
}

/// A way to grow, and a distilled base and the split BTF on it.
pub fn growing(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    let Some((way, data)) = data.split_first_chunk::<WAY_LEN>() else {
        return raw(data, usize::MAX);
    };
    let mut way = *way;
    if rng.u32(0..4) == 0 {
        return [&way[..], &on_distilled(rng, data)].concat();
    }
    way[rng.usize(..WAY_LEN)] = rng.u8(..);
    [&way[..], data].concat()
}

/// Split BTF on the kernel of [`vmlinux`].
pub fn on_vmlinux(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    btf(rng, data, Start::behind_vmlinux())
}

/// Standalone BTF.
pub fn alone(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    btf(rng, data, Start::ALONE)
}

/// Two byte strings of which nothing is known.
pub fn either(rng: &mut Rng, data: &[u8]) -> Vec<u8> {
    let (first, second) = pair::split(data);
    match rng.bool() {
        true => pair::join(&raw(first, usize::MAX), second),
        false => pair::join(first, &raw(second, usize::MAX)),
    }
}

/// An ELF file, of which one part changes and nothing moves: its header, the section headers, or
/// what a section holds.
pub fn elf(rng: &mut Rng, image: &[u8]) -> Vec<u8> {
    let Ok(elf) = Elf::parse(image) else {
        return raw(image, usize::MAX);
    };
    let headers = image.get(40..48).and_then(|at| at.try_into().ok());
    let headers = headers.map_or(0, u64::from_ne_bytes);
    let parts = elf.sections().map(|section| (section.offset, section.size));
    let mut parts: Vec<(u64, u64)> = parts.collect();
    parts.extend([(0, 64); 4]);
    parts.extend((1..=parts.len() as u64).map(|index| (headers + 64 * index, 64)));
    let (start, len) = rng.choice(parts).unwrap_or((0, 64));
    let Ok(start) = usize::try_from(start) else {
        return raw(image, usize::MAX);
    };
    let mut new = image.to_vec();
    if let Some(part) = new.get_mut(start..).filter(|part| !part.is_empty()) {
        let len = part.len().min(len as usize);
        if rng.u32(0..4) == 0 && len >= 2 {
            // Most numbers of 16 bits are the index of a section.
            let index = rng.u16(..elf.sections().count() as u16 + 3);
            let at = rng.usize(..len / 2) * 2;
            part[at..at + 2].copy_from_slice(&index.to_ne_bytes());
            return new;
        }
        let changed = raw(&part[..len], len);
        part[..changed.len()].copy_from_slice(&changed);
    }
    new
}

/// A section of BTF.
pub fn btf(rng: &mut Rng, bytes: &[u8], start: Start) -> Vec<u8> {
    if rng.u32(0..8) == 0 {
        return raw(bytes, usize::MAX);
    }
    let mut loose = Loose::read(bytes);
    for _ in 0..rng.u32(1..4) {
        let mut edit = Edit {
            rng,
            start,
            btf: &mut loose,
        };
        edit.any();
    }
    loose.bytes()
}

/// What libFuzzer makes of `bytes`, no more than `max` nor much more than there are.
pub fn raw(bytes: &[u8], max: usize) -> Vec<u8> {
    let mut data = bytes.to_vec();
    if max == 0 {
        return data;
    }
    data.resize(max.min(bytes.len() + 64), 0);
    let room = data.len();
    let len = fuzzer_mutate(&mut data, bytes.len().min(room), room);
    data.truncate(len);
    data
}

/// One change.
struct Edit<'a> {
    rng: &'a mut Rng,
    start: Start,
    btf: &'a mut Loose,
}

impl Edit<'_> {
    fn any(&mut self) {
        if self.btf.types.is_empty() {
            return self.add();
        }
        let index = self.rng.usize(..self.btf.types.len());
        match self.rng.u32(0..14) {
            0..3 => self.set_id(index),
            3..5 => self.set_name(index),
            5 => self.set_word(index),
            6 => self.set_kind(index),
            7 => self.resize(index),
            8 => self.add(),
            9 => self.repeat(index),
            10 => self.remove(index),
            11 => self.raw_type(index),
            12 => self.string(),
            _ => self.sort(),
        }
    }

    /// An id of a type, now and then one of none.
    fn id(&mut self) -> u32 {
        let end = self.start.id + self.btf.types.len() as u32;
        match self.rng.u32(0..8) {
            0 => self.rng.u32(..self.start.id),
            1 => end.wrapping_add(self.rng.u32(0..2)),
            2 => 0,
            _ => self.rng.u32(..end),
        }
    }

    /// The start of a string, now and then a byte in one.
    fn name(&mut self) -> u32 {
        let own = self.btf.strings.len();
        if self.start.string > 0 && self.rng.bool() {
            return self.rng.u32(..self.start.string);
        }
        let at = self.rng.usize(..own + 1);
        let ends = |at: &usize| self.btf.strings.get(*at) == Some(&0);
        let start = (at..own).find(ends).map_or(0, |nul| nul + 1);
        let at = if self.rng.u32(0..4) == 0 { at } else { start };
        self.start.string + at as u32
    }

    fn set_id(&mut self, index: usize) {
        let id = self.id();
        let (ids, _) = places(&self.btf.types[index]);
        if let Some(at) = self.rng.choice(ids) {
            self.btf.types[index][at] = id;
        }
    }

    fn set_name(&mut self, index: usize) {
        let name = self.name();
        let (_, names) = places(&self.btf.types[index]);
        if let Some(at) = self.rng.choice(names) {
            self.btf.types[index][at] = name;
        }
    }

    fn set_word(&mut self, index: usize) {
        let edge = self.rng.choice(EDGES).unwrap_or(0);
        let near = self.rng.u32(0..5);
        let flag = self.rng.bool();
        let words = &mut self.btf.types[index];
        let at = self.rng.usize(..words.len());
        words[at] = match (at, self.rng.bool()) {
            (INFO, _) => words[at] ^ (u32::from(flag) << 31),
            (_, true) => edge,
            (_, false) => words[at].wrapping_add(near).wrapping_sub(2),
        };
    }

    fn kind(&mut self) -> u32 {
        match self.rng.u32(0..64) {
            0 => self.rng.u32(0..0x80),
            _ => self.rng.u32(Kind::Int as u32..Kind::MAX + 1),
        }
    }

    /// Another kind, with as many words as it wants.
    fn set_kind(&mut self, index: usize) {
        let kind = self.kind() << 24;
        let words = &mut self.btf.types[index];
        words[INFO] = (words[INFO] & 0x80ff_ffff) | kind;
        if shape(kind).is_some_and(|shape| shape.elem == 0) {
            words[INFO] &= 0xff00_0000;
        }
        words.resize(words_of(words[INFO]).min(1 << 12), 1);
    }

    /// One element more or less.
    fn resize(&mut self, index: usize) {
        let (id, name) = (self.id(), self.name());
        let more = self.rng.u32(0..3) > 0;
        let words = &mut self.btf.types[index];
        let Some(shape) = shape(words[INFO]).filter(|shape| shape.elem > 0) else {
            return;
        };
        let elem = shape.elem as usize / 4;
        let vlen = words[INFO] & 0x00ff_ffff;
        if more {
            let end = words.len();
            words.resize(end + elem, 0);
            words[INFO] += 1;
            let (ids, names) = places(words);
            ids.into_iter()
                .filter(|at| *at >= end)
                .for_each(|at| words[at] = id);
            names
                .into_iter()
                .filter(|at| *at >= end)
                .for_each(|at| words[at] = name);
        } else if vlen > 0 && words.len() >= FIXED + elem {
            words.truncate(words.len() - elem);
            words[INFO] -= 1;
        }
    }

    /// A new type of any kind, which may even be right.
    fn add(&mut self) {
        let info = self.kind() << 24;
        let mut words = vec![0; words_of(info)];
        words[INFO] = info;
        words[2] = 4;
        let (ids, names) = places(&words);
        ids.into_iter().for_each(|at| words[at] = self.id());
        names.into_iter().for_each(|at| words[at] = self.name());
        let index = self.rng.usize(..self.btf.types.len() + 1);
        self.insert(index, words);
    }

    fn repeat(&mut self, index: usize) {
        let words = self.btf.types[index].clone();
        let place = self.rng.usize(..self.btf.types.len() + 1);
        self.insert(place, words);
    }

    /// Puts a type in its place; ids after it go up by one.
    fn insert(&mut self, index: usize, words: Vec<u32>) {
        self.renumber(index, 1);
        self.btf.types.insert(index, words);
    }

    fn remove(&mut self, index: usize) {
        self.btf.types.remove(index);
        self.renumber(index + 1, u32::MAX);
    }

    /// Adds `by` to each id of a type from `index` on.
    fn renumber(&mut self, index: usize, by: u32) {
        self.btf.move_ids(self.start.id + index as u32, by);
    }

    fn raw_type(&mut self, index: usize) {
        let words = &mut self.btf.types[index];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let bytes = raw(&bytes, bytes.len());
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes(bytes.try_into().unwrap());
        }
    }

    /// A string more, or one that is another.
    fn string(&mut self) {
        let strings = &mut self.btf.strings;
        match self.rng.u32(0..3) {
            0 => *strings = raw(strings, usize::MAX),
            1 => {
                let letter = self.rng.alphanumeric() as u8;
                strings.extend([letter, 0]);
            }
            _ => {
                let at = self.rng.usize(..strings.len() + 1);
                let copy = strings[at..]
                    .split(|byte| *byte == 0)
                    .next()
                    .unwrap()
                    .to_vec();
                strings.extend(copy.into_iter().chain([0]));
            }
        }
        if let Some(last) = strings.last_mut() {
            *last = 0;
        }
    }

    /// By name, as the kernel's own tools leave BTF; what is in the base counts as no name.
    fn sort(&mut self) {
        let name = |words: &Vec<u32>| {
            let at = words[0].wrapping_sub(self.start.string) as usize;
            let rest = self.btf.strings.get(at..).unwrap_or(&[]);
            rest.split(|byte| *byte == 0).next().unwrap_or(&[]).to_vec()
        };
        let mut order: Vec<usize> = (0..self.btf.types.len()).collect();
        order.sort_by_key(|index| name(&self.btf.types[*index]));
        let mut new_ids = vec![0; order.len()];
        for (place, index) in order.iter().enumerate() {
            new_ids[*index] = self.start.id + place as u32;
        }
        let types: Vec<_> = order
            .iter()
            .map(|index| self.btf.types[*index].clone())
            .collect();
        self.btf.types = types;
        for words in &mut self.btf.types {
            let (ids, _) = places(words);
            for at in ids {
                let own = words[at].wrapping_sub(self.start.id) as usize;
                words[at] = new_ids.get(own).copied().unwrap_or(words[at]);
            }
        }
    }
}
