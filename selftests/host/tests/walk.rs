// SPDX-License-Identifier: GPL-2.0

//! The walk that judges results finds what is wrong with them: each word of one is made wrong in turn.

use btfreloc_selftests::builder::put;
use btfreloc_selftests::distilled::{distill, Distilled};
use btfreloc_selftests::kernel::Relocated;
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::distill::last_id;
use btfreloc_selftests::peer::judge::Kernel;
use btfreloc_selftests::peer::walk::walk;
use btfreloc_selftests::peer::{Btf, Word};
use rust_btfreloc::reloc::distill::Order;

/// Least number of words that are made wrong.
const ENOUGH: usize = 1000;

/// A stock module, and what the core makes of it on another kernel.
struct Case {
    from: Kernel,
    to: Kernel,
    module: Vec<u8>,
    distilled: Distilled,
    relocated: Relocated,
}

impl Case {
    /// The smallest module that gets opaque types and has enough to make wrong.
    fn find() -> Self {
        let kit = modules::kit();
        let release = modules::releases(&kit).pop().unwrap();
        let kernels = modules::kernels(&kit);
        let (others, own): (Vec<_>, Vec<_>) = kernels
            .into_iter()
            .partition(|(name, _)| *name != release.name);
        let from = Kernel::new(own.into_iter().next().unwrap().1);
        for (_, bytes) in others {
            let to = Kernel::new(bytes);
            for module in release.modules.iter().filter_map(|path| modules::btf(path)) {
                let distilled = distill(from.vmlinux(), &module, Order::Kept).unwrap();
                let (base, split) = (&distilled.base, &distilled.split);
                let relocated = to.vmlinux().relocate(base, split).unwrap();
                if relocated.counts.opaque > 0 && relocated.btf.len() > 8 * ENOUGH {
                    return Case {
                        from,
                        to,
                        module,
                        distilled,
                        relocated,
                    };
                }
            }
        }
        panic!("no module gets opaque types");
    }

    /// What the walk says of this in place of the core's result.
    fn walk(&self, result: &[u8]) -> Result<u64, String> {
        let before = Btf::split(self.from.btf(), &self.module).unwrap();
        let after = Btf::split(self.to.btf(), result).map_err(|err| format!("{err:?}"))?;
        let claimed = |id| last_id(&self.distilled, &self.relocated, id);
        Ok(walk(&before, &after, claimed)?.references)
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Whether the types of these ids can be distinguished by kind, name or size.
fn differ(btf: &Btf<'_>, a: u32, b: u32) -> bool {
    let (a, b) = (btf.get(a).unwrap(), btf.get(b).unwrap());
    (a.kind(), a.name, a.word()) != (b.kind(), b.name, b.word())
}

#[test]
fn every_word_that_is_made_wrong_is_found() {
    let case = Case::find();
    let result = &case.relocated.btf;
    assert!(case.walk(result).unwrap() > 100);
    let after = Btf::split(case.to.btf(), result).unwrap();
    let mut at = (word(result, 4) + word(result, 8)) as usize;
    let (mut ids, mut words) = (0, 0);
    for part in after.own().flat_map(|(_, type_)| type_.parts()) {
        let wrong: Vec<u32> = match part {
            // Void, and the neighbours.
            Word::Id(id) => [0, id.wrapping_sub(1), id + 1]
                .into_iter()
                .filter(|new| *new < after.end_id() && differ(&after, id, *new))
                .collect(),
            Word::Name(off) => vec![off + 1],
            Word::Plain(word) => vec![word.wrapping_add(1), word ^ 0x8000_0000],
        };
        for wrong in wrong {
            let mut bytes = result.clone();
            put(&mut bytes, at, wrong);
            let found = case.walk(&bytes);
            assert!(
                found.is_err(),
                "offset {at}, {part:?} made {wrong}: not found"
            );
            match part {
                Word::Id(_) => ids += 1,
                _ => words += 1,
            }
        }
        at += 4;
    }
    println!("{ids} ids and {words} other words made wrong, each found");
    assert!(ids > ENOUGH && words > ENOUGH);
}

#[test]
fn a_type_that_is_claimed_for_another_is_found() {
    let case = Case::find();
    let before = Btf::split(case.from.btf(), &case.module).unwrap();
    let after = Btf::split(case.to.btf(), &case.relocated.btf).unwrap();
    let claimed = |id| last_id(&case.distilled, &case.relocated, id);
    let last = before.end_id() - 1;
    let shifted = |id| claimed(if id == last { last - 1 } else { id });
    assert!(walk(&before, &after, claimed).is_ok());
    assert!(walk(&before, &after, shifted).is_err());
    assert!(walk(&before, &after, |id| claimed(id).filter(|_| id != last)).is_err());
}
