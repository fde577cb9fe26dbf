// SPDX-License-Identifier: GPL-2.0

//! What becomes of BTF on a distilled base, type by type.

use std::iter;

use rust_btfreloc::btf::Record;
use rust_btfreloc::reloc::{Base, DistilledType, Fate, RelocationCounts, Report, Unmatched};
use rust_btfreloc::text::Name;
use serde::Serialize;

use super::Outcome;
use crate::c_code;
use crate::decide::{Ids, RelocatedBtf};
use crate::explain::{candidates, distilled, Candidate};

/// Which base types a row lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The opaque ones, with their reason.
    Opaque,
    /// The opaque ones, with their candidates as well.
    OpaqueExplained,
    /// All, with their candidates.
    Explained,
}

/// What a relocation does.
#[derive(Debug, Serialize)]
pub struct RelocatedTypes {
    /// Types of the module's own.
    pub types: u32,
    /// Base types that became vmlinux's.
    pub mapped: u32,
    /// Base types that became the module's.
    pub opaque: u32,
    /// What becomes of `.BTF_ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Ids>,
    /// The opaque base types, or all where they are to be explained.
    pub base_types: Vec<BaseType>,
}

/// A type of the distilled base, and what becomes of it.
#[derive(Debug, Serialize)]
pub struct BaseType {
    /// Its id in `.BTF.base`.
    pub id: u32,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u32,
    /// Its id after relocation.
    pub new_id: u32,
    /// Why it is opaque; nothing where it has its match.
    pub opaque: Option<String>,
    /// Where it is explained: the types of its name in vmlinux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<Candidate>>,
    /// Where it is explained: what the kernel's own code finds for it; more than one is too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_alone: Option<Vec<u32>>,
    /// All of it on one line, in the words of the kernel module.
    pub text: String,
}

impl RelocatedTypes {
    pub(super) fn outcome(&self) -> Outcome {
        match self.opaque {
            0 => Outcome::Exact,
            _ => Outcome::Opaque,
        }
    }

    /// The figures as the core has them.
    pub(super) fn counts(&self) -> RelocationCounts {
        RelocationCounts {
            split: self.types,
            mapped: self.mapped,
            opaque: self.opaque,
        }
    }

    /// The figures, and the types that are opaque.
    pub(super) fn new(relocation: &RelocatedBtf<'_, '_>) -> Self {
        let RelocationCounts {
            split,
            mapped,
            opaque,
        } = relocation.plan.counts();
        RelocatedTypes {
            types: split,
            mapped,
            opaque,
            ids: relocation.ids,
            base_types: entries(relocation).filter_map(BaseType::opaque).collect(),
        }
    }

    /// The same, each type with its candidates and what the kernel's code makes of it.
    pub(super) fn explained(
        base: &Base<'_>,
        relocation: &RelocatedBtf<'_, '_>,
        fates: &[c_code::KernelMatch],
        detail: Detail,
    ) -> Self {
        // Of a base that was made here the kernel knows nothing.
        let fates = fates.iter().map(Some).chain(iter::repeat(None));
        let records = distilled(relocation.btf_base).zip(fates);
        let explain = |(entry, (record, fate)): (
            DistilledType<'_>,
            (Record<'_>, Option<&c_code::KernelMatch>),
        )| {
            let base_type = match detail {
                Detail::Explained => BaseType::new(&entry, entry.to_string()),
                _ => BaseType::opaque(entry)?,
            };
            Some(BaseType {
                candidates: Some(candidates(base, &record, &entry)),
                kernel_alone: fate.map(|fate| fate.ids()),
                ..base_type
            })
        };
        let types = entries(relocation).zip(records);
        RelocatedTypes {
            base_types: types.filter_map(explain).collect(),
            ..Self::new(relocation)
        }
    }

    /// Leaves of the opaque types what [`Detail::Opaque`] lists.
    pub(super) fn forget_candidates(&mut self) {
        for base_type in &mut self.base_types {
            base_type.candidates = None;
            base_type.kernel_alone = None;
        }
    }
}

fn entries<'r>(relocation: &RelocatedBtf<'r, '_>) -> impl Iterator<Item = DistilledType<'r>> {
    let (fates, ids) = relocation.plan.words();
    let report = Report::new(relocation.btf_base, fates, ids);
    report.into_iter().flat_map(|report| report.entries())
}

impl BaseType {
    fn opaque(entry: DistilledType<'_>) -> Option<Self> {
        let Fate::Opaque(why) = entry.fate else {
            return None;
        };
        let unmatched = Unmatched {
            type_id: entry.distilled_id,
            kind: entry.kind,
            name: entry.name,
            why,
        };
        Some(Self::new(&entry, unmatched.to_string()))
    }

    fn new(entry: &DistilledType<'_>, text: String) -> Self {
        BaseType {
            id: entry.distilled_id,
            kind: entry.kind.to_string(),
            name: Name(entry.name).to_string(),
            size: entry.size,
            new_id: entry.new_id,
            opaque: match entry.fate {
                Fate::Mapped(_) => None,
                Fate::Opaque(why) => Some(why.to_string()),
            },
            candidates: None,
            kernel_alone: None,
            text,
        }
    }
}

/// Whether the kernel's own code finds another type for one of them than the relocation does.
pub(super) fn misreads(relocation: &RelocatedBtf<'_, '_>, fates: &[c_code::KernelMatch]) -> bool {
    if fates.is_empty() {
        // It looks for none of them, and takes ids of the base for its own.
        return entries(relocation).next().is_some();
    }
    let mut types = entries(relocation).zip(fates);
    types.any(|(entry, fate)| match (entry.fate, fate) {
        (Fate::Mapped(ours), c_code::KernelMatch::Mapped(theirs)) => ours != *theirs,
        (Fate::Opaque(_), c_code::KernelMatch::Mapped(_)) => true,
        _ => false,
    })
}
