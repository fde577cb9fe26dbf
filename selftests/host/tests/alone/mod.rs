// SPDX-License-Identifier: GPL-2.0

//! A kernel and a module with standalone BTF, built, rebased and compared.

// Each test uses its part.
#![allow(dead_code)]

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::rebase::{rebase, rebase_with, Rebased};
use rust_btfreloc::btf::Kind;
use rust_btfreloc::reloc::standalone::Difference;

/// BTF of which both sides have the same: what `fill` adds to it.
pub fn built(fill: impl Fn(&mut Builder)) -> Builder {
    let mut builder = Builder::base();
    fill(&mut builder);
    builder
}

pub fn on(vmlinux: &Builder, module: &Builder) -> (Vmlinux, Rebased) {
    let vmlinux = Vmlinux::new(vmlinux.bytes());
    let rebased = rebase(&vmlinux, &module.bytes()).unwrap();
    assert_eq!(vmlinux.verify(&rebased.btf), Ok(()));
    (vmlinux, rebased)
}

/// New id of each type of the module, from 1; `None` for what was left out.
pub fn ids(vmlinux: &Builder, module: &Builder) -> Vec<Option<u32>> {
    on(vmlinux, module).1.new_ids[1..].to_vec()
}

/// The one conflict there is: name of the type, name of the element that leads on, kind and name of
/// what differs, the element there, and how.
pub type Told = (String, Option<String>, Kind, String, String, Difference);

pub fn conflicts(vmlinux: &Builder, module: &Builder) -> Vec<Told> {
    let vmlinux = Vmlinux::new(vmlinux.bytes());
    let mut reported = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    rebase_with(&vmlinux, &module.bytes(), |conflict| {
        reported.push((
            text(conflict.name),
            conflict.through.map(|through| text(through.name)),
            conflict.found.kind,
            text(conflict.found.name),
            text(conflict.found.element),
            conflict.found.difference,
        ));
    })
    .unwrap();
    reported
}

/// `int`, and a struct with a pointer to itself.
pub fn list(b: &mut Builder) -> u32 {
    let ptr = b.next_id() + 1;
    let list = b.structure("list", 8, &[("next", [ptr, 0])]);
    b.ptr(list);
    list
}
