// SPDX-License-Identifier: GPL-2.0

//! Standalone BTF, rebased: what becomes vmlinux's, what stays the module's, what goes.

mod alone;

use alone::{built, conflicts, ids, list, on};
use btfreloc_selftests::builder::{Builder, Header, SIGNED};
use btfreloc_selftests::dump;
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::rebase::rebase;
use rust_btfreloc::btf::{Error, Reason, Section};

#[test]
fn each_kind_with_a_name_is_vmlinuxs_where_it_has_it() {
    let fill = |b: &mut Builder| {
        let int = b.int("int", 4, SIGNED);
        b.float("double", 8);
        b.enumeration("color", 4, &[("RED", [0]), ("BLUE", [7])]);
        b.enum64("wide", 8, true, &[("LOW", [1, 2])]);
        let pair = b.structure("pair", 8, &[("a", [int, 0]), ("b", [int, 32])]);
        b.union("either", 4, &[("a", [int, 0]), ("b", [int, 0])]);
        b.bit_fields("bits", 4, &[("x", [int, 0, 3]), ("y", [int, 3, 5])]);
        b.typedef("pair_t", pair);
        b.fwd("hidden", false);
        b.fwd("hidden_union", true);
    };
    let mut vmlinux = built(|b| {
        b.float("first", 4);
    });
    fill(&mut vmlinux);
    let expected: Vec<_> = (2..12).map(Some).collect();
    assert_eq!(ids(&vmlinux, &built(fill)), expected);
}

#[test]
fn a_declaration_becomes_what_it_declares() {
    let vmlinux = built(|b| {
        let int = b.int("int", 4, 0);
        b.structure("s", 4, &[("a", [int, 0])]);
        b.union("u", 4, &[("a", [int, 0])]);
        b.enumeration("e", 4, &[("A", [1])]);
        b.ptr(2);
        b.structure("holder", 8, &[("s", [5, 0])]);
    });
    let module = built(|b| {
        b.fwd("s", false);
        b.fwd("u", true);
        b.enumeration("e", 4, &[]);
        b.ptr(1);
        b.structure("holder", 8, &[("s", [4, 0])]);
        // Of the other flavour: vmlinux has none.
        b.fwd("s", true);
        let wrong = b.ptr(6);
        b.structure("own", 8, &[("s", [wrong, 0])]);
    });
    let new_ids = ids(&vmlinux, &module);
    assert_eq!(new_ids[..5], [Some(2), Some(3), Some(4), Some(5), Some(6)]);
    assert_eq!(new_ids[5..], [Some(9), Some(7), Some(8)]);
}

#[test]
fn what_vmlinux_only_declares_does_not_make_its_struct_another() {
    let vmlinux = built(|b| {
        let fwd = b.fwd("private", false);
        let ptr = b.ptr(fwd);
        b.structure("device", 8, &[("private", [ptr, 0])]);
        b.typedef("private_t", fwd);
    });
    let module = built(|b| {
        let int = b.int("int", 4, 0);
        let private = b.structure("private", 4, &[("x", [int, 0])]);
        let ptr = b.ptr(private);
        b.structure("device", 8, &[("private", [ptr, 0])]);
        b.typedef("private_t", private);
        let proto = b.func_proto(0, &[("private", [ptr])]);
        b.func("use", proto, 0);
    });
    let (_, rebased) = on(&vmlinux, &module);
    assert_eq!(
        dump::split(&vmlinux.bytes(), &rebased.btf),
        "\
[5] PTR '(anon)' type_id=8
[6] FUNC_PROTO '(anon)' ret_type_id=0 vlen=1
\t'private' type_id=5
[7] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=(none)
[8] STRUCT 'private' size=4 vlen=1
\t'x' type_id=7 bits_offset=0
[9] TYPEDEF 'private_t' type_id=8
[10] FUNC 'use' type_id=6 linkage=static
"
    );
    // The struct that points to it is vmlinux's, what it is in the module is not lost.
    assert_eq!(rebased.new_ids[4], Some(3));
    assert_eq!(conflicts(&vmlinux, &module), []);
}

#[test]
fn a_declaration_stays_where_the_module_has_a_struct_of_that_name() {
    let vmlinux = built(|b| {
        b.structure("s", 4, &[]);
        b.ptr(1);
        b.fwd("t", false);
        b.structure("t", 4, &[]);
    });
    let module = built(|b| {
        b.structure("s", 8, &[]);
        b.fwd("s", false);
        b.ptr(2);
        b.structure("own", 8, &[("s", [3, 0])]);
        // Here vmlinux has the same declaration.
        b.structure("t", 8, &[]);
        b.fwd("t", false);
    });
    let new_ids = ids(&vmlinux, &module);
    assert_eq!(
        new_ids,
        [Some(9), Some(10), Some(7), Some(8), Some(11), Some(3)]
    );
}

#[test]
fn a_declaration_follows_what_the_module_has_of_its_name() {
    let vmlinux = built(|b| {
        b.structure("s", 4, &[]);
        b.structure("s", 8, &[]);
        b.fwd("s", false);
    });
    let module = |sizes: &'static [u32]| {
        built(move |b| {
            b.fwd("s", false);
            for size in sizes {
                b.structure("s", *size, &[]);
            }
        })
    };
    // Of two that differ, none would be taken.
    assert_eq!(ids(&vmlinux, &module(&[])), [Some(3)]);
    assert_eq!(ids(&vmlinux, &module(&[4])), [Some(1), Some(1)]);
    assert_eq!(ids(&vmlinux, &module(&[4, 8])), [Some(3), Some(1), Some(2)]);
    let vmlinux = built(|b| {
        b.structure("s", 4, &[]);
        b.fwd("s", false);
    });
    assert_eq!(ids(&vmlinux, &module(&[4])), [Some(1), Some(1)]);
    assert_eq!(ids(&vmlinux, &module(&[8])), [Some(2), Some(5)]);
}

#[test]
fn functions_and_variables_are_the_modules_and_so_are_tags_on_what_is() {
    let fill = |b: &mut Builder| {
        let int = b.int("int", 4, 0);
        let proto = b.func_proto(int, &[("a", [int])]);
        let func = b.func("work", proto, 1);
        let var = b.var("state", int, 1);
        b.datasec(".data", 4, &[[var, 0, 4]]);
        b.decl_tag("on_func", func, -1);
        b.decl_tag("on_param", func, 0);
        let list = list(b);
        b.decl_tag("on_struct", list, 0);
        b.typedef("list_t", list);
        b.decl_tag("on_typedef", 11, -1);
    };
    let module = built(fill);
    let (_, rebased) = on(&module, &module);
    assert_eq!(
        dump::split(&module.bytes(), &rebased.btf),
        "\
[13] FUNC_PROTO '(anon)' ret_type_id=1 vlen=1
\t'a' type_id=1
[14] DATASEC '.data' size=4 vlen=1
\ttype_id=18 offset=0 size=4 (VAR 'state')
[15] DECL_TAG 'on_func' type_id=19 component_idx=-1
[16] DECL_TAG 'on_param' type_id=19 component_idx=0
[17] VAR 'state' type_id=1, linkage=global
[18] FUNC 'work' type_id=13 linkage=global
"
        .replace("type_id=18 offset", "type_id=17 offset")
        .replace("type_id=19", "type_id=18")
    );
}

#[test]
fn what_only_served_others_goes_and_what_has_a_name_stays() {
    let vmlinux = built(|b| {
        let int = b.int("int", 4, 0);
        b.structure("shared", 4, &[("x", [int, 0])]);
    });
    let module = built(|b| {
        let int = b.int("int", 4, 0);
        let shared = b.structure("shared", 4, &[("x", [int, 0])]);
        // Nothing refers to these: for CO-RE, and for their constants.
        let own = b.structure("own", 8, &[]);
        b.enumeration("", 4, &[("OWN_MAX", [5])]);
        // These serve nothing that is left.
        let ptr = b.ptr(shared);
        b.constant(ptr);
        b.array(own, int, 3);
        b.func_proto(0, &[]);
        b.type_tag("user", shared);
        b.fwd("nowhere", false);
        // This serves the struct after it.
        let tag = b.type_tag("user", own);
        b.structure("z", 8, &[("own", [tag, 0])]);
    });
    let (_, rebased) = on(&vmlinux, &module);
    assert_eq!(
        dump::split(&vmlinux.bytes(), &rebased.btf),
        "\
[3] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=1
\t'OWN_MAX' val=5
[4] STRUCT 'own' size=8 vlen=0
[5] TYPE_TAG 'user' type_id=4
[6] STRUCT 'z' size=8 vlen=1
\t'own' type_id=5 bits_offset=0
"
    );
    assert_eq!(rebased.counts.mapped, 2);
    assert_eq!(rebased.counts.own, 4);
    assert_eq!(rebased.counts.left_out, 6);
}

#[test]
fn an_enum_without_a_name_is_found_by_its_first_value() {
    let constants = |b: &mut Builder, last| {
        b.enumeration("", 4, &[("FIRST", [0]), ("LAST", [last])]);
    };
    let vmlinux = built(|b| {
        constants(b, 3);
        constants(b, 4);
    });
    assert_eq!(ids(&vmlinux, &built(|b| constants(b, 4))), [Some(2)]);
    assert_eq!(ids(&vmlinux, &built(|b| constants(b, 5))), [Some(3)]);
}

#[test]
fn only_strings_in_use_are_left_each_where_it_was() {
    let vmlinux = built(|b| {
        b.structure("gone", 4, &[]);
    });
    let module = built(|b| {
        b.structure("gone", 4, &[]);
        b.structure("kept", 4, &[]);
        b.name("unused");
        // Two strings that end alike share their bytes.
        let off = b.name("long_tail");
        b.raw(&[off, (4 << 24), 4]);
        b.raw(&[off + 5, (4 << 24), 4]);
    });
    for header in [Header::SHORT, Header::LONG] {
        let bytes = module.build(&header);
        let loaded = Vmlinux::new(vmlinux.bytes());
        let rebased = rebase(&loaded, &bytes).unwrap();
        assert_eq!(loaded.verify(&rebased.btf), Ok(()));
        assert!(rebased.btf.ends_with(b"kept\0long_tail\0"));
        assert_eq!(
            rebased.btf.len(),
            bytes.len() - 12 - "\0gone\0unused\0".len()
        );
        assert_eq!(rebased.btf[4..8], bytes[4..8]);
        let text = dump::split(&vmlinux.bytes(), &rebased.btf);
        assert!(text.contains("STRUCT 'tail' size=4"), "{text}");
    }
}

#[test]
fn where_all_is_vmlinuxs_nothing_is_left() {
    let vmlinux = built(|b| {
        list(b);
    });
    let (_, rebased) = on(&vmlinux, &vmlinux);
    // The header, and a string part that is not empty.
    assert_eq!(rebased.btf.len(), 25);
    assert_eq!(rebased.new_ids, [Some(0), Some(1), Some(2)]);
}

#[test]
fn more_than_btf_can_number_is_refused() {
    let vmlinux = built(|b| {
        for _ in 0..0x000f_fff0 {
            b.ptr(0);
        }
    });
    let module = |count: u32| {
        let module = built(|b| {
            for index in 0..count {
                b.float(&format!("f{index}"), 4);
            }
        });
        rebase(&Vmlinux::new(vmlinux.bytes()), &module.bytes()).map(|rebased| rebased.counts.own)
    };
    assert_eq!(module(15), Ok(15));
    let refused = Error {
        section: Section::Btf,
        offset: 0,
        type_id: 0,
        reason: Reason::OutputTooLarge,
    };
    assert_eq!(module(16), Err(refused));
}

#[test]
fn what_the_kernel_would_refuse_is_refused() {
    let vmlinux = Vmlinux::new(
        built(|b| {
            b.int("int", 4, 0);
        })
        .bytes(),
    );
    let module = built(|b| {
        let int = b.int("int", 4, 0);
        b.structure("s", 4, &[("x", [int, 64])]);
    });
    let error = rebase(&vmlinux, &module.bytes()).unwrap_err();
    assert_eq!((error.section, error.type_id), (Section::Btf, 2));
    assert_eq!(
        error.reason,
        Reason::MemberOutside {
            member: 0,
            bits: 64,
            size: 4
        }
    );
}
