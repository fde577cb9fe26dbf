// SPDX-License-Identifier: GPL-2.0

//! What relocation writes: ids, strings, opaque types and headers.

use btfreloc_selftests::builder::{Builder, Header, Part, BOOL, SIGNED};
use btfreloc_selftests::dump;
use btfreloc_selftests::kernel::{Relocated, Vmlinux};
use btfreloc_selftests::model::Model;
use rust_btfreloc::btf::{Blob, Form, Kind, Reason, Section, MAX_NAME_OFFSET, MAX_TYPE};
use rust_btfreloc::reloc::{Fate, RelocationCounts, Why};

/// Relocates, and finds that the kernel would take the result.
#[track_caller]
fn relocated(vmlinux: &Builder, base: &Builder, module: &Builder) -> Relocated {
    let vmlinux = Vmlinux::new(vmlinux.bytes());
    let done = vmlinux.relocate(&base.bytes(), &module.bytes()).unwrap();
    assert_eq!(vmlinux.verify(&done.btf), Ok(()));
    done
}

#[track_caller]
fn gives(vmlinux: &Builder, base: &Builder, module: &Builder, expected: &str) -> Relocated {
    let done = relocated(vmlinux, base, module);
    assert_eq!(dump::split(&vmlinux.bytes(), &done.btf), expected);
    done
}

/// One of each kind that a distilled base may hold.
fn distilled() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b.float("double", 8);
    b.enumeration("state", 4, &[]);
    b.fwd("file", false);
    b.structure("task", 128, &[]);
    b.union("value", 8, &[]);
    b
}

/// A kernel that has all of [`distilled`], elsewhere.
fn vmlinux() -> Builder {
    let mut b = Builder::base();
    b.int("bool", 1, BOOL);
    b.union("value", 8, &[]);
    b.structure("task", 128, &[]);
    b.structure("file", 232, &[]);
    b.enumeration("state", 4, &[("ON", [1])]);
    b.float("double", 8);
    b.int("int", 4, SIGNED);
    b
}

/// All 19 kinds, with a reference wherever a kind has one.
fn every_kind() -> Builder {
    let mut b = Builder::split(&distilled());
    b.ptr(4);
    b.array(5, 1, 3);
    b.structure("own", 136, &[("task", [5, 0]), ("value", [6, 1024])]);
    b.union("either", 8, &[("int", [1, 0]), ("own_int", [24, 0])]);
    b.bit_fields("bits", 4, &[("low", [1, 0, 3]), ("high", [1, 3, 29])]);
    b.enumeration("mode", 4, &[("FAST", [1]), ("SLOW", [u32::MAX])]);
    b.fwd("unseen", true);
    b.typedef("task_t", 5);
    b.refer(Kind::Volatile, 1);
    b.constant(14);
    b.refer(Kind::Restrict, 7);
    let proto = b.func_proto(1, &[("task", [7]), ("value", [6]), ("", [0])]);
    b.func("run", proto, 1);
    b.var("counter", 1, 0);
    b.datasec(".data", 8, &[[20, 0, 4]]);
    b.float("half", 2);
    b.decl_tag("kfunc", 19, -1);
    b.type_tag("rcu", 5);
    b.int("u128", 16, 0);
    b.enum64(
        "wide",
        8,
        true,
        &[("ON", [u32::MAX, u32::MAX]), ("OFF", [0, 1])],
    );
    b
}

#[test]
fn every_kind_and_every_reference() {
    let done = gives(
        &vmlinux(),
        &distilled(),
        &every_kind(),
        "\
[8] PTR '(anon)' type_id=4
[9] ARRAY '(anon)' type_id=3 index_type_id=7 nr_elems=3
[10] STRUCT 'own' size=136 vlen=2
\t'task' type_id=3 bits_offset=0
\t'value' type_id=2 bits_offset=1024
[11] UNION 'either' size=8 vlen=2
\t'int' type_id=7 bits_offset=0
\t'own_int' type_id=25 bits_offset=0
[12] STRUCT 'bits' size=4 vlen=2
\t'low' type_id=7 bits_offset=0 bitfield_size=3
\t'high' type_id=7 bits_offset=3 bitfield_size=29
[13] ENUM 'mode' encoding=UNSIGNED size=4 vlen=2
\t'FAST' val=1
\t'SLOW' val=4294967295
[14] FWD 'unseen' fwd_kind=union
[15] TYPEDEF 'task_t' type_id=3
[16] VOLATILE '(anon)' type_id=7
[17] CONST '(anon)' type_id=15
[18] RESTRICT '(anon)' type_id=8
[19] FUNC_PROTO '(anon)' ret_type_id=7 vlen=3
\t'task' type_id=8
\t'value' type_id=2
\t'(anon)' type_id=0
[20] FUNC 'run' type_id=19 linkage=global
[21] VAR 'counter' type_id=7, linkage=static
[22] DATASEC '.data' size=8 vlen=1
\ttype_id=21 offset=0 size=4 (VAR 'counter')
[23] FLOAT 'half' size=2
[24] DECL_TAG 'kfunc' type_id=20 component_idx=-1
[25] TYPE_TAG 'rcu' type_id=3
[26] INT 'u128' size=16 bits_offset=0 nr_bits=128 encoding=(none)
[27] ENUM64 'wide' encoding=SIGNED size=8 vlen=2
\t'ON' val=-1LL
\t'OFF' val=4294967296LL
",
    );
    assert_eq!(done.strict, Ok(()));
    assert_eq!(
        done.counts,
        RelocationCounts {
            split: 20,
            mapped: 6,
            opaque: 0
        }
    );
    let split = 8..28;
    let new_ids: Vec<u32> = [0, 7, 6, 5, 4, 3, 2].into_iter().chain(split).collect();
    assert_eq!(done.new_ids, new_ids);
}

#[test]
fn every_kind_that_can_be_opaque_is_carried_and_grants_nothing() {
    let mut base = Builder::base();
    base.structure("task", 128, &[("ignored", [1, 0])]);
    base.union("value", 8, &[]);
    base.fwd("file", false);
    base.fwd("either", true);
    base.int("int", 4, SIGNED);
    base.float("double", 8);
    base.enumeration("state", 2, &[("IGNORED", [1])]);
    base.bit_fields("bits", 4, &[("ignored", [5, 0, 3])]);
    let mut module = Builder::split(&base);
    module.typedef("z", 1);
    module.typedef("a", 8);
    let mut vmlinux = Builder::base();
    vmlinux.int("char", 1, 0);
    let done = gives(
        &vmlinux,
        &base,
        &module,
        "\
[2] TYPEDEF 'z' type_id=4
[3] TYPEDEF 'a' type_id=11
[4] FWD 'task' fwd_kind=struct
[5] FWD 'value' fwd_kind=union
[6] FWD 'file' fwd_kind=struct
[7] FWD 'either' fwd_kind=union
[8] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[9] FLOAT 'double' size=8
[10] ENUM '(anon)' encoding=UNSIGNED size=2 vlen=1
\t'state' val=0
[11] FWD 'bits' fwd_kind=struct
",
    );
    assert_eq!(
        done.counts,
        RelocationCounts {
            split: 2,
            mapped: 0,
            opaque: 8
        }
    );
    assert_eq!(done.strict, Err((1, Why::Absent)));
    assert_eq!(done.new_ids, [0, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3]);
}

/// What is held by value, in a member, a variable or a parameter, or is an element keeps its size,
/// with nothing in it that could be read; what is only pointed to is declared.
#[test]
fn an_opaque_type_that_has_to_have_a_size_keeps_it() {
    let mut base = Builder::base();
    base.structure("member", 128, &[]);
    base.union("variable", 8, &[]);
    base.bit_fields("parameter", 4, &[]);
    base.structure("element", 16, &[]);
    base.structure("pointee", 16, &[]);
    base.structure("empty", 0, &[]);
    base.enumeration("state", 2, &[]);
    let mut module = Builder::split(&base);
    let name = module.typedef("member_t", 1);
    module.structure("own", 256, &[("m", [name, 0]), ("e", [6, 128])]);
    module.var("v", 2, 1);
    module.func_proto(0, &[("p", [3]), ("state", [7])]);
    let tags = module.type_tag("tag", 4);
    module.array(tags, 9, 2);
    module.ptr(5);
    let mut vmlinux = Builder::base();
    vmlinux.int("char", 1, 0);
    gives(
        &vmlinux,
        &base,
        &module,
        "\
[2] TYPEDEF 'member_t' type_id=11
[3] STRUCT 'own' size=256 vlen=2
\t'm' type_id=2 bits_offset=0
\t'e' type_id=16 bits_offset=128
[4] VAR 'v' type_id=12, linkage=global
[5] FUNC_PROTO '(anon)' ret_type_id=0 vlen=2
\t'p' type_id=13
\t'state' type_id=17
[6] TYPE_TAG 'tag' type_id=14
[7] ARRAY '(anon)' type_id=6 index_type_id=3 nr_elems=2
[8] PTR '(anon)' type_id=15
[9] PTR '(anon)' type_id=0
[10] ARRAY '(anon)' type_id=9 index_type_id=9 nr_elems=0
[11] STRUCT '(anon)' size=128 vlen=1
\t'member' type_id=10 bits_offset=0
[12] UNION '(anon)' size=8 vlen=1
\t'variable' type_id=10 bits_offset=0
[13] STRUCT '(anon)' size=4 vlen=1
\t'parameter' type_id=10 bits_offset=0
[14] STRUCT '(anon)' size=16 vlen=1
\t'element' type_id=10 bits_offset=0
[15] FWD 'pointee' fwd_kind=struct
[16] STRUCT '(anon)' size=0 vlen=1
\t'empty' type_id=10 bits_offset=0
[17] ENUM '(anon)' encoding=UNSIGNED size=2 vlen=1
\t'state' val=0
",
    );
}

/// As `btf_check_sorted` has it.
fn is_sorted(vmlinux: &[u8], btf: &[u8]) -> bool {
    let model = Model::base(vmlinux).split(btf);
    let names: Vec<&str> = model.own().map(|(_, type_)| type_.name.as_str()).collect();
    names.is_sorted()
}

#[test]
fn what_was_sorted_stays_sorted() {
    let mut base = Builder::base();
    base.structure("zone", 8, &[]);
    base.structure("mutex", 16, &[]);
    base.int("int", 4, SIGNED);
    base.structure("aio", 8, &[]);
    base.union("mutex", 8, &[]);
    let mut module = Builder::split(&base);
    module.ptr(4);
    module.ptr(10);
    module.structure("holder", 64, &[("mutex", [2, 0]), ("again", [8, 128])]);
    module.typedef("mutex", 2);
    module.structure("own", 8, &[("zone", [1, 0])]);
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, SIGNED);
    let done = gives(
        &vmlinux,
        &base,
        &module,
        "\
[2] PTR '(anon)' type_id=8
[3] PTR '(anon)' type_id=12
[4] PTR '(anon)' type_id=0
[5] ARRAY '(anon)' type_id=4 index_type_id=1 nr_elems=0
[6] STRUCT '(anon)' size=8 vlen=1
\t'zone' type_id=5 bits_offset=0
[7] STRUCT '(anon)' size=16 vlen=1
\t'mutex' type_id=5 bits_offset=0
[8] FWD 'aio' fwd_kind=struct
[9] STRUCT 'holder' size=64 vlen=2
\t'mutex' type_id=7 bits_offset=0
\t'again' type_id=9 bits_offset=128
[10] TYPEDEF 'mutex' type_id=7
[11] FWD 'mutex' fwd_kind=union
[12] STRUCT 'own' size=8 vlen=1
\t'zone' type_id=6 bits_offset=0
",
    );
    assert!(is_sorted(&vmlinux.bytes(), &done.btf));
    assert_eq!(done.new_ids, [0, 6, 7, 1, 8, 11, 2, 3, 9, 10, 12]);
}

#[test]
fn names_are_sorted_as_bytes() {
    let mut base = Builder::base();
    for name in ["é", "b", "_", "B"] {
        base.structure(name, 8, &[]);
    }
    let mut module = Builder::split(&base);
    module.typedef("a", 1);
    module.typedef("c", 2);
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, SIGNED);
    // In UTF-8, which the kernel takes for Latin-1: 0xc3 is a letter, 0xa9 none.
    let refused = Vmlinux::new(vmlinux.bytes()).relocate(&base.bytes(), &module.bytes());
    assert!(matches!(
        refused.unwrap_err().reason,
        Reason::BadName { .. }
    ));
    let mut base = Builder::base();
    for name in [&b"\xe9"[..], b"b", b"_", b"B"] {
        let name = base.name(name);
        base.raw(&[name, (Kind::Struct as u32) << 24, 8]);
    }
    let mut module = Builder::split(&base);
    module.typedef("a", 1);
    module.typedef("c", 2);
    let done = relocated(&vmlinux, &base, &module);
    // B, _, a, b, c, 0xe9
    assert_eq!(done.new_ids, [0, 7, 5, 3, 2, 4, 6]);
}

#[test]
fn what_was_not_sorted_has_opaque_types_after_it() {
    let mut base = Builder::base();
    base.structure("b", 8, &[]);
    base.structure("a", 8, &[]);
    let mut module = Builder::split(&base);
    module.typedef("d", 1);
    module.typedef("c", 2);
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, SIGNED);
    gives(
        &vmlinux,
        &base,
        &module,
        "\
[2] TYPEDEF 'd' type_id=4
[3] TYPEDEF 'c' type_id=5
[4] FWD 'b' fwd_kind=struct
[5] FWD 'a' fwd_kind=struct
",
    );
}

#[test]
fn a_module_without_types_may_have_opaque_ones() {
    let base = distilled();
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, SIGNED);
    let done = gives(
        &vmlinux,
        &base,
        &Builder::split(&base),
        "\
[2] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=1
\t'state' val=0
[3] FLOAT 'double' size=8
[4] FWD 'file' fwd_kind=struct
[5] FWD 'task' fwd_kind=struct
[6] FWD 'value' fwd_kind=union
",
    );
    assert_eq!(
        done.counts,
        RelocationCounts {
            split: 0,
            mapped: 1,
            opaque: 5
        }
    );
}

#[test]
fn a_distilled_base_without_types_only_moves_the_module() {
    let base = Builder::base();
    let mut module = Builder::split(&base);
    module.ptr(2);
    module.fwd("own", false);
    gives(
        &vmlinux(),
        &base,
        &module,
        "[8] PTR '(anon)' type_id=9\n[9] FWD 'own' fwd_kind=struct\n",
    );
}

/// The string part of relocated BTF.
fn strings(btf: &[u8]) -> Vec<u8> {
    Blob::parse(Section::Btf, Form::Split, btf)
        .unwrap()
        .strings()
        .to_vec()
}

#[test]
fn strings_of_vmlinux_serve_for_what_was_mapped() {
    let done = relocated(&vmlinux(), &distilled(), &every_kind());
    assert_eq!(strings(&done.btf), strings(&every_kind().bytes()));
}

#[test]
fn only_strings_that_are_used_are_appended() {
    let mut base = Builder::base();
    base.structure("gone", 8, &[("ignored", [1, 0])]);
    base.int("int", 4, SIGNED);
    base.name("unused");
    let member = base.name("member");
    let mut module = Builder::split(&base);
    module.structure(
        "own",
        16,
        &[("gone", [1, 0]), ("int", [2, 64]), ("member", [2, 96])],
    );
    // The end of a string of the base is a string, too.
    module.raw(&[member + 3, (Kind::Typedef as u32) << 24, 2]);
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, SIGNED);
    let done = gives(
        &vmlinux,
        &base,
        &module,
        "\
[2] STRUCT 'own' size=16 vlen=3
\t'gone' type_id=6 bits_offset=0
\t'int' type_id=1 bits_offset=64
\t'member' type_id=1 bits_offset=96
[3] TYPEDEF 'ber' type_id=1
[4] PTR '(anon)' type_id=0
[5] ARRAY '(anon)' type_id=4 index_type_id=1 nr_elems=0
[6] STRUCT '(anon)' size=8 vlen=1
\t'gone' type_id=5 bits_offset=0
",
    );
    assert_eq!(strings(&done.btf), b"own\0gone\0member\0ber\0");
}

#[test]
fn a_string_that_vmlinux_has_serves_an_opaque_type_of_that_name() {
    let mut base = Builder::base();
    base.structure("task", 8, &[]);
    base.union("task", 8, &[]);
    let mut module = Builder::split(&base);
    module.ptr(1);
    module.ptr(2);
    let done = gives(
        &vmlinux(),
        &base,
        &module,
        "\
[8] PTR '(anon)' type_id=3
[9] PTR '(anon)' type_id=12
[10] PTR '(anon)' type_id=0
[11] ARRAY '(anon)' type_id=10 index_type_id=7 nr_elems=0
[12] UNION '(anon)' size=8 vlen=1
\t'task' type_id=11 bits_offset=0
",
    );
    assert_eq!(strings(&done.btf), b"\0");
}

/// Headers of every length and order that can hold `layout`.
fn headers() -> Vec<Header> {
    use Part::{Layout, Strings, Types};
    let mut headers = Vec::new();
    for len in 24..=40 {
        headers.push(Header {
            len,
            ..Header::SHORT
        });
    }
    for len in [32, 40] {
        for order in [
            [Types, Layout, Strings],
            [Strings, Layout, Types],
            [Layout, Strings, Types],
        ] {
            headers.push(Header {
                len,
                order,
                layout: true,
            });
            headers.push(Header {
                len,
                order,
                layout: false,
            });
        }
    }
    headers
}

#[test]
fn headers_of_every_form_give_one_form() {
    let (vmlinux, base, module) = (vmlinux(), distilled(), every_kind());
    let expected = relocated(&vmlinux, &base, &module).btf[24..].to_vec();
    let layout = btfreloc_selftests::builder::layout();
    let types = expected.len() - strings(&module.bytes()).len();
    for header in headers() {
        let loaded = Vmlinux::new(vmlinux.build(&header));
        let done = loaded
            .relocate(&base.build(&header), &module.build(&header))
            .unwrap();
        let blob = Blob::parse(Section::Btf, Form::Split, &done.btf).unwrap();
        assert_eq!(
            (blob.header_len(), blob.types_start()),
            (header.len, header.len)
        );
        let body = &done.btf[header.len as usize..];
        if header.layout {
            let with_layout = [&expected[..types], &layout, &expected[types..]].concat();
            assert_eq!(
                (blob.layout(), body),
                (&layout[..], &with_layout[..]),
                "{header:?}"
            );
        } else {
            assert_eq!(
                (blob.layout(), body),
                (&[][..], &expected[..]),
                "{header:?}"
            );
        }
    }
}

#[test]
fn the_shortest_header_grows_to_name_what_was_added() {
    let mut base = Builder::base();
    base.structure("gone", 8, &[]);
    let header = [0x0001_eb9fu32, 8];
    let module: Vec<u8> = header.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let loaded = Vmlinux::new(vmlinux().bytes());
    let done = loaded.relocate(&base.bytes(), &module).unwrap();
    assert_eq!(
        dump::split(loaded.bytes(), &done.btf),
        "[8] FWD 'gone' fwd_kind=struct\n"
    );
    assert_eq!(loaded.verify(&done.btf), Ok(()));
}

/// `bytes` at this distance from an address that divides by 8.
fn at_alignment(bytes: &[u8], alignment: usize) -> (Vec<u8>, usize) {
    let mut buffer = vec![0xff; bytes.len() + 16];
    let start = buffer.as_ptr().align_offset(8) + alignment;
    buffer[start..start + bytes.len()].copy_from_slice(bytes);
    (buffer, start)
}

#[test]
fn input_may_stand_at_any_alignment() {
    let (base, module) = (distilled().bytes(), every_kind().bytes());
    let loaded = Vmlinux::new(vmlinux().bytes());
    let expected = loaded.relocate(&base, &module).unwrap();
    for (a, b) in (0..8).flat_map(|a| (0..8).map(move |b| (a, b))) {
        let (base_buffer, base_at) = at_alignment(&base, a);
        let (buffer, at) = at_alignment(&module, b);
        let base = &base_buffer[base_at..base_at + base.len()];
        let module = &buffer[at..at + module.len()];
        assert_eq!(module.as_ptr().align_offset(8), (8 - b) % 8);
        assert_eq!(loaded.relocate(base, module).as_ref(), Ok(&expected));
    }
}

/// A kernel of this many types, all pointers to void.
fn pointers(count: u32) -> Builder {
    let mut b = Builder::base();
    for _ in 0..count {
        b.ptr(0);
    }
    b
}

#[test]
fn there_are_no_more_types_than_ids() {
    let mut base = Builder::base();
    base.structure("gone", 8, &[]);
    let mut module = Builder::split(&base);
    module.ptr(1);
    // The module's two end at `MAX_TYPE`, or one past it.
    let fits = Vmlinux::new(pointers(MAX_TYPE - 2).bytes());
    let done = fits.relocate(&base.bytes(), &module.bytes()).unwrap();
    assert_eq!(done.new_ids, [0, MAX_TYPE, MAX_TYPE - 1]);
    let full = Vmlinux::new(pointers(MAX_TYPE - 1).bytes());
    let error = full.relocate(&base.bytes(), &module.bytes()).unwrap_err();
    let refused = (error.section, error.offset, error.type_id, error.reason);
    assert_eq!(refused, (Section::Btf, 0, 0, Reason::OutputTooLarge));
}

#[test]
fn there_are_no_more_strings_than_offsets() {
    let mut base = Builder::base();
    base.structure("gone", 8, &[]);
    let mut module = Builder::split(&base);
    module.fwd("own", false);
    // `gone` and `own` with a NUL each end at `MAX_NAME_OFFSET`, or one past it.
    let kernel = |len| {
        let mut b = pointers(1);
        b.name(vec![b'x'; len]);
        Vmlinux::new(b.bytes())
    };
    let room = MAX_NAME_OFFSET as usize + 1 - 2 - 9;
    assert!(kernel(room)
        .relocate(&base.bytes(), &module.bytes())
        .is_ok());
    let error = kernel(room + 1)
        .relocate(&base.bytes(), &module.bytes())
        .unwrap_err();
    assert_eq!(error.reason, Reason::OutputTooLarge);
}

#[test]
fn under_policy_strict_the_first_without_a_match_is_named() {
    let mut vmlinux = Builder::base();
    vmlinux.int("int", 4, SIGNED);
    vmlinux.float("double", 8);
    vmlinux.enumeration("state", 8, &[]);
    let done = relocated(&vmlinux, &distilled(), &every_kind());
    let why = Why::OtherSize(3);
    assert_eq!(done.strict, Err((3, why)));
    assert_eq!(done.fates[..2], [Fate::Mapped(1), Fate::Mapped(2)]);
    assert_eq!(
        done.counts,
        RelocationCounts {
            split: 20,
            mapped: 2,
            opaque: 4
        }
    );
}
