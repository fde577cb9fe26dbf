// SPDX-License-Identifier: GPL-2.0

//! A kernel that knows more BTF than is known here, and one that knows no more: what is not known to
//! the kernel either is malformed, the rest is left to it.

use btfreloc_selftests::builder::{info, put, Builder, SIGNED};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::modules;
use rust_btfreloc::btf::{declared, Kind, Known, HEADER_LEN_LAYOUT};
use rust_btfreloc::reloc::{Base, Cause, CauseKind, Described, Input, InputKind, Policy, Survey};

/// What 7.3 knows.
const TODAY: u32 = Kind::Enum64 as u32;
const HEADER: u32 = HEADER_LEN_LAYOUT;
/// A kind that no one knows yet.
const INVENTED: u32 = Kind::MAX + 1;

/// A kernel with `int`, and what it knows of BTF.
fn kernel(kind_max: u32, header_len: u32) -> Vmlinux {
    let mut b = types();
    b.knows(kind_max, header_len);
    Vmlinux::new(b.bytes())
}

/// What the base of each module holds.
fn types() -> Builder {
    let mut b = Builder::base();
    b.int("int", 4, SIGNED);
    b
}

/// The second word of a type.
fn word(kind: Kind, flag: u32, vlen: u32) -> u32 {
    info(kind, flag != 0, vlen)
}

/// What becomes of a module, and in which words it is said.
fn outcome(base: &Base<'_>, input: &Input<'_>) -> Result<InputKind, (CauseKind, String)> {
    let said = |cause: Cause<'_>| (cause.kind(), cause.to_string());
    let refused = |error| said(Cause::refused(&base.known(), Described::from(error)));
    let survey = Survey::of(base, input).map_err(refused)?;
    let mut scratch = vec![0; survey.scratch_len()];
    match survey.input_kind() {
        InputKind::Standalone => survey.rebased(base, &mut scratch, &mut None),
        _ => survey.relocated(base, Policy::Opaque, None, &mut scratch, &mut None),
    }
    .map_err(said)?;
    Ok(survey.input_kind())
}

/// The sections in which something may be found: `.BTF` on vmlinux, on a distilled base, and alone,
/// and `.BTF.base`.
const PLACES: [Place; 4] = [Place::Split, Place::Distilled, Place::Alone, Place::Base];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Split,
    Distilled,
    Alone,
    Base,
}

impl Place {
    /// What becomes of a module with a type of these words here, and this edit of the section.
    fn outcome(
        self,
        vmlinux: &Vmlinux,
        words: &[u32],
        edit: impl Fn(&mut Vec<u8>),
    ) -> Result<InputKind, CauseKind> {
        let base = vmlinux.base();
        // Ids and strings of split BTF go on where those of vmlinux end.
        let split_start = (base.btf().end_id(), base.btf().end_str_off());
        let mut odd = match self {
            Place::Split => Builder::split_at(split_start.0, split_start.1),
            Place::Distilled => Builder::split(&types()),
            Place::Alone | Place::Base => types(),
        };
        odd.typedef("number", 1);
        if self == Place::Base {
            odd = types();
        }
        if !words.is_empty() {
            odd.raw(words);
        }
        let mut odd = odd.bytes();
        edit(&mut odd);
        let mut split = Builder::split(&types());
        split.typedef("number", 1);
        let (distilled, split) = (types().bytes(), split.bytes());
        let (btf, btf_base) = match self {
            Place::Split | Place::Alone => (&odd, None),
            Place::Distilled => (&odd, Some(&*distilled)),
            Place::Base => (&split, Some(&*odd)),
        };
        outcome(&base, &Input { btf, btf_base }).map_err(|(kind, _)| kind)
    }
}

/// What is done to BTF.
type Edit<'e> = &'e dyn Fn(&mut Vec<u8>);

/// A header of 40 bytes whose byte `at` is 1.
fn lengthen(at: usize) -> impl Fn(&mut Vec<u8>) {
    move |bytes| {
        bytes.splice(24..24, [0; 16]);
        put(bytes, 4, 40);
        bytes[at] = 1;
    }
}

#[test]
fn what_a_kernel_knows_is_in_its_btf() {
    let known = |vmlinux: &Vmlinux| vmlinux.base().known();
    let expected = Known {
        kind_max: 23,
        header_len: 48,
        reads_inline: false,
    };
    assert_eq!(known(&kernel(23, 48)), expected);
    // One that does not say it.
    assert_eq!(known(&Vmlinux::new(types().bytes())), Known::LINUX_7_3);
    // An enum that only begins like the kinds.
    let mut b = types();
    b.enumeration("", 4, &[("BTF_KIND_UNKN", [0]), ("BTF_KIND_MOST", [99])]);
    assert_eq!(known(&Vmlinux::new(b.bytes())), Known::LINUX_7_3);
    let mut b = types();
    b.structure(
        "module",
        8,
        &[("btf_data", [1, 0]), ("btf_inline_data", [1, 32])],
    );
    assert!(known(&Vmlinux::new(b.bytes())).reads_inline);
}

#[test]
fn what_stock_kernels_know() {
    for (name, bytes) in modules::kernels(&modules::kit()) {
        let known = Vmlinux::new(bytes).base().known();
        assert_eq!(known, Known::LINUX_7_3, "{name}");
    }
}

#[test]
fn a_kind_that_only_the_kernel_knows_is_left_to_it() {
    for place in PLACES {
        let odd = |kind_max| {
            let words = [0, INVENTED << 24, 0];
            place.outcome(&kernel(kind_max, HEADER), &words, |_| {})
        };
        assert_eq!(odd(TODAY), Err(CauseKind::Malformed), "{place:?}");
        assert_eq!(odd(Kind::MAX), Err(CauseKind::Malformed), "{place:?}");
        assert_eq!(odd(INVENTED), Err(CauseKind::Newer), "{place:?}");
        assert_eq!(odd(INVENTED + 1), Err(CauseKind::Newer), "{place:?}");
        // None is no kind.
        let void = place.outcome(&kernel(INVENTED, HEADER), &[0, 0, 0], |_| {});
        assert_eq!(void, Err(CauseKind::Malformed), "{place:?}");
    }
}

#[test]
fn a_kind_that_is_known_here_is_taken_where_the_kernel_knows_it() {
    let rows = [
        [0, word(Kind::LocParam, 0, 1), 4, 8, 5].to_vec(),
        [0, word(Kind::LocProto, 0, 1), 0, 0].to_vec(),
        [1, word(Kind::Locsec, 0, 1), 0, 0, 0, 9].to_vec(),
    ];
    for (words, kind) in rows.iter().zip(Kind::LocParam as u32..) {
        for (place, sort) in [
            (Place::Split, InputKind::Split),
            (Place::Distilled, InputKind::Distilled),
            (Place::Alone, InputKind::Standalone),
        ] {
            let on = |kind_max| place.outcome(&kernel(kind_max, HEADER), words, |_| {});
            assert_eq!(on(TODAY), Err(CauseKind::Malformed), "{kind} {place:?}");
            assert_eq!(on(kind - 1), Err(CauseKind::Malformed), "{kind} {place:?}");
            assert_eq!(on(kind), Ok(sort), "{kind} {place:?}");
            assert_eq!(on(INVENTED), Ok(sort), "{kind} {place:?}");
        }
        // In a distilled base it has no place, whoever knows it.
        let base = Place::Base.outcome(&kernel(INVENTED, HEADER), words, |_| {});
        assert_eq!(base, Err(CauseKind::Malformed), "{kind}");
    }
}

#[test]
fn header_fields_that_only_the_kernel_knows_are_left_to_it() {
    for place in PLACES {
        for (known, at, expected) in [
            (HEADER, 32, CauseKind::Malformed),
            (36, 32, CauseKind::Newer),
            (36, 35, CauseKind::Newer),
            (36, 36, CauseKind::Malformed),
            (48, 39, CauseKind::Newer),
        ] {
            let outcome = place.outcome(&kernel(TODAY, known), &[], lengthen(at));
            assert_eq!(outcome, Err(expected), "{place:?} {known} {at}");
        }
    }
}

/// Which flags and versions a kernel knows nothing says: one that is newer otherwise may.
#[test]
fn flags_and_versions_are_left_to_a_newer_kernel() {
    type Edit = fn(&mut Vec<u8>);
    let edits: [Edit; 2] = [|bytes| bytes[3] = 1, |bytes| bytes[2] = 2];
    for place in PLACES {
        for edit in edits {
            for (vmlinux, expected) in [
                (kernel(TODAY, HEADER), CauseKind::Malformed),
                (kernel(Kind::MAX, HEADER), CauseKind::Malformed),
                (kernel(INVENTED, HEADER), CauseKind::Newer),
                (kernel(TODAY, HEADER + 4), CauseKind::Newer),
            ] {
                let outcome = place.outcome(&vmlinux, &[], edit);
                assert_eq!(outcome, Err(expected), "{place:?}");
            }
        }
    }
}

/// Bits and values that were reserved may have a meaning by then; a size or a bound has not.
#[test]
fn reserved_values_are_left_to_a_newer_kernel() {
    let reserved = [
        vec![0, word(Kind::Ptr, 1, 0), 0],
        vec![0, word(Kind::Ptr, 0, 1), 0],
        vec![1, word(Kind::Int, 0, 0), 4, (8 << 24) | 32],
        vec![1, word(Kind::Int, 0, 0), 4, (1 << 28) | 32],
        vec![1, word(Kind::Func, 0, 2), 0],
    ];
    for words in reserved {
        let on = |kind_max| Place::Distilled.outcome(&kernel(kind_max, HEADER), &words, |_| {});
        assert_eq!(on(TODAY), Err(CauseKind::Malformed), "{words:?}");
        assert_eq!(on(INVENTED), Err(CauseKind::Newer), "{words:?}");
    }
    let wrong = [
        vec![1, word(Kind::Float, 0, 0), 3],
        vec![0, word(Kind::Ptr, 0, 0), 99],
        vec![999, word(Kind::Fwd, 0, 0), 0],
        vec![0, word(Kind::Struct, 0, 9), 4],
    ];
    for words in wrong {
        let outcome = Place::Distilled.outcome(&kernel(INVENTED, HEADER), &words, |_| {});
        assert_eq!(outcome, Err(CauseKind::Malformed), "{words:?}");
    }
}

/// It says which type it is, what is not known, and what can be done.
#[test]
fn what_is_left_to_the_kernel_is_reported() {
    let vmlinux = kernel(INVENTED, HEADER);
    let mut module = Builder::split(&types());
    module.typedef("number", 1);
    module.raw(&[0, INVENTED << 24, 0]);
    let base = vmlinux.base();
    let (btf, btf_base) = (module.bytes(), types().bytes());
    let input = Input {
        btf: &btf,
        btf_base: Some(&btf_base),
    };
    let (_, said) = outcome(&base, &input).unwrap_err();
    assert_eq!(
        said,
        "this kernel knows more BTF than rust_btfreloc: .BTF offset 36, type [3]: kind 23 is not \
         known; install a newer rust_btfreloc"
    );
}

/// A kernel whose own BTF holds what is not known here cannot be relocated to, and it is said why; where
/// its header names what it always named, it is found in memory all the same.
#[test]
fn a_kernel_that_cannot_be_read_is_newer_or_damaged() {
    let good = types().bytes();
    let length = u32::try_from(good.len()).unwrap();
    let edited = |edit: Edit<'_>| {
        let mut bytes = good.clone();
        edit(&mut bytes);
        let start = bytes[..32].try_into().unwrap();
        let found = declared(&start).map(|(types, end)| (types as usize, end as usize));
        (Vmlinux::read(bytes.clone()).err(), found, bytes.len())
    };
    let mut invented = types();
    invented.raw(&[0, INVENTED << 24, 0]);
    let invented = invented.bytes();
    let newer: [Edit<'_>; 4] = [
        &|bytes| bytes.clone_from(&invented),
        &lengthen(33),
        &|bytes| bytes[3] = 1,
        &|bytes| bytes[2] = 2,
    ];
    for edit in newer {
        let (error, found, len) = edited(edit);
        assert!(Known::is_beyond(&error.unwrap()), "{error:?}");
        assert_eq!(found.unwrap().1, len, "{error:?}");
    }
    let damaged: [Edit<'_>; 3] = [
        &|bytes| put(bytes, 4, 9999),
        &|bytes| put(bytes, 12, length),
        &|bytes| bytes[24 + 7] = 0,
    ];
    for edit in damaged {
        let (error, ..) = edited(edit);
        assert!(!Known::is_beyond(&error.unwrap()), "{error:?}");
    }
    assert_eq!(edited(&|bytes| bytes[0] = 0).1, None);
}
