// SPDX-License-Identifier: GPL-2.0

//! Whether a type of a kernel does for a type of a program: in the place of a field, as a whole, or
//! member by member (`bpf_core_fields_are_compat`, `bpf_core_types_are_compat` and
//! `bpf_core_types_match` in `tools/lib/bpf/relo_core.c`).

use std::cell::Cell;

use anyhow::{bail, ensure, Context, Result};
use rust_btfreloc::btf::{read_u32, Btf, Kind, Record};

use super::candidates::essential;

/// Most types in a chain of pointers and arrays, and most levels below that.
const DEPTH: u32 = 32;
/// Most types that are compared for one relocation; without it a damaged object could ask for any
/// number.
pub const MOST: u32 = 1 << 20;

/// A type of the program and one of the kernel.
pub struct Pair<'a> {
    /// The program's BTF.
    pub local: &'a Btf<'a>,
    /// The kernel's, or a module's.
    pub target: &'a Btf<'a>,
    compared: Cell<u32>,
}

/// A type without its modifiers; void is one as well.
#[derive(Clone, Copy)]
enum Bare<'a> {
    Void,
    Type(Record<'a>),
}

impl<'a> Bare<'a> {
    fn of(btf: &Btf<'a>, id: u32) -> Result<Self> {
        let mut id = id;
        for _ in 0..=DEPTH {
            if id == 0 {
                return Ok(Bare::Void);
            }
            let record = btf.record(id).with_context(|| format!("no type [{id}]"))?;
            if !record.kind().is_modifier() {
                return Ok(Bare::Type(record));
            }
            id = record.type_id();
        }
        bail!("a chain of more than {DEPTH} modifiers")
    }

    /// The kind; that of ENUM for ENUM64.
    fn kind(&self) -> Option<Kind> {
        match self {
            Bare::Void => None,
            Bare::Type(record) if record.kind() == Kind::Enum64 => Some(Kind::Enum),
            Bare::Type(record) => Some(record.kind()),
        }
    }
}

/// The ids of the parameters of a FUNC_PROTO.
pub fn parameters(record: &Record<'_>) -> Vec<u32> {
    let ids = record.elements().map(|element| read_u32(element, 4));
    ids.map(|id| id.unwrap_or(0)).collect()
}

impl<'a> Pair<'a> {
    /// Types of these two are to be compared.
    pub fn new(local: &'a Btf<'a>, target: &'a Btf<'a>) -> Self {
        Pair {
            local,
            target,
            compared: Cell::new(0),
        }
    }

    fn count(&self) -> Result<()> {
        self.compared.set(self.compared.get() + 1);
        ensure!(
            self.compared.get() < MOST,
            "more than {MOST} types to compare"
        );
        Ok(())
    }

    fn bare(&self, local: u32, target: u32) -> Result<(Bare<'a>, Bare<'a>)> {
        self.count()?;
        Ok((Bare::of(self.local, local)?, Bare::of(self.target, target)?))
    }

    fn name(btf: &Btf<'a>, off: u32) -> &'a [u8] {
        essential(btf.name(off).unwrap_or(b""))
    }

    /// Whether the types do as those of one field.
    ///
    /// # Errors
    ///
    /// A type that is not there, or too long a chain.
    pub fn fields(&self, mut local: u32, mut target: u32) -> Result<bool> {
        loop {
            let (Bare::Type(ours), Bare::Type(theirs)) = self.bare(local, target)? else {
                return Ok(false);
            };
            if ours.kind().is_composite() && theirs.kind().is_composite() {
                return Ok(true);
            }
            if Bare::Type(ours).kind() != Bare::Type(theirs).kind() {
                return Ok(false);
            }
            return Ok(match ours.kind() {
                Kind::Ptr | Kind::Float => true,
                Kind::Fwd | Kind::Enum | Kind::Enum64 => {
                    let (ours, theirs) = self.names(&ours, &theirs);
                    ours.is_empty() || theirs.is_empty() || ours == theirs
                }
                Kind::Int => whole_ints(&ours, &theirs),
                Kind::Array => {
                    (local, target) = (ours.array().0, theirs.array().0);
                    continue;
                }
                _ => false,
            });
        }
    }

    fn names(&self, ours: &Record<'a>, theirs: &Record<'a>) -> (&'a [u8], &'a [u8]) {
        (
            Self::name(self.local, ours.name_off()),
            Self::name(self.target, theirs.name_off()),
        )
    }

    /// Whether the kernel's type is one that the program's can stand for.
    ///
    /// # Errors
    ///
    /// As [`Pair::fields`].
    pub fn types(&self, local: u32, target: u32) -> Result<bool> {
        let (ours, theirs) = (self.local.record(local), self.target.record(target));
        let kind = |record: Option<Record<'a>>| record.and_then(|record| Bare::Type(record).kind());
        Ok(kind(ours) == kind(theirs) && self.types_below(local, target, DEPTH)?)
    }

    fn types_below(&self, mut local: u32, mut target: u32, level: u32) -> Result<bool> {
        for _ in 0..DEPTH {
            let (ours, theirs) = self.bare(local, target)?;
            if ours.kind() != theirs.kind() {
                return Ok(false);
            }
            let (Bare::Type(ours), Bare::Type(theirs)) = (ours, theirs) else {
                return Ok(true);
            };
            (local, target) = match ours.kind() {
                Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Fwd => {
                    return Ok(true)
                }
                Kind::Int => return Ok(whole_ints(&ours, &theirs)),
                Kind::Ptr => (ours.type_id(), theirs.type_id()),
                Kind::Array => (ours.array().0, theirs.array().0),
                Kind::FuncProto => {
                    let deeper = |local, target| self.types_below(local, target, level - 1);
                    if !self.parameters(&ours, &theirs, level, deeper)? {
                        return Ok(false);
                    }
                    (ours.type_id(), theirs.type_id())
                }
                _ => return Ok(false),
            };
        }
        bail!("a chain of more than {DEPTH} pointers and arrays")
    }

    /// Whether each two parameters of two FUNC_PROTOs do by `compare`.
    fn parameters(
        &self,
        ours: &Record<'a>,
        theirs: &Record<'a>,
        level: u32,
        compare: impl Fn(u32, u32) -> Result<bool>,
    ) -> Result<bool> {
        if ours.vlen() != theirs.vlen() {
            return Ok(false);
        }
        for (local, target) in parameters(ours).into_iter().zip(parameters(theirs)) {
            ensure!(level > 0, "more than {DEPTH} levels of types");
            if !compare(local, target)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the kernel's type has all that the program's has.
    ///
    /// # Errors
    ///
    /// As [`Pair::fields`].
    pub fn matches(&self, local: u32, target: u32) -> Result<bool> {
        self.matches_below(local, target, false, DEPTH)
    }

    fn matches_below(
        &self,
        mut local: u32,
        mut target: u32,
        mut pointed: bool,
        level: u32,
    ) -> Result<bool> {
        ensure!(level > 0, "more than {DEPTH} levels of types");
        for _ in 0..DEPTH {
            let (ours, theirs) = self.bare(local, target)?;
            let (Bare::Type(ours), Bare::Type(theirs)) = (ours, theirs) else {
                return Ok(matches!((ours, theirs), (Bare::Void, Bare::Void)));
            };
            let names = self.names(&ours, &theirs);
            if names.0 != names.1 {
                return Ok(false);
            }
            let kinds = (ours.kind(), theirs.kind());
            (local, target) = match kinds {
                (Kind::Fwd, Kind::Fwd) => return Ok(ours.kflag() == theirs.kflag()),
                (Kind::Fwd, Kind::Struct) => return Ok(pointed && !ours.kflag()),
                (Kind::Fwd, Kind::Union) => return Ok(pointed && ours.kflag()),
                (Kind::Enum | Kind::Enum64, Kind::Enum | Kind::Enum64) => {
                    return Ok(self.enums(&ours, &theirs));
                }
                (Kind::Struct | Kind::Union, Kind::Fwd) => {
                    return Ok(pointed && (ours.kind() == Kind::Union) == theirs.kflag());
                }
                (ours, theirs) if ours != theirs => return Ok(false),
                (Kind::Struct | Kind::Union, _) if pointed => return Ok(true),
                (Kind::Struct | Kind::Union, _) => {
                    return self.composites(&ours, &theirs, pointed, level)
                }
                (Kind::Int, _) => {
                    let signed = [&ours, &theirs].map(|record| record.int_encoding() & 1);
                    return Ok(ours.size() == theirs.size() && signed[0] == signed[1]);
                }
                (Kind::Ptr, _) => {
                    pointed = true;
                    (ours.type_id(), theirs.type_id())
                }
                (Kind::Array, _) if ours.array().2 != theirs.array().2 => return Ok(false),
                (Kind::Array, _) => (ours.array().0, theirs.array().0),
                (Kind::FuncProto, _) => {
                    let deeper =
                        |local, target| self.matches_below(local, target, pointed, level - 1);
                    if !self.parameters(&ours, &theirs, level, deeper)? {
                        return Ok(false);
                    }
                    (ours.type_id(), theirs.type_id())
                }
                _ => return Ok(false),
            };
        }
        bail!("a chain of more than {DEPTH} pointers and arrays")
    }

    fn enums(&self, ours: &Record<'a>, theirs: &Record<'a>) -> bool {
        let names = |btf: &Btf<'a>, record: &Record<'a>| {
            let names = record.elements().map(|element| read_u32(element, 0));
            let names = names.map(|off| Self::name(btf, off.unwrap_or(0)));
            names.collect::<Vec<_>>()
        };
        if ours.size() != theirs.size() || ours.vlen() > theirs.vlen() {
            return false;
        }
        let there: std::collections::HashSet<_> = names(self.target, theirs).into_iter().collect();
        names(self.local, ours)
            .iter()
            .all(|name| there.contains(name))
    }

    fn composites(
        &self,
        ours: &Record<'a>,
        theirs: &Record<'a>,
        pointed: bool,
        level: u32,
    ) -> Result<bool> {
        if ours.vlen() > theirs.vlen() {
            return Ok(false);
        }
        for member in ours.members() {
            let name = Self::name(self.local, member.name_off);
            let mut found = false;
            for other in theirs.members() {
                self.count()?;
                if Self::name(self.target, other.name_off) == name
                    && self.matches_below(member.type_id, other.type_id, pointed, level - 1)?
                {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether neither INT is a bit-field of old, with an offset of its own (`BTF_INT_OFFSET`).
fn whole_ints(ours: &Record<'_>, theirs: &Record<'_>) -> bool {
    [ours, theirs]
        .iter()
        .all(|record| (record.extra() >> 16) & 0xff == 0)
}
