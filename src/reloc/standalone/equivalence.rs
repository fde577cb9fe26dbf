// SPDX-License-Identifier: GPL-2.0

//! Which types of a module are types of vmlinux: the largest set of pairs that no reference
//! contradicts.
//!
//! Each pair of one name is taken for the same, as is each pair that the references of such a pair
//! lead to, in step on both sides. Then what differs takes with it what refers to it, until nothing
//! changes. Where one side has a typedef, or a type tag, that the other has not, it is looked through.
//! So types that refer to each other in a circle are the same unless something in it is
//! not (a greatest fixed point, as `btf_dedup_is_equiv` in `tools/lib/bpf/btf.c` has it).

use super::by_name::{key, ByName};
use super::compare::{flavour, is_declared, step, Difference, Sides, Step};
use super::pairs::{Bond, Pairs, State};
use super::reverse_refs::ReverseRefs;
use crate::btf::{Kind, Record};
use crate::reloc::distilled::matching::{self, Use};
use crate::reloc::distilled::Fate;
use crate::reloc::index::is_indexed;
use crate::reloc::Base;

/// What the pairs are made and judged by.
pub(super) struct Equivalence<'s, 'a> {
    pub(super) base: &'s Base<'a>,
    pub(super) sides: Sides<'s, 'a>,
    pub(super) names: &'s ByName<'s>,
}

impl Equivalence<'_, '_> {
    /// Finds the pairs, and settles the state of each.
    pub(super) fn run(&self, reverse_refs: &ReverseRefs<'_>, pairs: &mut Pairs<'_>) {
        self.seed_indexed(pairs);
        self.seed_others(pairs);
        let mut next = 0u32;
        while next < pairs.len() {
            let stands = self.expand(next, pairs);
            match stands {
                Ok(State::Same) => {}
                Ok(state) => pairs.set(next, state, next),
                Err(_) => pairs.set(next, State::Different, next),
            }
            next = next.saturating_add(1);
        }
        self.settle(State::Different, reverse_refs, pairs);
        self.declarations(pairs);
        self.settle(State::Loose, reverse_refs, pairs);
    }

    /// How the two types of a pair stand, by what each says itself.
    pub(super) fn judge(&self, pair: u32, pairs: &Pairs<'_>) -> Result<State, Difference> {
        let (own, theirs) = self.records(pair, pairs).ok_or(Difference::TooMany)?;
        self.sides.compare(&own, &theirs)
    }

    /// Pairs what the index of vmlinux holds.
    fn seed_indexed(&self, pairs: &mut Pairs<'_>) {
        for (id, record) in self.sides.own.own_records() {
            let name = self.sides.own.name(record.name_off());
            let Some(name) = name.filter(|_| is_indexed(&record)) else {
                continue;
            };
            for (theirs, candidate) in self.base.named(name) {
                let same_kind = candidate.kind() == record.kind();
                let declares = is_declared(&record) && flavour(&candidate) == flavour(&record);
                if (same_kind || declares) && !pairs.add(id, theirs, Bond::Same) {
                    break;
                }
            }
        }
    }

    /// Pairs typedefs, and enums without a name by that of their first value, in one walk over
    /// vmlinux.
    fn seed_others(&self, pairs: &mut Pairs<'_>) {
        for (theirs, candidate) in self.sides.base.own_records() {
            if is_indexed(&candidate) || key(&candidate) == 0 {
                continue;
            }
            let Some(name) = self.sides.base.name(key(&candidate)) else {
                continue;
            };
            for (id, record) in self.names.named(self.sides.own, name) {
                if record.kind() == candidate.kind() && !is_indexed(&record) {
                    pairs.add(id, theirs, Bond::Same);
                }
            }
        }
    }

    /// Says of each pair with a declaration of the module whether vmlinux's type is what that
    /// becomes. What differs is known by now, and with it what of the module's is the same.
    fn declarations(&self, pairs: &mut Pairs<'_>) {
        for pair in 0..pairs.len() {
            let (own, theirs) = pairs.get(pair);
            let record = self.sides.own.record(own);
            let declared = record.filter(|record| is_declared(record));
            let Some(record) = declared.filter(|_| pairs.state(pair) == State::Loose) else {
                continue;
            };
            if self.becomes(&record, pairs) == Some(theirs) {
                pairs.set(pair, State::Same, pair);
            }
        }
    }

    /// The type of vmlinux that a declaration becomes: what it declares, which is what the module
    /// itself has of that name if it has one, or else the same declaration.
    fn becomes(&self, record: &Record<'_>, pairs: &Pairs<'_>) -> Option<u32> {
        let name = self.sides.own.name(record.name_off())?;
        let own = self.names.named(self.sides.own, name);
        let mut own = own.filter(|(_, own)| {
            flavour(own) == flavour(record) && own.name_off() != 0 && !is_declared(own)
        });
        let Some((first, _)) = own.next() else {
            return self
                .defined(record, name)
                .or_else(|| self.declared(record, name));
        };
        let theirs = pairs.same(first);
        match own.all(|(other, _)| pairs.same(other) == theirs) {
            true if theirs.is_some() => theirs,
            _ => self.declared(record, name),
        }
    }

    /// The type of vmlinux that a declaration of this `name` declares.
    fn defined(&self, record: &Record<'_>, name: &[u8]) -> Option<u32> {
        match matching::fate(self.base, record, name, Use::Name) {
            (Fate::Mapped(id), _) => Some(id),
            (Fate::Opaque(_), _) => None,
        }
    }

    /// The same declaration in vmlinux.
    fn declared(&self, record: &Record<'_>, name: &[u8]) -> Option<u32> {
        let mut named = self.base.named(name);
        let same = |other: &Record<'_>| flavour(other) == flavour(record) && is_declared(other);
        named.find_map(|(id, other)| same(&other).then_some(id))
    }

    /// Judges a pair and adds those that it leads to.
    fn expand(&self, pair: u32, pairs: &mut Pairs<'_>) -> Result<State, Difference> {
        let state = self.judge(pair, pairs)?;
        let (own_id, their_id) = pairs.get(pair);
        let (own, theirs) = self.records(pair, pairs).ok_or(Difference::TooMany)?;
        let next = |found, expected| self.pair(found, expected, pairs);
        self.sides
            .each_next((own_id, &own), (their_id, &theirs), next)?;
        Ok(state)
    }

    /// Adds the pair of two types that references lead to.
    fn pair(&self, own: u32, theirs: u32, pairs: &mut Pairs<'_>) -> Result<(), Difference> {
        let records = self
            .sides
            .own
            .record(own)
            .zip(self.sides.base.record(theirs));
        let (record, other) = records.ok_or(Difference::TooMany)?;
        if pairs.add(own, theirs, self.sides.bond(&record, &other)) {
            return Ok(());
        }
        // An INT is spelled in more ways than there is room for; there is nothing after it.
        match (record.kind(), other.kind()) {
            (Kind::Int, Kind::Int) => self.sides.compare(&record, &other).map(drop),
            _ => Err(Difference::TooMany),
        }
    }

    /// Lets each pair in `state` make those that refer to it so, too.
    fn settle(&self, state: State, reverse_refs: &ReverseRefs<'_>, pairs: &mut Pairs<'_>) {
        for pair in 0..pairs.len() {
            if pairs.state(pair) == state {
                pairs.push(pair);
            }
        }
        while let Some(pair) = pairs.pop() {
            let (own, theirs) = pairs.get(pair);
            let sides = &self.sides;
            for (user, at) in reverse_refs.of(own) {
                let leads = |record: &Record<'_>, id, candidate: &Record<'_>| {
                    sides.leads((record, at), (id, candidate), (own, theirs))
                };
                self.worsen(state, pair, user, &leads, pairs);
            }
            // A type of vmlinux may be looked through alone.
            let leads = |record: &Record<'_>, _, candidate: &Record<'_>| {
                step(record, candidate) == Step::Theirs
                    && sides.next(own, candidate.type_id()) == (own, theirs)
            };
            self.worsen(state, pair, own, &leads, pairs);
        }
    }

    /// Makes those pairs of the module's type `user` worse of which `leads` says that they lead to the
    /// pair `cause`.
    fn worsen(
        &self,
        state: State,
        cause: u32,
        user: u32,
        leads: &dyn Fn(&Record<'_>, u32, &Record<'_>) -> bool,
        pairs: &mut Pairs<'_>,
    ) {
        let mut next = pairs.last(user);
        while let Some(pair) = next {
            next = pairs.before(pair);
            let Some((record, candidate)) = self.records(pair, pairs) else {
                continue;
            };
            // A struct is what it is even where it points to what is only declared.
            let passes = state == State::Different || !record.kind().is_composite();
            let (_, id) = pairs.get(pair);
            if passes && pairs.state(pair) < state && leads(&record, id, &candidate) {
                pairs.set(pair, state, cause);
                pairs.push(pair);
            }
        }
    }

    fn records(&self, pair: u32, pairs: &Pairs<'_>) -> Option<(Record<'_>, Record<'_>)> {
        let (own, theirs) = pairs.get(pair);
        Some((self.sides.own.record(own)?, self.sides.base.record(theirs)?))
    }
}
