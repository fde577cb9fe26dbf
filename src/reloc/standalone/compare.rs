// SPDX-License-Identifier: GPL-2.0

//! What of a module's type and a type of vmlinux can be compared without following references.

use super::pairs::{Bond, State};
use crate::btf::{read_u32, to_usize, Btf, Kind, Record};

/// Typedefs in a row that are looked through.
const DEPTH: u32 = 32;

/// The first contradiction between a module's type and vmlinux's: what the module has (`found`)
/// against what vmlinux has (`expected`). Elements are members, values or parameters, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Types of different kinds, or a struct and a declaration of a union.
    Kind { found: Kind, expected: Kind },
    /// Types of different names, of kinds that are known by them.
    Name,
    /// Sizes in bytes.
    Size { found: u32, expected: u32 },
    /// What describes an INT, the sign of an ENUM, or the flag of a TYPE_TAG.
    Encoding { found: u32, expected: u32 },
    /// How many elements, or elements of an array.
    Count { found: u32, expected: u32 },
    /// Names of an element; the string offsets in the two.
    ElementName {
        element: u32,
        found: u32,
        expected: u32,
    },
    /// Offsets of a member in bits.
    Offset {
        element: u32,
        found: u32,
        expected: u32,
    },
    /// Widths of a bit-field in bits; 0 for a member that is none.
    Width {
        element: u32,
        found: u32,
        expected: u32,
    },
    /// Values.
    Value {
        element: u32,
        found: u64,
        expected: u64,
    },
    /// One has no type (void) where the other has one.
    Void { found: u32, expected: u32 },
    /// Too many types of vmlinux would have to be compared.
    TooMany,
}

/// Which of the two types of a pair the next one is reached through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Both, reference by reference.
    Both,
    /// The module's alone, which vmlinux has not there.
    Own,
    /// Vmlinux's alone.
    Theirs,
}

/// The BTF of both sides: a module's and vmlinux's, or those of any two kernels.
#[derive(Clone, Copy)]
pub struct Sides<'s, 'a> {
    /// The module's.
    pub own: &'s Btf<'a>,
    /// Vmlinux's.
    pub base: &'s Btf<'a>,
}

impl Sides<'_, '_> {
    /// How the module's type `own` and vmlinux's `theirs` stand, as far as the two show.
    ///
    /// # Errors
    ///
    /// How they differ.
    pub fn compare(&self, own: &Record<'_>, theirs: &Record<'_>) -> Result<State, Difference> {
        let (found, expected) = (own.kind(), theirs.kind());
        if self.bond(own, theirs) == Bond::Way {
            return Ok(match is_tag(own) || is_tag(theirs) {
                // A tag says what may be done through the pointer; whoever holds that is the same.
                true => State::Loose,
                false => State::Same,
            });
        }
        let same_name = self.same_name(own.name_off(), theirs.name_off());
        let declared = is_declared(own) || is_declared(theirs);
        if same_name && declared && flavour(own).is_some() && flavour(own) == flavour(theirs) {
            return Ok(State::Loose);
        }
        if found != expected {
            return Err(Difference::Kind { found, expected });
        }
        // Compilers spell them as they like: "long unsigned int" is "unsigned long" elsewhere.
        if !same_name && found != Kind::Int {
            return Err(Difference::Name);
        }
        match found {
            Kind::Struct | Kind::Union => self.members(own, theirs)?,
            Kind::Enum | Kind::Enum64 => self.values(own, theirs)?,
            Kind::Int => {
                same(own.size(), theirs.size(), size)?;
                same(own.extra(), theirs.extra(), encoding)?;
            }
            Kind::Float => same(own.size(), theirs.size(), size)?,
            Kind::Array => same(own.array().2, theirs.array().2, count)?,
            Kind::FuncProto => same(own.vlen(), theirs.vlen(), count)?,
            Kind::TypeTag => same(own.kflag().into(), theirs.kflag().into(), encoding)?,
            Kind::Ptr | Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict => {}
            // A FWD of the other flavour; and functions, variables and what is said about them, which
            // are never another's.
            Kind::Fwd
            | Kind::Func
            | Kind::Var
            | Kind::Datasec
            | Kind::DeclTag
            | Kind::LocParam
            | Kind::LocProto
            | Kind::Locsec => return Err(Difference::Kind { found, expected }),
        }
        Ok(State::Same)
    }

    /// What `own` may become of `theirs`.
    pub(super) fn bond(&self, own: &Record<'_>, theirs: &Record<'_>) -> Bond {
        match (own.kind(), theirs.kind()) {
            _ if step(own, theirs) != Step::Both => Bond::Way,
            (Kind::Typedef, Kind::Typedef)
                if !self.same_name(own.name_off(), theirs.name_off()) =>
            {
                Bond::Way
            }
            (Kind::Int, Kind::Int) if !self.same_name(own.name_off(), theirs.name_off()) => {
                Bond::Spelling
            }
            _ => Bond::Same,
        }
    }

    /// Calls `visit` with each pair that `own` and `theirs`, with these ids, lead to.
    ///
    /// # Errors
    ///
    /// What only one of them refers to, and what `visit` returns.
    pub fn each_next(
        &self,
        (own_id, own): (u32, &Record<'_>),
        (their_id, theirs): (u32, &Record<'_>),
        mut visit: impl FnMut(u32, u32) -> Result<(), Difference>,
    ) -> Result<(), Difference> {
        let mut visit = |found, expected| match self.next(found, expected) {
            (0, 0) => Ok(()),
            (0, _) | (_, 0) => Err(Difference::Void { found, expected }),
            (found, expected) => visit(found, expected),
        };
        match step(own, theirs) {
            Step::Own => visit(own.type_id(), their_id),
            Step::Theirs => visit(own_id, theirs.type_id()),
            Step::Both if own.kind() != theirs.kind() => Ok(()),
            Step::Both => own.each_id(|at, found| {
                visit(found, read_u32(theirs.bytes(), to_usize(at)).unwrap_or(0))
            }),
        }
    }

    /// Whether the reference at byte `at` of the module's type `user`, which is to its type `own`,
    /// leads from the pair of `user` and `candidate` to that of `own` and `theirs`.
    pub(super) fn leads(
        &self,
        (user, at): (&Record<'_>, u32),
        (candidate_id, candidate): (u32, &Record<'_>),
        (own, theirs): (u32, u32),
    ) -> bool {
        let expected = match step(user, candidate) {
            Step::Own => Some(candidate_id),
            Step::Both if user.kind() == candidate.kind() => {
                read_u32(candidate.bytes(), to_usize(at))
            }
            Step::Both | Step::Theirs => None,
        };
        expected
            .is_some_and(|expected| expected == theirs || self.next(own, expected) == (own, theirs))
    }

    /// The pair of these two types, without the typedefs that only vmlinux has.
    pub fn next(&self, own: u32, theirs: u32) -> (u32, u32) {
        let record = self.own.record(own);
        match record.is_some_and(|record| record.kind() == Kind::Typedef) {
            true if theirs == 0 => (without_typedefs(self.own, own), 0),
            true => (own, theirs),
            false => (own, without_typedefs(self.base, theirs)),
        }
    }

    fn members(&self, own: &Record<'_>, theirs: &Record<'_>) -> Result<(), Difference> {
        same(own.size(), theirs.size(), size)?;
        let members = own.members().zip(theirs.members());
        for (element, (own, theirs)) in (0..u32::MAX).zip(members) {
            self.element_name(element, own.name_off, theirs.name_off)?;
            same(own.bit_offset, theirs.bit_offset, |found, expected| {
                Difference::Offset {
                    element,
                    found,
                    expected,
                }
            })?;
            same(own.bit_size, theirs.bit_size, |found, expected| {
                Difference::Width {
                    element,
                    found,
                    expected,
                }
            })?;
        }
        same(own.vlen(), theirs.vlen(), count)
    }

    fn values(&self, own: &Record<'_>, theirs: &Record<'_>) -> Result<(), Difference> {
        same(own.size(), theirs.size(), size)?;
        same(own.kflag().into(), theirs.kflag().into(), encoding)?;
        let values = own.elements().zip(theirs.elements());
        for (element, (own, theirs)) in (0..u32::MAX).zip(values) {
            let name = |value| read_u32(value, 0).unwrap_or(0);
            self.element_name(element, name(own), name(theirs))?;
            let (found, expected) = (value(own), value(theirs));
            if found != expected {
                return Err(Difference::Value {
                    element,
                    found,
                    expected,
                });
            }
        }
        same(own.vlen(), theirs.vlen(), count)
    }

    fn element_name(&self, element: u32, found: u32, expected: u32) -> Result<(), Difference> {
        match self.same_name(found, expected) {
            true => Ok(()),
            false => Err(Difference::ElementName {
                element,
                found,
                expected,
            }),
        }
    }

    /// Whether the module's string at `own` is vmlinux's at `theirs`, neither longer than names are.
    fn same_name(&self, own: u32, theirs: u32) -> bool {
        let name = self.own.name(own);
        name.is_some_and(|name| self.base.string_is(theirs, name))
    }
}

fn same(
    found: u32,
    expected: u32,
    difference: impl Fn(u32, u32) -> Difference,
) -> Result<(), Difference> {
    match found == expected {
        true => Ok(()),
        false => Err(difference(found, expected)),
    }
}

fn size(found: u32, expected: u32) -> Difference {
    Difference::Size { found, expected }
}

fn encoding(found: u32, expected: u32) -> Difference {
    Difference::Encoding { found, expected }
}

fn count(found: u32, expected: u32) -> Difference {
    Difference::Count { found, expected }
}

/// How the next pairs are reached from that of `own` and `theirs`.
pub(super) fn step(own: &Record<'_>, theirs: &Record<'_>) -> Step {
    let (found, expected) = (own.kind(), theirs.kind());
    match (found, expected) {
        _ if found == expected => Step::Both,
        (Kind::Typedef, _) => Step::Own,
        (_, Kind::Typedef) => Step::Theirs,
        (Kind::TypeTag, _) => Step::Own,
        (_, Kind::TypeTag) => Step::Theirs,
        _ => Step::Both,
    }
}

fn is_tag(record: &Record<'_>) -> bool {
    record.kind() == Kind::TypeTag
}

/// What is left of the type `id` without the typedefs in front of it.
fn without_typedefs(btf: &Btf<'_>, id: u32) -> u32 {
    let mut id = id;
    for _ in 0..DEPTH {
        match btf.record(id) {
            Some(record) if record.kind() == Kind::Typedef => id = record.type_id(),
            _ => break,
        }
    }
    id
}

/// The value of an element of an ENUM or ENUM64.
fn value(element: &[u8]) -> u64 {
    let word = |at| u64::from(read_u32(element, at).unwrap_or(0));
    (word(8) << 32) | word(4)
}

/// Whether the type is only declared: a FWD, or an ENUM without values.
pub(super) fn is_declared(record: &Record<'_>) -> bool {
    match record.kind() {
        Kind::Fwd => true,
        Kind::Enum | Kind::Enum64 => record.vlen() == 0,
        _ => false,
    }
}

/// What a declaration and what it declares have in common.
pub(super) fn flavour(record: &Record<'_>) -> Option<Kind> {
    match record.kind() {
        Kind::Fwd if record.kflag() => Some(Kind::Union),
        Kind::Fwd => Some(Kind::Struct),
        Kind::Enum64 => Some(Kind::Enum),
        kind @ (Kind::Struct | Kind::Union | Kind::Enum) => Some(kind),
        _ => None,
    }
}
