// SPDX-License-Identifier: GPL-2.0

//! The verdict on one module and one kernel.

use std::borrow::Cow;
use std::collections::HashMap;

use rust_btfreloc::reloc::decision::NoFuncs;
use rust_btfreloc::reloc::{Base, CauseKind, Input, Policy};
use serde::Serialize;

use super::rebased::RebasedTypes;
use super::relocated::{misreads, Detail, RelocatedTypes};
use super::text;
use crate::c_code;
use crate::decide::{
    decide_with, ByWayOf, CauseWords, Decision, Dropped, DroppedIds, Funcs, Ids, Registered,
    Replaced, Supply,
};
use crate::input::{Kernel, Module, Sections};
use crate::older::Limits;

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

/// A decision, as a row has it.
struct Judged {
    taken: Taken,
    outcome: Outcome,
    /// Why the BTF is dropped or left to the kernel.
    cause: Option<CauseWords>,
    dropped_ids: Option<DroppedIds>,
    left_out: Option<String>,
    funcs: Option<FuncTable>,
    new: Option<NewSections>,
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

    /// Whether the kernel by itself registers valid BTF, and its code need not change the module's `.BTF_ids`,
    /// of which it changes a part only.
    pub(crate) fn is_taken_alone(&self) -> bool {
        let alone = self.kernel_alone.as_ref();
        let ids = self.relocation.as_ref().and_then(|done| done.ids);
        alone.is_some_and(|alone| alone.answer == Answer::Accepts)
            && ids.is_none_or(|ids| ids.changed == 0)
            && self.outcome.is_clean(false)
    }

    /// Judges it without what the kernel alone would do; with what is to be in the module's file, where
    /// something else is.
    pub(crate) fn in_place(
        module: &Module,
        sections: &Sections<'_>,
        target: &Target<'_>,
        policy: Policy,
    ) -> (Self, Option<NewSections>) {
        let (kernel, supply) = (target.kernel, target.supply);
        let base = kernel.base();
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
        let Judged {
            taken,
            outcome,
            cause,
            dropped_ids,
            left_out,
            funcs,
            new,
        } = Judged::by(decision);
        let (reason, kind, log) = match cause {
            Some(CauseWords { kind, words, log }) => (Some(words), kind, log),
            None => (None, None, None),
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
        let in_log = InLog {
            reason: log,
            firmware: taken.supplied.map(|base| base.firmware),
        };
        (row, new, in_log)
    }
}

impl Judged {
    fn by(decision: Decision<Taken>) -> Self {
        match decision {
            Decision::NoBtf => Judged::of(Outcome::NoBtf),
            Decision::LeftAlone(funcs) => Judged {
                funcs: funcs.as_ref().map(FuncTable::from),
                ..Judged::of(Outcome::LeftAlone)
            },
            Decision::Relocate(replaced) => Judged::replaced(replaced),
            Decision::Drop(dropped) => Judged::dropped(dropped),
            Decision::LeftToKernel(cause) => Judged {
                cause: Some(cause),
                ..Judged::of(Outcome::LeftToKernel)
            },
        }
    }

    /// Nothing but the outcome.
    fn of(outcome: Outcome) -> Self {
        Judged {
            taken: Taken::of(outcome),
            outcome,
            cause: None,
            dropped_ids: None,
            left_out: None,
            funcs: None,
            new: None,
        }
    }

    fn replaced(replaced: Replaced<Taken>) -> Self {
        let taken = replaced.report;
        let outcome = match replaced.left_out {
            Some(_) => Outcome::Reduced,
            None => taken.outcome,
        };
        let layout = || "its layout, which this kernel does not know".to_owned();
        let left_out = replaced.left_out.map(|left| left.to_string());
        let left_out = left_out.or_else(|| taken.shortened.then(layout));
        Judged {
            taken,
            left_out,
            funcs: replaced.funcs.as_ref().map(FuncTable::from),
            new: Some(NewSections {
                btf: Some(replaced.btf),
                ids: replaced.ids,
                funcs: match replaced.funcs {
                    Some(Ok(funcs)) => funcs.ids,
                    _ => HashMap::new(),
                },
            }),
            ..Judged::of(outcome)
        }
    }

    fn dropped(dropped: Dropped) -> Self {
        // Of BTF without types nothing is lost.
        let outcome = match dropped.cause.kind {
            Some(CauseKind::NoTypes) => Outcome::NoBtf,
            _ => Outcome::Dropped,
        };
        Judged {
            taken: Taken {
                misread: outcome == Outcome::Dropped,
                ..Taken::of(outcome)
            },
            cause: Some(dropped.cause),
            dropped_ids: dropped.ids,
            new: Some(NewSections {
                btf: None,
                ids: dropped.cleared,
                funcs: HashMap::new(),
            }),
            ..Judged::of(outcome)
        }
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
