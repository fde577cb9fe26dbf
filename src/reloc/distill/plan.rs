// SPDX-License-Identifier: GPL-2.0

//! The plan of a distillation: every new id and string offset, before anything is written.

use super::named::Named;
use super::order::{Order, Places};
use super::strings::Strings;
use super::survey::{is_distilled, is_named_only, DistillSurvey};
use super::{put, Words};
use crate::btf::{len_u32, to_usize, Btf, Error, Reason, Record};

/// How many types of a module went where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DistillCounts {
    /// The module's own.
    pub own: u32,
    /// Types of the distilled base.
    pub distilled: u32,
    /// Types of the base that were copied after the module's own.
    pub copied: u32,
}

/// A distillation in which nothing of the module or of its base can go wrong any more.
pub struct DistillPlan<'a> {
    pub(super) survey: &'a DistillSurvey<'a>,
    /// The new id of each needed type, by rank; 0 for one that goes nowhere.
    ids: &'a [u32],
    /// Byte offsets in the base's type part, in the order of ids: of what goes to the distilled
    /// base,
    distilled: &'a [u32],
    /// and of what is copied.
    copied: &'a [u32],
    pub(super) places: Places<'a>,
    pub(super) strings: Strings<'a>,
    /// Where the strings of the split BTF start.
    pub(super) split_strings: u32,
}

impl<'a> DistillSurvey<'a> {
    /// Length in words of what [`DistillPlan::new`] needs.
    pub fn scratch_len(&self, order: Order) -> usize {
        let needed = self.ids.len();
        let copied = len_u32(self.ids)
            .unwrap_or(u32::MAX)
            .saturating_sub(self.distilled)
            .saturating_sub(self.named);
        let split = self.btf.own_count().saturating_add(copied);
        (needed.saturating_mul(2))
            .saturating_add(self.pages.map_len())
            .saturating_add(self.pages.slots_len())
            .saturating_add(self.pages.kept_len())
            .saturating_add(Places::needs(order, split))
            .saturating_add(Named::needs(self.named))
    }
}

impl<'a> DistillPlan<'a> {
    /// Numbers the types and strings of the module that `survey` speaks of.
    ///
    /// `scratch` has the length that [`DistillSurvey::scratch_len`] gives for `order`; its content does
    /// not matter.
    ///
    /// # Errors
    ///
    /// A result that BTF cannot number, or a `scratch` too short.
    #[inline(never)]
    pub fn new(
        survey: &'a DistillSurvey<'a>,
        order: Order,
        scratch: &'a mut [u32],
    ) -> Result<Self, Error> {
        let failed = |reason| survey.btf.blob().error(0, 0, reason);
        let short = failed(Reason::ShortBuffer);
        let mut rest = Words(scratch);
        let mut take = |len| rest.take(len).ok_or(short);
        let needed = survey.ids.len();
        let (ids, offsets) = (take(needed)?, take(needed)?);
        let pages = survey.pages;
        let mut strings = Strings::new(
            survey.btf,
            pages,
            take(pages.map_len())?,
            take(pages.slots_len())?,
            take(pages.kept_len())?,
        );
        let (distilled, copied) = number(survey, ids, offsets).ok_or(short)?;
        keep_distilled(survey, distilled, &mut strings).map_err(failed)?;
        let split_strings = strings.end();
        keep_split(survey, copied, &mut strings).map_err(failed)?;

        let own = survey.btf.own_count();
        let split = own.saturating_add(len_u32(copied).ok_or(short)?);
        Named::resolve(survey, ids, take(Named::needs(survey.named))?).ok_or(short)?;
        let words = take(Places::needs(order, split))?;
        let name_off = |index: u32| {
            match index.checked_sub(own) {
                Some(at) => base_record(survey, copied, at),
                None => survey
                    .btf
                    .record(survey.btf.start_id().saturating_add(index)),
            }
            .map_or(0, |record| record.name_off())
        };
        let places = Places::new(order, split, &survey.btf, name_off, words).ok_or(short)?;
        let start = survey.distilled.saturating_add(1);
        for id in ids.iter_mut() {
            if let Some(index) = id.checked_sub(start) {
                *id = start.saturating_add(places.place(index));
            }
        }
        Ok(DistillPlan {
            survey,
            ids,
            distilled,
            copied,
            places,
            strings,
            split_strings,
        })
    }

    /// The new id of the type with this id in the module's BTF on its base; `None` past the end,
    /// and for a type of the base that the module does not need.
    ///
    /// A FUNC, VAR, DATASEC or DECL_TAG of the base that a root named is what the module itself has
    /// of that kind and name, or else 0.
    #[inline]
    pub fn new_id(&self, id: u32) -> Option<u32> {
        let Some(own) = id.checked_sub(self.survey.btf.start_id()) else {
            return match id {
                0 => Some(0),
                _ => self.ids.get(self.survey.needed.rank(id)?).copied(),
            };
        };
        if own >= self.survey.btf.own_count() {
            return None;
        }
        let start = self.survey.distilled.saturating_add(1);
        start.checked_add(self.places.place(own))
    }

    /// How many types went where.
    pub fn counts(&self) -> DistillCounts {
        DistillCounts {
            own: self.survey.btf.own_count(),
            distilled: self.survey.distilled,
            copied: len_u32(self.copied).unwrap_or(u32::MAX),
        }
    }

    /// The types of the base that go to the distilled base.
    pub(super) fn distilled(&self) -> impl Iterator<Item = Record<'a>> + 'a {
        records(self.survey.base, self.distilled)
    }

    /// The types of the base that are copied.
    pub(super) fn copied(&self) -> impl Iterator<Item = Record<'a>> + 'a {
        records(self.survey.base, self.copied)
    }

    /// The type of the new split BTF at this place, as it was.
    #[inline]
    pub(super) fn split_record(&self, place: u32) -> Option<Record<'a>> {
        let index = self.places.index(place);
        let btf = &self.survey.btf;
        match index.checked_sub(btf.own_count()) {
            Some(at) => base_record(self.survey, self.copied, at),
            None => btf.record(btf.start_id().checked_add(index)?),
        }
    }
}

/// Fills in the new id of each needed type by rank, for those that are copied as if the order were
/// kept; sorts `offsets` into those of the distilled base and of what is copied.
fn number<'a>(
    survey: &DistillSurvey<'_>,
    ids: &mut [u32],
    offsets: &'a mut [u32],
) -> Option<(&'a [u32], &'a [u32])> {
    for (id, offset) in survey.ids.iter().zip(survey.offsets) {
        put(ids, survey.needed.rank(*id)?, *offset);
    }
    let (distilled, copied) = offsets.split_at_mut_checked(to_usize(survey.distilled))?;
    let len = copied.len().checked_sub(to_usize(survey.named))?;
    let copied = copied.get_mut(..len)?;
    let first_copied = survey
        .distilled
        .checked_add(1)?
        .checked_add(survey.btf.own_count())?;
    let (mut next_distilled, mut next_copied) = (0u32, 0u32);
    for id in ids.iter_mut() {
        let offset = *id;
        let record = Record::parse(survey.base.blob().types(), offset).ok()?;
        if is_distilled(&record) {
            put(distilled, to_usize(next_distilled), offset);
            next_distilled = next_distilled.checked_add(1)?;
            *id = next_distilled;
        } else if is_named_only(&record) {
            *id = 0;
        } else {
            put(copied, to_usize(next_copied), offset);
            *id = first_copied.checked_add(next_copied)?;
            next_copied = next_copied.checked_add(1)?;
        }
    }
    Some((distilled, copied))
}

/// A type of the distilled base has its name and no other string.
fn keep_distilled(
    survey: &DistillSurvey<'_>,
    distilled: &[u32],
    strings: &mut Strings<'_>,
) -> Result<(), Reason> {
    let mut names = records(survey.base, distilled).map(|record| record.name_off());
    names.try_for_each(|name_off| strings.keep(name_off))
}

fn keep_split(
    survey: &DistillSurvey<'_>,
    copied: &[u32],
    strings: &mut Strings<'_>,
) -> Result<(), Reason> {
    let own = survey.btf.own_records().map(|(_, record)| record);
    for record in own.chain(records(survey.base, copied)) {
        record.each_string(|_, off| strings.keep(off))?;
    }
    Ok(())
}

/// The types of the base at these offsets in its type part, which were found before.
fn records<'a>(base: &Btf<'a>, offsets: &'a [u32]) -> impl Iterator<Item = Record<'a>> + 'a {
    let types = base.blob().types();
    let parse = move |offset: &u32| Record::parse(types, *offset).ok();
    offsets.iter().filter_map(parse)
}

fn base_record<'a>(survey: &DistillSurvey<'a>, offsets: &[u32], at: u32) -> Option<Record<'a>> {
    let offset = offsets.get(to_usize(at))?;
    Record::parse(survey.base.blob().types(), *offset).ok()
}
