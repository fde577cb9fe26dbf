// SPDX-License-Identifier: GPL-2.0

//! Input made to cost: each of these would run for minutes if a string were walked once a use.

use btfreloc_selftests::builder::{info, Builder};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::{Kind, Reason};
use rust_btfreloc::reloc::{Fate, Why};

const LONG: usize = 1 << 20;
const MANY: u32 = 1 << 18;

fn vmlinux() -> Vmlinux {
    let mut b = Builder::base();
    b.int("int", 4, 0);
    Vmlinux::new(b.bytes())
}

/// A distilled base with one string of a megabyte, which starts at offset 1.
fn long_string() -> Builder {
    let mut base = Builder::base();
    base.name(vec![b'x'; LONG]);
    base.int("int", 4, 0);
    base
}

#[test]
fn parameters_named_by_each_end_of_a_long_string() {
    let base = long_string();
    let mut split = Builder::split(&base);
    let parameters = (1..=MANY).flat_map(|name_off| [name_off, 1]);
    let proto = [0, info(Kind::FuncProto, false, MANY), 1];
    split.raw(&proto.into_iter().chain(parameters).collect::<Vec<_>>());
    // Kept whole, these strings would take more than BTF can number.
    let error = vmlinux()
        .relocate(&base.bytes(), &split.bytes())
        .unwrap_err();
    assert_eq!(error.reason, Reason::OutputTooLarge);
}

#[test]
fn integers_that_share_a_long_name() {
    let mut base = long_string();
    for name_off in 1..=MANY {
        base.raw(&[name_off, info(Kind::Int, false, 0), 4, 32]);
    }
    let split = Builder::split(&base);
    let done = vmlinux().relocate(&base.bytes(), &split.bytes());
    // Their names are too long to be looked up, and as opaque types too many to be kept.
    assert_eq!(done.unwrap_err().reason, Reason::OutputTooLarge);
}

#[test]
fn types_of_the_module_that_share_a_long_name() {
    let mut base = Builder::base();
    base.structure("gone", 8, &[]);
    let mut split = Builder::split(&base);
    let start = split.name(vec![b'x'; LONG]);
    for _ in 0..MANY {
        split.raw(&[start, info(Kind::Int, false, 0), 4, 32]);
    }
    let done = vmlinux().relocate(&base.bytes(), &split.bytes()).unwrap();
    assert_eq!(done.fates, [Fate::Opaque(Why::Absent)]);
    // Whether they are sorted is not asked, so the opaque type goes last.
    assert_eq!(done.new_ids.last(), Some(&(MANY + 1)));
    assert_eq!(done.new_ids[1], MANY + 2);
}
