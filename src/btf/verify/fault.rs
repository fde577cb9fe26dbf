// SPDX-License-Identifier: GPL-2.0

//! The reasons that several kinds have in common.

use crate::btf::{Fault, Reason, Record, MAX_TYPE};

pub(super) fn is_type(id: u32) -> bool {
    (1..=MAX_TYPE).contains(&id)
}

pub(super) fn bad_reference(record: &Record<'_>, at: u32, id: u32) -> Fault {
    (
        at,
        Reason::BadReference {
            kind: record.kind(),
            id,
        },
    )
}

pub(super) fn bad_size(record: &Record<'_>) -> Fault {
    (
        8,
        Reason::BadSize {
            kind: record.kind(),
            size: record.size(),
        },
    )
}

pub(super) fn bad_name(record: &Record<'_>) -> Fault {
    (
        0,
        Reason::BadName {
            kind: record.kind(),
            name_off: record.name_off(),
        },
    )
}

pub(super) fn bad_linkage(record: &Record<'_>, at: u32, linkage: u32) -> Fault {
    (
        at,
        Reason::BadLinkage {
            kind: record.kind(),
            linkage,
        },
    )
}

pub(super) fn no_vlen(record: &Record<'_>) -> Result<(), Fault> {
    match record.vlen() {
        0 => Ok(()),
        vlen => Err((
            4,
            Reason::BadVlen {
                kind: record.kind(),
                vlen,
            },
        )),
    }
}

pub(super) fn no_kflag(record: &Record<'_>) -> Result<(), Fault> {
    match record.kflag() {
        false => Ok(()),
        true => Err((4, Reason::BadKflag(record.kind()))),
    }
}

pub(super) fn no_name(record: &Record<'_>) -> Result<(), Fault> {
    match record.name_off() {
        0 => Ok(()),
        name_off => Err((
            0,
            Reason::NameUnexpected {
                kind: record.kind(),
                name_off,
            },
        )),
    }
}
