// SPDX-License-Identifier: GPL-2.0

//! Which types of a module are types of vmlinux: the largest set of pairs that no reference
//! contradicts.
//!
//! Each pair of one name is taken for the same, as is each pair that the references of such a pair
//! lead to, in step on both sides. Then what differs takes with it what refers to it, until nothing
//! changes. So types that refer to each other in a circle are the same unless something in it is
//! not (a greatest fixed point, as `btf_dedup_is_equiv` in `tools/lib/bpf/btf.c` has it).

use super::by_name::{key, ByName};
use super::compare::{flavour, is_declared, Difference, Sides};
use super::pairs::{Pairs, State};
use super::users::Users;
use crate::btf::{read_u32, to_usize, Record};
use crate::reloc::distilled::matching::{self, Use};
use crate::reloc::distilled::Fate;
use crate::reloc::index::is_indexed;
use crate::reloc::Base;

/// What the pairs are made and judged by.
pub(super) struct Spread<'s, 'a> {
    pub(super) base: &'s Base<'a>,
    pub(super) sides: Sides<'s, 'a>,
    pub(super) names: &'s ByName<'s>,
}

impl Spread<'_, '_> {
    /// Finds the pairs, and settles the state of each.
    pub(super) fn run(&self, users: &Users<'_>, pairs: &mut Pairs<'_>) {
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
        self.settle(State::Different, users, pairs);
        self.declarations(pairs);
        self.settle(State::Loose, users, pairs);
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
                if (same_kind || declares) && !pairs.add(id, theirs) {
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
                    pairs.add(id, theirs);
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

    /// Judges a pair and adds those that its references lead to.
    fn expand(&self, pair: u32, pairs: &mut Pairs<'_>) -> Result<State, Difference> {
        let state = self.judge(pair, pairs)?;
        let (own, theirs) = self.records(pair, pairs).ok_or(Difference::TooMany)?;
        if own.kind() != theirs.kind() {
            return Ok(state);
        }
        own.each_id(|at, found| {
            let expected = read_u32(theirs.bytes(), to_usize(at)).unwrap_or(0);
            match (found, expected) {
                (0, 0) => Ok(()),
                (0, _) | (_, 0) => Err(Difference::Void { found, expected }),
                _ if pairs.add(found, expected) => Ok(()),
                _ => Err(Difference::TooMany),
            }
        })?;
        Ok(state)
    }

    /// Lets each pair in `state` make those that refer to it so, too.
    fn settle(&self, state: State, users: &Users<'_>, pairs: &mut Pairs<'_>) {
        for pair in 0..pairs.len() {
            if pairs.state(pair) == state {
                pairs.push(pair);
            }
        }
        while let Some(pair) = pairs.pop() {
            let (own, theirs) = pairs.get(pair);
            for (user, at) in users.of(own) {
                self.tell(state, (pair, theirs), (user, at), pairs);
            }
        }
    }

    /// Makes the pairs of the module's type `user` worse in which the reference at byte `at` is the
    /// pair `cause`, of vmlinux's type `theirs`.
    fn tell(
        &self,
        state: State,
        (cause, theirs): (u32, u32),
        (user, at): (u32, u32),
        pairs: &mut Pairs<'_>,
    ) {
        let mut next = pairs.last(user);
        while let Some(pair) = next {
            next = pairs.before(pair);
            let Some((own, candidate)) = self.records(pair, pairs) else {
                continue;
            };
            let refers = read_u32(candidate.bytes(), to_usize(at)) == Some(theirs);
            // A struct is what it is even where it points to what is only declared.
            let passes = state == State::Different || !own.kind().is_composite();
            let same_kind = own.kind() == candidate.kind();
            if refers && passes && same_kind && pairs.state(pair) < state {
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
