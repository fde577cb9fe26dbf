// SPDX-License-Identifier: GPL-2.0

//! What holds for every module on every kernel, and for bytes that are none.

mod random;

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::dump;
use btfreloc_selftests::kernel::{Relocated, Vmlinux};
use btfreloc_selftests::model::{Model, Type, Word};
use proptest::collection::vec;
use proptest::prelude::*;
use rust_btfreloc::reloc::btf_ids::BtfIds;
use rust_btfreloc::reloc::{Fate, Input, RelocationPlan, Survey, Why};

use random::{case, damage, damaged, Case, NAMES};

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const FLOAT: u32 = 16;
const ENUM64: u32 = 19;

/// A case relocated, with all of it as models.
struct Run {
    loaded: Vmlinux,
    done: Relocated,
    vmlinux: Model,
    before: Model,
    after: Model,
}

fn run(case: &Case) -> Run {
    let (base, module) = (case.distilled().bytes(), case.module().bytes());
    let loaded = Vmlinux::new(case.vmlinux().bytes());
    let done = loaded.relocate(&base, &module).unwrap();
    let vmlinux = Model::base(loaded.bytes());
    let before = Model::base(&base).split(&module);
    let after = vmlinux.split(&done.btf);
    Run {
        loaded,
        done,
        vmlinux,
        before,
        after,
    }
}

impl Run {
    /// The distilled types, each with its id and its fate.
    fn distilled(&self) -> impl Iterator<Item = (u32, &Type, Fate)> {
        let types = (1..self.before.first_id).map(|id| (id, self.before.get(id)));
        types
            .zip(&self.done.fates)
            .map(|((id, type_), fate)| (id, type_, *fate))
    }

    fn new_id(&self, id: u32) -> u32 {
        self.done.new_ids[id as usize]
    }
}

/// Whether `candidate` may stand for the distilled type, by a scan that knows nothing of an index.
fn allows(distilled: &Type, candidate: &Type) -> bool {
    let kinds = match (distilled.kind, candidate.kind) {
        (FWD, FWD) => distilled.kflag == candidate.kflag,
        (FWD, STRUCT) => !distilled.kflag,
        (FWD, UNION) => distilled.kflag,
        (ENUM, ENUM64) => true,
        (kind, other) => kind == other,
    };
    let encoding = |type_: &Type| type_.rest[0] >> 24;
    let int = || encoding(distilled) == encoding(candidate);
    kinds && distilled.name == candidate.name && (distilled.kind != INT || int())
}

/// Whether `candidate` declares the distilled type.
fn declares(distilled: &Type, candidate: &Type) -> bool {
    let flavour = match distilled.kind {
        STRUCT => false,
        UNION => true,
        _ => return false,
    };
    candidate.kind == FWD && candidate.kflag == flavour && candidate.name == distilled.name
}

/// The type reached from `id` through typedefs, qualifiers and type tags; `None` for void and, as
/// chains have an end in what the kernel takes, for none.
fn unmodified(model: &Model, id: u32) -> Option<&Type> {
    let mut id = id;
    while id != 0 {
        let type_ = model.get(id);
        match type_.kind {
            8..=11 | 18 => id = type_.word,
            _ => return Some(type_),
        }
    }
    None
}

fn is_composite(type_: &Type) -> bool {
    matches!(type_.kind, STRUCT | UNION)
}

fn member_ids(type_: &Type) -> impl Iterator<Item = u32> + '_ {
    type_.rest.chunks(3).map(|member| member[1])
}

/// `__btf_type_is_scalar_struct` of `kernel/bpf/verifier.c`.
fn is_scalar_struct(model: &Model, type_: &Type, depth: u32) -> bool {
    let is_scalar =
        |type_: Option<&Type>| type_.is_some_and(|type_| matches!(type_.kind, INT | ENUM | ENUM64));
    is_composite(type_)
        && member_ids(type_).all(|id| match unmodified(model, id) {
            Some(member) if is_composite(member) => {
                depth < 3 && is_scalar_struct(model, member, depth + 1)
            }
            Some(member) if member.kind == ARRAY => {
                member.rest[2] != 0 && is_scalar(unmodified(model, member.rest[0]))
            }
            member => is_scalar(member),
        })
}

/// Whether a composite of the module holds one of `opaque`, ids before relocation, in a member. What
/// another distilled type holds does not count: it became vmlinux's type, with vmlinux's members.
fn holds(model: &Model, type_: &Type, opaque: &[u32]) -> bool {
    let mut open: Vec<u32> = member_ids(type_).collect();
    let mut seen = Vec::new();
    while let Some(id) = open.pop() {
        if opaque.contains(&id) {
            return true;
        }
        if id < model.first_id || seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let type_ = model.get(id);
        match type_.kind {
            8..=11 | 18 => open.push(type_.word),
            ARRAY => open.push(type_.rest[0]),
            STRUCT | UNION => open.extend(member_ids(type_)),
            _ => {}
        }
    }
    false
}

fn has_fixed_size(kind: u32) -> bool {
    matches!(kind, INT | FLOAT | ENUM)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_kernel_takes_the_result(case in case()) {
        let run = run(&case);
        prop_assert_eq!(run.loaded.verify(&run.done.btf), Ok(()));
    }

    #[test]
    fn a_module_keeps_all_it_had(case in case()) {
        let run = run(&case);
        for (id, old) in run.before.own() {
            let new = run.after.get(run.new_id(id));
            prop_assert_eq!((old.kind, old.kflag, old.vlen), (new.kind, new.kflag, new.vlen));
            prop_assert_eq!(&old.name, &new.name);
            let moved: Vec<Word> = run.before.words(old).into_iter().map(|word| match word {
                Word::Id(id) => Word::Id(run.new_id(id)),
                word => word,
            }).collect();
            prop_assert_eq!(moved, run.after.words(new));
        }
    }

    #[test]
    fn new_ids_of_what_is_the_modules_are_all_there_is(case in case()) {
        let run = run(&case);
        let opaque = run.distilled().filter(|(_, _, fate)| matches!(fate, Fate::Opaque(_)));
        let own = run.before.own().map(|(id, _)| id);
        let mut ids: Vec<u32> = opaque.map(|(id, ..)| id).chain(own).map(|id| run.new_id(id)).collect();
        ids.sort_unstable();
        // What the members of opaque composites are made of is nobody's.
        let all = run.after.first_id..run.after.end_id();
        let added: Vec<u32> = all.clone().filter(|id| !ids.contains(id)).collect();
        let kinds: Vec<u32> = added.iter().map(|id| run.after.get(*id).kind).collect();
        prop_assert!(kinds.is_empty() || kinds == [PTR, ARRAY], "{:?}", kinds);
        let sized = run.distilled().any(|(id, old, fate)| {
            let unnamed = run.new_id(id) >= run.after.first_id
                && run.after.get(run.new_id(id)).name.is_empty();
            is_composite(old) && matches!(fate, Fate::Opaque(_)) && unnamed
        });
        prop_assert_eq!(sized, !kinds.is_empty());
    }

    #[test]
    fn a_mapped_type_is_the_lowest_that_the_rules_allow(case in case()) {
        let run = run(&case);
        for (_, old, fate) in run.distilled() {
            let Fate::Mapped(id) = fate else { continue };
            let found = run.vmlinux.get(id);
            prop_assert!(allows(old, found) || declares(old, found));
            prop_assert!(!has_fixed_size(old.kind) || old.word == found.word);
            let alike = |other: &&Type| {
                let kinds = (other.kind, other.word) == (found.kind, found.word);
                kinds && (allows(old, other) || declares(old, other))
            };
            let first = run.vmlinux.types.iter().find(alike).unwrap();
            prop_assert_eq!(first, found);
        }
    }

    #[test]
    fn an_opaque_type_grants_nothing_and_has_its_reason(case in case()) {
        let run = run(&case);
        for (id, old, fate) in run.distilled() {
            let Fate::Opaque(why) = fate else { continue };
            let new = run.after.get(run.new_id(id));
            match (old.kind, new.kind) {
                (STRUCT | UNION, FWD) => {
                    prop_assert_eq!((&old.name, old.kind == UNION), (&new.name, new.kflag));
                }
                (STRUCT | UNION | ENUM, _) => {
                    prop_assert_eq!((old.kind, old.word, 1), (new.kind, new.word, new.vlen));
                    prop_assert_eq!(("", &old.name), (&*new.name, &run.after.string(new.rest[0])));
                    prop_assert_eq!(new.kflag, old.kind == ENUM && old.kflag);
                    prop_assert_eq!(new.rest.last(), Some(&0));
                }
                _ => {
                    prop_assert_eq!((old.kind, old.kflag, 0), (new.kind, new.kflag, new.vlen));
                    prop_assert_eq!((&old.name, old.word), (&new.name, new.word));
                    prop_assert_eq!(&old.rest, &new.rest);
                }
            }
            if is_composite(new) {
                let array = run.after.get(new.rest[1]);
                prop_assert_eq!((array.kind, array.rest[2]), (ARRAY, 0));
                let elem = run.after.get(array.rest[0]);
                prop_assert_eq!((elem.kind, elem.word), (PTR, 0));
            }
            let named = |type_: &&Type| {
                type_.name == old.name && [INT, STRUCT, UNION, ENUM, FWD, FLOAT, ENUM64].contains(&type_.kind)
            };
            let named: Vec<&Type> = run.vmlinux.types.iter().filter(named).collect();
            let allowed = named.iter().filter(|type_| allows(old, type_)).count();
            match why {
                Why::Absent => prop_assert!(named.is_empty()),
                Why::OtherKind(id) => {
                    prop_assert!(!allows(old, run.vmlinux.get(id)) && allowed == 0);
                }
                Why::OtherEncoding(id) => prop_assert!(old.kind == INT && run.vmlinux.get(id).kind == INT),
                Why::OtherSize(id) => prop_assert!(old.word != run.vmlinux.get(id).word),
                Why::Ambiguous(id) => {
                    prop_assert!(allows(old, run.vmlinux.get(id)) && allowed > 1);
                }
            }
        }
    }

    #[test]
    fn no_composite_is_a_struct_of_scalars_by_an_opaque_type(case in case()) {
        let run = run(&case);
        let opaque = run.distilled().filter(|(_, old, fate)| {
            is_composite(old) && matches!(fate, Fate::Opaque(_))
        });
        let opaque: Vec<u32> = opaque.map(|(id, ..)| id).collect();
        for id in &opaque {
            let new = run.after.get(run.new_id(*id));
            prop_assert!(!is_scalar_struct(&run.after, new, 0));
        }
        for (id, old) in run.before.own().filter(|(_, old)| is_composite(old)) {
            let new = run.after.get(run.new_id(id));
            let held = holds(&run.before, old, &opaque);
            prop_assert!(!held || !is_scalar_struct(&run.after, new, 0));
        }
    }

    #[test]
    fn policy_strict_refuses_where_a_type_is_opaque(case in case()) {
        let run = run(&case);
        let first = run.distilled().find(|(_, _, fate)| matches!(fate, Fate::Opaque(_)));
        prop_assert_eq!(run.done.strict.map_err(|(type_id, _)| type_id), match first {
            Some((id, ..)) => Err(id),
            None => Ok(()),
        });
    }

    #[test]
    fn what_was_sorted_stays_sorted(case in case()) {
        let run = run(&case);
        let names = |model: &Model| -> Vec<String> {
            model.own().map(|(_, type_)| type_.name.clone()).collect()
        };
        let (before, after) = (names(&run.before), names(&run.after));
        if before.is_sorted() {
            prop_assert!(after.is_sorted());
        } else {
            prop_assert_eq!(&after[..before.len()], before);
        }
    }

    #[test]
    fn opaque_types_of_one_name_stand_in_the_order_of_their_ids(case in case()) {
        let run = run(&case);
        let opaque: Vec<_> = run.distilled()
            .filter(|(_, _, fate)| matches!(fate, Fate::Opaque(_)))
            .map(|(id, ..)| (run.new_id(id), &run.after.get(run.new_id(id)).name))
            .collect();
        for name in NAMES {
            let named = opaque.iter().filter(|(_, other)| *other == name);
            prop_assert!(named.map(|(id, _)| id).is_sorted());
        }
    }

    #[test]
    fn writing_twice_gives_the_same(case in case(), filler in any::<(u32, u8, u8)>()) {
        let (btf_base, btf) = (case.distilled().bytes(), case.module().bytes());
        let loaded = Vmlinux::new(case.vmlinux().bytes());
        let base = loaded.base();
        let survey = Survey::of(&base, &Input { btf: &btf, btf_base: Some(&btf_base) }).unwrap();
        let mut scratch = vec![filler.0; survey.verify_len()];
        let verified = survey.verify(&mut scratch).unwrap();
        let mut scratch = vec![filler.0; verified.scratch_len()];
        let plan = RelocationPlan::new(&base, &verified, &mut scratch).unwrap();
        let write = |filler| {
            let mut out = vec![filler; plan.output_len()];
            plan.write(&mut out).map(|()| out)
        };
        let once = write(filler.1);
        prop_assert_eq!(&once, &write(filler.2));
        prop_assert_eq!(once, Ok(loaded.relocate(&btf_base, &btf).unwrap().btf));
    }

    #[test]
    fn on_its_own_base_a_module_is_as_it_was(case in case()) {
        // A distilled type may have a twin, which then stands for it.
        let (base, module) = (case.distilled(), case.module());
        let loaded = Vmlinux::new(base.bytes());
        let done = loaded.relocate(&base.bytes(), &module.bytes()).unwrap();
        let own_id = |id: u32| done.new_ids[id as usize] == id;
        prop_assume!((1..module.next_id()).all(own_id));
        prop_assert_eq!(
            dump::split(loaded.bytes(), &done.btf),
            dump::split(loaded.bytes(), &module.bytes())
        );
    }

    #[test]
    fn the_index_finds_what_a_scan_finds(case in case(), other in "[a-z_]{0,3}") {
        let loaded = Vmlinux::new(case.vmlinux().bytes());
        let model = Model::base(loaded.bytes());
        let indexed = [INT, STRUCT, UNION, ENUM, FWD, FLOAT, ENUM64];
        for name in NAMES.iter().copied().chain([other.as_str()]) {
            let scan = model.own().filter(|(_, type_)| {
                !name.is_empty() && type_.name == name && indexed.contains(&type_.kind)
            });
            let scan: Vec<u32> = scan.map(|(id, _)| id).collect();
            let base = loaded.base();
            let found: Vec<u32> = base.named(name.as_bytes()).map(|(id, _)| id).collect();
            prop_assert_eq!(found, scan, "{}", name);
        }
    }

    #[test]
    fn sets_are_sorted_and_lose_nothing(ids in vec(1u32..1000, 0..200), with_flags in any::<bool>()) {
        let count = u32::try_from(ids.len()).unwrap();
        let (name, head): (&[u8], _) = match with_flags {
            true => (b"__BTF_ID__set8__s", vec![count, 5]),
            false => (b"__BTF_ID__set__s", vec![count]),
        };
        let entry = |id: u32| if with_flags { vec![id, id ^ 0xff00] } else { vec![id] };
        let section = |ids: &[u32]| -> Vec<u8> {
            let entries = ids.iter().flat_map(|id| entry(*id));
            head.iter().copied().chain(entries).flat_map(u32::to_ne_bytes).collect()
        };
        let input = section(&ids);
        let mut output = vec![0; input.len()];
        let read = BtfIds::read(&input, [(0, name)].into_iter(), &mut output).unwrap();
        let patched = read.patch(Some).unwrap();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        prop_assert_eq!(patched.bytes, section(&sorted));
        prop_assert_eq!(patched.sorted == 1, sorted != ids);
    }
}

/// So many that some have the hash of the one there is, whatever the index keeps of it.
#[test]
fn names_of_one_hash_are_distinguished() {
    let mut vmlinux = Builder::base();
    vmlinux.structure("task", 8, &[]);
    let loaded = Vmlinux::new(vmlinux.bytes());
    let base = loaded.base();
    assert_eq!(base.named(b"task").count(), 1);
    for number in 0..100_000 {
        let name = format!("n{number}");
        assert_eq!(base.named(name.as_bytes()).count(), 0, "{name}");
    }
}

/// Whatever the input: no panic, and what is written is what the kernel takes.
fn survives(loaded: &Vmlinux, base: &[u8], module: &[u8]) {
    let _ = loaded.fits(module);
    if let Ok(done) = loaded.relocate(base, module) {
        assert_eq!(loaded.verify(&done.btf), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16384) })]

    #[test]
    fn damaged_bytes_are_refused_or_relocated(
        case in case(),
        (base_damage, base_end) in damage(),
        (damage, end) in damage(),
    ) {
        let loaded = Vmlinux::new(case.vmlinux().bytes());
        let base = damaged(case.distilled().bytes(), &base_damage, base_end);
        let module = damaged(case.module().bytes(), &damage, end);
        survives(&loaded, &base, &module);
    }

    /// The kernel's own BTF is taken as it is, so only a panic would be wrong.
    #[test]
    fn a_damaged_kernel_does_no_harm(case in case(), (damage, end) in damage()) {
        let bytes = damaged(case.vmlinux().bytes(), &damage, end);
        if let Ok(loaded) = Vmlinux::read(bytes) {
            let module = case.module().bytes();
            let _ = loaded.relocate(&case.distilled().bytes(), &module);
            let _ = loaded.fits(&module);
        }
    }

    #[test]
    fn any_bytes_after_a_header_are_refused_or_relocated(
        body in vec(any::<u8>(), 0..120),
        strings in 0u32..40,
        words in vec(prop_oneof![any::<u32>(), 0u32..0x1400_0002], 0..30),
    ) {
        let body: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).chain(body).collect();
        let len = u32::try_from(body.len()).unwrap();
        let types = len.saturating_sub(strings) & !3;
        let header = [0x0001_eb9f, 24, 0, types, types, len - types];
        let header = header.into_iter().flat_map(u32::to_ne_bytes);
        let bytes: Vec<u8> = header.chain(body).collect();
        let mut small = Builder::base();
        small.structure("a", 8, &[]);
        survives(&Vmlinux::new(small.bytes()), &small.bytes(), &bytes);
        survives(&Vmlinux::new(small.bytes()), &bytes, &small.bytes());
    }
}
