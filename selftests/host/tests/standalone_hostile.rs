// SPDX-License-Identifier: GPL-2.0

//! Standalone BTF and is made to cost: each of these would run for minutes if a type were
//! compared with every other, or a string walked once a use.

use btfreloc_selftests::builder::{info, Builder};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::rebase::{rebase, Rebased};
use rust_btfreloc::btf::Kind;

const LONG: usize = 1 << 20;
const MANY: u32 = 1 << 18;

/// A kernel with a name for several structs, and a typedef.
fn vmlinux() -> Vmlinux {
    let mut b = Builder::base();
    let int = b.int("int", 4, 0);
    let ptr = b.ptr(int);
    for offset in [0, 32, 64, 96] {
        b.structure("several", 16, &[("x", [int, offset])]);
    }
    b.structure("chain", 8, &[("next", [ptr, 0])]);
    b.typedef("alias", int);
    Vmlinux::new(b.bytes())
}

fn rebased(module: &Builder) -> Rebased {
    let vmlinux = vmlinux();
    let rebased = rebase(&vmlinux, &module.bytes()).unwrap();
    assert_eq!(vmlinux.verify(&rebased.btf), Ok(()));
    rebased
}

#[test]
fn parameters_named_by_each_end_of_a_long_string() {
    let mut module = Builder::base();
    module.name(vec![b'x'; LONG]);
    let int = module.int("int", 4, 0);
    let parameters = (1..=MANY).flat_map(|name_off| [name_off, int]);
    let proto = [0, info(Kind::FuncProto, false, MANY), int];
    let proto = module.raw(&proto.into_iter().chain(parameters).collect::<Vec<_>>());
    module.func("work", proto, 0);
    // The bytes that they share are kept once.
    assert!(rebased(&module).btf.len() < module.bytes().len());
}

#[test]
fn types_that_share_a_long_name() {
    let mut module = Builder::base();
    let long = module.name(vec![b'x'; LONG]);
    for name_off in long..long + MANY {
        module.raw(&[name_off, info(Kind::Int, false, 0), 4, 32]);
    }
    assert_eq!(rebased(&module).counts.own, MANY);
}

#[test]
fn many_of_one_name() {
    let mut module = Builder::base();
    let int = module.int("int", 4, 0);
    for _ in 0..MANY / 8 {
        module.fwd("several", false);
        module.structure("several", 16, &[("x", [int, 64])]);
        module.structure("several", 16, &[("x", [int, 65])]);
        module.typedef("alias", int);
    }
    let counts = rebased(&module).counts;
    // What there is no more room to compare stays the module's.
    assert!(counts.own > MANY / 8 && counts.mapped > 0, "{counts:?}");
}

/// Each depends on the one after it, which differs because of the last.
#[test]
fn a_long_way_to_what_differs() {
    let mut module = Builder::base();
    let wrong = module.int("int", 8, 0);
    for _ in 0..MANY / 2 {
        let next = module.next_id() + 2;
        let ptr = module.ptr(next);
        module.structure("chain", 8, &[("next", [ptr, 0])]);
    }
    module.ptr(wrong);
    assert_eq!(rebased(&module).counts.mapped, 0);
}

/// All refer to one type that differs.
#[test]
fn a_popular_type_that_differs() {
    let mut module = Builder::base();
    let wrong = module.int("int", 8, 0);
    for _ in 0..MANY {
        module.structure("several", 16, &[("x", [wrong, 64])]);
    }
    let members = vec![("x", [wrong, 0]); 1 << 16];
    module.union("wide", 8, &members);
    assert_eq!(rebased(&module).counts.mapped, 0);
}
