// SPDX-License-Identifier: GPL-2.0

//! Made-up modules distilled by libbpf and by the core: the same types and the same strings, byte for
//! byte. Real modules are in `peer_modules.rs`.

use std::cell::Cell;

use btfreloc_selftests::builder::{info, Builder, Header};
use btfreloc_selftests::distilled::distill;
use btfreloc_selftests::peer::distill::{check_sorted, compare};
use btfreloc_selftests::peer::judge::Kernel;
use btfreloc_selftests::peer::Btf;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rust_btfreloc::btf::{Kind, Reason};
use rust_btfreloc::reloc::distill::Order;

const CASES: u32 = 10_000;

/// A type of a made-up base or module; numbers are cut to what there is.
#[derive(Clone, Debug)]
struct Made {
    kind: Kind,
    name: usize,
    number: u32,
    to: Vec<u32>,
}

#[rustfmt::skip]
const KINDS: [Kind; 19] = [
    Kind::Int, Kind::Ptr, Kind::Array, Kind::Struct, Kind::Union, Kind::Enum, Kind::Fwd,
    Kind::Typedef, Kind::Volatile, Kind::Const, Kind::Restrict, Kind::FuncProto, Kind::Float,
    Kind::TypeTag, Kind::Enum64, Kind::Func, Kind::Var, Kind::Datasec, Kind::DeclTag,
];
/// Without those that no type of a module may refer to.
const REFERRED: usize = 15;
const NAMES: [&str; 8] = ["a", "b", "ab", "bab", "_", "zz", "task", "x"];

fn made(base: bool) -> impl Strategy<Value = Made> {
    let kind = (0..KINDS.len(), 0..20).prop_map(move |(kind, rare)| match base && rare != 0 {
        true => KINDS[kind % REFERRED],
        false => KINDS[kind],
    });
    let to = prop::collection::vec(any::<u32>(), 1..4);
    (kind, 0..2 * NAMES.len(), any::<u32>(), to).prop_map(|(kind, name, number, to)| Made {
        kind,
        name,
        number,
        to,
    })
}

/// Offset of a name: one of two where the same text stands, and at times none.
fn name(b: &mut Builder, made: &Made) -> u32 {
    let nameless = matches!(
        made.kind,
        Kind::Ptr | Kind::Array | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::FuncProto
    );
    let may_lack = matches!(
        made.kind,
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64
    );
    let name = NAMES[made.name % NAMES.len()];
    match (nameless, made.number % 3) {
        (true, _) => 0,
        (false, 0) if may_lack => 0,
        (false, 1) => b.name(format!("_{name}")) + 1,
        _ => b.name(name),
    }
}

/// Adds the types; what they refer to is in the base or among them, for a modifier before it.
fn build(mut b: Builder, types: &[Made]) -> Builder {
    let last = b.next_id() + u32::try_from(types.len()).unwrap() - 1;
    let mut proto = None;
    b.name("unused");
    for made in types {
        if made.kind == Kind::Func && proto.is_none() {
            // A FUNC is a FUNC_PROTO's.
            b.ptr(0);
            continue;
        }
        let name = name(&mut b, made);
        let (kind, size) = (made.kind, 1 << (made.number % 4));
        let to = |index: usize| 1 + made.to[index % made.to.len()] % last;
        let earlier = made.to[0] % b.next_id();
        let flag = |flag| info(kind, flag, 0);
        let odd = made.number & 16 != 0;
        let words = match kind {
            Kind::Int => vec![flag(false), size, (u32::from(odd) << 24) | (size * 8)],
            Kind::Float => vec![flag(false), size.max(2)],
            Kind::Fwd => vec![flag(odd), 0],
            Kind::Ptr => vec![flag(false), to(0)],
            Kind::Func => vec![flag(false), proto.unwrap()],
            Kind::Volatile | Kind::Const | Kind::Restrict | Kind::Typedef | Kind::TypeTag => {
                vec![flag(false), earlier]
            }
            Kind::DeclTag => vec![flag(false), to(0), u32::MAX],
            Kind::Array => vec![flag(false), 0, to(0), to(1), 3],
            Kind::Var => vec![flag(false), to(0), 1],
            Kind::FuncProto => {
                proto = Some(b.next_id());
                elements(&mut b, made, earlier, |n, id, _| vec![n, id], last)
            }
            Kind::Struct => elements(&mut b, made, 64, |n, id, at| vec![n, id, 8 * at], last),
            Kind::Union => elements(&mut b, made, 64, |n, id, _| vec![n, id, 0], last),
            Kind::Enum => elements(&mut b, made, size, |n, id, _| vec![n, id], last),
            Kind::Enum64 => elements(&mut b, made, size, |n, id, at| vec![n, id, at], last),
            Kind::Datasec => elements(&mut b, made, 64, |_, id, at| vec![id, 8 * at, 8], last),
            Kind::LocParam | Kind::LocProto | Kind::Locsec => unreachable!("not known to libbpf"),
        };
        b.raw(&[&[name][..], &words].concat());
    }
    b
}

/// Words of a type with elements after its name; `of` makes one from name, id and index.
fn elements(
    b: &mut Builder,
    made: &Made,
    third: u32,
    of: impl Fn(u32, u32, u32) -> Vec<u32>,
    last: u32,
) -> Vec<u32> {
    let vlen = u32::try_from(made.to.len()).unwrap();
    let odd = made.number & 32 != 0 && matches!(made.kind, Kind::Enum | Kind::Enum64);
    let mut words = vec![info(made.kind, odd, vlen), third];
    for (index, to) in (0..).zip(&made.to) {
        let name = b.name(NAMES[*to as usize / 7 % NAMES.len()]);
        words.extend(of(name, 1 + to % last, index));
    }
    words
}

/// Whether there was something to distill; both sides agree on that, and on the result.
fn judge_made(base: &Builder, module: &Builder, header: &Header) -> Result<bool, String> {
    let kernel = Kernel::new(base.build(header));
    let bytes = module.build(header);
    let before = Btf::split(kernel.btf(), &bytes).expect("libbpf takes it");
    let ours = distill(kernel.vmlinux(), &bytes, Order::Kept);
    let (ours, (base, split)) = match (ours, before.distill()) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(err), Err(_)) if matches!(err.reason, Reason::NotDistilled(_)) => return Ok(false),
        (ours, theirs) => return Err(format!("the core: {ours:?}, libbpf: {theirs:?}")),
    };
    compare(&ours, &base, &split)?;
    let sorted = distill(kernel.vmlinux(), &bytes, Order::ByName).unwrap();
    check_sorted(&sorted)?;
    for ours in [ours, sorted] {
        let done = kernel.vmlinux().relocate(&ours.base, &ours.split);
        let done = done.map_err(|err| format!("relocation: {err:?}"))?;
        let verified = kernel.vmlinux().verify(&done.btf);
        verified.map_err(|err| format!("relocated: {err:?}"))?;
    }
    Ok(true)
}

#[test]
fn made_up_modules_are_as_libbpf_has_them() {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let distilled = Cell::new(0);
    let types = |base, most| prop::collection::vec(made(base), 1..most);
    let cases = (types(true, 40), types(false, 15), any::<bool>());
    let outcome = TestRunner::new_with_rng(config, rng).run(&cases, |(base, module, long)| {
        let header = if long { &Header::LONG } else { &Header::SHORT };
        let base = build(Builder::base(), &base);
        let module = build(Builder::split(&base), &module);
        let done = judge_made(&base, &module, header).map_err(TestCaseError::fail)?;
        distilled.set(distilled.get() + u32::from(done));
        Ok(())
    });
    println!("{} of {CASES} distilled", distilled.get());
    outcome.unwrap();
    // None of it is for want of cases.
    assert!(distilled.get() >= CASES / 4 && distilled.get() < CASES);
}
