// SPDX-License-Identifier: GPL-2.0

//! The words for standalone BTF, and its `.BTF_ids`.

use btfreloc_selftests::builder::{Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::rebase::rebase_with;
use rust_btfreloc::btf::Kind;
use rust_btfreloc::reloc::btf_ids::{BtfIds, Reason};
use rust_btfreloc::reloc::standalone::{recognise, NotStandalone, RebasePlan, StandaloneSurvey};

/// Both sides of a kernel and a module that differ in each way there is.
fn sides() -> (Builder, Builder) {
    let (mut theirs, mut own) = (Builder::base(), Builder::base());
    for (b, is_own) in [(&mut theirs, false), (&mut own, true)] {
        let pick = |own: u32, theirs: u32| if is_own { own } else { theirs };
        let int = b.int("int", 4, SIGNED);
        b.int("flag", 1, pick(4, 0));
        b.structure("sized", pick(8, 4), &[]);
        b.structure("counted", 4, &[("a", [int, 0])][..pick(1, 0) as usize]);
        b.structure(
            "renamed",
            4,
            &[(if is_own { "new" } else { "old" }, [int, 0])],
        );
        b.structure("moved", 8, &[("m", [int, pick(32, 0)])]);
        b.bit_fields("widened", 4, &[("m", [int, 0, pick(5, 3)])]);
        b.enumeration("valued", 4, &[("A", [pick(2, 1)])]);
        let what = [b.ptr(int), b.constant(int)];
        b.typedef("turned", what[pick(1, 0) as usize]);
        let callback = b.func_proto(pick(0, int), &[]);
        b.typedef("callback", callback);
        let callback = b.func_proto(pick(int, 0), &[]);
        b.typedef("callback_back", callback);
        let callback = b.func_proto(0, &[("", [int]), ("", [int])][..pick(1, 2) as usize]);
        b.structure("ops", 8, &[("call", [callback, 0])]);
        let inner = b.structure("", 4, &[(if is_own { "x" } else { "y" }, [int, 0])]);
        b.structure("outer", 4, &[("", [inner, 0])]);
        let named = b.structure(if is_own { "mine" } else { "its" }, 4, &[]);
        b.structure("holder", 4, &[("held", [named, 0])]);
    }
    (theirs, own)
}

#[test]
fn a_conflict_says_what_differs_and_where() {
    let (theirs, own) = sides();
    let mut reported = Vec::new();
    let vmlinux = Vmlinux::new(theirs.bytes());
    let rebased = rebase_with(&vmlinux, &own.bytes(), |conflict| {
        reported.push(conflict.to_string())
    });
    let expected = [
        "[2] INT flag is not vmlinux [2]: it has encoding 0x4000008, 0x8 in vmlinux",
        "[3] STRUCT sized is not vmlinux [3]: it has 8 bytes, 4 in vmlinux",
        "[4] STRUCT counted is not vmlinux [4]: it has 1 member, 0 in vmlinux",
        "[5] STRUCT renamed is not vmlinux [5]: member 0 is \"new\", \"old\" in vmlinux",
        "[6] STRUCT moved is not vmlinux [6]: member m is at bit 32, 0 in vmlinux",
        "[7] STRUCT widened is not vmlinux [7]: member m has 5 bits, 3 in vmlinux",
        "[8] ENUM valued is not vmlinux [8]: value A is 0x2, 0x1 in vmlinux",
        "[11] TYPEDEF turned is not vmlinux [11]: [10] CONST is a CONST, a PTR in vmlinux [9]",
        "[13] TYPEDEF callback is not vmlinux [13]: [12] FUNC_PROTO refers to void, not so in vmlinux [12]",
        "[15] TYPEDEF callback_back is not vmlinux [15]: [14] FUNC_PROTO refers to a type, to void in vmlinux [14]",
        "[17] STRUCT ops is not vmlinux [17]: through member call, [16] FUNC_PROTO has 1 parameter, 2 in vmlinux [16]",
        "[19] STRUCT outer is not vmlinux [19]: through member 0, [18] STRUCT: member 0 is \"x\", \"y\" in vmlinux [18]",
        "[21] STRUCT holder is not vmlinux [21]: through member held, [20] STRUCT mine is \"its\" in vmlinux [20]",
    ];
    assert_eq!(reported, expected);
    assert_eq!(
        rebased.unwrap().counts.to_string(),
        "1 mapped to vmlinux, 19 kept, 1 dropped"
    );
}

#[test]
fn what_is_not_standalone_says_why() {
    let kind = Kind::Struct;
    let cases = [
        (NotStandalone::NoTypes, "it has no types"),
        (NotStandalone::NoNames, "no type has a name"),
        (
            NotStandalone::Reference {
                type_id: 3,
                kind,
                id: 9,
            },
            "type [3] STRUCT refers to [9], past the last",
        ),
        (
            NotStandalone::Name {
                type_id: 3,
                kind,
                off: 9,
            },
            "type [3] STRUCT: no string starts at offset 9",
        ),
    ];
    for (why, text) in cases {
        assert_eq!(why.to_string(), text);
    }
    let reported = recognise(b"").unwrap_err().to_string();
    assert_eq!(reported, ".BTF offset 0: section of 0 bytes, header of 8");
}

#[test]
fn ids_outside_of_btf_follow() {
    let mut vmlinux = Builder::base();
    vmlinux.float("first", 4);
    vmlinux.structure("task", 4, &[]);
    let mut module = Builder::base();
    module.structure("task", 4, &[]);
    let proto = module.func_proto(0, &[]);
    module.func("work", proto, 0);
    module.func("again", proto, 0);
    let unused = module.ptr(0);
    let (loaded, bytes) = (Vmlinux::new(vmlinux.bytes()), module.bytes());
    let (base, survey) = (loaded.base(), StandaloneSurvey::of(&bytes).unwrap());
    let mut scratch = vec![0; survey.scratch_len()];
    let plan = RebasePlan::new(&base, &survey, &mut scratch).unwrap();
    let patch = |list: u32| {
        let section = [2u32, 3, 4, list].map(u32::to_ne_bytes).concat();
        let mut output = vec![0; section.len()];
        let symbols = [
            (0, &b"__BTF_ID__set__kfuncs"[..]),
            (12, b"__BTF_ID__struct__task__1"),
        ];
        let ids = BtfIds::read(&section, symbols.into_iter(), &mut output).unwrap();
        let patched = ids.patch(|id| plan.new_id(id));
        let words = |bytes: &[u8]| -> Vec<u32> {
            let words = bytes.chunks_exact(4).map(|word| word.try_into().unwrap());
            words.map(u32::from_ne_bytes).collect()
        };
        patched
            .map(|patched| words(patched.bytes))
            .map_err(|error| (error.id, error.reason))
    };
    // The set is sorted again: by name, `again` comes first.
    assert_eq!(plan.new_id(3), Some(5));
    assert_eq!(plan.new_id(4), Some(4));
    assert_eq!(patch(1), Ok(vec![2, 4, 5, 2]));
    assert_eq!(patch(unused), Err((unused, Reason::Unmapped)));
}
