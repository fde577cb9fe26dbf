// SPDX-License-Identifier: GPL-2.0

//! Plans which types are left out, and which id each of the others gets.

use crate::btf::{
    read_u32, verify, walk_any, AnyRecord, Bits, Blob, Error, Form, Kind, Known, Layout, Reason,
    Record, Section, RECORD_LEN,
};
use crate::reloc::hollow::Hollow;
use crate::reloc::tables::{RankSet, RankSetBuilder, Words};
use crate::reloc::{Base, Input};

/// What was left out, in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Numbers of kinds, each with how many types there are of it; a count of 0 where none is yet.
    kinds: [(u32, u32); LeftOut::KINDS],
    /// How many types are of yet other kinds.
    pub others: u32,
    /// How many types of known kinds are left out with one that they cannot do without.
    pub followers: u32,
}

impl LeftOut {
    /// How many kinds are counted one by one.
    const KINDS: usize = 4;

    /// Kinds by their numbers, and how many types there are of each.
    pub fn kinds(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.kinds.iter().copied().filter(|(_, count)| *count != 0)
    }

    fn count(&mut self, kind: u32) {
        let known = |entry: &&mut (u32, u32)| entry.1 == 0 || entry.0 == kind;
        match self.kinds.iter_mut().find(known) {
            Some(entry) => *entry = (kind, entry.1.saturating_add(1)),
            None => self.others = self.others.saturating_add(1),
        }
    }
}

/// What becomes of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// It stays, with this id.
    Kept(u32),
    /// It is left out.
    LeftOut,
}

/// BTF that is to be reduced, with which of its types are left out.
pub struct Reduction<'a> {
    pub(super) blob: Blob<'a>,
    layout: Option<Layout<'a>>,
    /// Id of its first type, and how many there are.
    start_id: u32,
    count: u32,
    /// The places, from 0, of the types that stay.
    kept: RankSet<'a>,
    /// What references to types that are left out lead to; `None` where there is none.
    pub(super) hollow: Option<Hollow>,
    /// Length in bytes of the types that stay.
    pub(super) types_len: u32,
    left_out: LeftOut,
}

/// BTF that may have types of kinds that the kernel does not know, and where its ids start.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    blob: Blob<'a>,
    start_id: u32,
    /// An INT of its base.
    int: Option<u32>,
    layout: Option<Layout<'a>>,
    known: Known,
    count: u32,
}

impl<'a> Place<'a> {
    /// The module's BTF, `input`, split off its base or standalone, as `form` says, on a kernel of
    /// `base`.
    ///
    /// # Errors
    ///
    /// A bad header or layout part, the first type that is cut short or whose length is not known.
    pub fn of(base: &Base<'a>, input: &Input<'a>, form: Form) -> Result<Self, Error> {
        let blob = Blob::parse(Section::Btf, form, input.btf)?;
        let mut place = Place {
            blob,
            start_id: 1,
            int: None,
            layout: Layout::of(&blob)?,
            known: base.known(),
            count: 0,
        };
        let mut of_base = None;
        match (form, input.btf_base) {
            (Form::Base, _) => {}
            (Form::Split, Some(bytes)) => {
                let distilled = Blob::parse(Section::BtfBase, Form::Base, bytes)?;
                for (id, record) in (1..u32::MAX).zip(distilled.records()) {
                    place.start_id = id.saturating_add(1);
                    if record.kind() == Kind::Int {
                        place.int = place.int.or(Some(id));
                    }
                }
                of_base = Layout::of(&distilled)?;
            }
            (Form::Split, None) => {
                place.start_id = base.btf().end_id();
                place.int = Hollow::index_of(base);
                // A damaged layout part of vmlinux is no reason to refuse the module.
                of_base = Layout::of(base.btf().blob()).unwrap_or(None);
            }
        }
        // As libbpf does: BTF and its base share a layout.
        place.layout = place.layout.or(of_base);
        place.count = place.walk(|_, _| Ok(()))?;
        Ok(place)
    }

    /// Length in words of the scratch that [`Reduction::new`] needs.
    pub fn scratch_len(&self) -> usize {
        Bits::needs(self.count).saturating_add(RankSetBuilder::needs(self.count))
    }

    fn walk(
        &self,
        visit: impl FnMut(u32, &AnyRecord<'a>) -> Result<(), Reason>,
    ) -> Result<u32, Error> {
        walk_any(&self.blob, self.layout.as_ref(), visit)
    }

    /// Whether a type is of a kind that the kernel does not know.
    fn is_unknown(&self, any: &AnyRecord<'_>) -> bool {
        any.record.is_none() || any.kind > self.known.kind_max
    }
}

impl<'a> Reduction<'a> {
    /// Plans to leave types out of the BTF at `place`; `None` where the kernel knows the kinds of all.
    ///
    /// `scratch` has the length that [`Place::scratch_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// [`Reason::ShortBuffer`] where `scratch` is too short.
    pub fn new(place: &Place<'a>, scratch: &'a mut [u32]) -> Result<Option<Self>, Error> {
        let short = || place.blob.error(0, 0, Reason::ShortBuffer);
        let mut words = Words(scratch);
        let left = words.take(Bits::needs(place.count)).ok_or_else(short)?;
        let kept = RankSetBuilder::new(words.0, place.count).ok_or_else(short)?;
        let mut left = Bits::new(left);
        let left_out = leave_out(place, &mut left)?;
        if left_out == LeftOut::default() {
            return Ok(None);
        }
        let (kept, seen) = keep(place, &left, kept)?;
        let int = place.int.or_else(|| {
            // The first of its own, before which the two of the hollow array come.
            let rank = u32::try_from(kept.rank(seen.int?)?).ok()?;
            let own = place.start_id.saturating_add(Hollow::TYPES);
            Some(own.saturating_add(rank))
        });
        let hollow = Hollow::with_index(place.start_id, int);
        Ok(Some(Reduction {
            blob: place.blob,
            layout: place.layout,
            start_id: place.start_id,
            count: place.count,
            kept,
            hollow: seen.refers.then_some(hollow),
            types_len: seen.len,
            left_out,
        }))
    }

    /// What was left out.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }

    /// What becomes of the type `id`, its own or its base's; `None` where there is none.
    pub fn becomes(&self, id: u32) -> Option<Becomes> {
        let Some(place) = id.checked_sub(self.start_id) else {
            return Some(Becomes::Kept(id));
        };
        let Some(rank) = self.kept.rank(place) else {
            return (place < self.count).then_some(Becomes::LeftOut);
        };
        let added = self.hollow.map_or(0, |_| Hollow::TYPES);
        let first = self.start_id.checked_add(added)?;
        Some(Becomes::Kept(first.checked_add(u32::try_from(rank).ok()?)?))
    }

    /// Calls `visit` with each type that stays.
    pub(super) fn each_kept(
        &self,
        mut visit: impl FnMut(&Record<'_>) -> Result<(), Reason>,
    ) -> Result<(), Error> {
        let walked = walk_any(&self.blob, self.layout.as_ref(), |at, any| {
            match (self.kept.rank(at), &any.record) {
                (Some(_), Some(record)) => visit(record),
                _ => Ok(()),
            }
        });
        walked.map(drop)
    }
}

/// Finds the types that are left out, and puts their places into `left`.
fn leave_out(place: &Place<'_>, left: &mut Bits<'_>) -> Result<LeftOut, Error> {
    let mut left_out = LeftOut::default();
    place.walk(|at, any| {
        if place.is_unknown(any) {
            left.set(at);
            left_out.count(any.kind);
        }
        Ok(())
    })?;
    if left_out == LeftOut::default() {
        return Ok(left_out);
    }
    // Those that cannot do without one of these, then those that cannot do without those.
    for kinds in [[Kind::Func, Kind::LocProto], [Kind::DeclTag, Kind::Locsec]] {
        place.walk(|at, any| {
            let record = any.record.filter(|record| kinds.contains(&record.kind()));
            let Some(record) = record.filter(|_| !left.get(at)) else {
                return Ok(());
            };
            let refers = record.each_id(|_, id| match is_left(place, left, id) {
                true => Err(()),
                false => Ok(()),
            });
            if refers.is_err() {
                left.set(at);
                left_out.followers = left_out.followers.saturating_add(1);
            }
            Ok(())
        })?;
    }
    Ok(left_out)
}

/// Whether the type `id` is left out.
fn is_left(place: &Place<'_>, left: &Bits<'_>, id: u32) -> bool {
    let own = id.checked_sub(place.start_id);
    own.is_some_and(|own| own < place.count && left.get(own))
}

/// What is seen of the types that stay.
#[derive(Default)]
struct Seen {
    /// Length in bytes.
    len: u32,
    /// Some refer to one that is left out.
    refers: bool,
    /// Place of the first INT.
    int: Option<u32>,
}

/// Puts the places of the types that stay into `kept`.
fn keep<'a>(
    place: &Place<'_>,
    left: &Bits<'_>,
    mut kept: RankSetBuilder<'a>,
) -> Result<(RankSet<'a>, Seen), Error> {
    let mut seen = Seen::default();
    let end = place.start_id.saturating_add(place.count);
    place.walk(|at, any| {
        let Some(record) = any.record.filter(|_| !left.get(at)) else {
            return Ok(());
        };
        kept.set(at);
        // What is past the last id now could be before it then.
        record
            .each_id(|at, id| verify::reference_below(at, id, end))
            .map_err(|(_, reason)| reason)?;
        let is_left = |id| is_left(place, left, id);
        let len = match record.kind() {
            Kind::Datasec => datasec_len(record.elements(), is_left),
            kind => {
                let refers = record.each_id(|_, id| match is_left(id) {
                    true => Err(()),
                    false => Ok(()),
                });
                seen.refers |= refers.is_err();
                if kind == Kind::Int {
                    seen.int = seen.int.or(Some(at));
                }
                u32::try_from(record.bytes().len()).unwrap_or(u32::MAX)
            }
        };
        seen.len = seen.len.saturating_add(len);
        Ok(())
    })?;
    Ok((kept.build(), seen))
}

/// Bytes of a DATASEC without the entries of variables that are left out.
fn datasec_len<'e>(entries: impl Iterator<Item = &'e [u8]>, is_left: impl Fn(u32) -> bool) -> u32 {
    let kept = entries.filter(|entry| !read_u32(entry, 0).is_some_and(&is_left));
    kept.fold(RECORD_LEN, |sum, entry| {
        sum.saturating_add(u32::try_from(entry.len()).unwrap_or(u32::MAX))
    })
}
