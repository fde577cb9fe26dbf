// SPDX-License-Identifier: GPL-2.0

//! The plan of a relocation: what becomes of every id and string, decided before anything is
//! written.

use super::strings::Strings;
use super::{embedded, matching, order, Base, Fate, Survey, Why};
use crate::btf::{
    to_usize, verify, Btf, Error, Kind, Reason, Record, Table, MAX_NAME_OFFSET, MAX_TYPE,
};

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
pub struct Counts {
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
pub struct Plan<'a> {
    pub(super) btf: Btf<'a>,
    pub(super) distilled: Btf<'a>,
    /// One more than vmlinux's last id: where the module's types start.
    pub(super) base_end: u32,
    /// For each distilled type, by index, its [`Fate`] as a word.
    pub(super) fates: &'a [u32],
    /// For each distilled type, by index, its new id.
    pub(super) ids: &'a [u32],
    /// The opaque types, as ids in the distilled base, in the order of their new ids.
    pub(super) opaque: &'a [u32],
    /// For each of `opaque`, the index of the module's type that it goes in front of.
    pub(super) places: &'a [u32],
    pub(super) strings: Strings<'a>,
}

impl<'a> Plan<'a> {
    /// Plans the relocation of a module with a distilled base to `base`.
    ///
    /// `scratch` has the length that [`Survey::scratch_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// What the kernel would refuse in either section, a reference out of range, a kind that has no
    /// place in a distilled base, a result that BTF cannot number, or a `scratch` too short.
    pub fn new(
        base: &Base<'a>,
        survey: &Survey<'a>,
        scratch: &'a mut [u32],
    ) -> Result<Self, Error> {
        let missing = survey.split.error(0, 0, Reason::NoData);
        let blob = survey.distilled.ok_or(missing)?;
        let short = blob.error(0, 0, Reason::ShortBuffer);
        let mut tables = survey.sizes.cut(scratch).ok_or(short)?;
        let distilled = Btf::alone(blob, Table::build(&blob, 1, tables.distilled_offsets, 0)?);
        let table = Table::build(&survey.split, distilled.end_id(), tables.split_offsets, 0)?;
        let btf = Btf::split(&distilled, survey.split, table);
        verify::kernel_verdict(&distilled, &mut tables.distilled_names)?;
        check_distilled(&distilled)?;
        verify::kernel_verdict(&btf, &mut tables.split_names)?;
        verify::references(&btf)?;

        embedded::mark(&btf, &mut tables.embedded, &mut tables.walked);
        let split_len = btf.blob().strings_len();
        let mut strings = Strings::new(tables.strings, blob, base.btf().end_str_off(), split_len);
        let embedded = &tables.embedded;
        let decide = |id: u32, record: &Record<'_>| {
            let embedded = embedded.get(id.wrapping_sub(1));
            decide(base, &distilled, record, embedded, &mut strings)
        };
        let opaque = decide_all(&distilled, tables.fates, tables.opaque, decide).ok_or(short)?;
        let places = tables.places.get_mut(..opaque.len()).ok_or(short)?;
        order::arrange(&btf, opaque, places);
        let base_end = base.btf().end_id();
        order::number(base_end, tables.fates, opaque, places, tables.ids);
        keep_strings(&btf, opaque, &mut strings);

        let plan = Plan {
            btf,
            distilled,
            base_end,
            fates: tables.fates,
            ids: tables.ids,
            opaque,
            places,
            strings,
        };
        plan.check_limits()?;
        Ok(plan)
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
        let mut types = self.distilled.own_records().zip(fates);
        let unmatched = types.find_map(|((type_id, record), fate)| match fate {
            Fate::Mapped(_) => None,
            Fate::Opaque(why) => Some(Unmatched {
                type_id,
                kind: record.kind(),
                name: self.distilled.name(record.name_off()).unwrap_or(&[]),
                why,
            }),
        });
        unmatched.map_or(Ok(()), Err)
    }

    /// The new id of the type with this id in the module's BTF on its distilled base; `None` past
    /// the end.
    #[inline]
    pub fn new_id(&self, id: u32) -> Option<u32> {
        if id == 0 {
            return Some(0);
        }
        let Some(own) = id.checked_sub(self.btf.start_id()) else {
            return self.ids.get(to_usize(id.checked_sub(1)?)).copied();
        };
        if own >= self.btf.own_count() {
            return None;
        }
        let ahead = order::places_up_to(self.places, own);
        self.base_end.checked_add(own)?.checked_add(ahead)
    }

    /// Each distilled type's id with what becomes of it.
    pub fn fates(&self) -> impl Iterator<Item = (u32, Fate)> + 'a {
        (1..u32::MAX).zip(self.fates.iter().map(|word| Fate::from_word(*word)))
    }

    /// What [`super::Report`] is made of: for each distilled type, by index, its [`Fate`] as a word,
    /// and its new id.
    pub fn words(&self) -> (&'a [u32], &'a [u32]) {
        (self.fates, self.ids)
    }

    /// How many types became what.
    pub fn counts(&self) -> Counts {
        let opaque = u32::try_from(self.opaque.len()).unwrap_or(u32::MAX);
        Counts {
            split: self.btf.own_count(),
            mapped: self.distilled.own_count().saturating_sub(opaque),
            opaque,
        }
    }

    /// After relocation there may be no more types and strings than BTF can number.
    fn check_limits(&self) -> Result<(), Error> {
        let counts = self.counts();
        let types = counts.split.saturating_add(counts.opaque);
        let last = self.base_end.saturating_add(types).saturating_sub(1);
        if last > MAX_TYPE || self.strings.end().saturating_sub(1) > MAX_NAME_OFFSET {
            return Err(self.btf.blob().error(0, 0, Reason::OutputTooLarge));
        }
        Ok(())
    }
}

/// Checks that a distilled base holds only named types that refer to no other.
///
/// # Errors
///
/// The first type that has no place there.
pub fn check_distilled(distilled: &Btf<'_>) -> Result<(), Error> {
    for (id, record) in distilled.own_records() {
        let allowed = matches!(
            record.kind(),
            Kind::Int | Kind::Float | Kind::Enum | Kind::Struct | Kind::Union | Kind::Fwd
        );
        if !allowed {
            return Err(distilled.error(id, &record, 4, Reason::NotDistilled(record.kind())));
        }
        if record.name_off() == 0 {
            return Err(distilled.error(id, &record, 0, Reason::NameMissing(record.kind())));
        }
    }
    Ok(())
}

/// Fills in the fate of each distilled type, and collects the ids of those that become opaque.
///
/// `None` where one of the tables is too short.
fn decide_all<'a>(
    distilled: &Btf<'_>,
    fates: &mut [u32],
    opaque: &'a mut [u32],
    mut decide: impl FnMut(u32, &Record<'_>) -> Fate,
) -> Option<&'a mut [u32]> {
    let mut count = 0usize;
    for (fate, (id, record)) in fates.iter_mut().zip(distilled.own_records()) {
        let decided = decide(id, &record);
        *fate = decided.to_word();
        if let Fate::Opaque(_) = decided {
            *opaque.get_mut(count)? = id;
            count = count.saturating_add(1);
        }
    }
    opaque.get_mut(..count)
}

/// What becomes of one distilled type; its name goes where vmlinux's is.
fn decide(
    base: &Base<'_>,
    distilled: &Btf<'_>,
    record: &Record<'_>,
    embedded: bool,
    strings: &mut Strings<'_>,
) -> Fate {
    let Some(name) = distilled.name(record.name_off()) else {
        return Fate::Opaque(Why::Absent);
    };
    let fate = matching::fate(base, record, name, embedded);
    if let Fate::Mapped(id) = fate {
        let named = base.btf().record(id).map_or(0, |record| record.name_off());
        strings.map(record.name_off(), named);
    }
    fate
}

/// Keeps every string that the result refers to and vmlinux was not seen to have.
fn keep_strings(btf: &Btf<'_>, opaque: &[u32], strings: &mut Strings<'_>) {
    for id in opaque {
        let name = btf.record(*id).map_or(0, |record| record.name_off());
        strings.keep(name);
    }
    for (_, record) in btf.own_records() {
        let _ = record.each_string(|_, off| -> Result<(), core::convert::Infallible> {
            strings.keep(off);
            Ok(())
        });
    }
}
