// SPDX-License-Identifier: GPL-2.0

//! What the kernel reads instead of a module's BTF.

use super::verdict::Obstacle;
use super::{Deciding, Original, Shell, Step};
use crate::btf::to_usize;
use crate::reloc::{
    standalone, Base, Cause, CauseKind, Input, InputKind, LeftOut, RelocationPlan, SuppliedName,
    Survey,
};
use core::convert::Infallible;

/// What the kernel reads instead; nothing can go wrong in it any more.
pub struct Replacement<S: Shell> {
    /// The BTF, split BTF on vmlinux.
    pub btf: S::List<u8>,
    /// `.BTF_ids`, where it is to be another.
    pub ids: Option<S::Ids>,
    /// What is reported.
    pub report: S::Report,
    /// The types that were left out before, where the kernel does not know their kinds.
    pub left_out: Option<LeftOut>,
}

/// The BTF that was relocated.
#[derive(Clone, Copy)]
pub struct Relocated<'s> {
    /// Its distilled base.
    pub btf_base: &'s [u8],
    /// The file with the BTF that it was distilled against here.
    pub supplied: Option<SuppliedName<'s>>,
}

/// The BTF that is relocated: the module's own, or what was distilled from it.
pub(super) struct Source<'s> {
    pub(super) input: Input<'s>,
    pub(super) distilled: Option<Distilled<'s>>,
}

/// How BTF was distilled.
pub(super) struct Distilled<'s> {
    pub(super) file: SuppliedName<'s>,
    /// For each type that the module's own BTF can refer to, its id there; [`NO_ID`] where it has none.
    pub(super) ids: &'s [u32],
}

/// No id at all.
pub(super) const NO_ID: u32 = u32::MAX;

impl Source<'_> {
    /// The id there of a type that has this one in the module's own BTF.
    fn id(&self, id: u32) -> Option<u32> {
        match &self.distilled {
            Some(distilled) => distilled.ids.get(to_usize(id)).copied(),
            None => Some(id),
        }
        .filter(|id| *id != NO_ID)
    }
}

impl<'a, S: Shell> Deciding<'_, 'a, S> {
    /// Puts what the kernel reads instead into `out`, which stays `None` where it takes the BTF as it
    /// is.
    #[inline(never)]
    pub(super) fn replace(&self, out: &mut Option<Replacement<S>>) -> Step<(), S> {
        match (self.replace_own(out), self.sections.release()) {
            (Err(stale), Some(release)) if stale.kind() == Some(CauseKind::Stale) => {
                self.repair(release, stale, out)
            }
            (Err(obstacle), _) => self.reduce(obstacle, out),
            (Ok(()), _) => Ok(()),
        }
    }

    /// The same for the module's own BTF, whatever else is at hand.
    #[inline(never)]
    pub(super) fn replace_own(&self, out: &mut Option<Replacement<S>>) -> Step<(), S> {
        let own = Source {
            input: self.sections.input,
            distilled: None,
        };
        self.on_base(&own, out)
    }

    /// The same for `source`.
    #[inline(never)]
    pub(super) fn on_base(
        &self,
        source: &Source<'_>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let survey = self.boxed(|| Survey::of(self.base, &source.input))?;
        let survey = survey
            .map_err(|error| self.found(&Cause::refused(&self.base.known(), error.into())))?;
        if source.distilled.is_none() {
            self.shell.identified(survey.input_kind());
        }
        let mut scratch = self.words(survey.scratch_len())?;
        match survey.input_kind() {
            InputKind::Standalone => self.rebase(self.base, &survey, &mut scratch, out),
            InputKind::Distilled | InputKind::Split => {
                self.relocate(self.base, &survey, source, &mut scratch, out)
            }
        }
    }

    #[inline(never)]
    fn relocate<'s>(
        &self,
        base: &Base<'s>,
        survey: &Survey<'s>,
        source: &Source<'_>,
        scratch: &'s mut [u32],
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S>
    where
        'a: 's,
    {
        let mut plan = self.room()?;
        let release = self.sections.release();
        survey
            .relocated(base, self.policy, release, scratch, &mut plan)
            .map_err(|cause| self.found(&cause))?;
        match &*plan {
            Some(plan) => self.relocated(plan, source, out),
            None => Ok(()),
        }
    }

    #[inline(never)]
    fn relocated(
        &self,
        plan: &RelocationPlan<'_>,
        source: &Source<'_>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let mut btf = self.bytes(plan.output_len())?;
        plan.write(&mut btf)
            .map_err(|error| self.found(&Cause::TooLarge(error)))?;
        // The kernel refuses what has no match.
        let original = match plan.counts().opaque {
            0 => Original::Taken,
            _ => Original::Refused,
        };
        let mut patched = None;
        self.moved_ids(original, &|id| plan.new_id(source.id(id)?), &mut patched)?;
        let (ids, id_report) = patched.map(|patched| (patched.ids, patched.report)).unzip();
        let of = Relocated {
            btf_base: source.input.btf_base.unwrap_or_default(),
            supplied: source.distilled.as_ref().map(|distilled| distilled.file),
        };
        let report = self.shell.relocated(plan, of, id_report);
        *out = Some(Replacement {
            btf,
            ids: ids.flatten(),
            report: report.map_err(Obstacle::Failed)?,
            left_out: None,
        });
        Ok(())
    }

    #[inline(never)]
    fn rebase<'s>(
        &self,
        base: &'s Base<'s>,
        survey: &Survey<'s>,
        scratch: &'s mut [u32],
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let mut plan = self.room()?;
        survey
            .rebased(base, scratch, &mut plan)
            .map_err(|cause| self.found(&cause))?;
        match &*plan {
            Some(plan) => self.rebased(plan, out),
            None => Ok(()),
        }
    }

    #[inline(never)]
    fn rebased(
        &self,
        plan: &standalone::RebasePlan<'_>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let mut btf = self.bytes(plan.output_len())?;
        plan.write(&mut btf)
            .map_err(|error| self.found(&Cause::TooLarge(error)))?;
        // The kernel reads ids of standalone BTF as vmlinux's.
        let mut patched = None;
        self.moved_ids(Original::Misread, &|id| plan.new_id(id), &mut patched)?;
        let (ids, id_report) = patched.map(|patched| (patched.ids, patched.report)).unzip();
        let report = self.shell.rebased(plan, id_report);
        *out = Some(Replacement {
            btf,
            ids: ids.flatten(),
            report: report.map_err(Obstacle::Failed)?,
            left_out: None,
        });
        Ok(())
    }

    // What the steps use.

    pub(super) fn found(&self, cause: &Cause<'_>) -> Obstacle<S> {
        Obstacle::found(self.shell, cause)
    }

    pub(super) fn words(&self, len: usize) -> Step<S::List<u32>, S> {
        self.shell.words(len).map_err(Obstacle::Failed)
    }

    pub(super) fn bytes(&self, len: usize) -> Step<S::List<u8>, S> {
        self.shell.bytes(len).map_err(Obstacle::Failed)
    }

    /// What `make` gives, in memory of its own: it is large, and a kernel's stack is small.
    pub(super) fn boxed<T, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Step<Result<S::Boxed<T>, E>, S> {
        self.shell.boxed(make).map_err(Obstacle::Failed)
    }

    /// Room for what is made where it lives.
    pub(super) fn room<T>(&self) -> Step<S::Boxed<Option<T>>, S> {
        let room = self.boxed(|| Ok::<_, Infallible>(None))?;
        Ok(room.unwrap_or_else(|never| match never {}))
    }
}
