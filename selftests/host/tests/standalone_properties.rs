// SPDX-License-Identifier: GPL-2.0

//! What holds for all standalone BTF on every kernel, and for bytes that are none.

mod random;

use std::collections::HashSet;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::model::{Model, Type, Word};
use btfreloc_selftests::peer::Btf;
use btfreloc_selftests::rebase::prove::prove;
use btfreloc_selftests::rebase::{is_standalone, rebase, Rebased};
use proptest::collection::vec;
use proptest::prelude::*;
use rust_btfreloc::reloc::standalone::{recognise, NotStandalone};

use random::{case, damage, damaged, Case};

const INT: u32 = 1;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// Kinds that are looked through where the other side has none, in this order.
const LOOKED_THROUGH: [u32; 2] = [TYPEDEF, TYPE_TAG];

/// A case rebased.
struct Run {
    loaded: Vmlinux,
    alone: Vec<u8>,
    done: Rebased,
}

fn run(case: &Case) -> Run {
    let alone = case.alone().bytes();
    let loaded = Vmlinux::new(case.vmlinux().bytes());
    let done = rebase(&loaded, &alone).unwrap();
    Run {
        loaded,
        alone,
        done,
    }
}

/// Which types of a module are those of a kernel, by trying each with each until nothing changes.
struct Naive {
    own: Model,
    base: Model,
    /// The pairs that nothing contradicts.
    pairs: HashSet<(u32, u32)>,
    /// Those of them that are not the same, as one only declares what the other is.
    loose: HashSet<(u32, u32)>,
}

impl Naive {
    /// What declarations become is taken from `ids`, by the module's id.
    fn new(own: Model, base: Model, ids: &[Option<u32>]) -> Self {
        let each = |model: &Model| 1..model.end_id();
        let all = each(&own).flat_map(|id| each(&base).map(move |other| (id, other)));
        let mut naive = Naive {
            pairs: all.collect(),
            loose: HashSet::new(),
            own,
            base,
        };
        loop {
            let holds = |pair: &&(u32, u32)| naive.holds(**pair);
            let pairs: HashSet<_> = naive.pairs.iter().filter(holds).copied().collect();
            if pairs.len() == naive.pairs.len() {
                break;
            }
            naive.pairs = pairs;
        }
        loop {
            let loose = |pair: &&(u32, u32)| naive.is_loose(**pair, ids);
            let loose: HashSet<_> = naive.pairs.iter().filter(loose).copied().collect();
            if loose.len() == naive.loose.len() {
                return naive;
            }
            naive.loose = loose;
        }
    }

    fn types(&self, (own, theirs): (u32, u32)) -> (&Type, &Type) {
        (self.own.get(own), self.base.get(theirs))
    }

    /// Whether one side of a pair is looked through.
    fn is_way(&self, pair: (u32, u32)) -> bool {
        let (own, theirs) = self.types(pair);
        match (own.kind, theirs.kind) {
            (TYPEDEF, TYPEDEF) => own.name != theirs.name,
            (own, theirs) => {
                own != theirs
                    && [own, theirs]
                        .iter()
                        .any(|kind| LOOKED_THROUGH.contains(kind))
            }
        }
    }

    /// The pairs that a pair leads to.
    fn next(&self, (own, theirs): (u32, u32)) -> Vec<(u32, u32)> {
        let (a, b) = self.types((own, theirs));
        if a.kind == b.kind {
            return self.references((own, theirs));
        }
        for kind in LOOKED_THROUGH {
            match (a.kind == kind, b.kind == kind) {
                (true, _) => return vec![(a.word, theirs)],
                (_, true) => return vec![(own, b.word)],
                _ => {}
            }
        }
        Vec::new()
    }

    /// The pairs that the references of a pair lead to.
    fn references(&self, (own, theirs): (u32, u32)) -> Vec<(u32, u32)> {
        let ids = |model: &Model, id| -> Vec<u32> {
            let words = model.words(model.get(id)).into_iter();
            words
                .filter_map(|word| {
                    if let Word::Id(id) = word {
                        Some(id)
                    } else {
                        None
                    }
                })
                .collect()
        };
        ids(&self.own, own)
            .into_iter()
            .zip(ids(&self.base, theirs))
            .collect()
    }

    fn holds(&self, pair: (u32, u32)) -> bool {
        let (own, theirs) = self.types(pair);
        let follows = |next: (u32, u32)| match next {
            (0, other) => is_void(&self.base, other),
            (own, 0) => is_void(&self.own, own),
            next => self.pairs.contains(&next),
        };
        if self.is_way(pair) {
            return self.next(pair).into_iter().all(follows);
        }
        if declared(own, theirs) {
            return true;
        }
        let never = [FUNC, VAR, DATASEC, DECL_TAG].contains(&own.kind);
        let named = |type_: &Type| (type_.kind != INT).then(|| type_.name.clone());
        let head = |type_: &Type| (type_.kind, type_.vlen, named(type_));
        let flag = own.kflag == theirs.kflag || [STRUCT, UNION].contains(&own.kind);
        let plain = |model: &Model, type_: &Type| -> Vec<Word> {
            let words = model.words(type_).into_iter();
            let counts = |word: &Word| match word {
                Word::Id(_) => false,
                Word::Name(_) => type_.kind != FUNC_PROTO,
                Word::Plain(_) => true,
            };
            words.filter(counts).collect()
        };
        let words = || plain(&self.own, own) == plain(&self.base, theirs);
        !never
            && head(own) == head(theirs)
            && flag
            && words()
            && self.references(pair).into_iter().all(follows)
    }

    fn is_loose(&self, pair: (u32, u32), ids: &[Option<u32>]) -> bool {
        let (own, theirs) = self.types(pair);
        let composite = [STRUCT, UNION].contains(&own.kind);
        let loose = |next| self.loose.contains(&next);
        if self.is_way(pair) {
            let tag = (own.kind == TYPE_TAG) != (theirs.kind == TYPE_TAG);
            return tag || self.next(pair).into_iter().any(loose);
        }
        if declared(own, theirs) {
            return ids[pair.0 as usize] != Some(pair.1) || !is_declaration(own);
        }
        !composite && self.references(pair).into_iter().any(loose)
    }

    /// The type of the kernel that a type is the same as: one of its name, or else the least.
    fn same(&self, own: u32) -> Option<u32> {
        let same = (1..self.base.end_id()).map(|theirs| (own, theirs));
        let same = same.filter(|pair| self.pairs.contains(pair) && !self.loose.contains(pair));
        let same = same.filter(|pair| !self.is_way(*pair));
        let best = same.min_by_key(|pair| {
            let (own, theirs) = self.types(*pair);
            (own.name != theirs.name, pair.1)
        });
        best.map(|(_, theirs)| theirs)
    }

    /// The most types of the kernel that one type has to be compared with.
    fn crowd(&self) -> usize {
        let types = &self.base.types;
        let named = |name: &str| types.iter().filter(|other| other.name == name).count();
        let of = |kind| types.iter().filter(|other| other.kind == kind).count();
        let names = self.own.types.iter().map(|type_| &type_.name);
        let names = names.filter(|name| !name.is_empty());
        let crowd = names.map(|name| named(name)).max().unwrap_or(0);
        crowd.max(of(TYPEDEF)).max(of(TYPE_TAG))
    }
}

/// Whether `id` is void, or a typedef of it.
fn is_void(model: &Model, id: u32) -> bool {
    match id {
        0 => true,
        _ if model.get(id).kind == TYPEDEF => is_void(model, model.get(id).word),
        _ => false,
    }
}

/// Whether one of the two only declares the other, or both are declarations of one thing.
fn declared(a: &Type, b: &Type) -> bool {
    let of = |type_: &Type| match type_.kind {
        FWD => Some((true, if type_.kflag { UNION } else { STRUCT })),
        ENUM | ENUM64 => Some((type_.vlen == 0, ENUM)),
        STRUCT | UNION => Some((false, type_.kind)),
        _ => None,
    };
    let (Some((a_declares, a_kind)), Some((b_declares, b_kind))) = (of(a), of(b)) else {
        return false;
    };
    a.name == b.name && a_kind == b_kind && (a_declares || b_declares)
}

fn is_declaration(type_: &Type) -> bool {
    type_.kind == FWD || (matches!(type_.kind, ENUM | ENUM64) && type_.vlen == 0)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        ..ProptestConfig::with_cases(1024)
    })]

    #[test]
    fn the_result_is_the_module(case in case()) {
        let run = run(&case);
        prop_assert_eq!(run.loaded.verify(&run.done.btf), Ok(()));
        prop_assert!(run.done.btf.len() <= longest(&run.alone));
        // libbpf asks more of what it reads than the kernel does of a module.
        let (vmlinux, alone) = (Btf::base(run.loaded.bytes()), Btf::base(&run.alone));
        if let (Ok(vmlinux), Ok(alone)) = (vmlinux, alone) {
            prop_assert_eq!(prove(&vmlinux, &alone, &run.done).map(|_| ()), Ok(()));
        }
    }

    #[test]
    fn no_composite_of_its_own_has_a_name_of_vmlinuxs(case in case()) {
        let run = run(&case);
        let base = Model::base(run.loaded.bytes());
        let composite = |type_: &Type| [STRUCT, UNION].contains(&type_.kind);
        let taken: HashSet<_> = base.own().filter(|(_, type_)| composite(type_)).map(|(_, type_)| type_.name.clone()).collect();
        let after = base.split(&run.done.btf);
        for (id, type_) in after.own() {
            let passes = composite(type_) && !type_.name.is_empty() && taken.contains(&type_.name);
            prop_assert!(!passes, "[{}] {:?}", id, type_);
        }
    }

    #[test]
    fn the_result_is_sorted(case in case()) {
        let run = run(&case);
        let after = Model::base(run.loaded.bytes()).split(&run.done.btf);
        let names: Vec<_> = after.own().map(|(_, type_)| type_.name.clone()).collect();
        prop_assert!(names.is_sorted(), "{:?}", names);
    }

    #[test]
    fn what_is_left_out_nothing_refers_to_and_what_has_a_name_stays(case in case()) {
        let run = run(&case);
        let own = Model::base(&run.alone);
        for (id, type_) in own.own() {
            let serves = type_.name.is_empty() || matches!(type_.kind, FWD | TYPE_TAG | DECL_TAG);
            prop_assert!(serves || run.done.new_ids[id as usize].is_some());
        }
    }

    #[test]
    fn a_type_is_vmlinuxs_if_and_only_if_nothing_contradicts(case in case()) {
        let run = run(&case);
        let naive = Naive::new(Model::base(&run.alone), Model::base(run.loaded.bytes()), &run.done.new_ids);
        // Past eight of one name, types stay the module's.
        prop_assume!(naive.crowd() <= 8);
        for (id, type_) in naive.own.own() {
            let new = run.done.new_ids[id as usize];
            let ours = new.filter(|new| *new < naive.base.end_id());
            if let Some(ours) = ours {
                prop_assert!(naive.pairs.contains(&(id, ours)), "[{}] {:?} is not [{}]", id, type_, ours);
            }
            let named = !type_.name.is_empty() && type_.kind != TYPE_TAG;
            // An INT of another spelling is found where references lead to it.
            let reached = ours.is_some() || type_.kind != INT;
            if named && reached && !is_declaration(type_) {
                prop_assert_eq!(ours, naive.same(id), "[{}] {:?}", id, type_);
            }
        }
    }

    #[test]
    fn standalone_btf_is_distinguished_from_what_is_split_off_it(case in case()) {
        let (base, split) = (case.distilled(), case.module());
        let reported = recognise(&split.bytes());
        // All that could be mistaken: a module without a name, or whose every name is its base's.
        prop_assert!(reported.is_err(), "{:?}", reported);
        let reported = recognise(&base.bytes());
        let empty = matches!(reported, Err(NotStandalone::NoTypes | NotStandalone::NoNames));
        prop_assert!(reported.is_ok() || empty, "{:?}", reported);
    }
}

/// The most bytes that `alone` becomes: each type may be renamed, and get a member.
fn longest(alone: &[u8]) -> usize {
    alone.len() * 3 + 36
}

/// Whatever the input: no panic, and what is written is what the kernel takes.
fn survives(loaded: &Vmlinux, alone: &[u8]) {
    let _ = is_standalone(alone);
    if let Ok(done) = rebase(loaded, alone) {
        assert_eq!(loaded.verify(&done.btf), Ok(()));
        assert!(done.btf.len() <= longest(alone));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16384) })]

    #[test]
    fn damaged_bytes_are_refused_or_rebased(case in case(), (damage, end) in damage()) {
        let loaded = Vmlinux::new(case.vmlinux().bytes());
        survives(&loaded, &damaged(case.alone().bytes(), &damage, end));
    }

    /// The kernel's own BTF is taken as it is, so only a panic would be wrong.
    #[test]
    fn a_damaged_kernel_does_no_harm(case in case(), (damage, end) in damage()) {
        if let Ok(loaded) = Vmlinux::read(damaged(case.vmlinux().bytes(), &damage, end)) {
            let _ = rebase(&loaded, &case.alone().bytes());
        }
    }

    #[test]
    fn any_bytes_after_a_header_are_refused_or_rebased(
        strings in 1u32..40,
        words in vec(prop_oneof![any::<u32>(), 0u32..0x1400_0002, 0u32..9], 0..60),
    ) {
        let body: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
        let types = u32::try_from(body.len()).unwrap();
        let header = [0x0001_eb9f, 24, 0, types, types, strings].into_iter().flat_map(u32::to_ne_bytes);
        let letters = (0..strings).map(|at| if at % 3 == 0 || at + 1 == strings { 0 } else { b'a' });
        let bytes: Vec<u8> = header.chain(body).chain(letters).collect();
        let mut small = Builder::base();
        small.structure("aa", 8, &[]);
        survives(&Vmlinux::new(small.bytes()), &bytes);
    }
}
