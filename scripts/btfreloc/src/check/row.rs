// SPDX-License-Identifier: GPL-2.0

//! The verdict on one module and one kernel.

use std::borrow::Cow;
use std::collections::HashMap;
use std::iter;

use rust_btfreloc::btf::Record;
use rust_btfreloc::reloc::decision::NoFuncs;
use rust_btfreloc::reloc::{
    Base, CauseKind, DistilledType, Fate, Input, Policy, RelocationCounts, Report, Unmatched,
};
use rust_btfreloc::text::Name;
use serde::Serialize;

use super::rebased::RebasedTypes;
use super::text;
use crate::c_code;
use crate::decide::{
    decide_with, ByWayOf, CauseWords, Decision, Dropped, DroppedIds, Funcs, Ids, Registered,
    RelocatedBtf, Replaced, Supply,
};
use crate::explain::{candidates, distilled, Candidate};
use crate::input::{Kernel, Module, Sections};
use crate::older::Limits;

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

/// What a module is judged on.
#[derive(Clone, Copy)]
pub struct Target<'k> {
    /// The kernel.
    pub kernel: &'k Kernel,
    /// What of BTF it does not know.
    pub limits: &'k Limits,
    /// The kernels that stale BTF may have been made for.
    pub supply: Supply<'k>,
}

/// A module on a kernel.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The module's file.
    pub module: String,
    /// The kernel, as it was typed.
    pub kernel: String,
    /// What becomes of the module's BTF.
    pub outcome: Outcome,
    /// Why it is not relocated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The kind of that, where the core has one.
    #[serde(skip)]
    pub cause: Option<CauseKind>,
    /// The vmlinux BTF of another build that was used: the kernel as it was typed, or a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplied: Option<String>,
    /// What becomes of `.BTF_ids` where the BTF is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped_ids: Option<DroppedIds>,
    /// What a relocation does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relocation: Option<RelocatedTypes>,
    /// What becomes of standalone BTF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebase: Option<RebasedTypes>,
    /// What is left out, as the kernel does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// What becomes of `.BTF_ids` where nothing else changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Ids>,
    /// What becomes of the table of function addresses, where the module has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funcs: Option<FuncTable>,
    /// What rust_btfreloc says of it in the kernel log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// What the kernel says without rust_btfreloc, where it has BTF to look at, and knows no more than
    /// is known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_alone: Option<KernelAlone>,
}

/// What becomes of the table of function addresses.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FuncTable {
    /// So many functions are shown.
    Shown(u32),
    /// None is, for this reason.
    Refused(String),
}

/// What becomes of the BTF of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Outcome {
    Exact,
    Opaque,
    Conflicts,
    Reduced,
    LeftAlone,
    Dropped,
    LeftToKernel,
    NoBtf,
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

/// What the kernel says without rust_btfreloc.
#[derive(Debug, Serialize)]
pub struct KernelAlone {
    /// In a word.
    pub answer: Answer,
    /// Why it does not accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The kernel's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The BTF is registered.
    Accepts,
    /// The BTF is registered, and does not say what the module's types are.
    Misreads,
    /// The module fails to load.
    Refuses,
    /// The code reads memory that is not its own.
    Undefined,
}

/// What is kept of BTF that the kernel reads instead.
struct Taken {
    outcome: Outcome,
    /// The kernel alone would make something else of the original.
    misread: bool,
    supplied: Option<ByWayOf>,
    /// Nothing but its layout is left out.
    shortened: bool,
    relocation: Option<RelocatedTypes>,
    rebase: Option<RebasedTypes>,
    ids: Option<Ids>,
}

/// What the kernel log has in other words.
#[derive(Default)]
pub(super) struct InLog {
    /// The reason.
    pub(super) reason: Option<String>,
    /// The file by way of which BTF is relocated.
    pub(super) firmware: Option<String>,
}

/// The sections of a module that are to be others.
pub(crate) struct NewSections {
    /// `.BTF`; `None` where there is to be none.
    pub(crate) btf: Option<Vec<u8>>,
    /// `.BTF_ids`, where it is to be another.
    pub(crate) ids: Option<Vec<u8>>,
    /// The new ids in `.BTF.funcs`, by those before.
    pub(crate) funcs: HashMap<u32, u32>,
}

impl Taken {
    fn from(
        base: &Base<'_>,
        other: &Registered<'_, '_>,
        fates: &[c_code::KernelMatch],
        detail: Detail,
    ) -> Self {
        match other {
            Registered::Relocated(relocation) => {
                let relocated = match detail {
                    Detail::Opaque => RelocatedTypes::new(relocation),
                    _ => RelocatedTypes::explained(base, relocation, fates, detail),
                };
                let taken = Taken::of(relocated.outcome());
                Taken {
                    misread: misreads(relocation, fates),
                    supplied: relocation.supplied.clone(),
                    relocation: Some(relocated),
                    ..taken
                }
            }
            Registered::Rebased(rebase) => {
                let rebased = RebasedTypes::new(rebase, detail == Detail::Explained);
                // The kernel takes its ids for vmlinux's.
                let taken = Taken::of(rebased.outcome());
                Taken {
                    misread: true,
                    rebase: Some(rebased),
                    ..taken
                }
            }
            Registered::Reduced(reduced) => Taken {
                ids: reduced.ids,
                ..Taken::of(Outcome::Reduced)
            },
        }
    }

    /// Nothing but the outcome.
    fn of(outcome: Outcome) -> Self {
        Taken {
            outcome,
            misread: false,
            supplied: None,
            shortened: false,
            relocation: None,
            rebase: None,
            ids: None,
        }
    }
}

impl Outcome {
    /// Whether the module's BTF is correct and complete on that kernel; having none is a finding with
    /// `strict` only.
    pub fn is_clean(self, strict: bool) -> bool {
        match self {
            Outcome::Exact | Outcome::LeftAlone => true,
            Outcome::NoBtf => !strict,
            Outcome::Opaque | Outcome::Conflicts | Outcome::Reduced => false,
            Outcome::Dropped | Outcome::LeftToKernel => false,
        }
    }
}

impl Row {
    /// Judges `module`, of which `sections` were found, on `target`.
    pub fn new(
        module: &Module,
        sections: &Sections<'_>,
        target: &Target<'_>,
        policy: Policy,
        detail: Detail,
    ) -> Self {
        let base = target.kernel.base();
        let alone = sections.btf.as_ref();
        let alone = alone.and_then(|btf| target.alone(&base, btf));
        let fates = alone.as_ref().map_or(&[][..], |alone| &alone.fates);
        let supply = target.supply;
        let decision = decide_with(supply, &base, sections, policy, |other| {
            Taken::from(&base, other, fates, detail)
        });
        let decision = target.known(sections, decision);
        let (row, _, in_log) = Row::of(module, target.kernel, decision, alone);
        let log = text::log(&row, &in_log);
        Row { log, ..row }
    }

    /// Judges it without what the kernel alone would do; with what is to be in the module's file, where
    /// something else is. Its BTF may have been made for one of `bases`.
    pub(crate) fn in_place(
        module: &Module,
        sections: &Sections<'_>,
        kernel: &Kernel,
        policy: Policy,
        bases: &[Kernel],
    ) -> (Self, Option<NewSections>) {
        let base = kernel.base();
        let supply = Supply::Named(bases);
        let decision = decide_with(supply, &base, sections, policy, |other| {
            Taken::from(&base, other, &[], Detail::Opaque)
        });
        let (row, new, _) = Row::of(module, kernel, decision, None);
        let log = text::log(&row, &InLog::default());
        // No address is shown of a file.
        let funcs = None;
        (Row { log, funcs, ..row }, new)
    }

    fn of(
        module: &Module,
        kernel: &Kernel,
        decision: Decision<Taken>,
        alone: Option<c_code::Verdict>,
    ) -> (Self, Option<NewSections>, InLog) {
        let mut taken = Taken::of(Outcome::LeftAlone);
        let (mut dropped_ids, mut left_out) = (None, None);
        let (mut funcs, mut written) = (None, None);
        let (mut in_log, mut kind) = (InLog::default(), None);
        let (outcome, reason) = match decision {
            Decision::NoBtf => (Outcome::NoBtf, None),
            Decision::LeftAlone(table) => {
                funcs = table.as_ref().map(FuncTable::from);
                (Outcome::LeftAlone, None)
            }
            Decision::Relocate(done) => {
                taken = done.report;
                left_out = done.left_out.map(|left| left.to_string());
                let outcome = match left_out {
                    Some(_) => Outcome::Reduced,
                    None => taken.outcome,
                };
                let layout = || "its layout, which this kernel does not know".to_owned();
                left_out = left_out.or_else(|| taken.shortened.then(layout));
                funcs = done.funcs.as_ref().map(FuncTable::from);
                written = Some(NewSections {
                    btf: Some(done.btf),
                    ids: done.ids,
                    funcs: match done.funcs {
                        Some(Ok(funcs)) => funcs.ids,
                        _ => HashMap::new(),
                    },
                });
                (outcome, None)
            }
            Decision::Drop(Dropped {
                cause,
                ids,
                cleared,
            }) => {
                dropped_ids = ids;
                written = Some(NewSections {
                    btf: None,
                    ids: cleared,
                    funcs: HashMap::new(),
                });
                // Of BTF without types nothing is lost.
                let outcome = match cause.kind {
                    Some(CauseKind::NoTypes) => Outcome::NoBtf,
                    _ => Outcome::Dropped,
                };
                taken.misread = outcome == Outcome::Dropped;
                (in_log.reason, kind) = (cause.log, cause.kind);
                (outcome, Some(cause.words))
            }
            Decision::LeftToKernel(cause) => {
                (in_log.reason, kind) = (cause.log, cause.kind);
                (Outcome::LeftToKernel, Some(cause.words))
            }
        };
        let row = Row {
            module: module.label().to_owned(),
            kernel: kernel.label().to_owned(),
            outcome,
            reason,
            cause: kind,
            supplied: taken.supplied.as_ref().map(|base| base.label.clone()),
            dropped_ids,
            relocation: taken.relocation,
            rebase: taken.rebase,
            left_out,
            ids: taken.ids,
            funcs,
            log: None,
            kernel_alone: alone.map(|alone| KernelAlone::new(alone, taken.misread)),
        };
        in_log.firmware = taken.supplied.map(|base| base.firmware);
        (row, written, in_log)
    }
}

impl Target<'_> {
    /// What the kernel makes of `btf` by itself.
    fn alone(&self, base: &Base<'_>, btf: &Input<'_>) -> Option<c_code::Verdict> {
        let refused = |words| c_code::Verdict {
            answer: c_code::Answer::Refuses(words),
            fates: Vec::new(),
        };
        if let Some(words) = self.limits.refuses(self.kernel, btf) {
            return Some(refused(words));
        }
        let btf_base = btf.btf_base.filter(|_| !self.limits.ignores_base());
        c_code::verdict(base, &Input { btf_base, ..*btf })
    }

    /// The decision as it is for a kernel that knows less of BTF than those on which rust_btfreloc runs:
    /// what it does not know is not put into a file for it either.
    fn known(&self, sections: &Sections<'_>, decision: Decision<Taken>) -> Decision<Taken> {
        let own = sections.btf.as_ref().map(|input| input.btf);
        let (btf, is_own) = match &decision {
            Decision::Relocate(Replaced { btf, .. }) => (Some(&**btf), false),
            Decision::LeftAlone(_) => (own, true),
            _ => (None, false),
        };
        let Some(btf) = btf else {
            return decision;
        };
        match self.limits.apply(self.kernel, btf) {
            Ok(Cow::Owned(btf)) if is_own => Decision::Relocate(Replaced {
                report: Taken {
                    shortened: true,
                    ..Taken::of(Outcome::Exact)
                },
                left_out: None,
                btf,
                ids: None,
                funcs: match decision {
                    Decision::LeftAlone(funcs) => funcs,
                    _ => None,
                },
            }),
            Ok(_) => decision,
            Err(words) => Decision::LeftToKernel(CauseWords {
                kind: None,
                words,
                log: None,
            }),
        }
    }
}

impl From<&Funcs> for FuncTable {
    fn from(funcs: &Funcs) -> Self {
        match funcs {
            Ok(funcs) => FuncTable::Shown(funcs.count),
            Err(NoFuncs::Refused(error)) => FuncTable::Refused(error.to_string()),
            Err(NoFuncs::Failed(why)) => FuncTable::Refused(why.to_string()),
        }
    }
}

impl RelocatedTypes {
    fn outcome(&self) -> Outcome {
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
    fn new(relocation: &RelocatedBtf<'_, '_>) -> Self {
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
    fn explained(
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

/// Whether the kernel's own code makes another type of one than it is.
fn misreads(relocation: &RelocatedBtf<'_, '_>, fates: &[c_code::KernelMatch]) -> bool {
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

impl KernelAlone {
    /// The answer; where it is to accept what is `misread` then, that.
    fn new(verdict: c_code::Verdict, misread: bool) -> Self {
        let (answer, reason) = match verdict.answer {
            c_code::Answer::Accepts if misread => (Answer::Misreads, None),
            c_code::Answer::Accepts => (Answer::Accepts, None),
            c_code::Answer::Refuses(reason) => (Answer::Refuses, Some(reason)),
            c_code::Answer::Undefined(reason) => (Answer::Undefined, Some(reason)),
        };
        KernelAlone { answer, reason }
    }
}
