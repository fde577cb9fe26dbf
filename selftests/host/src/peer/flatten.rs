// SPDX-License-Identifier: GPL-2.0

//! Standalone BTF, made of split BTF and all that it refers to in its base.

use std::collections::HashMap;

use super::{Btf, Word};
use crate::builder::Builder;

/// Standalone BTF, and for each type, by id less 1, its id where it came from.
pub struct Flat {
    pub btf: Vec<u8>,
    pub from: Vec<u32>,
}

/// Flattens the types of `module` that are not its base's, and those they refer to.
pub fn flatten(module: &Btf<'_>) -> Flat {
    let mut from: Vec<u32> = (module.start_id()..module.end_id()).collect();
    let mut ids: HashMap<u32, u32> = (1..).zip(&from).map(|(new, old)| (*old, new)).collect();
    let mut next = 0;
    while next < from.len() {
        for id in module.get(from[next]).unwrap().ids().filter(|id| *id != 0) {
            ids.entry(id).or_insert_with(|| {
                from.push(id);
                u32::try_from(from.len()).unwrap()
            });
        }
        next += 1;
    }
    ids.insert(0, 0);
    let mut builder = Builder::base();
    for id in &from {
        let parts = module.get(*id).unwrap().parts();
        let words: Vec<u32> = parts
            .map(|part| match part {
                Word::Id(id) => ids[&id],
                Word::Name(off) => builder.name(module.string(off)),
                Word::Plain(word) => word,
            })
            .collect();
        builder.raw(&words);
    }
    let btf = builder.bytes();
    Flat { btf, from }
}
