// SPDX-License-Identifier: GPL-2.0

//! Candidates of one name, kind and size whose members without a name differ.

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::reloc::{Fate, Why};

const U16: u32 = 1;
const U32: u32 = 2;

/// vmlinux with two of `struct state`, each with one member without a name, of 4 bytes.
fn fate(first: impl Fn(&mut Builder) -> u32, second: impl Fn(&mut Builder) -> u32) -> Fate {
    let mut vmlinux = Builder::base();
    vmlinux.int("u16", 2, 0);
    vmlinux.int("u32", 4, 0);
    for member in [first(&mut vmlinux), second(&mut vmlinux)] {
        vmlinux.structure("state", 4, &[("", [member, 0])]);
    }
    let mut base = Builder::base();
    let state = base.structure("state", 4, &[]);
    let mut split = Builder::split(&base);
    split.structure("device", 4, &[("state", [state, 0])]);
    let done = Vmlinux::new(vmlinux.bytes()).relocate(&base.bytes(), &split.bytes());
    done.unwrap().fates[0]
}

fn one_word(b: &mut Builder) -> u32 {
    b.union("", 4, &[("a", [U32, 0]), ("b", [U32, 0])])
}

fn two_halves(b: &mut Builder) -> u32 {
    b.structure("", 4, &[("c", [U16, 0]), ("d", [U16, 16])])
}

/// `depth` levels of structs without a name around the `innermost`.
fn around(b: &mut Builder, depth: u32, innermost: fn(&mut Builder) -> u32) -> u32 {
    let innermost = innermost(b);
    (0..depth).fold(innermost, |member, _| {
        b.structure("", 4, &[("", [member, 0])])
    })
}

#[test]
fn members_without_a_name_are_compared_by_theirs() {
    assert_eq!(fate(one_word, one_word), Fate::Mapped(5));
    assert_eq!(fate(two_halves, two_halves), Fate::Mapped(5));
    assert_eq!(fate(one_word, two_halves), Fate::Opaque(Why::Ambiguous(5)));
}

#[test]
fn on_every_level() {
    let alike = |b: &mut Builder| around(b, 3, one_word);
    let other = |b: &mut Builder| around(b, 3, two_halves);
    assert_eq!(fate(alike, alike), Fate::Mapped(11));
    assert_eq!(fate(alike, other), Fate::Opaque(Why::Ambiguous(11)));
}

#[test]
fn what_is_nested_too_deep_is_not_guessed() {
    let deep = |b: &mut Builder| around(b, 9, one_word);
    assert_eq!(fate(deep, deep), Fate::Opaque(Why::Ambiguous(23)));
}
