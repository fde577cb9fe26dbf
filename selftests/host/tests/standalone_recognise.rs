// SPDX-License-Identifier: GPL-2.0

//! Which BTF is taken for standalone BTF.

mod alone;

use alone::{built, list};
use btfreloc_selftests::builder::{Builder, Header};
use rust_btfreloc::btf::{Kind, Reason};
use rust_btfreloc::reloc::standalone::{recognise, Evidence, NotStandalone};

#[test]
fn standalone_btf_is_recognised_with_evidence() {
    let module = built(|b| {
        list(b);
    });
    let evidence = Evidence {
        types: 2,
        largest_id: 2,
        strings_len: 11,
        largest_string: 6,
    };
    assert_eq!(recognise(&module.bytes()), Ok(evidence));
    assert_eq!(recognise(&module.build(&Header::LONG)), Ok(evidence));
}

#[test]
fn what_is_not_standalone_is_not_taken_for_it() {
    let base = built(|b| {
        list(b);
    });
    let split = |fill: fn(&mut Builder)| {
        let mut builder = Builder::split(&base);
        fill(&mut builder);
        recognise(&builder.bytes())
    };
    // Its own strings do not begin with the empty one.
    let own = split(|b| {
        b.structure("own", 8, &[]);
    });
    assert!(
        matches!(own, Err(NotStandalone::Unreadable(error)) if error.reason == Reason::StringsNoEmpty)
    );
    // It has no strings of its own.
    let none = split(|b| {
        b.structure("list", 8, &[("next", [2, 0])]);
    });
    assert!(
        matches!(none, Err(NotStandalone::Unreadable(error)) if error.reason == Reason::StringsLength(0))
    );

    let alone = |fill: fn(&mut Builder)| recognise(&built(fill).bytes());
    assert_eq!(alone(|_| ()), Err(NotStandalone::NoTypes));
    assert_eq!(
        alone(|b| {
            b.ptr(0);
        }),
        Err(NotStandalone::NoNames)
    );
    let far = alone(|b| {
        b.typedef("t", 2);
    });
    assert_eq!(
        far,
        Err(NotStandalone::Reference {
            type_id: 1,
            kind: Kind::Typedef,
            id: 2
        })
    );
    let kind = Kind::Struct;
    // Inside a string, at its end, and past all.
    for off in [2, 5, 6, 7] {
        let mut builder = Builder::base();
        builder.name("name");
        builder.raw(&[off, (4 << 24), 4]);
        let reported = recognise(&builder.bytes());
        assert_eq!(
            reported,
            Err(NotStandalone::Name {
                type_id: 1,
                kind,
                off
            })
        );
    }
    assert!(matches!(
        recognise(b"no BTF at all"),
        Err(NotStandalone::Unreadable(_))
    ));
}
