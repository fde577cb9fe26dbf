// SPDX-License-Identifier: GPL-2.0

//! The plan: which of a module's types become vmlinux's, decided before anything is written.

use super::by_name::ByName;
use super::compare::Sides;
use super::equivalence::Equivalence;
use super::pairs::Pairs;
use super::renamed::Renamed;
use super::retained::{number, retain};
use super::strings::{records, Strings};
use super::survey::{StandaloneSurvey, Tables};
use crate::btf::{len_u32, to_usize, verify, Bits, Btf, Error, Known, Reason, Record, MAX_TYPE};
use crate::reloc::hollow::Hollow;
use crate::reloc::tables::put;
use crate::reloc::Base;

/// How many types of a module became what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebaseCounts {
    /// Types that became vmlinux types.
    pub mapped: u32,
    /// Types that stay the module's own.
    pub own: u32,
    /// Types that nothing refers to any more.
    pub left_out: u32,
}

/// A rebase in which nothing of the module or of vmlinux can go wrong any more.
pub struct RebasePlan<'a> {
    pub(super) base: &'a Base<'a>,
    pub(super) btf: Btf<'a>,
    pub(super) names: ByName<'a>,
    pub(super) pairs: Pairs<'a>,
    /// For each type, by id less 1, its new id; 0 where it is left out.
    ids: &'a [u32],
    /// The types that stay the module's own, in the order of their new ids.
    pub(super) kept: &'a [u32],
    pub(super) renamed: Renamed<'a>,
    /// What the types in front of those are, where one that is renamed needs them.
    pub(super) hollow: Option<Hollow>,
    pub(super) strings: Strings<'a>,
}

impl<'a> RebasePlan<'a> {
    /// Plans how the module that `survey` speaks of becomes split BTF on `base`.
    ///
    /// `scratch` has the length that [`StandaloneSurvey::scratch_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// What the kernel would refuse, a reference out of range, a result that BTF cannot number, or
    /// a `scratch` too short.
    pub fn new(
        base: &'a Base<'a>,
        survey: &StandaloneSurvey<'a>,
        scratch: &'a mut [u32],
    ) -> Result<Self, Error> {
        let mut plan = None;
        Self::make(&mut plan, base, survey, scratch)?;
        plan.ok_or_else(|| survey.blob.error(0, 0, Reason::ShortBuffer))
    }

    /// As [`RebasePlan::new`], where the plan is to live.
    ///
    /// # Errors
    ///
    /// As [`RebasePlan::new`].
    #[inline(never)]
    pub fn make(
        plan: &mut Option<Self>,
        base: &'a Base<'a>,
        survey: &StandaloneSurvey<'a>,
        scratch: &'a mut [u32],
    ) -> Result<(), Error> {
        let failed = |reason| survey.blob.error(0, 0, reason);
        let tables = survey.cut(scratch);
        let mut tables = tables.ok_or_else(|| failed(Reason::ShortBuffer))?;
        let mut btf = survey.btf();
        let offsets = core::mem::take(&mut tables.offsets);
        verify(&mut btf, &base.known(), offsets, &mut tables.identifiers)?;
        let count = decide(base, &btf, &mut tables);
        let kept = tables.kept.get_mut(..count).unwrap_or_default();
        rename(base, &btf, &mut tables.renamed, kept).map_err(failed)?;
        let kept: &[u32] = kept;
        let start = base.btf().end_id();
        let hollow = tables.renamed.any_hollow(&btf, kept);
        let hollow = hollow.then(|| Hollow::new(base, start));
        let start = start.saturating_add(hollow.map_or(0, |_| Hollow::TYPES));
        let last = len_u32(kept).map(|count| start.saturating_add(count).saturating_sub(1));
        if last.is_none_or(|last| last > MAX_TYPE) {
            return Err(failed(Reason::OutputTooLarge));
        }
        number(tables.ids, kept, start);
        let (strings, added) = (base.btf().end_str_off(), tables.renamed.len());
        let kept_records = records(&btf, kept);
        let strings = Strings::keep(&survey.blob, tables.strings, strings, added, kept_records);
        let strings = strings.map_err(failed)?;
        *plan = Some(RebasePlan {
            base,
            btf,
            names: tables.names,
            pairs: tables.pairs,
            ids: tables.ids,
            kept,
            renamed: tables.renamed,
            hollow,
            strings,
        });
        Ok(())
    }

    /// The new id of the type with this id in the module's BTF; `None` past the end, and for a type
    /// that is left out.
    #[inline]
    pub fn new_id(&self, id: u32) -> Option<u32> {
        let Some(index) = id.checked_sub(1) else {
            return Some(0);
        };
        self.ids.get(to_usize(index)).copied().filter(|id| *id != 0)
    }

    /// How many types became what.
    pub fn counts(&self) -> RebaseCounts {
        let own = len_u32(self.kept).unwrap_or(u32::MAX);
        let left_out = self.ids.iter().filter(|id| **id == 0);
        let left_out = left_out.fold(0u32, |count, _| count.saturating_add(1));
        let mapped = self.btf.own_count().saturating_sub(own);
        RebaseCounts {
            mapped: mapped.saturating_sub(left_out),
            own,
            left_out,
        }
    }

    /// The types that stay the module's own, each with its id in the module's BTF.
    pub(super) fn kept_records(&self) -> impl Iterator<Item = (u32, Record<'_>)> {
        let kept = self.kept.iter();
        kept.filter_map(|id| Some((*id, self.btf.record(*id)?)))
    }

    pub(super) fn equivalence(&self) -> Equivalence<'_, 'a> {
        equivalence(self.base, &self.btf, &self.names)
    }
}

/// Gives `btf` its table; the kernel would find nothing wrong in it.
fn verify<'a>(
    btf: &mut Btf<'a>,
    known: &Known,
    offsets: &'a mut [u32],
    identifiers: &mut Bits<'_>,
) -> Result<(), Error> {
    let end = btf.end_id();
    verify::build(btf, known, offsets, identifiers, |record| {
        record.each_id(|at, id| verify::reference_below(at, id, end))
    })
}

/// Fills in the new id of each type that becomes vmlinux's, and puts the types that stay the module's
/// own in `tables.kept`; returns how many they are.
// In a frame of its own: a kernel's stack is small.
#[inline(never)]
fn decide(base: &Base<'_>, btf: &Btf<'_>, tables: &mut Tables<'_>) -> usize {
    tables.reverse_refs.fill(btf);
    tables.names.fill(btf);
    equivalence(base, btf, &tables.names).run(&tables.reverse_refs, &mut tables.pairs);
    for (id, _) in btf.own_records() {
        let theirs = tables.pairs.same(id).unwrap_or(0);
        put(tables.ids, to_usize(id.wrapping_sub(1)), theirs);
    }
    retain(btf, &tables.reverse_refs, tables.ids, tables.kept)
}

/// Gives those of `kept` other names that need them, and puts all in the order of their names.
#[inline(never)]
fn rename(
    base: &Base<'_>,
    btf: &Btf<'_>,
    renamed: &mut Renamed<'_>,
    kept: &mut [u32],
) -> Result<(), Reason> {
    renamed.find(base, btf, kept);
    renamed.sort(btf, kept);
    renamed.place(btf, kept)
}

fn equivalence<'s, 'a>(
    base: &'s Base<'a>,
    btf: &'s Btf<'a>,
    names: &'s ByName<'s>,
) -> Equivalence<'s, 'a> {
    let sides = Sides {
        own: btf,
        base: base.btf(),
    };
    Equivalence { base, sides, names }
}
