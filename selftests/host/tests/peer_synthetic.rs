// SPDX-License-Identifier: GPL-2.0

//! Made-up modules and kernels: what libbpf relocates, the core relocates to the same, but for the
//! rules of the design; what libbpf refuses, the core relocates to what is true.

use std::cell::RefCell;
use std::collections::BTreeMap;

use btfreloc_selftests::builder::{Builder, Header};
use btfreloc_selftests::peer::judge::{judge, Kernel, Rule};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rust_btfreloc::btf::Kind;

const CASES: u32 = 10_000;

/// Names of types, so few that they clash.
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
/// Names that only types of the module have; sorted, they fall between the others.
const OWN_NAMES: [&str; 4] = ["a1", "c1", "e1", "z1"];

/// A named type of a kernel, or of a distilled base, where it has no elements.
#[derive(Clone, Copy, Debug)]
enum Made {
    Int {
        size: u32,
        encoding: u32,
    },
    Float {
        size: u32,
    },
    Composite {
        is_union: bool,
        size: u32,
        layout: usize,
    },
    BitFields {
        size: u32,
    },
    Enum {
        size: u32,
    },
    Enum64 {
        size: u32,
    },
    Fwd {
        is_union: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct Named {
    name: &'static str,
    made: Made,
}

/// What the running kernel has for a distilled type.
#[derive(Clone, Copy, Debug)]
enum Counterpart {
    Same,
    Twice,
    None,
    Other(Made),
    Beside(Made),
}

/// A type of the module; of each reference any number, cut to what there is.
#[derive(Clone, Debug)]
enum Own {
    Refer {
        kind: Kind,
        to: usize,
    },
    Named {
        kind: Kind,
        name: &'static str,
        to: usize,
    },
    Array {
        of: usize,
        count: u32,
    },
    Composite {
        kind: Kind,
        name: &'static str,
        members: Vec<usize>,
    },
    FuncProto {
        ret: usize,
        params: Vec<usize>,
    },
    Func {
        name: &'static str,
    },
    Datasec,
}

#[derive(Clone, Debug)]
struct Case {
    distilled: Vec<(Named, Counterpart)>,
    kernel_only: Vec<Named>,
    reversed: bool,
    own: Vec<Own>,
    sorted: bool,
    long_header: bool,
}

fn header(long: bool) -> &'static Header {
    match long {
        true => &Header::LONG,
        false => &Header::SHORT,
    }
}

impl Case {
    fn kernel(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for (named, counterpart) in &self.distilled {
            let of = |made| Named { made, ..*named };
            match *counterpart {
                Counterpart::Same => all.push(*named),
                Counterpart::Twice => all.extend([*named, *named]),
                Counterpart::None => {}
                Counterpart::Other(made) => all.push(of(made)),
                Counterpart::Beside(made) => all.extend([*named, of(made)]),
            }
        }
        all.extend(&self.kernel_only);
        if self.reversed {
            all.reverse();
        }
        let mut b = Builder::base();
        let int = b.int("int", 4, 1);
        b.typedef("int_t", int);
        b.structure("", 4, &[("x", [int, 0])]);
        for named in all {
            define(&mut b, named);
        }
        b.build(header(self.long_header))
    }

    fn distilled(&self) -> Builder {
        let mut b = Builder::base();
        for (named, _) in &self.distilled {
            record(&mut b, *named);
        }
        b
    }

    fn module(&self, distilled: &Builder) -> Vec<u8> {
        let mut b = Builder::split(distilled);
        let mut order: Vec<usize> = (0..self.own.len()).collect();
        if self.sorted {
            order.sort_by_key(|index| self.name(*index));
        }
        let first = b.next_id() as usize;
        let mut ids = vec![0; order.len()];
        for (place, index) in order.iter().enumerate() {
            ids[*index] = first + place;
        }
        for index in order {
            self.emit(&mut b, index, first, &ids);
        }
        b.build(header(self.long_header))
    }

    /// The name that the type gets.
    fn name(&self, index: usize) -> &'static str {
        match &self.own[index] {
            Own::Refer { .. } | Own::Array { .. } | Own::FuncProto { .. } => "",
            Own::Named {
                kind: Kind::DeclTag,
                ..
            } => "tag",
            Own::Named { name, .. } | Own::Composite { name, .. } => name,
            Own::Func { name } => self.last_proto(index).map_or("", |_| name),
            Own::Datasec => self.last_var(index).map_or("", |_| ".data"),
        }
    }

    fn last_proto(&self, before: usize) -> Option<usize> {
        self.own[..before]
            .iter()
            .rposition(|own| matches!(own, Own::FuncProto { .. }))
    }

    fn last_var(&self, before: usize) -> Option<usize> {
        let is_var = |own: &Own| {
            matches!(
                own,
                Own::Named {
                    kind: Kind::Var,
                    ..
                }
            )
        };
        self.own[..before].iter().rposition(is_var)
    }

    fn emit(&self, b: &mut Builder, index: usize, first: usize, ids: &[usize]) {
        // Of the module's own types, only earlier ones in `own`: so no chain becomes a loop.
        let or_void = |to: usize| {
            let to = to % (first + index);
            let id = if to < first { to } else { ids[to - first] };
            u32::try_from(id).unwrap()
        };
        let some = |to: usize| or_void(to).max(1);
        let name = self.name(index);
        let of = |index: usize| u32::try_from(ids[index]).unwrap();
        match &self.own[index] {
            Own::Refer { kind, to } => b.refer(*kind, or_void(*to)),
            Own::Named {
                kind: Kind::Var,
                to,
                ..
            } => b.var(name, some(*to), 1),
            Own::Named {
                kind: Kind::DeclTag,
                to,
                ..
            } => b.decl_tag(name, some(*to), -1),
            Own::Named {
                kind: Kind::TypeTag,
                to,
                ..
            } => b.type_tag(name, or_void(*to)),
            Own::Named { to, .. } => b.typedef(name, or_void(*to)),
            Own::Array { of, count } => b.array(some(*of), 1, *count),
            Own::Composite { kind, members, .. } => {
                let member = |(at, to): (u32, &usize)| {
                    let offset = if *kind == Kind::Union { 0 } else { 64 * at };
                    (["x", "y", "z"][at as usize], [some(*to), offset])
                };
                let members: Vec<_> = (0..).zip(members).map(member).collect();
                b.composite(*kind, name, 64, &members)
            }
            Own::FuncProto { ret, params } => {
                let params: Vec<_> = params.iter().map(|to| ("p", [some(*to)])).collect();
                b.func_proto(or_void(*ret), &params)
            }
            Own::Func { .. } => match self.last_proto(index) {
                Some(proto) => b.func(name, of(proto), 1),
                None => b.ptr(0),
            },
            Own::Datasec => match self.last_var(index) {
                Some(var) => b.datasec(name, 8, &[[of(var), 0, 8]]),
                None => b.ptr(0),
            },
        };
    }
}

/// Adds the type as a kernel has it; `int` is [1] there and `int_t` is [2].
fn define(b: &mut Builder, Named { name, made }: Named) -> u32 {
    const LAYOUTS: [&[(&str, [u32; 2])]; 5] = [
        &[],
        &[("x", [1, 0])],
        &[("y", [1, 0])],
        &[("x", [2, 0])],
        &[("x", [1, 8])],
    ];
    match made {
        Made::Composite {
            is_union: false,
            size,
            layout,
        } => b.structure(name, size, LAYOUTS[layout]),
        Made::Composite {
            is_union: true,
            size,
            layout,
        } => b.union(name, size, LAYOUTS[layout % 4]),
        Made::BitFields { size } => b.bit_fields(name, size, &[("x", [1, 0, 3])]),
        Made::Enum { size } => b.enumeration(name, size, &[("X", [1])]),
        Made::Enum64 { size } => b.enum64(name, size, false, &[("X", [1, 0])]),
        _ => record(b, Named { name, made }),
    }
}

/// Adds the type as a distilled base has it.
fn record(b: &mut Builder, Named { name, made }: Named) -> u32 {
    match made {
        Made::Int { size, encoding } => b.int(name, size, encoding),
        Made::Float { size } => b.float(name, size),
        Made::Composite {
            is_union: true,
            size,
            ..
        } => b.union(name, size, &[]),
        Made::Composite { size, .. } | Made::BitFields { size } => b.structure(name, size, &[]),
        Made::Enum { size } | Made::Enum64 { size } => b.enumeration(name, size, &[]),
        Made::Fwd { is_union } => b.fwd(name, is_union),
    }
}

fn made() -> impl Strategy<Value = Made> {
    let size = || prop::sample::select(&[4, 8, 16][..]);
    let word = || prop::sample::select(&[4, 8][..]);
    let composite =
        (any::<bool>(), size(), 0..5usize).prop_map(|(is_union, size, layout)| Made::Composite {
            is_union,
            size,
            layout,
        });
    prop_oneof![
        2 => (word(), 0..2u32).prop_map(|(size, encoding)| Made::Int { size, encoding }),
        1 => word().prop_map(|size| Made::Float { size }),
        8 => composite,
        2 => size().prop_map(|size| Made::BitFields { size }),
        1 => word().prop_map(|size| Made::Enum { size }),
        1 => Just(Made::Enum64 { size: 8 }),
        3 => any::<bool>().prop_map(|is_union| Made::Fwd { is_union }),
    ]
}

fn named() -> impl Strategy<Value = Named> {
    (prop::sample::select(&NAMES[..]), made()).prop_map(|(name, made)| Named { name, made })
}

fn counterpart() -> impl Strategy<Value = Counterpart> {
    prop_oneof![
        10 => Just(Counterpart::Same),
        1 => Just(Counterpart::Twice),
        1 => Just(Counterpart::None),
        4 => made().prop_map(Counterpart::Other),
        1 => made().prop_map(Counterpart::Beside),
    ]
}

fn own() -> impl Strategy<Value = Own> {
    let to = || 0..1000usize;
    let several = || prop::collection::vec(to(), 0..4);
    let name = || {
        let some = |names: &'static [&str]| prop::sample::select(names);
        prop_oneof![1 => some(&NAMES), 3 => some(&OWN_NAMES)]
    };
    let plain = [
        Kind::Ptr,
        Kind::Ptr,
        Kind::Const,
        Kind::Volatile,
        Kind::Restrict,
    ]
    .to_vec();
    let named = [Kind::Typedef, Kind::TypeTag, Kind::Var, Kind::DeclTag].to_vec();
    let composite = [Kind::Struct, Kind::Struct, Kind::Union].to_vec();
    prop_oneof![
        4 => (prop::sample::select(plain), to()).prop_map(|(kind, to)| Own::Refer { kind, to }),
        3 => (prop::sample::select(named), name(), to())
            .prop_map(|(kind, name, to)| Own::Named { kind, name, to }),
        1 => (to(), 0..4u32).prop_map(|(of, count)| Own::Array { of, count }),
        2 => (prop::sample::select(composite), name(), several())
            .prop_map(|(kind, name, members)| Own::Composite { kind, name, members }),
        1 => (to(), several()).prop_map(|(ret, params)| Own::FuncProto { ret, params }),
        1 => name().prop_map(|name| Own::Func { name }),
        1 => Just(Own::Datasec),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let distilled = prop::collection::vec((named(), counterpart()), 1..5);
    let kernel_only = prop::collection::vec(named(), 0..3);
    let own = prop::collection::vec(own(), 1..12);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (distilled, kernel_only, own, flags).prop_map(
        |(distilled, kernel_only, own, (reversed, sorted, long_header))| {
            // A distilled base holds what is referred to, and nothing else.
            let all = (1..=distilled.len()).map(|to| Own::Refer {
                kind: Kind::Ptr,
                to,
            });
            let own = all.chain(own).collect();
            Case {
                distilled,
                kernel_only,
                reversed,
                own,
                sorted,
                long_header,
            }
        },
    )
}

/// How often what came out.
#[derive(Debug, Default)]
struct Tally {
    exact: u32,
    by_rule: BTreeMap<Rule, u32>,
    refused: u32,
    with_opaque: u32,
    all_mapped_though_refused: u32,
}

#[test]
fn what_libbpf_accepts_is_the_same_but_for_the_rules_and_the_rest_is_true() {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tally = RefCell::new(Tally::default());
    let outcome = TestRunner::new_with_rng(config, rng).run(&case(), |case| {
        let distilled = case.distilled();
        let module = case.module(&distilled);
        let kernel = Kernel::new(case.kernel());
        let base = distilled.build(header(case.long_header));
        let verdict = judge(&kernel, &base, &module).map_err(TestCaseError::fail)?;
        let mut tally = tally.borrow_mut();
        tally.exact += u32::from(verdict.is_exact());
        tally.refused += u32::from(!verdict.accepted);
        tally.with_opaque += u32::from(!verdict.opaque.is_empty());
        tally.all_mapped_though_refused +=
            u32::from(!verdict.accepted && verdict.opaque.is_empty());
        for (rule, count) in verdict.rules {
            *tally.by_rule.entry(rule).or_default() += count;
        }
        Ok(())
    });
    let tally = tally.into_inner();
    println!("{tally:?}");
    outcome.unwrap();
    // None of it is for want of cases.
    assert_eq!(tally.by_rule.len(), 5, "{tally:?}");
    assert!(tally.exact >= CASES / 10, "{tally:?}");
    assert!(tally.refused >= CASES / 10, "{tally:?}");
    assert!(tally.all_mapped_though_refused >= CASES / 100, "{tally:?}");
}
