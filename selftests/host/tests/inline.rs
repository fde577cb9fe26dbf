// SPDX-License-Identifier: GPL-2.0

//! `.BTF.inline` moves with the `.BTF` that it is split off: every reference keeps its meaning.

mod random;

use btfreloc_selftests::builder::{put, Builder, Header, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::model::{Model, Word};
use proptest::collection::vec;
use proptest::prelude::*;
use random::{case, damage, damaged, Case, NAMES};
use rust_btfreloc::btf::{Error, Reason, Section};
use rust_btfreloc::reloc::{Inline, Input, RelocationPlan, Survey};

/// A module's BTF and `.BTF.inline` as they were, and on vmlinux.
struct Run {
    before: Model,
    after: Model,
    new_ids: Vec<u32>,
}

/// Relocates a module with `.BTF.inline`; what scratch and output held before is not to matter.
fn run(vmlinux: &[u8], base: &[u8], module: &[u8], inline: &[u8]) -> Result<Run, Error> {
    let loaded = Vmlinux::new(vmlinux.to_vec());
    let vmlinux = loaded.base();
    let input = Input {
        btf: module,
        btf_base: Some(base),
    };
    let survey = Survey::of(&vmlinux, &input)?;
    let mut scratch = vec![0; survey.verify_len()];
    let verified = survey.verify(&mut scratch)?;
    let mut scratch = vec![0; verified.scratch_len()];
    let plan = RelocationPlan::new(&vmlinux, &verified, &mut scratch)?;
    let mut btf = vec![0; plan.output_len()];
    plan.write(&mut btf)?;
    let mut scratch = vec![0xdead_beef; Inline::scratch_len(&plan)];
    let moved = Inline::new(&plan, inline, &mut scratch)?;
    let mut bytes = vec![0xa5; moved.output_len()];
    moved.write(&mut bytes)?;
    assert!(moved.write(&mut bytes[1..]).is_err());
    let before = Model::base(base).split(module);
    let new_ids = (0..before.end_id()).map(|id| plan.new_id(id).unwrap());
    Ok(Run {
        new_ids: new_ids.collect(),
        before: before.split(inline),
        after: Model::base(loaded.bytes()).split(&btf).split(&bytes),
    })
}

impl Run {
    fn new_id(&self, id: u32) -> u32 {
        match id.checked_sub(self.before.first_id) {
            Some(own) => self.after.first_id + own,
            None => self.new_ids[id as usize],
        }
    }

    /// Finds each type as it was, with its references where what they led to is now.
    fn prove(&self) {
        assert_eq!(
            self.before.own().count(),
            self.after.own().count(),
            "number of types"
        );
        for ((_, old), (id, new)) in self.before.own().zip(self.after.own()) {
            assert_eq!(
                (old.kind, old.kflag, old.vlen, &old.name),
                (new.kind, new.kflag, new.vlen, &new.name),
                "{id}"
            );
            let moved = self.before.words(old).into_iter().map(|word| match word {
                Word::Id(id) => Word::Id(self.new_id(id)),
                word => word,
            });
            assert_eq!(moved.collect::<Vec<_>>(), self.after.words(new), "{id}");
        }
    }
}

/// What is in a `.BTF.inline`, in numbers that any module can take.
type Seed = (u32, usize, Vec<u32>);

/// A section on `module` of these types; names that its base has are used there.
fn inline(module: &Builder, seeds: &[Seed]) -> Builder {
    let mut b = Builder::split(module);
    // Every type there is by then, and itself.
    let id = |b: &Builder, number: u32| number % (b.next_id() + 1);
    for (kind, name, numbers) in seeds {
        let name = NAMES[*name];
        let ids: Vec<u32> = numbers.iter().map(|number| id(&b, *number)).collect();
        match kind {
            0 => b.loc_param(4, numbers.len() as u32, numbers),
            1 => b.loc_proto(&ids),
            2 => {
                let places: Vec<_> = ids.iter().map(|id| [*id, ids[0], *id]).collect();
                b.locsec(name, &places)
            }
            3 => b.func(name, ids.first().copied().unwrap_or(0), 0),
            4 => {
                let params: Vec<_> = ids.iter().map(|id| (name, [*id])).collect();
                b.func_proto(ids.first().copied().unwrap_or(0), &params)
            }
            5 => b.structure(
                name,
                8,
                &[("of_inline", [ids.first().copied().unwrap_or(1), 0])],
            ),
            _ => b.typedef(&format!("only_{name}"), ids.first().copied().unwrap_or(0)),
        };
    }
    b
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    vec((0u32..7, 0..NAMES.len(), vec(any::<u32>(), 0..4)), 0..20)
}

fn run_case(case: &Case, seeds: &[Seed], header: &Header) -> Run {
    let (base, module) = (case.distilled(), case.module());
    let section = inline(&module, seeds).build(header);
    run(
        &case.vmlinux().bytes(),
        &base.bytes(),
        &module.bytes(),
        &section,
    )
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_reference_keeps_its_meaning(case in case(), seeds in seeds(), long in any::<bool>()) {
        let header = if long { Header::LONG } else { Header::SHORT };
        run_case(&case, &seeds, &header).prove();
    }

    #[test]
    fn damage_is_refused_or_moved_as_it_is(case in case(), seeds in seeds(), (damage, end) in damage()) {
        let (base, module) = (case.distilled(), case.module());
        let section = damaged(inline(&module, &seeds).bytes(), &damage, end);
        let vmlinux = case.vmlinux().bytes();
        if let Ok(run) = run(&vmlinux, &base.bytes(), &module.bytes(), &section) {
            run.prove();
        }
    }
}

/// A kernel, a distilled base of which it lacks a struct, a module and its inlined functions.
fn example() -> [Builder; 4] {
    let mut vmlinux = Builder::base();
    vmlinux.structure("task", 8, &[]);
    vmlinux.int("int", 4, SIGNED);
    let mut base = Builder::base();
    base.int("int", 4, SIGNED);
    base.structure("gone", 16, &[]);
    base.name("only_inline");
    let mut module = Builder::split(&base);
    let pointer = module.ptr(2);
    let proto = module.func_proto(1, &[("gone", [pointer])]);
    module.func("outlined", proto, 0);
    let mut inline = Builder::split(&module);
    let func = inline.func("only_inline", proto, 0);
    let param = inline.loc_param(8, 8, &[5]);
    let params = inline.loc_proto(&[param, 0]);
    inline.locsec("inline.text", &[[func - 1, params, 16], [func, params, 64]]);
    [vmlinux, base, module, inline]
}

#[test]
fn ids_go_on_after_the_opaque_types_and_strings_after_the_appended() {
    let [vmlinux, base, module, inline] = example().map(|b| b.bytes());
    let run = run(&vmlinux, &base, &module, &inline).unwrap();
    run.prove();
    // Two types of vmlinux, three of the module and one that is opaque.
    let first = 1 + 2 + 3 + 1;
    assert_eq!(run.after.first_id, first);
    let own: Vec<_> = run
        .after
        .own()
        .map(|(_, own)| run.after.words(own))
        .collect();
    assert_eq!(own[2], [Word::Plain(0), Word::Id(first + 1), Word::Id(0)]);
    let place = |func: u32, offset| [Word::Id(func), Word::Id(first + 2), Word::Plain(offset)];
    let places = [place(first - 1, 16), place(first, 64)].concat();
    assert_eq!(own[3][1..], places);
    assert_eq!(run.after.get(first).name, "only_inline");
}

#[test]
fn what_cannot_move_is_refused() {
    let [vmlinux, base, module, inline] = example();
    let end = inline.next_id();
    let refused = |add: &dyn Fn(&mut Builder)| {
        let mut wrong = inline.clone();
        add(&mut wrong);
        let (base, module) = (base.bytes(), module.bytes());
        run(&vmlinux.bytes(), &base, &module, &wrong.bytes()).err()
    };
    let error = |type_id, reason: Reason| {
        move |found: Error| {
            assert_eq!(
                (found.section, found.type_id),
                (Section::BtfInline, type_id)
            );
            assert_eq!(found.reason, reason);
        }
    };
    let out_of_range = Reason::ReferenceOutOfRange {
        id: end + 1,
        end: end + 1,
    };
    error(end, out_of_range)(
        refused(&|b| {
            b.loc_proto(&[end + 1]);
        })
        .unwrap(),
    );
    error(end, out_of_range)(
        refused(&|b| {
            b.locsec("x", &[[0, end + 1, 0]]);
        })
        .unwrap(),
    );
    let past = Reason::NameOffset(9999);
    error(end, past)(
        refused(&|b| {
            b.raw(&[9999, 8 << 24, 1]);
        })
        .unwrap(),
    );
    error(end, Reason::BadKind(23))(
        refused(&|b| {
            b.raw(&[0, 23 << 24, 1]);
        })
        .unwrap(),
    );
    assert!(refused(&|_| {}).is_none());
    // A header of another format.
    let mut wrong = inline.bytes();
    put(&mut wrong, 0, 0);
    let (base, module) = (base.bytes(), module.bytes());
    let found = run(&vmlinux.bytes(), &base, &module, &wrong).err().unwrap();
    error(0, Reason::BadMagic(0))(found);
}
