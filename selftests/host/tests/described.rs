// SPDX-License-Identifier: GPL-2.0

//! What a person reads of an error in a type: the type's kind and name, and the string it is about.

use btfreloc_selftests::builder::Builder;
use btfreloc_selftests::kernel::Vmlinux;
use rust_btfreloc::btf::Error;
use rust_btfreloc::reloc::{check_plain, Input, Survey};

fn vmlinux() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, 0);
    b.int("long int", 8, 0);
    b
}

/// The words for what is wrong with plain split BTF.
fn plain(split: &Builder) -> String {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let (base, btf) = (vmlinux.base(), split.bytes());
    let input = Input {
        btf: &btf,
        btf_base: None,
    };
    let survey = Survey::of(&base, &input).unwrap();
    let error = check_plain(&base, &survey, &mut vec![0; survey.verify_len()]).unwrap_err();
    survey.describe(&base, error).to_string()
}

/// The words for what is wrong with a distilled module, and the error itself.
fn distilled(base: &Builder, split: &Builder) -> (String, Error) {
    let vmlinux = Vmlinux::new(vmlinux().bytes());
    let (vmlinux, btf_base, btf) = (vmlinux.base(), base.bytes(), split.bytes());
    let input = Input {
        btf: &btf,
        btf_base: Some(&btf_base),
    };
    let survey = Survey::of(&vmlinux, &input).unwrap();
    let mut scratch = vec![0; survey.verify_len()];
    let error = survey.verify(&mut scratch).err().unwrap();
    (survey.describe(&vmlinux, error).to_string(), error)
}

#[test]
fn a_member_is_named_with_its_struct() {
    let mut split = Builder::split(&vmlinux());
    split.structure("clk", 8, &[("rate", [1, 0]), ("bad name", [1, 32])]);
    let text = ".BTF offset 48, type [3] STRUCT clk: member 1 is named \"bad name\" (string offset";
    assert!(plain(&split).starts_with(text), "{}", plain(&split));
}

#[test]
fn a_value_is_named_with_its_enum() {
    let mut split = Builder::split(&vmlinux());
    split.enumeration("modes", 4, &[("9", [0])]);
    let text = ".BTF offset 36, type [3] ENUM modes: value 0 is named \"9\" (string offset";
    assert!(plain(&split).starts_with(text), "{}", plain(&split));
}

#[test]
fn a_member_of_no_type_is_named_with_its_struct() {
    let mut split = Builder::split(&vmlinux());
    split.structure("clk", 8, &[("rate", [0, 0])]);
    let text = ".BTF offset 40, type [3] STRUCT clk: member 0 has a bad type id 0";
    assert_eq!(plain(&split), text);
}

#[test]
fn a_bad_name_is_reported_once_and_not_in_full() {
    let mut split = Builder::split(&vmlinux());
    split.structure(&format!("no {}", "x".repeat(600)), 8, &[]);
    let text = format!(
        "STRUCT: it is named \"no {}\" (string offset",
        "x".repeat(61)
    );
    assert!(plain(&split).contains(&text), "{}", plain(&split));
}

#[test]
fn a_name_of_the_base_is_found_there() {
    let mut split = Builder::split(&vmlinux());
    // The offset of vmlinux's "long int".
    split.raw(&[5, 0x0400_0000, 8]);
    let text = "STRUCT: it is named \"long int\" (string offset 5)";
    assert!(plain(&split).contains(text), "{}", plain(&split));
}

#[test]
fn a_distilled_type_is_named() {
    let mut base = Builder::base();
    base.int("int", 4, 0);
    base.enum64("wide", 8, false, &[]);
    let (text, error) = distilled(&base, &Builder::split(&base));
    assert_eq!(error.type_id, 2);
    assert!(
        text.contains("type [2] ENUM64 wide: ENUM64 has no place in a distilled base"),
        "{text}"
    );
}

#[test]
fn a_type_of_a_module_with_distilled_base_is_named() {
    let mut base = Builder::base();
    base.int("int", 4, 0);
    let mut split = Builder::split(&base);
    split.typedef("far", 99);
    let (text, _) = distilled(&base, &split);
    assert_eq!(
        text,
        ".BTF offset 32, type [2] TYPEDEF far: type id 99 is past the last one (2)"
    );
}
