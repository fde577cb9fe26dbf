// SPDX-License-Identifier: GPL-2.0

//! BTF with types of kinds that the kernel does not know: what is left of it without them.

mod random;

use btfreloc_selftests::builder::{put, Builder, Header, Part};
use btfreloc_selftests::invent::{invent, invented};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::model::{Model, Type, Word};
use btfreloc_selftests::reduced::{reduce, Reduced};
use proptest::prelude::*;
use rust_btfreloc::btf::{Blob, Error, Form, Kind, KindLayout, Layout, Reason, Section};
use rust_btfreloc::reloc::reduced::Becomes;
use rust_btfreloc::reloc::Input;

use random::case;

const PTR: u32 = 2;
const ARRAY: u32 = 3;
const DATASEC: u32 = 15;

/// A vmlinux with an `int` and a pointer to it.
fn vmlinux() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, 1);
    b.ptr(int);
    b
}

/// Plain split BTF whose ids end with `end`, without what `kernel` does not know.
fn reduced(kernel: &Vmlinux, btf: &[u8], end: u32) -> Result<Option<Reduced>, Error> {
    let input = Input {
        btf,
        btf_base: None,
    };
    reduce(kernel, &input, Form::Split, end)
}

/// Plain split BTF of `module` without the types named `gone`, and how it was before.
fn without(module: &Builder, gone: &str) -> (Model, Model, Reduced) {
    let kernel = Vmlinux::new(vmlinux().bytes());
    let base = Model::base(kernel.bytes());
    let before = base.split(&module.bytes());
    let names: Vec<_> = before.own().map(|(_, type_)| type_.name == gone).collect();
    let btf = invent(&module.bytes(), Form::Split, true, |place, _| names[place]);
    let reduced = reduced(&kernel, &btf, before.end_id()).unwrap().unwrap();
    assert_eq!(kernel.fits(&reduced.btf), Ok(()));
    assert_eq!(reduced.past, None);
    let after = base.split(&reduced.btf);
    (before, after, reduced)
}

fn named<'m>(model: &'m Model, name: &str) -> &'m Type {
    let found = model.own().find(|(_, type_)| type_.name == name);
    found.unwrap_or_else(|| panic!("{name}")).1
}

/// Whether `id` is the array of no pointers, which comes first.
fn is_hollow(after: &Model, id: u32) -> bool {
    let (pointer, array) = (after.get(after.first_id), after.get(after.first_id + 1));
    id == after.first_id + 1
        && (pointer.kind, pointer.word) == (PTR, 0)
        && (array.kind, array.rest[0], array.rest[2]) == (ARRAY, after.first_id, 0)
}

fn module() -> Builder {
    let vmlinux = vmlinux();
    Builder::split(&vmlinux)
}

#[test]
fn what_only_refers_refers_to_the_hollow_array() {
    let mut b = module();
    let gone = b.structure("gone", 4, &[("x", [1, 0])]);
    b.typedef("of_typedef", gone);
    let constant = b.constant(gone);
    b.var("of_var", gone, 1);
    let ptr = b.ptr(constant);
    b.func_proto(gone, &[("a", [gone]), ("b", [ptr])]);
    let (_, after, reduced) = without(&b, "gone");
    assert_eq!(reduced.becomes[gone as usize], Becomes::LeftOut);
    assert!(is_hollow(&after, named(&after, "of_typedef").word));
    assert!(is_hollow(&after, named(&after, "of_var").word));
    let proto = after.own().find(|(_, type_)| type_.kind == 13).unwrap().1;
    assert!(is_hollow(&after, proto.word) && is_hollow(&after, proto.rest[1]));
    // Its second parameter is what it was, as is what that refers to.
    let ptr = after.get(proto.rest[3]);
    assert_eq!(ptr.kind, PTR);
    assert!(is_hollow(&after, after.get(ptr.word).word));
    // An `int` of vmlinux.
    assert_eq!(after.get(after.first_id + 1).rest[1], 1);
}

#[test]
fn a_member_keeps_its_place_and_is_no_bit_field() {
    let mut b = module();
    let gone = b.int("gone", 4, 0);
    b.bit_fields(
        "s",
        8,
        &[("a", [1, 0, 3]), ("b", [gone, 3, 5]), ("c", [1, 8, 8])],
    );
    b.structure("t", 8, &[("a", [gone, 0]), ("b", [1, 32])]);
    let (_, after, _) = without(&b, "gone");
    let s = named(&after, "s");
    assert_eq!(
        (s.word, s.rest[2], s.rest[5], s.rest[8]),
        (8, 3 << 24, 3, (8 << 24) | 8)
    );
    assert!(s.kflag && is_hollow(&after, s.rest[4]));
    assert_eq!((s.rest[1], s.rest[7]), (1, 1));
    let t = named(&after, "t");
    assert!(is_hollow(&after, t.rest[1]));
    assert_eq!((t.rest[2], t.rest[4], t.rest[5]), (0, 1, 32));
}

#[test]
fn an_array_has_another_index_and_no_elements_of_it() {
    let mut b = module();
    let gone = b.int("gone", 4, 0);
    let by = b.array(1, gone, 3);
    let of = b.array(gone, 1, 3);
    b.structure("s", 16, &[("by", [by, 0]), ("of", [of, 96])]);
    let (_, after, _) = without(&b, "gone");
    let s = named(&after, "s");
    let (by, of) = (after.get(s.rest[1]), after.get(s.rest[4]));
    assert_eq!(by.rest, [1, 1, 3]);
    assert!(is_hollow(&after, of.rest[0]));
    assert_eq!(of.rest[1..], [1, 3]);
}

#[test]
fn a_func_without_its_prototype_goes_with_its_tags() {
    let mut b = module();
    let proto = b.func_proto(0, &[]);
    b.func("stays", proto, 0);
    let gone = b.typedef("gone", 1);
    let lost = b.func("lost", gone, 0);
    let tag = b.decl_tag("bpf_kfunc", lost, -1);
    b.decl_tag("on_gone", gone, -1);
    let (before, after, reduced) = without(&b, "gone");
    for id in [gone, lost, tag, tag + 1] {
        assert_eq!(reduced.becomes[id as usize], Becomes::LeftOut, "[{id}]");
    }
    assert_eq!(reduced.left_out.followers, 3);
    // Nothing that is left refers to them: no type is added.
    assert_eq!(after.end_id(), before.end_id() - 4);
    assert_eq!(after.get(named(&after, "stays").word).kind, 13);
    let words = "1 type of kind 48, 3 types that cannot do without them";
    assert_eq!(reduced.left_out.to_string(), words);
}

#[test]
fn a_datasec_loses_the_entries_of_variables_that_are_gone() {
    let mut b = module();
    let first = b.var("first", 1, 1);
    let gone = b.var("gone", 1, 1);
    let last = b.var("last", 1, 1);
    b.datasec(".data", 12, &[[first, 0, 4], [gone, 4, 4], [last, 8, 4]]);
    let (before, after, _) = without(&b, "gone");
    let section = named(&after, ".data");
    assert_eq!((section.vlen, section.word), (2, 12));
    let names: Vec<_> = section
        .rest
        .chunks(3)
        .map(|entry| &after.get(entry[0]).name)
        .collect();
    assert_eq!(names, ["first", "last"]);
    assert_eq!((section.rest[1], section.rest[4]), (0, 8));
    assert_eq!(after.end_id(), before.end_id() - 1);
}

#[test]
fn a_layout_starts_at_a_multiple_of_4() {
    let mut b = module();
    let gone = b.structure("gone", 4, &[("x", [1, 0])]);
    b.ptr(gone);
    // Seven bytes of strings come first.
    let btf = b.build(&Header {
        order: [Part::Strings, Part::Types, Part::Layout],
        ..Header::LONG
    });
    let blob = Blob::parse(Section::Btf, Form::Split, &btf).unwrap();
    let error = Layout::of(&blob).map(drop).unwrap_err();
    assert_eq!(error.reason, Reason::LayoutMisaligned(7 + 24 + 12));
    assert_eq!(error.offset, 32 + 7 + 24 + 12);
}

#[test]
fn a_layout_says_what_is_known() {
    let check = |layout: &[u8]| {
        let btf = module().build_with_layout(&Header::LONG, layout);
        let blob = Blob::parse(Section::Btf, Form::Split, &btf).unwrap();
        Layout::of(&blob).map(|layout| layout.map(|layout| layout.kinds().count()))
    };
    let layout = btfreloc_selftests::builder::layout();
    assert_eq!(check(&layout), Ok(Some(20)));
    assert_eq!(check(&[]), Ok(None));
    let reason = |layout: &[u8]| check(layout).unwrap_err().reason;
    assert_eq!(reason(&layout[..7]), Reason::LayoutLength(7));
    let mut wrong = layout.clone();
    wrong[4 * 4 + 1] = 8;
    let found = KindLayout {
        extra: 0,
        elem: 8,
        flags: 0,
    };
    let kind = Kind::Struct;
    assert_eq!(reason(&wrong), Reason::LayoutContradicts { kind, found });
    // Of kind 0, which no type has, it says nothing that could be wrong; flags mean nothing yet.
    let mut other = layout;
    (other[0], other[6]) = (4, 1);
    assert_eq!(check(&other), Ok(Some(20)));
}

#[test]
fn without_a_layout_nothing_can_be_left_out() {
    let mut b = module();
    let gone = b.structure("gone", 4, &[("x", [1, 0])]);
    b.ptr(gone);
    let kernel = Vmlinux::new(vmlinux().bytes());
    let btf = invent(&b.bytes(), Form::Split, false, |place, _| place == 0);
    let error = reduced(&kernel, &btf, b.next_id()).err().unwrap();
    assert_eq!(error.reason, Reason::BadKind(invented(Kind::Struct)));
}

#[test]
fn the_layout_of_a_base_serves_as_well() {
    let mut b = module();
    let gone = b.structure("gone", 4, &[("x", [1, 0])]);
    b.ptr(gone);
    let vmlinux = invent(&vmlinux().bytes(), Form::Base, true, |_, _| false);
    let kernel = Vmlinux::new(vmlinux);
    let btf = invent(&b.bytes(), Form::Split, false, |place, _| place == 0);
    let reduced = reduced(&kernel, &btf, b.next_id()).unwrap().unwrap();
    assert_eq!(kernel.fits(&reduced.btf), Ok(()));
}

#[test]
fn a_reference_past_the_last_type_stays_wrong() {
    let mut b = module();
    b.structure("gone", 4, &[("x", [1, 0])]);
    let past = b.next_id() + 1;
    b.ptr(past);
    let kernel = Vmlinux::new(vmlinux().bytes());
    let btf = invent(&b.bytes(), Form::Split, true, |place, _| place == 0);
    let error = reduced(&kernel, &btf, b.next_id()).err().unwrap();
    let (id, end) = (past, b.next_id());
    assert_eq!(error.reason, Reason::ReferenceOutOfRange { id, end });
}

/// Whether the types that refer so are left out with what they refer to.
fn follows(kind: u32) -> bool {
    [12, 17].contains(&kind)
}

/// A case of which some types are of invented kinds, reduced.
struct Run {
    before: Model,
    after: Model,
    reduced: Reduced,
    left: Vec<bool>,
}

impl Run {
    fn of(case: &random::Case, chosen: u64) -> Option<Run> {
        let (base, module) = (case.distilled().bytes(), case.module().bytes());
        let kernel = Vmlinux::new(case.vmlinux().bytes());
        let is_chosen = |place: usize| (chosen >> (place % 64)) & 1 == 1;
        let btf = invent(&module, Form::Split, true, |place, _| is_chosen(place));
        let before = Model::base(&base).split(&module);
        let input = Input {
            btf: &btf,
            btf_base: Some(&base),
        };
        let reduced = reduce(&kernel, &input, Form::Split, before.end_id()).unwrap()?;
        // It is what the kernel takes.
        kernel.relocate(&base, &reduced.btf).unwrap();
        let mut left: Vec<_> = (0..before.end_id())
            .map(|id| id >= before.first_id && is_chosen((id - before.first_id) as usize))
            .collect();
        for kind in [12, 17] {
            for (id, type_) in before.own() {
                left[id as usize] |= type_.kind == kind && left[type_.word as usize];
            }
        }
        let after = Model::base(&base).split(&reduced.btf);
        Some(Run {
            before,
            after,
            reduced,
            left,
        })
    }

    /// Whether the word `new` stands for `old` in a type that stays.
    fn stands_for(&self, old: &Word, new: &Word) -> bool {
        let (Word::Id(old), Word::Id(new)) = (old, new) else {
            return old == new;
        };
        match self.reduced.becomes[*old as usize] {
            Becomes::Kept(id) => id == *new,
            Becomes::LeftOut => is_hollow(&self.after, *new),
        }
    }

    /// The words of a type, without what of it is left out or mended.
    fn expected(&self, type_: &Type) -> Vec<Word> {
        let mut words = self.before.words(type_);
        let is_left = |id: u32| self.left[id as usize];
        if type_.kind == DATASEC {
            let (head, entries) = words.split_at(1);
            let kept = entries.chunks(3).filter(|entry| match entry[0] {
                Word::Id(id) => !is_left(id),
                _ => unreachable!(),
            });
            return [head, &kept.flatten().cloned().collect::<Vec<_>>()].concat();
        }
        if type_.kflag && [4, 5].contains(&type_.kind) {
            for (member, words) in type_.rest.chunks(3).zip(words[1..].chunks_mut(3)) {
                if is_left(member[1]) {
                    words[2] = Word::Plain(member[2] & 0x00ff_ffff);
                }
            }
        }
        words
    }
}

proptest! {
    #[test]
    fn every_type_that_stays_keeps_its_meaning(case in case(), chosen in any::<u64>()) {
        let Some(run) = Run::of(&case, chosen) else { return Ok(()) };
        let mut next = run.after.first_id + run.added();
        for (id, type_) in run.before.own() {
            let becomes = run.reduced.becomes[id as usize];
            if run.left[id as usize] {
                prop_assert_eq!(becomes, Becomes::LeftOut);
                continue;
            }
            prop_assert_eq!(becomes, Becomes::Kept(next));
            let new = run.after.get(next);
            next += 1;
            prop_assert_eq!((new.kind, &new.name, new.kflag), (type_.kind, &type_.name, type_.kflag));
            let (old, found) = (run.expected(type_), run.after.words(new));
            prop_assert_eq!(old.len(), found.len());
            for (place, (old, found)) in old.iter().zip(&found).enumerate() {
                let is_index = type_.kind == ARRAY && place == 2;
                let mended = is_index && run.left[type_.rest[1] as usize];
                prop_assert!(mended || run.stands_for(old, found), "{} {}", type_.kind, place);
            }
        }
        prop_assert_eq!(next, run.after.end_id());
    }

    #[test]
    fn what_cannot_stand_is_counted(case in case(), chosen in any::<u64>()) {
        let Some(run) = Run::of(&case, chosen) else { return Ok(()) };
        let own = run.before.own().filter(|(id, _)| run.left[*id as usize]);
        let place = |id: u32| (id - run.before.first_id) % 64;
        let (of_kind, followers): (Vec<_>, Vec<_>) =
            own.partition(|(id, _)| (chosen >> place(*id)) & 1 == 1);
        let left_out = run.reduced.left_out;
        let counted: u32 = left_out.kinds().map(|(_, count)| count).sum();
        prop_assert_eq!(counted + left_out.others, u32::try_from(of_kind.len()).unwrap());
        prop_assert_eq!(left_out.followers, u32::try_from(followers.len()).unwrap());
        prop_assert!(followers.iter().all(|(_, type_)| follows(type_.kind)));
        for (kind, count) in left_out.kinds() {
            let same = of_kind.iter().filter(|(_, type_)| type_.kind + 40 == kind);
            prop_assert_eq!(u32::try_from(same.count()).unwrap(), count);
        }
    }

    #[test]
    fn no_damage_is_taken_for_types(
        case in case(), chosen in any::<u64>(), (damage, end) in random::damage(),
    ) {
        let (base, module) = (case.distilled().bytes(), case.module().bytes());
        let kernel = Vmlinux::new(case.vmlinux().bytes());
        let btf = invent(&module, Form::Split, true, |place, _| (chosen >> (place % 64)) & 1 == 1);
        let btf = random::damaged(btf, &damage, end);
        for form in [Form::Base, Form::Split] {
            for btf_base in [None, Some(&base[..])] {
                // That it ends, and writes as much as it says.
                let _ = reduce(&kernel, &Input { btf: &btf, btf_base }, form, 0);
            }
        }
    }
}

impl Run {
    /// Types that were added in front.
    fn added(&self) -> u32 {
        let refers = self.before.own().filter(|(id, _)| !self.left[*id as usize]);
        let mut refers = refers.filter(|(_, type_)| type_.kind != DATASEC);
        let is_left = |word: &Word| matches!(word, Word::Id(id) if self.left[*id as usize]);
        match refers.any(|(_, type_)| self.before.words(type_).iter().any(is_left)) {
            true => 2,
            false => 0,
        }
    }
}

#[test]
fn a_type_that_is_cut_short_is_refused() {
    let mut b = module();
    b.structure("gone", 4, &[("x", [1, 0])]);
    let kernel = Vmlinux::new(vmlinux().bytes());
    let mut btf = invent(&b.bytes(), Form::Split, true, |_, _| true);
    // Its vlen.
    put(&mut btf, 32 + 4, (invented(Kind::Struct) << 24) | 2);
    let error = reduced(&kernel, &btf, b.next_id()).err().unwrap();
    let (left, needed) = (24, 36);
    assert_eq!(error.reason, Reason::RecordTruncated { left, needed });
}
