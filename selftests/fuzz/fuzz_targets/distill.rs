// SPDX-License-Identifier: GPL-2.0

//! Split BTF, distilled: refused with a reason, or the way back gives the module its types again.

#![no_main]

use btfreloc_fuzz::{mutate, say};
use btfreloc_selftests::distilled::{distill, Distilled};
use btfreloc_selftests::fuzz::vmlinux;
use btfreloc_selftests::kernel::Relocated;
use btfreloc_selftests::model::{Model, Type, Word};
use btfreloc_selftests::peer;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rust_btfreloc::btf::{Kind, Reason};
use rust_btfreloc::reloc::distill::Order;
use rust_btfreloc::reloc::Fate;

const ENUM: u32 = 6;
const FWD: u32 = 7;
const ENUM64: u32 = 19;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::on_vmlinux)
});

fuzz_target!(|btf: &[u8]| {
    let vmlinux = vmlinux::vmlinux();
    let kept = distill(vmlinux, btf, Order::Kept);
    let by_name = distill(vmlinux, btf, Order::ByName);
    match (kept, by_name) {
        (Ok(kept), Ok(by_name)) => {
            assert_eq!((kept.counts, &kept.base), (by_name.counts, &by_name.base));
            returns(btf, &kept);
            returns(btf, &by_name);
        }
        (Err(error), Err(other)) => {
            assert_eq!(error, other);
            say(error);
        }
        _ => panic!("whether types can be distilled depends on their order"),
    }
});

fn returns(btf: &[u8], distilled: &Distilled) {
    let vmlinux = vmlinux::vmlinux();
    let done = match vmlinux.relocate(&distilled.base, &distilled.split) {
        // Kinds that can be distilled and that this kernel does not know.
        Err(error) if matches!(error.reason, Reason::BadKind(kind) if is_location(kind)) => return,
        done => done.unwrap(),
    };
    let base = Model::base(vmlinux.bytes());
    let way = Way {
        before: base.split(btf),
        after: base.split(&done.btf),
        distilled,
        done: &done,
    };
    way.holds();
    if peer::Btf::split(vmlinux::peer(), btf).is_ok() {
        let base = peer::Btf::base(&distilled.base).unwrap();
        assert_eq!(peer::Btf::split(&base, &distilled.split).err(), None);
        assert_eq!(peer::Btf::split(vmlinux::peer(), &done.btf).err(), None);
    }
}

/// From the module through its distilled form to the module again.
struct Way<'a> {
    before: Model,
    after: Model,
    distilled: &'a Distilled,
    done: &'a Relocated,
}

impl Way<'_> {
    fn holds(&self) {
        for id in 1..self.before.end_id() {
            let Some(new) = self.distilled.new_ids[id as usize] else {
                assert!(id < self.before.first_id);
                continue;
            };
            let (old, end) = (
                self.before.get(id),
                self.after.get(self.new_id(id).unwrap()),
            );
            match self.done.fates.get(new as usize - 1) {
                Some(Fate::Mapped(_)) => assert!(allows(old, end)),
                // Only declared, or without a name and with one element that bears it.
                Some(Fate::Opaque(_)) if end.vlen == 0 => assert_eq!(old.name, end.name),
                Some(Fate::Opaque(_)) => {
                    assert_eq!((&*end.name, end.vlen), ("", 1));
                    let element = Word::Name(old.name.clone());
                    assert!(self.after.words(end).contains(&element));
                }
                None => self.is_same(old, end),
            }
        }
    }

    fn new_id(&self, id: u32) -> Option<u32> {
        let new = self.distilled.new_ids[id as usize]?;
        Some(self.done.new_ids[new as usize])
    }

    fn is_same(&self, old: &Type, new: &Type) {
        let head = |type_: &Type| (type_.kind, type_.kflag, type_.vlen, type_.name.clone());
        assert_eq!(head(old), head(new));
        let words = self.before.words(old).into_iter();
        let moved = words.map(|word| match word {
            Word::Id(id) => Word::Id(self.new_id(id).unwrap()),
            word => word,
        });
        assert!(moved.eq(self.after.words(new)));
    }
}

/// Of the kinds that describe where functions were inlined.
fn is_location(kind: u32) -> bool {
    (Kind::LocParam as u32..=Kind::Locsec as u32).contains(&kind)
}

/// Whether `new` may stand for `old` where types share a name.
fn allows(old: &Type, new: &Type) -> bool {
    let is_enum = |type_: &Type| [ENUM, ENUM64].contains(&type_.kind);
    let kinds = old.kind == new.kind || old.kind == FWD || (is_enum(old) && is_enum(new));
    kinds && old.name == new.name && (old.kind == FWD || old.word == new.word)
}
