// SPDX-License-Identifier: GPL-2.0

//! Pairs of a module's type and a type of vmlinux that may be the same.

use crate::btf::to_usize;
use crate::reloc::tables::{put, Words};

/// Types of vmlinux that one type of a module is compared with.
const LIMIT: usize = 8;
/// Pairs a type that there is room for in all; real modules need little more than one.
const PER_TYPE: u32 = 2;
/// Pairs there is room for at least.
const LEAST: u32 = 64;

const STATE_SHIFT: u32 = 30;
const BOND_SHIFT: u32 = 28;
const ID_MASK: u32 = (1 << BOND_SHIFT) - 1;

/// What a type of the module may become of the type of vmlinux that it is paired with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    /// That type.
    Same,
    /// That type, where it has none of its own name: an INT that is spelled in another way.
    Spelling,
    /// Nothing: one of the two is looked through, so that it only leads to others.
    Way,
}

/// How the types of a pair stand to each other, the later the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// They are the same.
    Same,
    /// They do not contradict each other: what one of them only declares, or refers to through
    /// pointers, the other knows. Whoever holds them may be the same, but not they themselves.
    Loose,
    /// They differ.
    Different,
}

/// The pairs, each with its state, by number and by the module's type.
pub(super) struct Pairs<'a> {
    /// For each type of the module, by id less 1, its last pair's number plus 1; 0 for none.
    heads: &'a mut [u32],
    /// For each pair the module's type,
    own: &'a mut [u32],
    /// the state, the bond, and the type of vmlinux,
    theirs: &'a mut [u32],
    /// the pair of the module's type that was added before it, as in `heads`,
    before: &'a mut [u32],
    /// the pair that made it differ: itself where its own two types contradict each other,
    causes: &'a mut [u32],
    /// and the pair that this goes back to, one whose own two types do.
    roots: &'a mut [u32],
    /// Pairs whose referrers have not been updated with their state yet.
    line: &'a mut [u32],
    front: usize,
    back: usize,
    len: u32,
}

fn capacity(types: u32) -> usize {
    to_usize(types.saturating_mul(PER_TYPE).saturating_add(LEAST))
}

impl<'a> Pairs<'a> {
    /// Words for a module of `types` types.
    pub(super) fn needs(types: u32) -> usize {
        to_usize(types).saturating_add(capacity(types).saturating_mul(6))
    }

    /// No pair yet, in `words`, of [`Pairs::needs`] words.
    pub(super) fn new(words: &'a mut [u32], types: u32) -> Option<Self> {
        let mut rest = Words(words);
        let heads = rest.take(to_usize(types))?;
        heads.fill(0);
        let mut take = || rest.take(capacity(types));
        Some(Pairs {
            heads,
            own: take()?,
            theirs: take()?,
            before: take()?,
            causes: take()?,
            roots: take()?,
            line: take()?,
            front: 0,
            back: 0,
            len: 0,
        })
    }

    /// Number of pairs.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The two types of a pair: the module's, and vmlinux's.
    pub(super) fn get(&self, pair: u32) -> (u32, u32) {
        let word = |words: &[u32]| words.get(to_usize(pair)).copied().unwrap_or(0);
        (word(self.own), word(self.theirs) & ID_MASK)
    }

    /// How the types of a pair stand.
    pub(super) fn state(&self, pair: u32) -> State {
        let word = self.theirs.get(to_usize(pair)).copied().unwrap_or(u32::MAX);
        match word >> STATE_SHIFT {
            0 => State::Same,
            1 => State::Loose,
            _ => State::Different,
        }
    }

    /// The pairs of one of the module's types.
    pub(super) fn of(&self, own: u32) -> impl Iterator<Item = u32> + '_ {
        core::iter::successors(self.last(own), |pair| self.before(*pair))
    }

    /// The pair of one of the module's types that was added last.
    pub(super) fn last(&self, own: u32) -> Option<u32> {
        let head = self.heads.get(to_usize(own.checked_sub(1)?))?;
        head.checked_sub(1)
    }

    /// The pair of the same type of the module that was added before `pair`.
    pub(super) fn before(&self, pair: u32) -> Option<u32> {
        self.before.get(to_usize(pair))?.checked_sub(1)
    }

    /// Adds a pair, taken for the same, where it is not there; `false` where there is no room.
    pub(super) fn add(&mut self, own: u32, theirs: u32, bond: Bond) -> bool {
        let mut count = 0usize;
        for pair in self.of(own) {
            if self.get(pair).1 == theirs {
                return true;
            }
            count = count.saturating_add(1);
        }
        let at = to_usize(self.len);
        let index = to_usize(own.wrapping_sub(1));
        let (Some(head), true) = (self.heads.get(index).copied(), at < self.own.len()) else {
            return false;
        };
        if count >= LIMIT {
            return false;
        }
        self.len = self.len.saturating_add(1);
        put(self.own, at, own);
        let bond = match bond {
            Bond::Same => 0,
            Bond::Spelling => 1,
            Bond::Way => 2,
        };
        put(self.theirs, at, (bond << BOND_SHIFT) | (theirs & ID_MASK));
        put(self.before, at, head);
        put(self.heads, index, self.len);
        true
    }

    /// Makes a pair's state worse, because of the pair `cause`.
    pub(super) fn set(&mut self, pair: u32, state: State, cause: u32) {
        let code = match state {
            State::Same => 0,
            State::Loose => 1,
            State::Different => 2,
        };
        let rest = self.rest(pair);
        put(self.theirs, to_usize(pair), (code << STATE_SHIFT) | rest);
        let root = match cause == pair {
            true => pair,
            false => self.root(cause),
        };
        put(self.causes, to_usize(pair), cause);
        put(self.roots, to_usize(pair), root);
    }

    /// The pair because of which `pair` differs: itself, or another that differed before it did.
    pub(super) fn cause(&self, pair: u32) -> u32 {
        self.causes.get(to_usize(pair)).copied().unwrap_or(pair)
    }

    /// The pair that the state of `pair` goes back to: its two types differ by what they say
    /// themselves.
    pub(super) fn root(&self, pair: u32) -> u32 {
        self.roots.get(to_usize(pair)).copied().unwrap_or(pair)
    }

    /// Lines a pair up for [`Pairs::pop`]; none is lined up twice before the line is empty.
    pub(super) fn push(&mut self, pair: u32) {
        put(self.line, self.back, pair);
        self.back = self.back.saturating_add(1);
    }

    /// The pair that was lined up first. So what differs is reported along the shortest way.
    pub(super) fn pop(&mut self) -> Option<u32> {
        if self.front == self.back {
            (self.front, self.back) = (0, 0);
            return None;
        }
        let pair = self.line.get(self.front).copied();
        self.front = self.front.saturating_add(1);
        pair
    }

    /// The type of vmlinux that is the same as one of the module's: one of its name before others,
    /// then the least.
    pub(super) fn same(&self, own: u32) -> Option<u32> {
        let same = self.of(own).filter(|pair| self.state(*pair) == State::Same);
        let best = same.map(|pair| self.rest(pair)).min()?;
        (best >> BOND_SHIFT < 2).then_some(best & ID_MASK)
    }

    /// The bond and the type of vmlinux, as they are kept.
    fn rest(&self, pair: u32) -> u32 {
        let word = self.theirs.get(to_usize(pair)).copied().unwrap_or(0);
        word & ((1 << STATE_SHIFT) - 1)
    }
}
