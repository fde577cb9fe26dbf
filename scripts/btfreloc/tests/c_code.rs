// SPDX-License-Identifier: GPL-2.0

//! What the tool says of the kernel's own code, held against libbpf, which shares that code.

mod common;

use btfreloc::c_code::{verdict, Answer, KernelMatch, Verdict};
use btfreloc_selftests::builder::{Builder, BOOL, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::Btf;
use rust_btfreloc::btf::Kind;
use rust_btfreloc::reloc::Input;

/// Modules of each release that are compared.
const SAMPLE: usize = 30;

/// The ids in each of the module's types when libbpf has relocated it; `None` where it refuses.
fn by_libbpf(base: &Btf<'_>, distilled: &[u8], split: &[u8]) -> Option<Vec<Vec<u32>>> {
    let distilled = Btf::base(distilled).unwrap();
    let relocated = Btf::split(&distilled, split).unwrap().relocate(base).ok()?;
    let types = relocated.own().map(|(_, own)| own.ids().collect());
    Some(types.collect())
}

/// The same from the fates that the tool reports.
fn by_fates(
    base: &Btf<'_>,
    distilled: &[u8],
    split: &[u8],
    fates: &[KernelMatch],
) -> Vec<Vec<u32>> {
    let distilled = Btf::base(distilled).unwrap();
    let split = Btf::split(&distilled, split).unwrap();
    let new = |id: u32| match id.checked_sub(split.start_id()) {
        Some(own) => base.end_id() + own,
        None if id == 0 => 0,
        None => match fates[id as usize - 1] {
            KernelMatch::Mapped(id) => id,
            fate => panic!("accepted with {fate:?}"),
        },
    };
    split
        .own()
        .map(|(_, own)| own.ids().map(new).collect())
        .collect()
}

/// Whether both accept; where they do, every id is the same.
fn compare(vmlinux: &Vmlinux, base: &Btf<'_>, distilled: &[u8], split: &[u8], what: &str) -> bool {
    let input = Input {
        btf: split,
        btf_base: Some(distilled),
    };
    let Verdict { answer, fates } = verdict(&vmlinux.base(), &input).unwrap();
    let libbpf = by_libbpf(base, distilled, split);
    assert_eq!(
        libbpf.is_some(),
        answer == Answer::Accepts,
        "{what}: {answer:?}"
    );
    if let Some(ids) = &libbpf {
        assert_eq!(*ids, by_fates(base, distilled, split, &fates), "{what}");
    }
    libbpf.is_some()
}

#[test]
fn a_sample_of_the_kits_modules_on_all_its_kernels() {
    compare_modules(SAMPLE);
}

#[test]
#[ignore = "takes minutes: every module of the kit"]
fn every_module_of_the_kit_on_all_its_kernels() {
    compare_modules(usize::MAX);
}

/// Takes up to `limit` modules of each release to all kernels of the kit.
fn compare_modules(limit: usize) {
    let kit = common::kit();
    let kernels: Vec<_> = modules::kernels(&kit)
        .into_iter()
        .map(|(name, bytes)| (name, Btf::base(&bytes).unwrap(), Vmlinux::new(bytes)))
        .collect();
    let (mut accepted, mut refused) = (0, 0);
    for release in modules::releases(&kit) {
        let (_, own, _) = kernels
            .iter()
            .find(|(name, ..)| *name == release.name)
            .unwrap();
        for path in modules::sample(&release.modules, limit) {
            let Some(btf) = modules::btf(&path) else {
                continue;
            };
            let (distilled, split) = Btf::split(own, &btf).unwrap().distill().unwrap();
            for (name, base, vmlinux) in &kernels {
                let what = format!("{} on {name}", path.display());
                match compare(vmlinux, base, &distilled, &split, &what) {
                    true => accepted += 1,
                    false => refused += 1,
                }
            }
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > SAMPLE && refused > 0);
}

/// A type in a distilled base, one in vmlinux, how the module holds it, and whether it loads.
type Case = (&'static str, fn(&mut Builder), fn(&mut Builder), Held, bool);

/// How a module holds a type.
#[derive(Clone, Copy)]
enum Held {
    /// By a pointer.
    Pointer,
    /// As a member of a struct, in an array of a typedef.
    Member,
    /// As a parameter, by value.
    Parameter,
}

fn split_of(base: &Builder, held: Held) -> Vec<u8> {
    let mut split = Builder::split(base);
    match held {
        Held::Pointer => split.ptr(1),
        Held::Member => {
            let typedef = split.typedef("renamed", 1);
            let array = split.array(typedef, typedef, 2);
            split.structure("holder", 64, &[("held", [array, 0])])
        }
        Held::Parameter => split.func_proto(0, &[("held", [1])]),
    };
    split.bytes()
}

#[test]
fn each_rule_with_what_it_does_wrong() {
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("the same", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 8, &[]); }, Held::Member, true),
        ("absent", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("u", 8, &[]); }, Held::Pointer, false),
        ("resized, by pointer", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 9, &[]); }, Held::Pointer, true),
        ("resized, by value", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 9, &[]); }, Held::Member, false),
        ("resized, a parameter", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 9, &[]); }, Held::Parameter, true),
        ("a union for a struct", |b| { b.structure("t", 8, &[]); }, |b| { b.union("t", 8, &[]); }, Held::Member, true),
        ("an int for a struct", |b| { b.structure("t", 4, &[]); }, |b| { b.int("t", 4, 0); }, Held::Member, true),
        ("an int of another size for a struct", |b| { b.structure("t", 8, &[]); }, |b| { b.int("t", 4, 0); }, Held::Pointer, false),
        ("a declaration for a struct", |b| { b.structure("t", 8, &[]); }, |b| { b.fwd("t", false); }, Held::Pointer, true),
        ("a declaration for a struct held by value", |b| { b.structure("t", 8, &[]); }, |b| { b.fwd("t", false); }, Held::Member, false),
        ("a struct for its declaration", |b| { b.fwd("t", false); }, |b| { b.structure("t", 8, &[]); }, Held::Pointer, true),
        ("a union for a struct's declaration", |b| { b.fwd("t", false); }, |b| { b.union("t", 8, &[]); }, Held::Pointer, false),
        ("a struct for a union's declaration", |b| { b.fwd("t", true); }, |b| { b.structure("t", 8, &[]); }, Held::Pointer, true),
        ("bit-fields for a declaration", |b| { b.fwd("t", false); }, |b| { let i = b.int("i", 4, 0); b.bit_fields("t", 4, &[("a", [i, 0, 3])]); }, Held::Pointer, false),
        ("a declaration of the other flavour", |b| { b.fwd("t", true); }, |b| { b.fwd("t", false); }, Held::Pointer, false),
        ("another encoding", |b| { b.int("t", 4, SIGNED); }, |b| { b.int("t", 4, BOOL); }, Held::Pointer, false),
        ("another float", |b| { b.float("t", 8); }, |b| { b.float("t", 4); }, Held::Pointer, false),
        ("an enum64", |b| { b.enumeration("t", 8, &[]); }, |b| { b.enum64("t", 8, false, &[("a", [1, 0])]); }, Held::Pointer, true),
        ("two, one of the size", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 8, &[]); b.structure("t", 9, &[]); }, Held::Pointer, true),
        ("two of the size", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 8, &[]); b.structure("t", 8, &[]); }, Held::Pointer, false),
        ("two of other sizes", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 7, &[]); b.structure("t", 9, &[]); }, Held::Pointer, false),
        ("a struct and a declaration", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 8, &[]); b.fwd("t", false); }, Held::Pointer, false),
        ("by value, a declaration after the struct", |b| { b.structure("t", 8, &[]); }, |b| { b.structure("t", 8, &[]); b.fwd("t", false); }, Held::Member, false),
        ("by value, a declaration before the struct", |b| { b.structure("t", 8, &[]); }, |b| { b.fwd("t", false); b.structure("t", 8, &[]); }, Held::Member, true),
    ];
    for (what, distilled, vmlinux, held, loads) in cases {
        let (mut module, mut kernel) = (Builder::base(), Builder::base());
        distilled(&mut module);
        vmlinux(&mut kernel);
        let bytes = kernel.bytes();
        let base = Btf::base(&bytes).unwrap();
        let split = split_of(&module, *held);
        let accepted = compare(&Vmlinux::new(bytes), &base, &module.bytes(), &split, what);
        assert_eq!(accepted, *loads, "{what}");
    }
}

#[test]
fn a_string_of_the_base_that_names_no_type_is_refused() {
    let mut module = Builder::base();
    module.structure("t", 8, &[]);
    module.name("stray");
    let mut split = Builder::split(&module);
    split.typedef("stray", 1);
    let mut kernel = Builder::base();
    kernel.structure("t", 8, &[]);
    let base = Btf::base(&kernel.bytes()).unwrap();
    let (distilled, split) = (module.bytes(), split.bytes());
    let vmlinux = Vmlinux::new(kernel.bytes());
    assert!(!compare(&vmlinux, &base, &distilled, &split, "stray"));
    let input = Input {
        btf: &split,
        btf_base: Some(&distilled),
    };
    let words = ".BTF offset 24, type [2]: string 3 is in .BTF.base and names no type there";
    let answer = verdict(&vmlinux.base(), &input).unwrap().answer;
    assert_eq!(answer, Answer::Refuses(words.to_owned()));
}

#[test]
fn a_reference_past_the_end_is_not_the_codes_to_judge() {
    let mut module = Builder::base();
    module.structure("t", 8, &[]);
    let mut split = Builder::split(&module);
    split.ptr(9);
    let (distilled, split) = (module.bytes(), split.bytes());
    let input = Input {
        btf: &split,
        btf_base: Some(&distilled),
    };
    let vmlinux = Vmlinux::new(module.bytes());
    let words = ".BTF offset 32, type [2] PTR: type id 9 is past the last one (2)";
    let answer = verdict(&vmlinux.base(), &input).unwrap().answer;
    assert_eq!(answer, Answer::Undefined(words.to_owned()));
}

#[test]
fn what_refuses_is_reported() {
    let mut module = Builder::base();
    module.structure("gone", 8, &[]);
    module.structure("twice", 8, &[]);
    let mut kernel = Builder::base();
    kernel.composite(Kind::Struct, "twice", 8, &[]);
    kernel.structure("twice", 8, &[]);
    let mut split = Builder::split(&module);
    split.ptr(1);
    let (distilled, split) = (module.bytes(), split.bytes());
    let input = Input {
        btf: &split,
        btf_base: Some(&distilled),
    };
    let verdict = verdict(&Vmlinux::new(kernel.bytes()).base(), &input).unwrap();
    let words = ".BTF.base type [2] STRUCT twice: several match, [1] and [2]";
    assert_eq!(verdict.answer, Answer::Refuses(words.to_owned()));
    assert_eq!(
        verdict.fates,
        [KernelMatch::Unmapped, KernelMatch::Several(1, 2)]
    );
}
