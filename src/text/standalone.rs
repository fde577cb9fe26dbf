// SPDX-License-Identifier: GPL-2.0

//! The words for standalone BTF.

use core::fmt::{Display, Formatter, Result};

use super::{element_noun, short};
use crate::btf::Kind;
use crate::reloc::standalone::{
    Conflict, Contradiction, Difference, NotStandalone, RebaseCounts, Through,
};

impl Display for RebaseCounts {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let RebaseCounts {
            mapped,
            own,
            left_out,
        } = self;
        write!(
            f,
            "{mapped} mapped to vmlinux, {own} kept, {left_out} dropped"
        )
    }
}

impl Display for NotStandalone {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            NotStandalone::Unreadable(error) => write!(f, "{error}"),
            NotStandalone::NoTypes => f.write_str("it has no types"),
            NotStandalone::NoNames => f.write_str("no type has a name"),
            NotStandalone::Reference { type_id, kind, id } => {
                write!(f, "type [{type_id}] {kind} refers to [{id}], past the last")
            }
            NotStandalone::Name { type_id, kind, off } => {
                write!(
                    f,
                    "type [{type_id}] {kind}: no string starts at offset {off}"
                )
            }
        }
    }
}

impl Display for Conflict<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Conflict {
            type_id,
            kind,
            candidate,
            found,
            ..
        } = self;
        let name = short(self.name);
        write!(
            f,
            "[{type_id}] {kind} {name} is not vmlinux [{candidate}]: "
        )?;
        let names_subject =
            found.difference.element().is_some() || found.difference == Difference::TooMany;
        match (&self.through, names_subject) {
            (None, true) => {}
            (None, false) => f.write_str("it ")?,
            (Some(through), _) => {
                lead(f, *kind, through)?;
                subject(f, found)?;
                f.write_str(if names_subject { ": " } else { " " })?;
            }
        }
        differs(f, found)?;
        match self.through {
            Some(_) => write!(f, " [{}]", found.candidate),
            None => Ok(()),
        }
    }
}

/// The way to what differs.
fn lead(f: &mut Formatter<'_>, kind: Kind, through: &Through<'_>) -> Result {
    match (through.element, through.name) {
        (None, _) => Ok(()),
        (Some(element), []) => write!(f, "through {} {element}, ", element_noun(kind)),
        (Some(_), name) => write!(f, "through {} {}, ", element_noun(kind), short(name)),
    }
}

/// The type that differs.
fn subject(f: &mut Formatter<'_>, found: &Contradiction<'_>) -> Result {
    write!(f, "[{}] {}", found.type_id, found.kind)?;
    match found.name {
        [] => Ok(()),
        name => write!(f, " {}", short(name)),
    }
}

/// How a type differs from vmlinux's.
fn differs(f: &mut Formatter<'_>, found: &Contradiction<'_>) -> Result {
    let (one, name) = (element_noun(found.kind), short(found.element));
    match found.difference {
        Difference::Kind { found, expected } => {
            write!(f, "is a {found}, a {expected} in vmlinux")
        }
        Difference::Name => write!(f, "is \"{}\" in vmlinux", short(found.expected)),
        Difference::Size { found, expected } => {
            write!(f, "has {found} bytes, {expected} in vmlinux")
        }
        Difference::Encoding { found, expected } => {
            write!(f, "has encoding {found:#x}, {expected:#x} in vmlinux")
        }
        Difference::Count { found, expected } => {
            let s = if found == 1 { "" } else { "s" };
            write!(f, "has {found} {one}{s}, {expected} in vmlinux")
        }
        Difference::ElementName { element, .. } => {
            let expected = short(found.expected);
            write!(
                f,
                "{one} {element} is \"{name}\", \"{expected}\" in vmlinux"
            )
        }
        Difference::Offset {
            found, expected, ..
        } => {
            write!(f, "{one} {name} is at bit {found}, {expected} in vmlinux")
        }
        Difference::Width {
            found, expected, ..
        } => {
            write!(f, "{one} {name} has {found} bits, {expected} in vmlinux")
        }
        Difference::Value {
            found, expected, ..
        } => {
            write!(f, "{one} {name} is {found:#x}, {expected:#x} in vmlinux")
        }
        Difference::Void { found: 0, .. } => f.write_str("refers to void, not so in vmlinux"),
        Difference::Void { .. } => f.write_str("refers to a type, to void in vmlinux"),
        Difference::TooMany => f.write_str("vmlinux has too many types of this name"),
    }
}
