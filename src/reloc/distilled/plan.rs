// SPDX-License-Identifier: GPL-2.0

//! The plan of a relocation: what becomes of every id and string, decided before anything is
//! written.

use super::matching::Use;
use super::opaque::Opaque;
use super::order;
use super::strings::Strings;
use super::{matching, Fate, Verified, Why};
use crate::btf::{len_u32, to_usize, Btf, Error, Kind, Reason, Record, MAX_NAME_OFFSET, MAX_TYPE};
use crate::reloc::hollow::Hollow;
use crate::reloc::Base;

/// What is done where a distilled type has no match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The module is left to the kernel's own verdict.
    Strict,
    /// The type becomes one of the module's own.
    Opaque,
}

/// How many types of a module became what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelocationCounts {
    /// Types of the module's own BTF.
    pub split: u32,
    /// Distilled types that became vmlinux types.
    pub mapped: u32,
    /// Distilled types that became types of the module's own.
    pub opaque: u32,
}

/// A distilled type that has no match, where the policy wants one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmatched<'a> {
    /// Id of the type in the distilled base.
    pub type_id: u32,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'a [u8],
    /// Why no vmlinux type stands for it.
    pub why: Why,
}

/// A relocation in which nothing of the module or of vmlinux can go wrong any more.
pub struct RelocationPlan<'a> {
    pub(super) btf: Btf<'a>,
    /// One more than vmlinux's last id: where the module's types start.
    pub(super) base_end: u32,
    /// For each distilled type, by index, its [`Fate`] as a word.
    pub(super) fates: &'a [u32],
    /// The new id of each type, by id.
    pub(super) ids: &'a [u32],
    /// The opaque types, as words of [`Opaque`], in the order of their new ids.
    pub(super) opaque: &'a [u32],
    /// For each of `opaque`, the index of the module's type that it goes in front of.
    pub(super) places: &'a [u32],
    /// The types that go in front of the first of `opaque`, where one of those has a member.
    pub(super) hollow: Option<Hollow>,
    pub(super) strings: Strings<'a>,
}

impl<'a> RelocationPlan<'a> {
    /// Plans the relocation of `module` to `base`.
    ///
    /// `scratch` has the length that [`Verified::scratch_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// A result that BTF cannot number, or a `scratch` too short.
    pub fn new(
        base: &Base<'a>,
        module: &Verified<'a>,
        scratch: &'a mut [u32],
    ) -> Result<Self, Error> {
        let mut plan = None;
        Self::make(&mut plan, base, module, scratch)?;
        plan.ok_or_else(|| module.short())
    }

    /// As [`RelocationPlan::new`], where the plan is to live.
    ///
    /// # Errors
    ///
    /// As [`RelocationPlan::new`].
    #[inline(never)]
    pub fn make(
        plan: &mut Option<Self>,
        base: &Base<'a>,
        module: &Verified<'a>,
        scratch: &'a mut [u32],
    ) -> Result<(), Error> {
        let btf = &module.btf;
        let short = || module.short();
        let tables = module.sizes.cut_plan(scratch).ok_or_else(short)?;
        let (fates, ids) = (tables.fates, tables.ids);

        let mut strings = Strings::new(tables.strings, btf, base.btf().end_str_off());
        let decide = |id, record: &Record<'_>| {
            let usage = module.usage(id);
            let fate = decide(base, btf, record, usage, &mut strings);
            (fate, Opaque::new(id, usage, fate))
        };
        let opaque = decide_all(btf, fates, tables.opaque, decide).ok_or_else(short)?;
        let places = tables.places.get_mut(..opaque.len()).ok_or_else(short)?;
        order::arrange(btf, opaque, places);
        let base_end = base.btf().end_id();
        let hollow = any_hollow(btf, opaque);
        let hollow_id = order::number(base_end, fates, opaque, places, hollow, ids);
        let hollow_id = hollow_id.ok_or_else(short)?;
        keep_strings(module, opaque, &mut strings);
        let plan = plan.insert(RelocationPlan {
            btf: *btf,
            base_end,
            fates,
            ids,
            opaque,
            places,
            hollow: hollow.then(|| Hollow::new(base, hollow_id)),
            strings,
        });
        plan.check_limits()
    }

    /// Whether `policy` lets the module be relocated.
    ///
    /// # Errors
    ///
    /// The first distilled type without a match, where the policy wants one for each.
    pub fn obeys(&self, policy: Policy) -> Result<(), Unmatched<'a>> {
        if policy == Policy::Opaque {
            return Ok(());
        }
        let fates = self.fates.iter().map(|word| Fate::from_word(*word));
        let mut types = self.btf.base_records().zip(fates);
        let unmatched = types.find_map(|((type_id, record), fate)| match fate {
            Fate::Mapped(_) => None,
            Fate::Opaque(why) => Some(Unmatched {
                type_id,
                kind: record.kind(),
                name: self.btf.name(record.name_off()).unwrap_or(&[]),
                why,
            }),
        });
        unmatched.map_or(Ok(()), Err)
    }

    /// The new id of the type with this id in the module's BTF on its distilled base; `None` past
    /// the end.
    #[inline]
    pub fn new_id(&self, id: u32) -> Option<u32> {
        self.ids.get(to_usize(id)).copied()
    }

    /// Each distilled type's id with what becomes of it.
    pub fn fates(&self) -> impl Iterator<Item = (u32, Fate)> + 'a {
        (1..u32::MAX).zip(self.fates.iter().map(|word| Fate::from_word(*word)))
    }

    /// What [`super::Report`] is made of: for each distilled type, by index, its [`Fate`] as a word,
    /// and its new id.
    pub fn words(&self) -> (&'a [u32], &'a [u32]) {
        let end = to_usize(self.btf.start_id());
        (self.fates, self.ids.get(1..end).unwrap_or(&[]))
    }

    /// How many types became what.
    pub fn counts(&self) -> RelocationCounts {
        let opaque = u32::try_from(self.opaque.len()).unwrap_or(u32::MAX);
        RelocationCounts {
            split: self.btf.own_count(),
            mapped: len_u32(self.fates)
                .unwrap_or(u32::MAX)
                .saturating_sub(opaque),
            opaque,
        }
    }

    /// After relocation there may be no more types and strings than BTF can number.
    fn check_limits(&self) -> Result<(), Error> {
        let counts = self.counts();
        let hollow = self.hollow.map_or(0, |_| Hollow::TYPES);
        let types = counts.split.saturating_add(counts.opaque);
        let types = types.saturating_add(hollow);
        let last = self.base_end.saturating_add(types).saturating_sub(1);
        if last > MAX_TYPE || self.strings.end().saturating_sub(1) > MAX_NAME_OFFSET {
            return Err(self.btf.blob().error(0, 0, Reason::OutputTooLarge));
        }
        Ok(())
    }
}

/// Fills in the fate of each distilled type, and collects those that become opaque.
///
/// `None` where one of the tables is too short.
fn decide_all<'a>(
    btf: &Btf<'_>,
    fates: &mut [u32],
    opaque: &'a mut [u32],
    mut decide: impl FnMut(u32, &Record<'_>) -> (Fate, Opaque),
) -> Option<&'a mut [u32]> {
    let mut count = 0usize;
    for (fate, (id, record)) in fates.iter_mut().zip(btf.base_records()) {
        let (decided, carried) = decide(id, &record);
        *fate = decided.to_word();
        if let Fate::Opaque(_) = decided {
            *opaque.get_mut(count)? = carried.to_word();
            count = count.saturating_add(1);
        }
    }
    opaque.get_mut(..count)
}

/// Whether one of the opaque types has a member.
fn any_hollow(btf: &Btf<'_>, opaque: &[u32]) -> bool {
    let mut opaque = opaque.iter().map(|word| Opaque::from_word(*word));
    opaque.any(|opaque| opaque.is_hollow(btf))
}

/// What becomes of one distilled type; its name goes where vmlinux's is.
fn decide(
    base: &Base<'_>,
    btf: &Btf<'_>,
    record: &Record<'_>,
    usage: Use,
    strings: &mut Strings<'_>,
) -> Fate {
    let Some(name) = btf.name(record.name_off()) else {
        return Fate::Opaque(Why::Absent);
    };
    let (fate, name_off) = matching::fate(base, record, name, usage);
    if let Fate::Mapped(_) = fate {
        strings.map(record.name_off(), name_off);
    }
    fate
}

/// Keeps every string that the result refers to and vmlinux was not seen to have.
fn keep_strings(module: &Verified<'_>, opaque: &[u32], strings: &mut Strings<'_>) {
    for word in opaque {
        let name = module.btf.record(Opaque::from_word(*word).id());
        strings.keep(&module.btf, name.map_or(0, |record| record.name_off()));
    }
    for off in module.used.iter() {
        strings.keep(&module.btf, off);
    }
}
