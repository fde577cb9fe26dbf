// SPDX-License-Identifier: GPL-2.0

//! BTF that describes no type, and BTF without a string: programs built on cilium/ebpf before 0.20
//! fail to read either, and with it the BTF of all other modules.

mod alone;

use alone::{built, on};
use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::{Blob, Form, Section};
use rust_btfreloc::reloc::{CauseKind, Input, InputKind, Policy, Survey};

fn vmlinux() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    b.structure("pair", 8, &[("a", [int, 0]), ("b", [int, 32])]);
    b
}

/// Whether the kernel is shown another BTF; what stands in the way.
fn outcome(btf: &[u8], btf_base: Option<&[u8]>, policy: Policy) -> Result<bool, CauseKind> {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let base = vmlinux.base();
    let survey = Survey::of(&base, &Input { btf, btf_base }).unwrap();
    let mut scratch = vec![0; survey.scratch_len()];
    let (mut relocated, mut rebased) = (None, None);
    let outcome = match survey.input_kind() {
        InputKind::Standalone => survey.rebased(&base, &mut scratch, &mut rebased),
        _ => survey.relocated(&base, policy, None, &mut scratch, &mut relocated),
    };
    let shown = relocated.is_some() || rebased.is_some();
    assert!(outcome.is_ok() || !shown);
    outcome.map(|()| shown).map_err(|cause| cause.kind())
}

const NOTHING: Result<bool, CauseKind> = Err(CauseKind::NoTypes);

#[test]
fn plain_split_btf_without_types_is_not_shown() {
    let empty = Builder::split(&vmlinux()).bytes();
    assert_eq!(outcome(&empty, None, Policy::Opaque), NOTHING);
    // As the kernel does.
    assert_eq!(outcome(&empty, None, Policy::Strict), Ok(false));
}

#[test]
fn nor_is_distilled_btf_without_types() {
    // As kbuild makes it for a module that is all Rust.
    let base = Builder::base();
    let empty = Builder::split(&base).bytes();
    let base = base.bytes();
    assert_eq!(outcome(&empty, Some(&base), Policy::Opaque), NOTHING);
    assert_eq!(outcome(&empty, Some(&base), Policy::Strict), Ok(false));
    // Types of the base that nothing refers to are none of the module's.
    let mut base = Builder::base();
    base.structure("pair", 8, &[]);
    base.structure("gone", 8, &[]);
    let empty = Builder::split(&base).bytes();
    assert_eq!(
        outcome(&empty, Some(&base.bytes()), Policy::Opaque),
        NOTHING
    );
}

#[test]
fn nor_is_standalone_btf_that_vmlinux_has_all_of() {
    let all = vmlinux().bytes();
    assert_eq!(outcome(&all, None, Policy::Opaque), NOTHING);
    let mut more = vmlinux();
    more.typedef("pair_t", 2);
    assert_eq!(outcome(&more.bytes(), None, Policy::Opaque), Ok(true));
}

#[test]
fn relocated_btf_has_a_string_part() {
    let mut base = Builder::base();
    base.structure("pair", 8, &[]);
    let mut module = Builder::split(&base);
    module.ptr(1);
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let done = vmlinux.relocate(&base.bytes(), &module.bytes()).unwrap();
    assert_eq!(strings(&done.btf), b"\0");
    assert_eq!(vmlinux.verify(&done.btf), Ok(()));
}

#[test]
fn rebased_btf_has_a_string_part() {
    let module = built(|b| {
        let int = b.int("int", 4, SIGNED);
        b.structure("", 4, &[("", [int, 0])]);
    });
    let (_, rebased) = on(&vmlinux(), &module);
    assert_eq!(rebased.counts.own, 1);
    assert_eq!(strings(&rebased.btf), b"\0");
}

fn strings(btf: &[u8]) -> &[u8] {
    Blob::parse(Section::Btf, Form::Split, btf)
        .unwrap()
        .strings()
}
