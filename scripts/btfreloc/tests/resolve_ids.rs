// SPDX-License-Identifier: GPL-2.0

//! Ids that are filled in: every form, what is missing, what is refused.

mod common;
#[path = "../../../selftests/host/tests/image/mod.rs"]
#[allow(dead_code)]
mod image;

use std::sync::Arc;

use btfreloc::input::Kernel;
use btfreloc::resolve_ids::{resolve, with_btf, Missing, Resolved, Several};
use btfreloc_selftests::builder::Builder;
use common::{file, folder};
use image::{section, symbols, Symbol};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::Input;

/// An ELF file whose `.BTF_ids`, section 1, holds these words, and what else there may be.
fn module(words: &[u32], named: &[Symbol]) -> Vec<u8> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let [symtab, strtab] = symbols(3, named);
    let text = section(".text", b"code that is nobody's business");
    image::file(&[section(".BTF_ids", &bytes), text, symtab, strtab])
}

fn ids(image: &[u8]) -> Vec<u32> {
    let elf = Elf::parse(image).unwrap();
    let bytes = elf.data(&elf.section(b".BTF_ids").unwrap()).unwrap();
    let words = bytes.chunks_exact(4);
    words
        .map(|word| u32::from_ne_bytes(word.try_into().unwrap()))
        .collect()
}

/// A kernel with `int` [1], `struct file` [2], its own `struct twice` [3], `func clash` [5] and
/// `func kernel_only` [6].
fn kernel() -> Builder {
    let mut base = Builder::base();
    let int = base.int("int", 4, 1);
    base.structure("file", 4, &[("f", [int, 0])]);
    base.structure("twice", 4, &[("old", [int, 0])]);
    let proto = base.func_proto(int, &[]);
    base.func("clash", proto, 0);
    base.func("kernel_only", proto, 0);
    base
}

/// A module on it: `union u` [7], `typedef t` [8], `struct twice` [9], `func a` [11], `func clash`
/// [12], `func b` [13], `struct b` [14].
fn split() -> Vec<u8> {
    let mut split = Builder::split(&kernel());
    split.union("u", 4, &[("u", [1, 0])]);
    split.typedef("t", 1);
    split.structure("twice", 8, &[("new", [1, 0])]);
    let proto = split.func_proto(1, &[]);
    split.func("a", proto, 1);
    split.func("clash", proto, 1);
    split.func("b", proto, 1);
    split.structure("b", 4, &[("b", [1, 0])]);
    split.bytes()
}

fn read(vmlinux: &str) -> anyhow::Result<Arc<Kernel>> {
    Ok(Arc::new(Kernel::read(vmlinux.as_ref())?))
}

/// Fills the ids of `image`, whose BTF is [`split`].
fn fill(test: &str, image: &mut [u8]) -> Result<Resolved, String> {
    let vmlinux = file(&folder(test), "vmlinux", &kernel().bytes());
    let btf = split();
    let input = Input {
        btf: &btf,
        btf_base: None,
    };
    let done = with_btf(&input, || read(&vmlinux), |btf| resolve(image, btf));
    done.map_err(|error| format!("{error:#}"))
}

const KFUNCS: u32 = 1;

/// A list with an unused word, a set and a set8.
const WORDS: [u32; 15] = [0, 0, 0, 0, 0, 0, 0, 0, 0, KFUNCS, 0, 0x10, 0, 0x20, 0];
const SYMBOLS: [Symbol; 14] = [
    ("__BTF_ID__union__u__11", 1, 0, 4),
    ("list", 1, 0, 0),
    ("__BTF_ID__typedef__t__22", 1, 4, 4),
    ("__BTF_ID__struct__file__33", 1, 12, 4),
    ("set", 1, 16, 0),
    ("__BTF_ID__set__set", 1, 16, 16),
    ("__BTF_ID__func__b__44", 1, 20, 4),
    ("__BTF_ID__struct__b__45", 1, 24, 4),
    ("__BTF_ID__func__a__46", 1, 28, 4),
    ("__BTF_ID__set8__kfuncs", 1, 32, 24),
    ("__BTF_ID__func__b__55", 1, 40, 4),
    ("__BTF_ID__func__a__56", 1, 48, 4),
    ("__BTF_ID__func__none_such__66", 1, 56, 4),
    ("__BTF_ID__func__a__77", 2, 0, 4),
];
const FILLED: [u32; 15] = [7, 8, 0, 2, 3, 11, 13, 14, 2, KFUNCS, 11, 0x20, 13, 0x10, 0];

#[test]
fn every_form_gets_its_ids_and_nothing_else_changes() {
    let mut image = module(&WORDS, &SYMBOLS);
    let resolved = fill("ids-forms", &mut image).unwrap();
    assert_eq!(ids(&image), FILLED);
    let missing = Missing {
        symbol: "__BTF_ID__func__none_such__66".to_owned(),
        kind: "FUNC".to_owned(),
        name: "none_such".to_owned(),
    };
    let expected = Resolved {
        ids: 9,
        sets: 2,
        changed: true,
        missing: vec![missing],
        several: vec![],
    };
    assert_eq!(resolved, expected);
    assert_eq!(image, module(&FILLED, &SYMBOLS));
}

#[test]
fn the_order_of_symbols_does_not_matter() {
    let mut symbols = SYMBOLS;
    symbols.reverse();
    let mut image = module(&WORDS, &symbols);
    fill("ids-order", &mut image).unwrap();
    assert_eq!(ids(&image), FILLED);
}

#[test]
fn of_one_name_the_lowest_serves_but_the_modules_own_function() {
    let symbols = [
        ("__BTF_ID__struct__twice__1", 1, 0, 4),
        ("__BTF_ID__func__clash__2", 1, 4, 4),
        ("__BTF_ID__func__kernel_only__3", 1, 8, 4),
        ("__BTF_ID__struct__b__4", 1, 12, 4),
        ("__BTF_ID__struct__a__5", 1, 16, 4),
    ];
    let mut image = module(&[0; 5], &symbols);
    let resolved = fill("ids-several", &mut image).unwrap();
    assert_eq!(ids(&image), [3, 12, 6, 14, 0]);
    let several = |kind: &str, name: &str, ids| Several {
        kind: kind.to_owned(),
        name: name.to_owned(),
        ids,
    };
    let expected = [
        several("STRUCT", "twice", vec![3, 9]),
        several("FUNC", "clash", vec![12, 5]),
    ];
    assert_eq!(resolved.several, expected);
    // There is a func a, and no struct of that name.
    let missing: Vec<_> = resolved.missing.iter().map(ToString::to_string).collect();
    let words = "__BTF_ID__struct__a__5: no STRUCT a in the module's BTF: its id is 0";
    assert_eq!(missing, [words]);
}

#[test]
fn numbers_are_cut_off_and_other_underscores_stay() {
    let symbols = [
        ("__BTF_ID__func__a__612", 1, 0, 4),
        ("__BTF_ID__func__kernel_only__4__9", 1, 4, 4),
        ("__BTF_ID__func____a__9", 1, 8, 4),
        ("__BTF_ID__func__b", 1, 12, 4),
    ];
    let mut image = module(&[0; 4], &symbols);
    let resolved = fill("ids-names", &mut image).unwrap();
    assert_eq!(ids(&image), [11, 0, 0, 13]);
    let names: Vec<_> = resolved
        .missing
        .iter()
        .map(|missing| &*missing.name)
        .collect();
    assert_eq!(names, ["kernel_only__4", "__a"]);
}

#[test]
fn sets_without_ids_are_counted() {
    let symbols = [
        ("__BTF_ID__set__none", 1, 0, 4),
        ("__BTF_ID__set8__none", 1, 4, 8),
    ];
    let mut image = module(&[0; 3], &symbols);
    let resolved = fill("ids-empty", &mut image).unwrap();
    assert_eq!(
        (resolved.sets, resolved.ids, resolved.changed),
        (2, 0, false)
    );
    assert_eq!(ids(&image), [0; 3]);
}

#[test]
fn what_is_filled_stays_and_another_base_fills_it_anew() {
    let mut image = module(&FILLED, &SYMBOLS);
    let resolved = fill("ids-again", &mut image).unwrap();
    assert!(!resolved.changed);
    assert_eq!(ids(&image), FILLED);
    // List and set as another kernel numbered them.
    let mut other = FILLED;
    other[..4].copy_from_slice(&[99, 98, 0, 97]);
    other[5..8].copy_from_slice(&[96, 97, 98]);
    let mut image = module(&other, &SYMBOLS);
    assert!(fill("ids-anew", &mut image).unwrap().changed);
    assert_eq!(ids(&image), FILLED);
}

#[test]
fn flags_of_a_set8_that_other_btf_sorted_are_not_guessed() {
    let mut other = FILLED;
    other[10] = 12;
    let mut image = module(&other, &SYMBOLS);
    let before = image.clone();
    let error = ".BTF_ids offset 32: set8 kfuncs was resolved with other BTF, and what its flags \
                 belong to is no longer known: build the module again";
    assert_eq!(fill("ids-other", &mut image).unwrap_err(), error);
    assert_eq!(image, before);
}

#[test]
fn no_section_and_an_empty_one_have_no_ids() {
    let none = image::file(&[section(".text", b"code")]);
    for mut image in [none, module(&[], &[])] {
        let before = image.clone();
        assert_eq!(fill("ids-none", &mut image), Ok(Resolved::default()));
        assert_eq!(image, before);
    }
}

#[test]
fn damaged_sections_are_refused_and_stay_as_they_are() {
    let cases: [(&[u32], &[Symbol], &str); 10] = [
        (
            &[0],
            &[],
            "offset 0: the module was stripped of the symbols that identify its ids",
        ),
        (
            &[0, 7],
            &[("__BTF_ID__func__a__1", 1, 0, 4)],
            "offset 4: no symbol says what this word is",
        ),
        (
            &[0],
            &[("__BTF_ID__enum__e__1", 1, 0, 4)],
            "offset 0: a symbol of a form that is not known",
        ),
        (
            &[0, 0],
            &[("__BTF_ID__func__a__1", 1, 2, 4)],
            "offset 2: a symbol inside a word",
        ),
        (
            &[0],
            &[("__BTF_ID__func__a__1", 1, 4, 4)],
            "offset 4: a symbol past the end",
        ),
        (
            &[0],
            &[("__BTF_ID__func__a__1", 1, u64::MAX - 3, 4)],
            "offset 4294967295: a symbol past the end",
        ),
        (
            &[0],
            &[("__BTF_ID__set__s", 1, 0, 0)],
            "offset 0: the size of set s is 0, not a multiple of 4",
        ),
        (
            &[0, 0, 0],
            &[("__BTF_ID__set8__s", 1, 0, 12)],
            "offset 0: the size of set s is 12, not a multiple of 8",
        ),
        (
            &[0, 0],
            &[("__BTF_ID__set__s", 1, 0, 12)],
            "offset 0: a set that goes on past the end",
        ),
        (
            &[2, 5],
            &[("__BTF_ID__set__s", 1, 0, 8)],
            "offset 0: set s counts 2 ids, by its size it has 1",
        ),
    ];
    for (words, symbols, error) in cases {
        let mut image = module(words, symbols);
        let before = image.clone();
        let resolved = fill("ids-damaged", &mut image).unwrap_err();
        assert_eq!(resolved, format!(".BTF_ids {error}"));
        assert_eq!(image, before);
    }
}

#[test]
fn of_a_distilled_base_its_types_are_found() {
    let mut base = Builder::base();
    base.structure("file", 4, &[]);
    let mut split = Builder::split(&base);
    let ptr = split.ptr(1);
    let proto = split.func_proto(0, &[("file", [ptr])]);
    split.func("a", proto, 1);
    let (btf, btf_base) = (split.bytes(), base.bytes());
    let symbols = [
        ("__BTF_ID__struct__file__1", 1, 0, 4),
        ("__BTF_ID__func__a__2", 1, 4, 4),
        // Only vmlinux has it, which is not asked.
        ("__BTF_ID__func__kernel_only__3", 1, 8, 4),
    ];
    let mut image = module(&[0; 3], &symbols);
    let input = Input {
        btf: &btf,
        btf_base: Some(&btf_base),
    };
    let nowhere = || read("/nowhere");
    let resolved = with_btf(&input, nowhere, |btf| resolve(&mut image, btf)).unwrap();
    assert_eq!(ids(&image), [1, 4, 0]);
    assert_eq!(resolved.missing.len(), 1);
}

#[test]
fn the_wrong_vmlinux_is_reported() {
    let folder = folder("ids-wrong-base");
    let mut other = Builder::base();
    other.int("int", 4, 1);
    let vmlinux = file(&folder, "vmlinux", &other.bytes());
    let btf = split();
    let input = Input {
        btf: &btf,
        btf_base: None,
    };
    let resolved = with_btf(&input, || read(&vmlinux), |_| Ok(()));
    let error = resolved.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("not split off {vmlinux}: .BTF offset ")),
        "{error}"
    );
    assert!(
        error.ends_with("; name the vmlinux it was built with by --base"),
        "{error}"
    );
}

/// What the module only declares becomes vmlinux's where it is loaded, so its id will do; a
/// definition serves better, and the other flavour not at all.
#[test]
fn standing_alone_a_declaration_serves() {
    let mut alone = Builder::base();
    let task = alone.fwd("task", false);
    alone.fwd("file", false);
    let file = alone.structure("file", 4, &[]);
    alone.fwd("mixed", true);
    let proto = alone.func_proto(0, &[]);
    alone.func("a", proto, 1);
    let symbols = [
        ("__BTF_ID__struct__task__1", 1, 0, 4),
        ("__BTF_ID__struct__file__2", 1, 4, 4),
        ("__BTF_ID__struct__mixed__3", 1, 8, 4),
    ];
    let mut image = module(&[0; 3], &symbols);
    let btf = alone.bytes();
    let input = Input {
        btf: &btf,
        btf_base: None,
    };
    let nowhere = || read("/nowhere");
    let resolved = with_btf(&input, nowhere, |btf| resolve(&mut image, btf)).unwrap();
    assert_eq!(ids(&image), [task, file, 0]);
    assert_eq!((resolved.missing.len(), resolved.several.len()), (1, 0));
}
