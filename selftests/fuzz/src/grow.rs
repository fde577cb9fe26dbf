// SPDX-License-Identifier: GPL-2.0

//! Makes small BTF large in one respect, to see how the time grows that is spent on it.

use crate::loose::{places, shape, Loose, FIXED, INFO};
use crate::mutate::Start;

/// What is repeated, and what goes up from one to the next.
pub struct Way {
    in_base: bool,
    elements: bool,
    type_index: usize,
    ids: Step,
    names: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Same,
    /// Each refers to the next of what there was.
    Up,
    /// Each refers to the one before it, or into one long string.
    Chain,
    /// Each refers to the one after it.
    Ahead,
}

/// Bytes that encode a [`Way`].
pub const WAY_LEN: usize = 5;

impl Way {
    pub fn read(bytes: &[u8; WAY_LEN]) -> Self {
        let step = |byte| match byte % 4 {
            0 => Step::Same,
            1 => Step::Up,
            2 => Step::Chain,
            _ => Step::Ahead,
        };
        let [part, what, type_index, ids, names] = *bytes;
        Way {
            in_base: part % 2 == 1,
            elements: what % 2 == 1,
            type_index: type_index.into(),
            ids: step(ids),
            names: step(names),
        }
    }

    /// The distilled base and the split BTF on it, with `count` more of something.
    pub fn grow(&self, base: &[u8], split: &[u8], count: u32) -> (Vec<u8>, Vec<u8>) {
        let (mut base, mut split) = (Loose::read(base), Loose::read(split));
        let before = Start::after(&base);
        if self.in_base {
            self.repeat(&mut base, Start::ALONE, count);
            let after = Start::after(&base);
            split.move_ids(before.id, after.id - before.id);
            split.move_names(before.string, after.string - before.string);
        } else {
            self.repeat(&mut split, before, count);
        }
        (base.bytes(), split.bytes())
    }

    fn repeat(&self, btf: &mut Loose, start: Start, count: u32) {
        if btf.types.is_empty() {
            return;
        }
        let long = start.string + btf.strings.len() as u32;
        btf.strings.extend((0..count).map(|_| b'x').chain([0]));
        let index = self.type_index % btf.types.len();
        let next_id = start.id + btf.types.len() as u32;
        let words = btf.types[index].clone();
        if self.elements {
            btf.types[index] = self.longer(words, next_id, long, count);
            return;
        }
        for number in 0..count {
            let mut copy = words.clone();
            let (ids, names) = places(&copy);
            self.step(&mut copy, (ids, names), next_id + number, long, number);
            btf.types.push(copy);
        }
    }

    /// The type with its first element `count` times, where it has any.
    fn longer(&self, words: Vec<u32>, id: u32, long: u32, count: u32) -> Vec<u32> {
        let elem = shape(words[INFO]).map_or(0, |shape| shape.elem as usize / 4);
        if elem == 0 || words.len() < FIXED + elem {
            return words;
        }
        let mut new = words[..FIXED].to_vec();
        new[INFO] = (new[INFO] & 0xff00_0000) | count;
        (0..count).for_each(|_| new.extend(&words[FIXED..FIXED + elem]));
        let (mut ids, mut names) = places(&new);
        ids.retain(|at| *at >= FIXED);
        names.retain(|at| *at >= FIXED);
        for number in 0..count {
            let range = FIXED + number as usize * elem..FIXED + (number as usize + 1) * elem;
            let of = |places: &[usize]| {
                places
                    .iter()
                    .copied()
                    .filter(|at| range.contains(at))
                    .take(1)
                    .collect()
            };
            let first = (
                of(&ids[number.min(ids.len() as u32) as usize..]),
                of(&names[number.min(names.len() as u32) as usize..]),
            );
            self.step(&mut new, first, id + number, long, number);
        }
        new
    }

    /// Changes the ids and names at these places of the one with this number.
    fn step(
        &self,
        words: &mut [u32],
        places: (Vec<usize>, Vec<usize>),
        id: u32,
        long: u32,
        number: u32,
    ) {
        for at in places.0 {
            words[at] = match self.ids {
                Step::Same => words[at],
                Step::Up => words[at].wrapping_add(number),
                Step::Chain => id.wrapping_sub(1),
                Step::Ahead => id.wrapping_add(1),
            };
        }
        for at in places.1 {
            words[at] = match self.names {
                Step::Same => words[at],
                Step::Up => words[at].wrapping_add(number),
                Step::Chain => long + number,
                Step::Ahead => long,
            };
        }
    }
}
