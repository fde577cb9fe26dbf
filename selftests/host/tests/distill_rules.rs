// SPDX-License-Identifier: GPL-2.0

//! Distillation by the core: what goes where, as text that a reader can check by eye.

use btfreloc_selftests::builder::{info, put, Builder, Header, CHAR, SIGNED};
use btfreloc_selftests::distilled::{distill, distill_with, Distilled};
use btfreloc_selftests::dump;
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::peer;
use rust_btfreloc::btf::{Error, Kind, Reason, Section};
use rust_btfreloc::reloc::distill::{DistillCounts, DistillPlan, DistillSurvey, Module, Order};

/// Distills in the order of ids, and gives both results as text.
fn in_order(base: &Builder, module: &Builder) -> (Distilled, String) {
    let vmlinux = Vmlinux::new(base.bytes());
    let done = distill(&vmlinux, &module.bytes(), Order::Kept).unwrap();
    let text = text(&done);
    (done, text)
}

fn text(done: &Distilled) -> String {
    let split = dump::split(&done.base, &done.split);
    format!("{}--\n{split}", dump::base(&done.base))
}

fn refused(base: &Builder, module: &Builder) -> Error {
    let vmlinux = Vmlinux::new(base.bytes());
    distill(&vmlinux, &module.bytes(), Order::Kept).unwrap_err()
}

/// `int`, and a STRUCT with it.
fn small_base() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    b.structure("node", 16, &[("number", [int, 0])]);
    b
}

#[test]
fn a_struct_with_a_name_keeps_its_size_and_what_it_holds_is_not_needed() {
    let base = small_base();
    let mut module = Builder::split(&base);
    module.ptr(2);
    let (done, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
[1] STRUCT 'node' size=16 vlen=0
--
[2] PTR '(anon)' type_id=1
"
    );
    assert_eq!(done.new_ids, [Some(0), None, Some(1), Some(2)]);
    let counts = DistillCounts {
        own: 1,
        distilled: 1,
        copied: 0,
    };
    assert_eq!(done.counts, counts);
}

/// A base with each of the 19 kinds, and types that are between the module and others.
fn every_kind() -> Builder {
    let mut b = Builder::base();
    let int = b.int("int", 4, SIGNED);
    let unused = b.int("unused", 4, 0);
    let ptr = b.ptr(int);
    b.array(ptr, int, 5);
    b.bit_fields("bits", 8, &[("low", [unused, 0, 3])]);
    b.union("either", 8, &[("number", [unused, 0])]);
    b.enumeration("state", 4, &[("ON", [1]), ("OFF", [2])]);
    b.fwd("later", true);
    let inner = b.int("char", 1, CHAR);
    b.typedef("letter", inner);
    b.refer(Kind::Volatile, int);
    b.constant(11);
    b.refer(Kind::Restrict, ptr);
    let proto = b.func_proto(0, &[("format", [ptr])]);
    b.func("printk", proto, 1);
    b.var("jiffies", int, 1);
    b.datasec(".data", 4, &[[16, 0, 4]]);
    b.float("double", 8);
    b.decl_tag("kfunc", 15, -1);
    b.type_tag("user", 1);
    b.enum64("wide", 8, true, &[("FAR", [0, 1])]);
    b.structure("", 8, &[("tagged", [20, 0]), ("state", [7, 32])]);
    b.union("", 4, &[("letter", [10, 0])]);
    b.enumeration("", 4, &[("MAX", [64])]);
    b.enum64("", 8, false, &[("ALL", [u32::MAX, u32::MAX])]);
    b
}

/// A module with each of the 19 kinds, that refers to what a module may refer to of the base.
fn module_of_every_kind(base: &Builder) -> Builder {
    let mut b = Builder::split(base);
    let may_refer = (3..=25).filter(|id| !matches!(id, 11 | 15 | 16 | 17 | 19 | 20));
    let params: Vec<_> = may_refer.map(|id| ("", [id])).collect();
    let proto = b.func_proto(0, &params);
    let start = proto + 1;
    b.func("own_func", proto, 0);
    b.int("own_int", 8, 0);
    b.ptr(start);
    b.array(start + 1, 1, 2);
    b.structure("own_struct", 8, &[("number", [start + 1, 0])]);
    b.union("own_union", 8, &[("own_number", [start + 1, 0])]);
    b.enumeration("own_state", 4, &[("ON", [7])]);
    b.fwd("own_fwd", false);
    b.typedef("own_typedef", 8);
    b.refer(Kind::Volatile, 1);
    b.constant(0);
    b.refer(Kind::Restrict, start + 2);
    b.var("own_var", 1, 0);
    b.datasec(".bss", 4, &[[start + 12, 0, 4]]);
    b.float("float", 4);
    b.decl_tag("kfunc", start, -1);
    b.type_tag("own_tag", 1);
    b.enum64("own_wide", 8, false, &[("FAR", [1, 0])]);
    b
}

#[test]
fn every_kind_goes_where_the_table_says() {
    let base = every_kind();
    let module = module_of_every_kind(&base);
    let (done, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] STRUCT 'bits' size=8 vlen=0
[3] UNION 'either' size=8 vlen=0
[4] ENUM 'state' encoding=UNSIGNED size=4 vlen=0
[5] FWD 'later' fwd_kind=union
[6] INT 'char' size=1 bits_offset=0 nr_bits=8 encoding=CHAR
[7] FLOAT 'double' size=8
[8] ENUM 'wide' encoding=UNSIGNED size=8 vlen=0
--
[9] FUNC_PROTO '(anon)' ret_type_id=0 vlen=17
\t'(anon)' type_id=28
\t'(anon)' type_id=29
\t'(anon)' type_id=2
\t'(anon)' type_id=3
\t'(anon)' type_id=4
\t'(anon)' type_id=5
\t'(anon)' type_id=6
\t'(anon)' type_id=30
\t'(anon)' type_id=32
\t'(anon)' type_id=33
\t'(anon)' type_id=34
\t'(anon)' type_id=7
\t'(anon)' type_id=8
\t'(anon)' type_id=36
\t'(anon)' type_id=37
\t'(anon)' type_id=38
\t'(anon)' type_id=39
[10] FUNC 'own_func' type_id=9 linkage=static
[11] INT 'own_int' size=8 bits_offset=0 nr_bits=64 encoding=(none)
[12] PTR '(anon)' type_id=10
[13] ARRAY '(anon)' type_id=11 index_type_id=1 nr_elems=2
[14] STRUCT 'own_struct' size=8 vlen=1
\t'number' type_id=11 bits_offset=0
[15] UNION 'own_union' size=8 vlen=1
\t'own_number' type_id=11 bits_offset=0
[16] ENUM 'own_state' encoding=UNSIGNED size=4 vlen=1
\t'ON' val=7
[17] FWD 'own_fwd' fwd_kind=struct
[18] TYPEDEF 'own_typedef' type_id=5
[19] VOLATILE '(anon)' type_id=1
[20] CONST '(anon)' type_id=0
[21] RESTRICT '(anon)' type_id=12
[22] VAR 'own_var' type_id=1, linkage=static
[23] DATASEC '.bss' size=4 vlen=1
\ttype_id=22 offset=0 size=4 (VAR 'own_var')
[24] FLOAT 'float' size=4
[25] DECL_TAG 'kfunc' type_id=10 component_idx=-1
[26] TYPE_TAG 'own_tag' type_id=1
[27] ENUM64 'own_wide' encoding=UNSIGNED size=8 vlen=1
\t'FAR' val=1ULL
[28] PTR '(anon)' type_id=1
[29] ARRAY '(anon)' type_id=28 index_type_id=1 nr_elems=5
[30] TYPEDEF 'letter' type_id=6
[31] VOLATILE '(anon)' type_id=1
[32] CONST '(anon)' type_id=31
[33] RESTRICT '(anon)' type_id=28
[34] FUNC_PROTO '(anon)' ret_type_id=0 vlen=1
\t'format' type_id=28
[35] TYPE_TAG 'user' type_id=1
[36] STRUCT '(anon)' size=8 vlen=2
\t'tagged' type_id=35 bits_offset=0
\t'state' type_id=4 bits_offset=32
[37] UNION '(anon)' size=4 vlen=1
\t'letter' type_id=30 bits_offset=0
[38] ENUM '(anon)' encoding=UNSIGNED size=4 vlen=1
\t'MAX' val=64
[39] ENUM64 '(anon)' encoding=UNSIGNED size=8 vlen=1
\t'ALL' val=18446744073709551615ULL
"
    );
    assert_eq!((done.counts.distilled, done.counts.copied), (8, 12));
    let theirs = peer::Btf::base(&base.bytes()).unwrap();
    let theirs = peer::Btf::split(&theirs, &module.bytes()).unwrap();
    assert_eq!((done.base, done.split), theirs.distill().unwrap());
}

#[test]
fn what_only_an_id_names_is_needed_too() {
    let base = every_kind();
    let vmlinux = Vmlinux::new(base.bytes());
    let mut module = Builder::split(&base);
    let proto = module.func_proto(0, &[]);
    module.func("own", proto, 0);
    // Past the end, of the module, void, and the same one again.
    let roots = [5, 10, 12, 5, 0, proto, 1000, 15, 16, 17, 19];
    let done = distill_with(&vmlinux, &module.bytes(), &roots, Order::ByName).unwrap();
    assert_eq!(
        text(&done),
        "\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] STRUCT 'bits' size=8 vlen=0
--
[3] FUNC_PROTO '(anon)' ret_type_id=0 vlen=0
[4] VOLATILE '(anon)' type_id=1
[5] CONST '(anon)' type_id=4
[6] FUNC 'own' type_id=3 linkage=static
"
    );
    let new_ids = roots.map(|id| done.new_ids.get(id as usize).copied().flatten());
    let none = [Some(0); 4];
    assert_eq!(
        new_ids[..7],
        [Some(2), None, Some(5), Some(2), Some(0), Some(3), None],
        "a typedef would be another one"
    );
    // What has no place in a distilled base, nor the module a type of its name.
    assert_eq!(new_ids[7..], none);
}

#[test]
fn a_function_of_the_base_is_the_modules_own_of_that_name() {
    let base = every_kind();
    let vmlinux = Vmlinux::new(base.bytes());
    let mut module = Builder::split(&base);
    let proto = module.func_proto(0, &[]);
    module.var("printk", 1, 0);
    module.func("jiffies", proto, 0);
    let func = module.func("printk", proto, 0);
    module.func("printk", proto, 1);
    let var = module.var("jiffies", 1, 0);
    for order in [Order::Kept, Order::ByName] {
        let done = distill_with(&vmlinux, &module.bytes(), &[15, 16], order).unwrap();
        for (base, own) in [(15, func), (16, var)] {
            let new = done.new_ids[own as usize];
            assert!(new.is_some_and(|id| id > 1));
            assert_eq!(done.new_ids[base], new);
        }
    }
    let done = distill_with(&vmlinux, &module.bytes(), &[], Order::Kept).unwrap();
    assert_eq!(done.new_ids[15], None, "nothing asks for it");
}

/// Of the base's functions, which `resolve_btfids` takes first, as many as one likes.
#[test]
fn functions_made_to_collide_cost_ids_and_nothing_else() {
    let mut base = small_base();
    let proto = base.func_proto(0, &[]);
    let roots: Vec<u32> = (0..200).map(|_| base.func("same", proto, 0)).collect();
    let vmlinux = Vmlinux::new(base.bytes());
    let mut module = Builder::split(&base);
    module.func("same", proto, 0);
    let done = distill_with(&vmlinux, &module.bytes(), &roots, Order::Kept).unwrap();
    let found = roots.iter().map(|id| done.new_ids[*id as usize]);
    let own: Vec<_> = found.filter(|id| *id == Some(1)).collect();
    assert_eq!(own.len(), 64);
}

/// The string part of a section, NULs as dots.
fn strings(section: &[u8]) -> String {
    let word = |at: usize| u32::from_ne_bytes(section[at..at + 4].try_into().unwrap()) as usize;
    let part = &section[word(4) + word(16)..][..word(20)];
    String::from_utf8_lossy(part).replace('\0', ".")
}

#[test]
fn each_string_that_is_used_is_there_once() {
    let mut base = small_base();
    base.structure("task", 8, &[]);
    base.typedef("alias", 3);
    let mut module = Builder::split(&base);
    module.name("unused");
    // The end of a string of its own is the text of one that the base has.
    let task = module.name("own_task") + 4;
    module.raw(&[task, info(Kind::Typedef, false, 0), 4]);
    module.structure("own", 32, &[("number", [1, 0]), ("task", [2, 64])]);
    let (done, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] STRUCT 'node' size=16 vlen=0
[3] STRUCT 'task' size=8 vlen=0
--
[4] TYPEDEF 'task' type_id=6
[5] STRUCT 'own' size=32 vlen=2
\t'number' type_id=1 bits_offset=0
\t'task' type_id=2 bits_offset=64
[6] TYPEDEF 'alias' type_id=3
"
    );
    assert_eq!(strings(&done.base), ".int.node.task.");
    assert_eq!(strings(&done.split), "own.number.alias.");
}

#[test]
fn a_module_that_needs_nothing_of_its_base_gets_an_empty_one() {
    let base = small_base();
    let mut module = Builder::split(&base);
    module.int("own", 4, 0);
    let (done, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
--
[1] INT 'own' size=4 bits_offset=0 nr_bits=32 encoding=(none)
"
    );
    assert_eq!(done.base, Builder::base().bytes());
}

/// libbpf leaves out the copies and lets what refers to them name other types.
#[test]
fn what_has_no_name_is_copied_where_nothing_else_is_needed_unlike_libbpf() {
    let mut base = Builder::base();
    base.int("int", 4, SIGNED);
    let pointer = base.ptr(0);
    let mut module = Builder::split(&base);
    module.constant(pointer);
    let (_, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
--
[1] CONST '(anon)' type_id=2
[2] PTR '(anon)' type_id=0
"
    );
    let theirs = peer::Btf::base(&base.bytes()).unwrap();
    let theirs = peer::Btf::split(&theirs, &module.bytes()).unwrap();
    let (base, split) = theirs.distill().unwrap();
    let text = dump::split(&base, &split);
    assert_eq!(text, "[1] CONST '(anon)' type_id=2\n");
}

/// libbpf puts it into the distilled base, with which the module cannot be relocated.
#[test]
fn an_integer_without_a_name_is_copied_unlike_libbpf() {
    let mut base = small_base();
    let int = base.int("", 4, 0);
    let mut module = Builder::split(&base);
    module.ptr(int);
    module.ptr(1);
    let (done, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
--
[2] PTR '(anon)' type_id=4
[3] PTR '(anon)' type_id=1
[4] INT '(anon)' size=4 bits_offset=0 nr_bits=32 encoding=(none)
"
    );
    let vmlinux = Vmlinux::new(base.bytes());
    let relocated = vmlinux.relocate(&done.base, &done.split);
    assert_eq!(relocated.unwrap().counts.opaque, 0);
}

#[test]
fn by_name_those_without_come_first_and_those_of_one_name_keep_their_order() {
    let mut base = small_base();
    let letter = base.typedef("letter", 1);
    let nameless = base.structure("", 4, &[("number", [1, 0])]);
    let mut module = Builder::split(&base);
    module.typedef("zebra", nameless);
    module.structure("letter", 4, &[("number", [letter, 0])]);
    module.ptr(module.next_id() - 2);
    module.typedef("ant", 2);
    module.typedef("let", letter);
    let vmlinux = Vmlinux::new(base.bytes());
    let done = distill(&vmlinux, &module.bytes(), Order::ByName).unwrap();
    assert_eq!(
        text(&done),
        "\
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] STRUCT 'node' size=16 vlen=0
--
[3] PTR '(anon)' type_id=9
[4] STRUCT '(anon)' size=4 vlen=1
\t'number' type_id=1 bits_offset=0
[5] TYPEDEF 'ant' type_id=2
[6] TYPEDEF 'let' type_id=8
[7] STRUCT 'letter' size=4 vlen=1
\t'number' type_id=8 bits_offset=0
[8] TYPEDEF 'letter' type_id=1
[9] TYPEDEF 'zebra' type_id=4
"
    );
    let new_ids = [0, 1, 2, 8, 4, 9, 7, 3, 5, 6].map(Some);
    assert_eq!(done.new_ids, new_ids);
    assert_eq!(
        strings(&done.split),
        "zebra.letter.number.ant.let.",
        "strings keep the order of ids"
    );
}

#[test]
fn the_header_keeps_its_form_and_a_layout_stays_with_the_split_btf() {
    let base = small_base();
    let vmlinux = Vmlinux::new(base.bytes());
    let mut module = Builder::split(&base);
    module.ptr(1);
    let long = module.build(&Header::LONG);
    let done = distill(&vmlinux, &long, Order::Kept).unwrap();
    let mut expected = Builder::base();
    expected.int("int", 4, SIGNED);
    let mut expected_split = Builder::split(&expected);
    expected_split.ptr(1);
    let no_layout = Header {
        layout: false,
        ..Header::LONG
    };
    let mut expected = expected.build(&no_layout);
    // Where there is no layout part, it is said to start at 0.
    put(&mut expected, 24, 0);
    assert_eq!(done.base, expected);
    assert_eq!(done.split, expected_split.build(&Header::LONG));
}

#[test]
fn what_no_type_of_a_module_may_refer_to_is_refused() {
    let base = every_kind();
    for (id, kind) in [
        (15, Kind::Func),
        (16, Kind::Var),
        (17, Kind::Datasec),
        (19, Kind::DeclTag),
    ] {
        let mut module = Builder::split(&base);
        module.ptr(1);
        module.ptr(id);
        let expected = Error {
            section: Section::Btf,
            offset: 24 + 12 + 8,
            type_id: base.next_id() + 1,
            reason: Reason::NotDistilled(kind),
        };
        assert_eq!(refused(&base, &module), expected);
    }
}

#[test]
fn a_module_that_the_kernel_would_refuse_is_refused() {
    let base = small_base();
    let mut module = Builder::split(&base);
    module.typedef("no-name", 1);
    let reason = refused(&base, &module).reason;
    assert!(matches!(reason, Reason::BadName { .. }), "{reason:?}");
    let mut module = Builder::split(&base);
    module.ptr(7);
    let reason = Reason::ReferenceOutOfRange { id: 7, end: 4 };
    assert_eq!(refused(&base, &module).reason, reason);
}

/// The kernel does not look at the names of parameters.
#[test]
fn a_string_out_of_range_is_refused() {
    let base = small_base();
    let mut module = Builder::split(&base);
    module.ptr(1);
    module.raw(&[0, info(Kind::FuncProto, false, 1), 1, 1000, 1]);
    let expected = Error {
        section: Section::Btf,
        offset: 24 + 12 + 12,
        type_id: 4,
        reason: Reason::NameOffset(1000),
    };
    assert_eq!(refused(&base, &module), expected);
}

#[test]
fn a_base_that_refers_past_its_end_is_refused() {
    let mut base = small_base();
    let bad = base.ptr(4);
    let mut module = Builder::split(&base);
    module.ptr(bad);
    let expected = Error {
        section: Section::Vmlinux,
        offset: 24 + 16 + 24 + 8,
        type_id: bad,
        reason: Reason::ReferenceOutOfRange { id: 4, end: 4 },
    };
    assert_eq!(refused(&base, &module), expected);
}

#[test]
fn types_that_refer_to_each_other_are_copied_once() {
    let mut base = small_base();
    let pointer = base.ptr(4);
    base.union("", 8, &[("self", [pointer, 0]), ("node", [2, 0])]);
    let mut module = Builder::split(&base);
    module.ptr(pointer);
    let (_, text) = in_order(&base, &module);
    assert_eq!(
        text,
        "\
[1] STRUCT 'node' size=16 vlen=0
--
[2] PTR '(anon)' type_id=3
[3] PTR '(anon)' type_id=4
[4] UNION '(anon)' size=8 vlen=2
\t'self' type_id=3 bits_offset=0
\t'node' type_id=1 bits_offset=0
"
    );
}

#[test]
fn any_other_length_is_refused_and_nothing_is_written() {
    let base = every_kind();
    let vmlinux = Vmlinux::new(base.bytes());
    let base_btf = vmlinux.base();
    let bytes = module_of_every_kind(&base).bytes();
    let module = Module::read(base_btf.btf(), &bytes).unwrap();
    let is_short = |err: Option<Error>| err.unwrap().reason == Reason::ShortBuffer;
    for len in 0..module.survey_len() {
        assert!(is_short(
            DistillSurvey::of(&module, &[], &mut vec![0; len]).err()
        ));
    }
    let mut words = vec![0; module.survey_len()];
    let survey = DistillSurvey::of(&module, &[], &mut words).unwrap();
    for order in [Order::Kept, Order::ByName] {
        for len in 0..survey.scratch_len(order) {
            let plan = DistillPlan::new(&survey, order, &mut vec![0; len]).err();
            assert!(is_short(plan));
        }
        let mut scratch = vec![0; survey.scratch_len(order)];
        let plan = DistillPlan::new(&survey, order, &mut scratch).unwrap();
        let (base_len, split_len) = (plan.base_len(), plan.split_len());
        for (base_len, split_len) in [
            (base_len - 1, split_len),
            (base_len + 1, split_len),
            (base_len, split_len - 1),
            (base_len, split_len + 1),
        ] {
            let (mut base_out, mut split_out) = (vec![0xa5; base_len], vec![0xa5; split_len]);
            assert!(is_short(plan.write(&mut base_out, &mut split_out).err()));
            assert!(base_out.iter().chain(&split_out).all(|byte| *byte == 0xa5));
        }
    }
}

/// Kept whole, these strings would take more than BTF can number; measured once a use, minutes.
#[test]
fn parameters_named_by_each_end_of_a_long_string() {
    let base = small_base();
    let mut module = Builder::split(&base);
    let start = module.name(vec![b'x'; 1 << 20]);
    let parameters = (start..start + (1 << 18)).flat_map(|name_off| [name_off, 1]);
    let proto = [0, info(Kind::FuncProto, false, 1 << 18), 1];
    module.raw(&proto.into_iter().chain(parameters).collect::<Vec<_>>());
    assert_eq!(refused(&base, &module).reason, Reason::OutputTooLarge);
}

/// The core's hash of a name of eight bytes.
fn hash(name: &str) -> u32 {
    let word = u64::from_ne_bytes(name.as_bytes().try_into().unwrap());
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mix(mix(8, word), word) >> 32) as u32
}

#[test]
fn names_made_to_collide_cost_bytes_and_nothing_else() {
    let base = small_base();
    let mut module = Builder::split(&base);
    let names = (0..).map(|number| format!("x{number:07}"));
    let colliding = names.filter(|name| hash(name) % 1024 == 0).take(100);
    for name in colliding {
        module.typedef(&name, 1);
        let again = module.name(format!("_{name}")) + 1;
        module.raw(&[again, info(Kind::Typedef, false, 0), 2]);
    }
    let (done, text) = in_order(&base, &module);
    let theirs = peer::Btf::base(&base.bytes()).unwrap();
    let theirs = peer::Btf::split(&theirs, &module.bytes()).unwrap();
    let (base, split) = theirs.distill().unwrap();
    let theirs = format!("{}--\n{}", dump::base(&base), dump::split(&base, &split));
    assert_eq!(text, theirs);
    assert!(done.split.len() > split.len() && done.split.len() < 2 * split.len());
}
