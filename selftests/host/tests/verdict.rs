// SPDX-License-Identifier: GPL-2.0

//! Whether BTF that is not replaced is dropped or left to the kernel, row by row.

use rust_btfreloc::reloc::decision::{verdict, Original, Verdict};
use rust_btfreloc::reloc::{btf_ids, Cause, CauseKind, Policy, SuppliedName};

const ORIGINALS: [Original; 4] = [
    Original::Taken,
    Original::Misread,
    Original::Refused,
    Original::Unknown,
];

#[test]
fn what_the_kernel_would_crash_on_is_dropped_by_any_policy() {
    for policy in [Policy::Strict, Policy::Opaque] {
        for kind in CauseKind::ALL {
            let found = verdict(policy, Original::Undefined, kind);
            assert_eq!(found, Verdict::Drop, "{policy:?} {kind}");
        }
    }
}

#[test]
fn strict_leaves_all_else_to_the_kernel() {
    for original in ORIGINALS {
        for kind in CauseKind::ALL {
            let found = verdict(Policy::Strict, original, kind);
            assert_eq!(found, Verdict::Leave, "{original:?} {kind}");
        }
    }
}

#[test]
fn opaque_drops_what_the_kernel_would_misread_or_refuse() {
    for kind in CauseKind::ALL {
        for (original, expected) in [
            (Original::Taken, Verdict::Leave),
            (Original::Misread, Verdict::Drop),
            (Original::Refused, Verdict::Drop),
            (Original::Unknown, Verdict::Leave),
        ] {
            // The kernel takes BTF without types, and some programs fail.
            let expected = match kind {
                CauseKind::NoTypes => Verdict::Drop,
                _ => expected,
            };
            let found = verdict(Policy::Opaque, original, kind);
            assert_eq!(found, expected, "{original:?} {kind}");
        }
    }
}

#[test]
fn a_cause_says_what_the_kernel_would_do() {
    let ids = |reason| {
        Cause::Ids(btf_ids::Error {
            offset: 0,
            id: 0,
            reason,
        })
    };
    let file = SuppliedName {
        release: b"7.3.4",
        number: 0,
    };
    for (cause, expected) in [
        (Cause::NoTypes, Original::Taken),
        (Cause::Outside, Original::Undefined),
        (Cause::SuppliedOwn { file }, Original::Misread),
        (Cause::Inline, Original::Unknown),
        (Cause::Symbols, Original::Unknown),
        (Cause::NoImage, Original::Unknown),
        (ids(btf_ids::Reason::NoSymbols), Original::Unknown),
        (ids(btf_ids::Reason::NoSymbol(1)), Original::Unknown),
        (ids(btf_ids::Reason::UnknownForm), Original::Unknown),
        (ids(btf_ids::Reason::Overlap), Original::Misread),
        (ids(btf_ids::Reason::Unmapped), Original::Misread),
    ] {
        assert_eq!(Original::of(&cause), expected, "{cause}");
    }
}
