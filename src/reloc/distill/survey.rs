// SPDX-License-Identifier: GPL-2.0

//! The first look at a module: whether its BTF holds, and which types of its base it needs.

use super::strings::{Pages, Seen};
use super::{put, Words};
use crate::btf::{
    to_usize, verify, Bits, Blob, Btf, Error, Fault, Form, Kind, Known, Reason, Record, Section,
    Table,
};
use crate::reloc::index::is_indexed;
use crate::reloc::tables::{RankSet, RankSetBuilder};

/// A module's split BTF, not distilled, and the base it was made for.
#[derive(Clone, Copy)]
pub struct Module<'a> {
    base: &'a Btf<'a>,
    split: Blob<'a>,
    own: u32,
}

impl<'a> Module<'a> {
    /// Reads `btf`, a whole `.BTF` section that is split off `base`.
    ///
    /// # Errors
    ///
    /// A bad header, string part, or the first record that is cut short or of a kind not known.
    pub fn read(base: &'a Btf<'a>, btf: &'a [u8]) -> Result<Self, Error> {
        let split = Blob::parse(Section::Btf, Form::Split, btf)?;
        let own = Table::count(&split, base.end_id())?;
        Ok(Module { base, split, own })
    }

    /// Length in words of what [`DistillSurvey::of`] needs.
    pub fn survey_len(&self) -> usize {
        let needed = RankSetBuilder::needs(self.base.end_id());
        needed
            .saturating_add(Pages::needs(self.end_str_off()))
            .saturating_add(to_usize(self.base.end_id()).saturating_mul(2))
            .saturating_add(Table::needs(self.own, 0))
            .saturating_add(Bits::needs(self.split.strings_len()))
    }

    fn end_str_off(&self) -> u32 {
        let own = self.split.strings_len();
        self.base.end_str_off().saturating_add(own)
    }
}

/// A module whose BTF holds and whose needs are known.
pub struct DistillSurvey<'a> {
    pub(super) base: &'a Btf<'a>,
    /// The module's own types, on `base`.
    pub(super) btf: Btf<'a>,
    pub(super) needed: RankSet<'a>,
    /// The needed types in the order they were found in: their ids,
    pub(super) ids: &'a [u32],
    /// and the byte offset of each in the base's type part.
    pub(super) offsets: &'a [u32],
    /// How many of them go to the distilled base.
    pub(super) distilled: u32,
    /// How many of them go nowhere: an id asks for a FUNC or the like.
    pub(super) named: u32,
    pub(super) pages: Pages<'a>,
}

impl<'a> DistillSurvey<'a> {
    /// Checks `module` and finds the types it needs, those that `roots` name included: the ids in
    /// its `.BTF_ids`, in any order, of which those that are not of the base do not matter.
    ///
    /// `words` has the length that [`Module::survey_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// What the kernel would refuse in the module's BTF, a reference or a string out of range, a
    /// reference to a type of the base that no module's type may refer to, or `words` too short.
    pub fn of(module: &Module<'a>, roots: &[u32], words: &'a mut [u32]) -> Result<Self, Error> {
        let Module { base, split, own } = *module;
        let short = split.error(0, 0, Reason::ShortBuffer);
        let mut rest = Words(words);
        let mut take = |len| rest.take(len).ok_or(short);
        let end = base.end_id();
        let needed = take(RankSetBuilder::needs(end))?;
        let pages = take(Pages::needs(module.end_str_off()))?;
        let (ids, offsets) = (take(to_usize(end))?, take(to_usize(end))?);
        let table = take(Table::needs(own, 0))?;
        let mut names = Bits::new(take(Bits::needs(split.strings_len()))?);

        let mut search = Search {
            base,
            end_str_off: module.end_str_off(),
            needed: RankSetBuilder::new(needed, end).ok_or(short)?,
            ids,
            offsets,
            found: 0,
            distilled: 0,
            named: 0,
            seen: Seen::new(pages),
        };
        let mut btf = Btf::without_table(Some(base), split, own);
        let end = btf.end_id();
        verify::build(&mut btf, &Known::HERE, table, &mut names, |record| {
            search.references(record, end)?;
            search.strings(record)
        })?;
        for id in roots {
            search.root(*id);
        }
        search.found_types()?;
        Ok(DistillSurvey {
            base,
            btf,
            needed: search.needed.build(),
            ids: search.ids.get(..search.found).ok_or(short)?,
            offsets: search.offsets.get(..search.found).ok_or(short)?,
            distilled: search.distilled,
            named: search.named,
            pages: search.seen.pages(),
        })
    }

    /// The ids of the base's types that the module needs, in the order they were found in: up to the
    /// first with a name on each way.
    pub fn needed(&self) -> impl Iterator<Item = u32> + 'a {
        self.ids.iter().copied()
    }
}

/// What was found so far, from the module's types on.
struct Search<'a> {
    base: &'a Btf<'a>,
    end_str_off: u32,
    needed: RankSetBuilder<'a>,
    ids: &'a mut [u32],
    offsets: &'a mut [u32],
    found: usize,
    distilled: u32,
    named: u32,
    seen: Seen<'a>,
}

impl Search<'_> {
    /// Follows what was found, and what is found by that: each type once, so that it ends.
    fn found_types(&mut self) -> Result<(), Error> {
        let base = self.base;
        let mut next = 0usize;
        while next < self.found {
            // What is there: it was read when it was found.
            let entry = self.ids.get(next).zip(self.offsets.get(next));
            next = next.saturating_add(1);
            let Some((id, offset)) = entry else {
                return Ok(());
            };
            let (id, offset) = (*id, *offset);
            let Ok(record) = Record::parse(base.blob().types(), offset) else {
                return Ok(());
            };
            self.found_type(&record)
                .map_err(|(at, reason)| base.error(id, &record, at, reason))?;
        }
        Ok(())
    }

    fn found_type(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        if is_distilled(record) {
            self.distilled = self.distilled.saturating_add(1);
            return self.string(0, record.name_off());
        }
        if is_named_only(record) {
            self.named = self.named.saturating_add(1);
            return Ok(());
        }
        // A base knows nothing of the types that are split off it.
        self.references(record, self.base.end_id())?;
        self.strings(record)
    }

    /// Finds what `record` refers to, which has to be below `end`.
    #[inline]
    fn references(&mut self, record: &Record<'_>, end: u32) -> Result<(), Fault> {
        record.each_id(|at, id| {
            verify::reference_below(at, id, end)?;
            self.reference(id).map_err(|reason| (at, reason))
        })
    }

    #[inline]
    fn reference(&mut self, id: u32) -> Result<(), Reason> {
        let end = self.base.end_id();
        if id == 0 || id >= end || self.needed.set(id) {
            return Ok(());
        }
        let missing = Reason::ReferenceOutOfRange { id, end };
        let record = self.base.record(id).ok_or(missing)?;
        if is_named_only(&record) {
            return Err(Reason::NotDistilled(record.kind()));
        }
        self.add(id, &record);
        Ok(())
    }

    /// Finds the type with this id where it is one of the base, of whatever kind but a TYPEDEF: a
    /// copy of that would not be what the kernel knows by its name.
    fn root(&mut self, id: u32) {
        if id == 0 || id >= self.base.end_id() {
            return;
        }
        let record = self.base.record(id);
        let record = record.filter(|record| record.kind() != Kind::Typedef);
        if let Some(record) = record.filter(|_| !self.needed.set(id)) {
            self.add(id, &record);
        }
    }

    #[inline]
    fn add(&mut self, id: u32, record: &Record<'_>) {
        put(self.ids, self.found, id);
        put(self.offsets, self.found, record.at());
        self.found = self.found.saturating_add(1);
    }

    #[inline]
    fn strings(&mut self, record: &Record<'_>) -> Result<(), Fault> {
        record.each_string(|at, off| self.string(at, off))
    }

    #[inline]
    fn string(&mut self, at: u32, off: u32) -> Result<(), Fault> {
        if off >= self.end_str_off {
            return Err((at, Reason::NameOffset(off)));
        }
        self.seen.add(off);
        Ok(())
    }
}

/// Whether a type of the base goes to the distilled base; what can be found there by name does.
#[inline]
pub(super) fn is_distilled(record: &Record<'_>) -> bool {
    is_indexed(record)
}

/// Whether a type of the base has no place in the result, so that an id can only ask for what the
/// module has of its kind and name.
#[inline]
pub(super) fn is_named_only(record: &Record<'_>) -> bool {
    matches!(
        record.kind(),
        Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag
    )
}
