// SPDX-License-Identifier: GPL-2.0

//! The cases of the kernel's `tools/testing/selftests/bpf/prog_tests/btf_distill.c`, each under
//! its name there, with what libbpf's distill gives as input.

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::dump;
use btfreloc_selftests::kernel::{Relocated, Vmlinux};
use btfreloc_selftests::peer;
use rust_btfreloc::btf::{Error, Kind, Reason, Section};
use rust_btfreloc::reloc::{Fate, Why};

/// What `relocate` gives, and its types as text.
fn relocated(vmlinux: &Builder, base: &Builder, module: &Builder) -> (Relocated, String) {
    let vmlinux = Vmlinux::new(vmlinux.bytes());
    let done = vmlinux.relocate(&base.bytes(), &module.bytes()).unwrap();
    let text = dump::split(vmlinux.bytes(), &done.btf);
    (done, text)
}

/// Whether the C code relocates it.
fn libbpf_relocates(vmlinux: &Builder, base: &Builder, module: &Builder) -> bool {
    let vmlinux = peer::Btf::base(&vmlinux.bytes()).unwrap();
    let base = peer::Btf::base(&base.bytes()).unwrap();
    let module = peer::Btf::split(&base, &module.bytes()).unwrap();
    let relocated = module.relocate(&vmlinux);
    relocated.is_ok()
}

/// Every kind that a base can hold, some twice under one name, some with no name.
fn everything() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    let pointer = b.ptr(int);
    let node = b.structure("node", 8, &[("next", [pointer, 0])]);
    b.structure("", 12, &[("id", [int, 0]), ("node", [node, 32])]);
    b.int("unsigned int", 4, 0);
    b.union(
        "value",
        12,
        &[("number", [int, 0]), ("pointer", [pointer, 0])],
    );
    b.union("", 4, &[("number", [int, 0])]);
    b.enumeration("state", 4, &[("ON", [1])]);
    b.enumeration("", 4, &[("OFF", [2])]);
    b.enum64("wide", 8, true, &[("ON", [1024, 0])]);
    b.enum64("", 8, true, &[("LATER", [1025, 0])]);
    b.structure("unused", 4, &[("number", [int, 0])]);
    b.structure("inner", 4, &[("number", [int, 0])]);
    b.func_proto(int, &[("arg", [int])]);
    b.array(int, int, 3);
    b.structure("argument", 4, &[("number", [int, 0])]);
    b.union("value", 4, &[("number", [int, 0])]);
    b
}

/// What is left of [`everything`] where a module refers to seven of its named types.
fn everything_distilled() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b.structure("node", 8, &[]);
    b.union("value", 12, &[]);
    b.enumeration("state", 4, &[]);
    b.enumeration("wide", 8, &[]);
    b.structure("inner", 4, &[]);
    b.structure("argument", 4, &[]);
    b
}

/// The module: types of its own up to 19, then copies of what has no name in the base.
fn module_of_everything(base: &Builder) -> Builder {
    let mut b = Builder::split(base);
    b.ptr(2);
    b.ptr(20);
    b.constant(3);
    b.refer(Kind::Restrict, 21);
    b.refer(Kind::Volatile, 4);
    b.typedef("unnamed_t", 22);
    b.constant(5);
    b.ptr(23);
    b.structure("outer", 4, &[("inner", [6, 0])]);
    b.func("run", 24, 0);
    b.typedef("three", 25);
    b.func_proto(1, &[("arg", [7])]);
    b.structure("", 12, &[("id", [1, 0]), ("node", [2, 32])]);
    b.union("", 4, &[("number", [1, 0])]);
    b.enumeration("", 4, &[("OFF", [2])]);
    b.enum64("", 8, true, &[("LATER", [1025, 0])]);
    b.func_proto(1, &[("arg", [1])]);
    b.array(1, 1, 3);
    b
}

#[test]
fn distilled_base() {
    let base = everything_distilled();
    let module = module_of_everything(&base);
    assert_eq!(
        dump::base(&base.bytes()),
        "\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] STRUCT 'node' size=8 vlen=0
[3] UNION 'value' size=12 vlen=0
[4] ENUM 'state' encoding=UNSIGNED size=4 vlen=0
[5] ENUM 'wide' encoding=UNSIGNED size=8 vlen=0
[6] STRUCT 'inner' size=4 vlen=0
[7] STRUCT 'argument' size=4 vlen=0
"
    );
    let (done, text) = relocated(&everything(), &base, &module);
    assert!(libbpf_relocates(&everything(), &base, &module));
    assert_eq!(done.strict, Ok(()));
    assert_eq!(
        text,
        "\
[18] PTR '(anon)' type_id=3
[19] PTR '(anon)' type_id=30
[20] CONST '(anon)' type_id=6
[21] RESTRICT '(anon)' type_id=31
[22] VOLATILE '(anon)' type_id=8
[23] TYPEDEF 'unnamed_t' type_id=32
[24] CONST '(anon)' type_id=10
[25] PTR '(anon)' type_id=33
[26] STRUCT 'outer' size=4 vlen=1
\t'inner' type_id=13 bits_offset=0
[27] FUNC 'run' type_id=34 linkage=static
[28] TYPEDEF 'three' type_id=35
[29] FUNC_PROTO '(anon)' ret_type_id=1 vlen=1
\t'arg' type_id=16
[30] STRUCT '(anon)' size=12 vlen=2
\t'id' type_id=1 bits_offset=0
\t'node' type_id=3 bits_offset=32
[31] UNION '(anon)' size=4 vlen=1
\t'number' type_id=1 bits_offset=0
[32] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=1
\t'OFF' val=2
[33] ENUM64 '(anon)' encoding=SIGNED size=8 vlen=1
\t'LATER' val=1025LL
[34] FUNC_PROTO '(anon)' ret_type_id=1 vlen=1
\t'arg' type_id=1
[35] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=3
"
    );
}

/// `int` in each of these sizes.
fn ints(sizes: &[u32]) -> Builder {
    let mut b = Builder::base();
    for size in sizes {
        b.int("int", *size, SIGNED);
    }
    b
}

/// A PTR to the first distilled type and a CONST of the last.
fn module_of_ints(base: &Builder) -> Builder {
    let mut b = Builder::split(base);
    b.ptr(1);
    b.constant(base.next_id() - 1);
    b
}

#[test]
fn distilled_base_multi() {
    let base = ints(&[4, 8]);
    let (done, text) = relocated(&ints(&[4, 8]), &base, &module_of_ints(&base));
    assert!(libbpf_relocates(
        &ints(&[4, 8]),
        &base,
        &module_of_ints(&base)
    ));
    assert_eq!(done.strict, Ok(()));
    assert_eq!(
        text,
        "\
[3] PTR '(anon)' type_id=1
[4] CONST '(anon)' type_id=2
"
    );
}

/// The C code answers -EINVAL; here that is policy `strict`, and the type becomes opaque.
#[test]
fn distilled_base_missing_err_is_opaque_unlike_c() {
    let base = ints(&[4, 8]);
    let (done, text) = relocated(&ints(&[4]), &base, &module_of_ints(&base));
    assert!(!libbpf_relocates(
        &ints(&[4]),
        &base,
        &module_of_ints(&base)
    ));
    let why = Why::OtherSize(1);
    assert_eq!(done.strict, Err((2, why)));
    assert_eq!(
        text,
        "\
[2] PTR '(anon)' type_id=1
[3] CONST '(anon)' type_id=4
[4] INT 'int' size=8 bits_offset=0 nr_bits=64 encoding=SIGNED
"
    );
}

/// The C code answers -EINVAL; here two types that nothing distinguishes are one.
#[test]
fn distilled_base_multi_err_takes_the_lowest_id_unlike_c() {
    let base = ints(&[4, 4]);
    let (done, text) = relocated(&ints(&[4, 4]), &base, &module_of_ints(&base));
    assert!(!libbpf_relocates(
        &ints(&[4, 4]),
        &base,
        &module_of_ints(&base)
    ));
    assert_eq!(done.strict, Ok(()));
    assert_eq!(
        text,
        "\
[3] PTR '(anon)' type_id=1
[4] CONST '(anon)' type_id=1
"
    );
}

/// As the case before, with the two only in vmlinux.
#[test]
fn distilled_base_multi_err2_takes_the_lowest_id_unlike_c() {
    let base = ints(&[4]);
    let mut module = Builder::split(&base);
    module.ptr(1);
    let (done, text) = relocated(&ints(&[4, 4]), &base, &module);
    assert!(!libbpf_relocates(&ints(&[4, 4]), &base, &module));
    assert_eq!(done.strict, Ok(()));
    assert_eq!(text, "[3] PTR '(anon)' type_id=1\n");
}

/// The C code answers -EINVAL; here that is policy `strict`, and the STRUCT keeps the size that
/// the module was built with.
#[test]
fn distilled_base_embedded_err_is_opaque_unlike_c() {
    let mut base = Builder::base();
    base.structure("inner", 4, &[]);
    let mut module = Builder::split(&base);
    module.structure("outer", 8, &[("inner", [1, 0])]);
    let mut vmlinux = Builder::base();
    let int = vmlinux.int("int", 4, SIGNED);
    vmlinux.structure("inner", 8, &[("number", [int, 0])]);
    let (done, text) = relocated(&vmlinux, &base, &module);
    assert!(!libbpf_relocates(&vmlinux, &base, &module));
    let why = Why::OtherSize(2);
    assert_eq!(done.strict, Err((1, why)));
    assert_eq!(
        text,
        "\
[3] PTR '(anon)' type_id=0
[4] ARRAY '(anon)' type_id=3 index_type_id=1 nr_elems=0
[5] STRUCT '(anon)' size=4 vlen=1
\t'inner' type_id=4 bits_offset=0
[6] STRUCT 'outer' size=8 vlen=1
\t'inner' type_id=5 bits_offset=0
"
    );
}

/// A vmlinux in which `int` has some other id.
#[test]
fn distilled_base_vmlinux() {
    let base = ints(&[4]);
    let mut module = Builder::split(&base);
    let alias = module.typedef("number_t", 1);
    module.ptr(alias);
    let mut vmlinux = Builder::base();
    vmlinux.int("char", 1, 0);
    vmlinux.ptr(1);
    vmlinux.typedef("int", 1);
    vmlinux.int("int", 4, SIGNED);
    vmlinux.structure("task_struct", 9472, &[("state", [4, 0])]);
    assert_eq!(
        dump::split(&base.bytes(), &module.bytes()),
        "\
[2] TYPEDEF 'number_t' type_id=1
[3] PTR '(anon)' type_id=2
"
    );
    let (done, text) = relocated(&vmlinux, &base, &module);
    assert!(libbpf_relocates(&vmlinux, &base, &module));
    assert_eq!(done.fates, [Fate::Mapped(4)]);
    assert_eq!(
        text,
        "\
[6] TYPEDEF 'number_t' type_id=4
[7] PTR '(anon)' type_id=6
"
    );
}

/// libbpf carries the other byte order through; a kernel reads its own only.
#[test]
fn distilled_endianness_is_refused_unlike_libbpf() {
    let base = ints(&[4]);
    let module = module_of_ints(&base).bytes();
    let vmlinux = Vmlinux::new(ints(&[4]).bytes());
    let refused = |section| {
        Err(Error {
            section,
            offset: 0,
            type_id: 0,
            reason: Reason::BadMagic(0x9feb),
        })
    };
    let other = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[..2].reverse();
        bytes
    };
    let base = base.bytes();
    assert_eq!(
        vmlinux.relocate(&other(&base), &module),
        refused(Section::BtfBase)
    );
    assert_eq!(
        vmlinux.relocate(&base, &other(&module)),
        refused(Section::Btf)
    );
}
