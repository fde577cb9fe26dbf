// SPDX-License-Identifier: GPL-2.0

//! What becomes of standalone BTF.

use rust_btfreloc::reloc::standalone::{Conflict, RebaseCounts};
use rust_btfreloc::text::Name;
use serde::Serialize;

use super::Outcome;
use crate::decide::{Ids, RebasedBtf};

/// What a rebase does.
#[derive(Debug, Serialize)]
pub struct RebasedTypes {
    /// Types that became vmlinux's.
    pub mapped: u32,
    /// Types of the module's own.
    pub own: u32,
    /// Types that nothing refers to any more.
    pub left_out: u32,
    /// What becomes of `.BTF_ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Ids>,
    /// How many types vmlinux has by name that are not the same there.
    pub conflicts: u32,
    /// The first of them in words, one that differs in itself if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Those that differ in themselves, or all where they are to be explained.
    pub conflicting: Vec<Conflicting>,
    /// The figures in the words of the kernel module.
    #[serde(skip)]
    pub text: String,
}

/// A type that vmlinux has by name, and that is not the same there.
#[derive(Debug, Serialize)]
pub struct Conflicting {
    /// Its id in the module's BTF.
    pub id: u32,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The type of vmlinux.
    pub candidate: u32,
    /// All of it on one line, in the words of the kernel module.
    pub text: String,
}

impl RebasedTypes {
    /// The figures and the conflicts, `all` of them or those in which the type itself differs.
    pub(super) fn new(rebase: &RebasedBtf<'_, '_>, all: bool) -> Self {
        let counts = rebase.plan.counts();
        let conflicts = || rebase.plan.conflicts();
        let listed = conflicts().filter(|conflict| all || conflict.through.is_none());
        let RebaseCounts {
            mapped,
            own,
            left_out,
        } = counts;
        RebasedTypes {
            mapped,
            own,
            left_out,
            ids: rebase.ids,
            conflicts: conflicts().map(|_| 1).sum(),
            first: conflicts()
                .min_by_key(|conflict| conflict.through.is_some())
                .map(|conflict| conflict.to_string()),
            conflicting: listed
                .map(|conflict| Conflicting::from(&conflict))
                .collect(),
            text: counts.to_string(),
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self.conflicts {
            0 => Outcome::Exact,
            _ => Outcome::Conflicts,
        }
    }
}

impl From<&Conflict<'_>> for Conflicting {
    fn from(conflict: &Conflict<'_>) -> Self {
        Conflicting {
            id: conflict.type_id,
            kind: conflict.kind.to_string(),
            name: Name(conflict.name).to_string(),
            candidate: conflict.candidate,
            text: conflict.to_string(),
        }
    }
}
