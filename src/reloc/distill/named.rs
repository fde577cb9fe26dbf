// SPDX-License-Identifier: GPL-2.0

//! What ids of the base ask for that has no place in a distilled base: a FUNC, VAR, DATASEC or
//! DECL_TAG.
//!
//! `resolve_btfids` takes the first type of a name, which is the base's where base and module both
//! have it. A kfunc has to be the module's own.

use super::survey::{is_named_only, DistillSurvey};
use super::Words;
use crate::btf::{to_usize, Record};
use crate::reloc::tables::{hash, put};

/// Types of one hash that are looked at, so that names made to collide cost ids and not time.
const STEPS: usize = 64;

/// Such types by the hash of their names: for each hash a list, linked by numbers from 1.
pub(super) struct Named<'a> {
    heads: &'a mut [u32],
    next: &'a mut [u32],
    /// The place of each in what the survey found.
    found: &'a mut [u32],
}

impl<'a> Named<'a> {
    /// Words for `count` types.
    pub(super) fn needs(count: u32) -> usize {
        match count {
            0 => 0,
            _ => buckets(count).saturating_add(to_usize(count).saturating_mul(2)),
        }
    }

    /// Puts into `ids`, by rank, the ids of the module's own types of the same kind and name, as if
    /// the order were kept.
    ///
    /// In a frame of its own, as few modules need it.
    #[inline(never)]
    pub(super) fn resolve(
        survey: &DistillSurvey<'_>,
        ids: &mut [u32],
        words: &'a mut [u32],
    ) -> Option<()> {
        if survey.named == 0 {
            return Some(());
        }
        let mut named = Named::new(survey.named, words)?;
        named.fill(survey);
        let start = survey.distilled.checked_add(1)?;
        for (id, (_, record)) in (start..u32::MAX).zip(survey.btf.own_records()) {
            if is_named_only(&record) {
                named.give(survey, &record, id, ids);
            }
        }
        Some(())
    }

    fn new(count: u32, words: &'a mut [u32]) -> Option<Self> {
        let mut rest = Words(words);
        let heads = rest.take(buckets(count))?;
        heads.fill(0);
        Some(Named {
            heads,
            next: rest.take(to_usize(count))?,
            found: rest.take(to_usize(count))?,
        })
    }

    /// Enters those of the base that have a name.
    fn fill(&mut self, survey: &DistillSurvey<'_>) {
        let mut count = 0usize;
        for (at, offset) in (0..u32::MAX).zip(survey.offsets) {
            let record = Record::parse(survey.base.blob().types(), *offset);
            let named = record.ok().filter(is_named_only);
            let name = named.and_then(|record| survey.base.name(record.name_off()));
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                continue;
            };
            let bucket = self.bucket(name);
            put(self.found, count, at);
            put(
                self.next,
                count,
                self.heads.get(bucket).copied().unwrap_or(0),
            );
            count = count.saturating_add(1);
            put(self.heads, bucket, u32::try_from(count).unwrap_or(0));
        }
    }

    /// Gives `id`, that of the module's type `record`, to those of its kind and name that have none.
    fn give(&self, survey: &DistillSurvey<'_>, record: &Record<'_>, id: u32, ids: &mut [u32]) {
        let Some(name) = survey.btf.name(record.name_off()) else {
            return;
        };
        let mut next = self.heads.get(self.bucket(name)).copied().unwrap_or(0);
        for _ in 0..STEPS {
            let Some(number) = next.checked_sub(1).map(to_usize) else {
                return;
            };
            next = self.next.get(number).copied().unwrap_or(0);
            let at = self.found.get(number).map(|at| to_usize(*at));
            let place = at.and_then(|at| survey.ids.get(at).zip(survey.offsets.get(at)));
            let Some((base_id, offset)) = place else {
                return;
            };
            let other = Record::parse(survey.base.blob().types(), *offset);
            let same = other.is_ok_and(|other| {
                other.kind() == record.kind() && survey.base.string_is(other.name_off(), name)
            });
            let rank = survey.needed.rank(*base_id).filter(|_| same);
            if let Some(rank) = rank.filter(|rank| ids.get(*rank) == Some(&0)) {
                put(ids, rank, id);
            }
        }
    }

    fn bucket(&self, name: &[u8]) -> usize {
        to_usize(hash(name)) & self.heads.len().wrapping_sub(1)
    }
}

/// Number of lists for `count` types: a power of two, so that a mask finds the list.
fn buckets(count: u32) -> usize {
    to_usize(count.checked_next_power_of_two().unwrap_or(1 << 31))
}
