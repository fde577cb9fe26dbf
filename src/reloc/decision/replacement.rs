// SPDX-License-Identifier: GPL-2.0

//! What the kernel reads instead of a module's BTF.

use super::ids::NewId;
use super::verdict::Obstacle;
use super::{Deciding, Original, Shell, Step, TakenFuncs};
use crate::btf::{to_usize, Error};
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
    /// The table of function addresses, where the module has one.
    pub funcs: Option<TakenFuncs<S>>,
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
        let btf = self.output(plan.output_len(), |btf| plan.write(btf))?;
        // The kernel refuses what has no match.
        let original = match plan.counts().opaque {
            0 => Original::Taken,
            _ => Original::Refused,
        };
        let of = Relocated {
            btf_base: source.input.btf_base.unwrap_or_default(),
            supplied: source.distilled.as_ref().map(|distilled| distilled.file),
        };
        let new_id = |id| plan.new_id(source.id(id)?);
        let report = |ids| self.shell.relocated(plan, of, ids);
        self.by(btf, original, &new_id, report, out)
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
        let btf = self.output(plan.output_len(), |btf| plan.write(btf))?;
        let new_id = |id| plan.new_id(id);
        let report = |ids| self.shell.rebased(plan, ids);
        // The kernel reads ids of standalone BTF as vmlinux's.
        self.by(btf, Original::Misread, &new_id, report, out)
    }

    /// The `len` bytes that `write` writes.
    #[inline(never)]
    fn output(
        &self,
        len: usize,
        write: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Step<S::List<u8>, S> {
        let mut btf = self.bytes(len)?;
        match write(&mut btf) {
            Ok(()) => Ok(btf),
            Err(error) => Err(self.found(&Cause::TooLarge(error))),
        }
    }

    /// Lets the kernel read `btf` instead of BTF that it would treat as `original`, with all that has
    /// ids of its types.
    #[inline(never)]
    pub(super) fn by(
        &self,
        btf: S::List<u8>,
        original: Original,
        new_id: &NewId<'_>,
        report: impl FnOnce(Option<S::IdReport>) -> Result<S::Report, S::Failure>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let mut patched = None;
        self.moved_ids(original, new_id, &mut patched)?;
        let funcs = self.taken_funcs(&btf, new_id);
        let (ids, id_report) = patched.map(|patched| (patched.ids, patched.report)).unzip();
        *out = Some(Replacement {
            btf,
            ids: ids.flatten(),
            report: report(id_report).map_err(Obstacle::Failed)?,
            funcs,
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
