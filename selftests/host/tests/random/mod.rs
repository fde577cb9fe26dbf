// SPDX-License-Identifier: GPL-2.0

//! Random BTF that is right: few names, so that they meet often. And what does damage to it.

// Each test uses its part.
#![allow(dead_code)]

use btfreloc_selftests::builder::{info, Builder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rust_btfreloc::btf::Kind;

pub const NAMES: [&str; 7] = ["", "a", "b", "ab", "task", "_", "zz"];
const SIZES: [u32; 4] = [1, 2, 4, 8];

/// What a type is made of, in numbers that any BTF can take.
#[derive(Clone, Debug)]
pub struct Seed {
    kind: Kind,
    name: usize,
    size: usize,
    flag: bool,
    refs: Vec<u32>,
}

/// A kernel, the distilled base of a module, and the module.
#[derive(Clone, Debug)]
pub struct Case {
    vmlinux: Vec<Seed>,
    distilled: Vec<Seed>,
    module: Vec<Seed>,
    sorted: bool,
}

#[rustfmt::skip]
const ALL: [Kind; 19] = [
    Kind::Int, Kind::Ptr, Kind::Array, Kind::Struct, Kind::Union, Kind::Enum, Kind::Fwd,
    Kind::Typedef, Kind::Volatile, Kind::Const, Kind::Restrict, Kind::Func, Kind::FuncProto,
    Kind::Var, Kind::Datasec, Kind::Float, Kind::DeclTag, Kind::TypeTag, Kind::Enum64,
];
const DISTILLED: [Kind; 6] = [
    Kind::Int,
    Kind::Float,
    Kind::Enum,
    Kind::Fwd,
    Kind::Struct,
    Kind::Union,
];
const NAMED: [Kind; 7] = [
    Kind::Int,
    Kind::Float,
    Kind::Enum,
    Kind::Enum64,
    Kind::Fwd,
    Kind::Struct,
    Kind::Union,
];

fn seed(kinds: &'static [Kind], first_name: usize) -> impl Strategy<Value = Seed> {
    let name = first_name..NAMES.len();
    let kind = proptest::sample::select(kinds);
    let refs = vec(any::<u32>(), 0..4);
    (kind, name, 0..SIZES.len(), any::<bool>(), refs).prop_map(|(kind, name, size, flag, refs)| {
        Seed {
            kind,
            name,
            size,
            flag,
            refs,
        }
    })
}

pub fn case() -> impl Strategy<Value = Case> {
    let kernel = prop_oneof![seed(&ALL, 0), seed(&NAMED, 1)];
    let parts = (
        vec(kernel, 1..40),
        vec(seed(&DISTILLED, 1), 0..12),
        vec(seed(&ALL, 0), 0..30),
        any::<bool>(),
    );
    parts.prop_map(|(vmlinux, distilled, module, sorted)| Case {
        vmlinux,
        distilled,
        module,
        sorted,
    })
}

impl Case {
    pub fn vmlinux(&self) -> Builder {
        build(Builder::base(), &self.vmlinux)
    }

    /// Standalone BTF: all that vmlinux has, and the module's types after it.
    pub fn alone(&self) -> Builder {
        let known = build(Builder::base(), &self.vmlinux);
        build(known, &self.module)
    }

    pub fn distilled(&self) -> Builder {
        build(Builder::base(), &self.distilled)
    }

    pub fn module(&self) -> Builder {
        let mut seeds = self.module.clone();
        if self.sorted {
            seeds.sort_by_key(|seed| seed.name());
        }
        build(Builder::split(&self.distilled()), &seeds)
    }
}

impl Seed {
    /// The name, where the kind may or must have one.
    fn name(&self) -> &'static str {
        match (self.kind, NAMES[self.name]) {
            (
                Kind::Ptr
                | Kind::Array
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::FuncProto,
                _,
            ) => "",
            (
                Kind::Fwd
                | Kind::Typedef
                | Kind::Func
                | Kind::Var
                | Kind::Datasec
                | Kind::DeclTag
                | Kind::TypeTag,
                "",
            ) => "must",
            (_, name) => name,
        }
    }
}

fn build(mut b: Builder, seeds: &[Seed]) -> Builder {
    let last = b.next_id() + u32::try_from(seeds.len()).unwrap() - 1;
    for seed in seeds {
        add(&mut b, seed, last);
    }
    b
}

fn add(b: &mut Builder, seed: &Seed, last: u32) {
    let size = SIZES[seed.size];
    let kind = seed.kind;
    // A type of the whole BTF or, so that no modifier is part of a loop, an earlier one.
    let refs = |index: usize| seed.refs.get(index).copied().unwrap_or(7);
    let (any, earlier) = (1 + refs(0) % last, refs(0) % b.next_id());
    let name = b.name(seed.name());
    let flag = |flag| info(kind, flag, 0);
    let words = match kind {
        Kind::Int => vec![flag(false), size, (u32::from(seed.flag) << 24) | (size * 8)],
        Kind::Ptr | Kind::Func => vec![flag(false), any],
        Kind::Volatile | Kind::Const | Kind::Restrict | Kind::Typedef => vec![flag(false), earlier],
        Kind::TypeTag => vec![flag(seed.flag), earlier],
        Kind::DeclTag => vec![flag(seed.flag), any, refs(1) % 5],
        Kind::Array => vec![flag(false), 0, any, 1 + refs(1) % last, refs(2) % 5],
        Kind::Fwd => vec![flag(seed.flag), 0],
        Kind::Float => vec![flag(false), size.max(2)],
        Kind::Var => vec![flag(false), any, u32::from(seed.flag)],
        _ => elements(b, seed, last),
    };
    b.raw(&[&[name][..], &words].concat());
}

/// The words of a kind that has elements, one for each reference.
fn elements(b: &mut Builder, seed: &Seed, last: u32) -> Vec<u32> {
    let kind = seed.kind;
    let size = SIZES[seed.size];
    let (third, flag) = match kind {
        Kind::FuncProto => (seed.refs.first().copied().unwrap_or(0) % last, false),
        Kind::Datasec => (64, false),
        _ => (size, seed.flag),
    };
    let vlen = u32::try_from(seed.refs.len()).unwrap();
    let mut words = vec![info(kind, flag, vlen), third];
    for (index, number) in (0u32..).zip(&seed.refs) {
        let name = b.name(NAMES[1 + (number >> 8) as usize % (NAMES.len() - 1)]);
        let id = 1 + number % last;
        match kind {
            Kind::Struct => words.extend([name, id, index.min(size) * 8]),
            Kind::Union => words.extend([name, id, 0]),
            Kind::Enum => words.extend([name, number >> 16]),
            Kind::Enum64 => words.extend([name, number >> 16, *number]),
            Kind::FuncProto => words.extend([name, id]),
            _ => words.extend([id, index * 8, 8]),
        }
    }
    words
}

/// Bytes that go somewhere instead of what was there, in the header or after it.
pub type Damage = (bool, Index, Vec<u8>);

/// Puts each of `damage` in its place, and cuts off what is after `end`.
pub fn damaged(mut bytes: Vec<u8>, damage: &[Damage], end: Option<Index>) -> Vec<u8> {
    for (in_header, place, new) in damage {
        let header = 24;
        let body = bytes.len() - header;
        let at = match *in_header || body == 0 {
            true => place.index(header),
            false => header + place.index(body),
        };
        for (old, new) in bytes[at..].iter_mut().zip(new) {
            *old = *new;
        }
    }
    if let Some(end) = end {
        bytes.truncate(end.index(bytes.len()));
    }
    bytes
}

pub fn damage() -> impl Strategy<Value = (Vec<Damage>, Option<Index>)> {
    let bytes = prop_oneof![
        vec(any::<u8>(), 1..5),
        vec(0u8..3, 1..5),
        Just(vec![0xff; 4])
    ];
    let end = proptest::option::weighted(0.05, any::<Index>());
    let in_header = proptest::bool::weighted(0.1);
    (vec((in_header, any::<Index>(), bytes), 0..3), end)
}
