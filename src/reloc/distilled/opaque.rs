// SPDX-License-Identifier: GPL-2.0

//! How a distilled type that vmlinux has no match for is carried over.
//!
//! The verifier and CO-RE must not find in it what only the members that were not recorded could
//! justify. A STRUCT without members counts as a struct of scalars (`__btf_type_is_scalar_struct` in
//! `kernel/bpf/verifier.c`), for which a kfunc takes any memory of that size; and a name is enough
//! for CO-RE to take a type for the one that a program asks for. So
//!
//! - an INT, a FLOAT and a FWD are carried as recorded, which is all there is to know of them;
//! - a STRUCT or UNION that nothing needs a size of becomes a FWD of its flavour, unless vmlinux has
//!   its name for another kind;
//! - any other keeps its kind and size and has one member, an array of no pointers. As a pointer is
//!   no scalar, neither is what holds it; as the array is empty, `btf_struct_walk` finds no field;
//!   and as its elements are neither INT nor STRUCT, it is no flexible array to read on in;
//! - an ENUM keeps its size, and has one value, as C has no ENUM without;
//! - what has an element has no name but that of the element, which is the type's.

use super::matching::Use;
use super::{Fate, Why};
use crate::btf::{copy, info, put_u32, Btf, Kind, Record};
use crate::reloc::hollow::{put_words, Hollow};

/// The form that a type is carried in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it was recorded.
    Recorded,
    /// A FWD.
    Declared,
    /// Without a name, and with one element.
    Unnamed,
}

/// A type that is carried over: its id in the distilled base, and whether it is to have a size.
///
/// One word, as that is what the caller lends.
#[derive(Clone, Copy)]
pub(super) struct Opaque(u32);

const SIZED: u32 = 1 << 31;

impl Opaque {
    /// The type `id`, which the module has this use for and vmlinux no match.
    pub(super) fn new(id: u32, usage: Use, fate: Fate) -> Self {
        match (usage, fate) {
            // C takes no declaration of a tag that is another kind's.
            (Use::Name, Fate::Opaque(Why::OtherKind(_))) => Opaque(id | SIZED),
            (Use::Name, _) => Opaque(id),
            (Use::Element | Use::Value, _) => Opaque(id | SIZED),
        }
    }

    pub(super) fn from_word(word: u32) -> Self {
        Opaque(word)
    }

    pub(super) fn to_word(self) -> u32 {
        self.0
    }

    /// Its id in the distilled base.
    pub(super) fn id(self) -> u32 {
        self.0 & !SIZED
    }

    fn form(self, kind: Kind) -> Form {
        match kind {
            Kind::Struct | Kind::Union if self.0 & SIZED == 0 => Form::Declared,
            Kind::Struct | Kind::Union | Kind::Enum => Form::Unnamed,
            _ => Form::Recorded,
        }
    }

    /// What it is sorted by, its name and its id; `None` where the name is too long to be compared
    /// again and again.
    pub(super) fn key<'a>(self, btf: &Btf<'a>) -> Option<(&'a [u8], u32)> {
        let record = btf.record(self.id())?;
        let name: &[u8] = match self.form(record.kind()) {
            Form::Unnamed => &[],
            Form::Recorded | Form::Declared => btf.name(record.name_off())?,
        };
        Some((name, self.id()))
    }

    /// Whether its element is the [`Hollow`] array.
    pub(super) fn is_hollow(self, btf: &Btf<'_>) -> bool {
        let record = btf.record(self.id());
        record.is_some_and(|record| {
            record.kind().is_composite() && self.form(record.kind()) == Form::Unnamed
        })
    }

    /// Bytes that [`Opaque::write`] writes of the distilled type `record`.
    pub(super) fn len(self, record: &Record<'_>) -> usize {
        let fixed = record.fixed_bytes().len();
        match self.form(record.kind()) {
            Form::Recorded | Form::Declared => fixed,
            Form::Unnamed => fixed.saturating_add(usize::from(record.shape().elem)),
        }
    }

    /// Writes the distilled type `record`, whose name is at `name_off` now; `None` where `out` is
    /// short.
    pub(super) fn write<'b>(
        self,
        out: &'b mut [u8],
        record: &Record<'_>,
        name_off: u32,
        hollow: Option<Hollow>,
    ) -> Option<&'b mut [u8]> {
        let (new, rest) = out.split_at_mut_checked(self.len(record))?;
        let kind = record.kind();
        match self.form(kind) {
            Form::Recorded => {
                copy(new, record.fixed_bytes())?;
                put_u32(new, 0, name_off)?;
            }
            Form::Declared => {
                let forward = info(Kind::Fwd, kind == Kind::Union, 0);
                put_words(new, &[name_off, forward, 0])?;
            }
            Form::Unnamed if kind == Kind::Enum => {
                let enumeration = info(kind, record.kflag(), 1);
                put_words(new, &[0, enumeration, record.size(), name_off, 0])?;
            }
            Form::Unnamed => {
                let composite = info(kind, false, 1);
                let array = hollow?.array_id();
                put_words(new, &[0, composite, record.size(), name_off, array, 0])?;
            }
        }
        Some(rest)
    }
}
