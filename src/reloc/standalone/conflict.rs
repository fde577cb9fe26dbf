// SPDX-License-Identifier: GPL-2.0

//! Why a type of the module that vmlinux has by name stays the module's own.

use super::compare::Difference;
use super::pairs::State;
use super::RebasePlan;
use crate::btf::{read_u32, to_usize, Kind, Record, Starts};

/// A type of the module, one of vmlinux of its name, and how they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict<'a> {
    /// The module's type.
    pub type_id: u32,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'a [u8],
    /// The type of vmlinux; where several have the name, the one with the least id.
    pub candidate: u32,
    /// Through which element (member or parameter, from 0) a contradiction is reached that is not in
    /// the type itself, and its name.
    pub through: Option<Through<'a>>,
    /// What contradicts: the module's type and vmlinux's, and how they differ.
    pub found: Contradiction<'a>,
}

/// The reference that leads from a type to one that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Through<'a> {
    /// Number of the element, from 0; `None` for the one type that a typedef refers to.
    pub element: Option<u32>,
    /// Its name; empty where it has none.
    pub name: &'a [u8],
}

/// Two types that differ by what they say themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction<'a> {
    /// The module's type.
    pub type_id: u32,
    /// Its kind.
    pub kind: Kind,
    /// Its name; empty where it has none.
    pub name: &'a [u8],
    /// The type of vmlinux.
    pub candidate: u32,
    /// How they differ.
    pub difference: Difference,
    /// The name of the element that `difference` speaks of; empty where it has none.
    pub element: &'a [u8],
    /// The name that vmlinux has there, or the type itself.
    pub expected: &'a [u8],
}

impl<'a> RebasePlan<'a> {
    /// The types of the module that vmlinux has by name and kind, and that are not the same there, in
    /// the order of their ids.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict<'a>> + '_ {
        let own = self.btf.own_records();
        own.filter_map(|(type_id, record)| {
            let name = self.btf.name(record.name_off())?;
            let kept = self.new_id(type_id)? >= self.base.btf().end_id();
            let refers = matches!(record.kind(), Kind::Fwd | Kind::TypeTag);
            let reported = kept && !refers && !name.is_empty();
            let pairs = self.pairs.of(type_id).filter(|_| reported);
            let pairs = pairs.filter(|pair| self.are_namesakes(&record, name, *pair));
            let pair = pairs.min_by_key(|pair| self.pairs.get(*pair).1)?;
            self.conflict(type_id, &record, name, pair)
        })
    }

    /// Whether the types of `pair`, of which `record` of this `name` is the module's, have one name
    /// and kind, and differ.
    fn are_namesakes(&self, record: &Record<'_>, name: &[u8], pair: u32) -> bool {
        let (_, candidate) = self.pairs.get(pair);
        let candidate = self.base.btf().record(candidate);
        let same = candidate.is_some_and(|candidate| {
            let base = self.base.btf();
            candidate.kind() == record.kind() && base.string_is(candidate.name_off(), name)
        });
        same && self.pairs.state(pair) == State::Different
    }

    fn conflict(
        &self,
        type_id: u32,
        record: &Record<'a>,
        name: &'a [u8],
        pair: u32,
    ) -> Option<Conflict<'a>> {
        let (_, candidate) = self.pairs.get(pair);
        let cause = self.pairs.cause(pair);
        Some(Conflict {
            type_id,
            kind: record.kind(),
            name,
            candidate,
            through: (cause != pair).then(|| self.through(record, candidate, cause)),
            found: self.contradiction(self.pairs.root(pair))?,
        })
    }

    /// The element of `record`, paired with vmlinux's `candidate`, that is the pair `cause`.
    fn through(&self, record: &Record<'a>, candidate: u32, cause: u32) -> Through<'a> {
        let (own, theirs) = self.pairs.get(cause);
        let other = self.base.btf().record(candidate);
        let sides = self.equivalence().sides;
        let found = record.each_id(|at, id| {
            let leads = other
                .as_ref()
                .is_some_and(|other| sides.leads((record, at), (candidate, other), (own, theirs)));
            match id == own && leads {
                true => Err(at),
                false => Ok(()),
            }
        });
        let at = found.err().unwrap_or(0);
        let step = match record.shape().starts {
            Starts::Id | Starts::TwoIds | Starts::NameAndId => u32::from(record.shape().elem),
            Starts::Plain | Starts::Name => 0,
        };
        let fixed = u32::try_from(record.fixed_bytes().len()).unwrap_or(0);
        let element = at.checked_sub(fixed).and_then(|at| at.checked_div(step));
        let name = element.map_or(&[][..], |element| self.element_name(record, element));
        Through { element, name }
    }

    /// How the two types of `pair` differ, without their references.
    fn contradiction(&self, pair: u32) -> Option<Contradiction<'a>> {
        let (type_id, candidate) = self.pairs.get(pair);
        let (record, other) = (
            self.btf.record(type_id)?,
            self.base.btf().record(candidate)?,
        );
        let spread = self.equivalence();
        let void = || {
            let sides = spread.sides;
            sides.each_next((type_id, &record), (candidate, &other), |_, _| Ok(()))
        };
        let difference = match spread.judge(pair, &self.pairs) {
            Err(difference) => difference,
            Ok(_) => void().err().unwrap_or(Difference::TooMany),
        };
        let element = difference.element();
        let element = element.map_or(&[][..], |element| self.element_name(&record, element));
        let expected = match difference {
            Difference::ElementName { expected, .. } => expected,
            _ => other.name_off(),
        };
        Some(Contradiction {
            type_id,
            kind: record.kind(),
            name: self.btf.name(record.name_off()).unwrap_or(&[]),
            candidate,
            difference,
            element,
            expected: self.base.btf().name(expected).unwrap_or(&[]),
        })
    }

    fn element_name(&self, record: &Record<'a>, element: u32) -> &'a [u8] {
        if !matches!(record.shape().starts, Starts::Name | Starts::NameAndId) {
            return &[];
        }
        let bytes = record.elements().nth(to_usize(element));
        let off = bytes.and_then(|bytes| read_u32(bytes, 0));
        off.and_then(|off| self.btf.name(off)).unwrap_or(&[])
    }
}

impl Difference {
    /// The element that it speaks of.
    pub fn element(&self) -> Option<u32> {
        match self {
            Difference::ElementName { element, .. }
            | Difference::Offset { element, .. }
            | Difference::Width { element, .. }
            | Difference::Value { element, .. } => Some(*element),
            _ => None,
        }
    }
}
