// SPDX-License-Identifier: GPL-2.0

//! Distilled by libbpf and by the core: the same types and the same strings, byte for byte; and
//! relocated to the kernel they were made for, the modules' types are what they were.
//!
//! `cargo test --release --test peer_distill -- --ignored --nocapture` looks at every module of the
//! kit and prints the table.

mod distilled;

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use btfreloc_selftests::builder::{info, Builder, Header};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::peer::{modules, Btf, Type, Word};
use distilled::{distill, Distilled};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rust_btfreloc::btf::{Kind, Reason};
use rust_btfreloc::reloc::distill::Order;

/// Modules of each release that every run looks at.
const SAMPLE: usize = 40;
const CASES: u32 = 10_000;

/// A kernel as both sides see it.
struct Kernel {
    vmlinux: Vmlinux,
    btf: Btf<'static>,
}

impl Kernel {
    fn new(bytes: Vec<u8>) -> Self {
        Kernel {
            btf: Btf::base(&bytes).expect("libbpf takes the kernel's BTF"),
            vmlinux: Vmlinux::new(bytes),
        }
    }
}

/// What is to be seen of one module.
#[derive(Debug, Default)]
struct Verdict {
    exact: u32,
    distilled: u32,
    copied: u32,
    own: u32,
    base_bytes: usize,
    split_bytes: usize,
    references: u64,
}

/// Distills a module both ways and compares, then takes it back to its kernel.
fn judge(kernel: &Kernel, module: &[u8]) -> Result<Verdict, String> {
    let before = Btf::split(&kernel.btf, module).map_err(|err| format!("input: {err:?}"))?;
    let ours = distill(&kernel.vmlinux, module, Order::Kept);
    let (ours, (base, split)) = match (ours, before.distill()) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => {
            let (ours, theirs) = (ours.err(), theirs.err());
            return Err(format!("the core says {ours:?}, libbpf {theirs:?}"));
        }
    };
    let exact = compare(&ours, &base, &split)?;
    let mut verdict = Verdict {
        exact: u32::from(exact),
        distilled: ours.counts.distilled,
        copied: ours.counts.copied,
        own: ours.counts.own,
        base_bytes: ours.base.len(),
        split_bytes: ours.split.len(),
        references: 0,
    };
    for order in [Order::Kept, Order::ByName] {
        let ours = distill(&kernel.vmlinux, module, order).map_err(|err| format!("{err:?}"))?;
        if order == Order::ByName {
            check_sorted(&ours)?;
        }
        verdict.references += round_trip(kernel, &before, &ours)?;
    }
    Ok(verdict)
}

/// Whether both are the same, byte for byte; headers aside, whose form is the module's.
///
/// Where nothing of the base goes to the distilled base, libbpf takes the split BTF for a base (its
/// ids start at 1) and leaves out the types that are to be copied.
fn compare(ours: &Distilled, base: &[u8], split: &[u8]) -> Result<bool, String> {
    check(parts(&ours.base) == parts(base), "distilled base differs")?;
    if ours.counts.distilled == 0 && ours.counts.copied != 0 {
        return Ok(false);
    }
    check(parts(&ours.split) == parts(split), "split BTF differs")?;
    Ok(true)
}

/// The split BTF's names are in order, and those that are the same in the order of their ids.
fn check_sorted(ours: &Distilled) -> Result<(), String> {
    let base = Btf::base(&ours.base).map_err(|err| format!("distilled base: {err:?}"))?;
    let split = Btf::split(&base, &ours.split).map_err(|err| format!("split BTF: {err:?}"))?;
    let sorted = split.own().map(|(_, type_)| type_.name).is_sorted();
    check(sorted, "not sorted by name")
}

/// Relocated to its kernel, every type that the module has and needs is the type that it was.
fn round_trip(kernel: &Kernel, before: &Btf<'_>, ours: &Distilled) -> Result<u64, String> {
    let done = kernel.vmlinux.relocate(&ours.base, &ours.split);
    let done = done.map_err(|err| format!("relocation: {err:?}"))?;
    let after = Btf::split(&kernel.btf, &done.btf).map_err(|err| format!("result: {err:?}"))?;
    let last = |id: u32| Some(done.new_ids[ours.new_ids[id as usize]? as usize]);
    let mut references = 0;
    for id in 1..before.end_id() {
        let Some(new) = last(id) else {
            check(id < before.start_id(), "a type of the module is lost")?;
            continue;
        };
        let (old, type_) = (before.get(id).unwrap(), after.get(new).unwrap());
        if new < after.start_id() {
            let size = old.word() == type_.word();
            let same = old.kind() == type_.kind() && old.name == type_.name && size;
            // Of several that are the same, the first.
            check(id < before.start_id() && new <= id && same, || {
                format!("base [{id}] became [{new}]")
            })?;
            continue;
        }
        references += same_type((before, old), (&after, type_), last)
            .map_err(|what| format!("[{id}] became [{new}]: {what}"))?;
    }
    Ok(references)
}

/// The same words, strings as text, and ids as `last` has them; counts the ids.
fn same_type(
    (before, old): (&Btf<'_>, Type<'_>),
    (after, new): (&Btf<'_>, Type<'_>),
    last: impl Fn(u32) -> Option<u32>,
) -> Result<u64, String> {
    let mut references = 0;
    check(old.parts().count() == new.parts().count(), "length")?;
    for parts in old.parts().zip(new.parts()) {
        let same = match parts {
            (Word::Name(a), Word::Name(b)) => before.string(a) == after.string(b),
            (Word::Id(a), Word::Id(b)) => {
                references += 1;
                last(a) == Some(b)
            }
            (a, b) => a == b,
        };
        check(same, || format!("{parts:?}"))?;
    }
    Ok(references)
}

/// Type and string part of a section.
fn parts(section: &[u8]) -> [&[u8]; 2] {
    let word = |at: usize| u32::from_ne_bytes(section[at..at + 4].try_into().unwrap()) as usize;
    [8, 16].map(|at| &section[word(4) + word(at)..][..word(at + 4)])
}

fn check(holds: bool, what: impl Into<What>) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(what.into().0),
    }
}

/// What is said where something does not hold.
struct What(String);

impl From<&str> for What {
    fn from(text: &str) -> Self {
        What(text.to_owned())
    }
}

impl<F: FnOnce() -> String> From<F> for What {
    fn from(text: F) -> Self {
        What(text())
    }
}

#[test]
fn a_sample_of_the_kits_modules_is_as_libbpf_has_it() {
    distill_all(SAMPLE);
}

#[test]
#[ignore = "takes minutes: every module of the kit"]
fn peer_corpus() {
    distill_all(usize::MAX);
}

/// What became of the modules of one kernel.
#[derive(Default)]
struct Row {
    modules: u32,
    total: Verdict,
    mismatches: Vec<String>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = &self.total;
        write!(
            f,
            "{} modules, exact {}, own types {}, distilled {}, copied {}, bytes {} + {}, references {}, \
             mismatches {}",
            self.modules,
            total.exact,
            total.own,
            total.distilled,
            total.copied,
            total.base_bytes,
            total.split_bytes,
            total.references,
            self.mismatches.len()
        )
    }
}

fn distill_all(limit: usize) {
    let kit = modules::kit();
    let kernels = modules::kernels(&kit);
    for release in modules::releases(&kit) {
        let bytes = kernels.iter().find(|(name, _)| *name == release.name);
        let (_, bytes) = bytes.expect("the kit has the kernel of its modules");
        let kernel = Kernel::new(bytes.clone());
        let row = judge_all(&kernel, &modules::sample(&release.modules, limit));
        println!("{}: {row}", release.name);
        assert_ne!(row.modules, 0, "no module has BTF");
        assert!(row.mismatches.is_empty(), "{}", row.mismatches.join("\n"));
    }
}

/// Judges the modules on all processors.
fn judge_all(kernel: &Kernel, paths: &[PathBuf]) -> Row {
    let (next, row) = (AtomicUsize::new(0), Mutex::new(Row::default()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some(bytes) = modules::btf(path) else {
                        continue;
                    };
                    let verdict = judge(kernel, &bytes);
                    row.lock().unwrap().add(path, verdict);
                }
            });
        }
    });
    row.into_inner().unwrap()
}

impl Row {
    fn add(&mut self, path: &std::path::Path, verdict: Result<Verdict, String>) {
        self.modules += 1;
        let total = &mut self.total;
        match verdict {
            Ok(verdict) => {
                total.exact += verdict.exact;
                total.own += verdict.own;
                total.distilled += verdict.distilled;
                total.copied += verdict.copied;
                total.base_bytes += verdict.base_bytes;
                total.split_bytes += verdict.split_bytes;
                total.references += verdict.references;
            }
            Err(what) => self.mismatches.push(format!("{}: {what}", path.display())),
        }
    }
}

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

/// Adds the types; what they refer to is in the base or among them, for a modifier ahead of it.
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
        let ahead = made.to[0] % b.next_id();
        let flag = |flag| info(kind, flag, 0);
        let odd = made.number & 16 != 0;
        let words = match kind {
            Kind::Int => vec![flag(false), size, (u32::from(odd) << 24) | (size * 8)],
            Kind::Float => vec![flag(false), size.max(2)],
            Kind::Fwd => vec![flag(odd), 0],
            Kind::Ptr => vec![flag(false), to(0)],
            Kind::Func => vec![flag(false), proto.unwrap()],
            Kind::Volatile | Kind::Const | Kind::Restrict | Kind::Typedef | Kind::TypeTag => {
                vec![flag(false), ahead]
            }
            Kind::DeclTag => vec![flag(false), to(0), u32::MAX],
            Kind::Array => vec![flag(false), 0, to(0), to(1), 3],
            Kind::Var => vec![flag(false), to(0), 1],
            Kind::FuncProto => {
                proto = Some(b.next_id());
                elements(&mut b, made, ahead, |n, id, _| vec![n, id], last)
            }
            Kind::Struct => elements(&mut b, made, 64, |n, id, at| vec![n, id, 8 * at], last),
            Kind::Union => elements(&mut b, made, 64, |n, id, _| vec![n, id, 0], last),
            Kind::Enum => elements(&mut b, made, size, |n, id, _| vec![n, id], last),
            Kind::Enum64 => elements(&mut b, made, size, |n, id, at| vec![n, id, at], last),
            Kind::Datasec => elements(&mut b, made, 64, |_, id, at| vec![id, 8 * at, 8], last),
        };
        b.raw(&[&[name][..], &words].concat());
    }
    b
}

/// Words of a type with elements behind its name; `of` makes one from name, id and index.
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
    let before = Btf::split(&kernel.btf, &bytes).expect("libbpf takes it");
    let ours = distill(&kernel.vmlinux, &bytes, Order::Kept);
    let (ours, (base, split)) = match (ours, before.distill()) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(err), Err(_)) if matches!(err.reason, Reason::NotDistilled(_)) => return Ok(false),
        (ours, theirs) => return Err(format!("the core: {ours:?}, libbpf: {theirs:?}")),
    };
    compare(&ours, &base, &split)?;
    let sorted = distill(&kernel.vmlinux, &bytes, Order::ByName).unwrap();
    check_sorted(&sorted)?;
    for ours in [ours, sorted] {
        let done = kernel.vmlinux.relocate(&ours.base, &ours.split);
        let done = done.map_err(|err| format!("relocation: {err:?}"))?;
        let verified = kernel.vmlinux.verify(&done.btf);
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
