// SPDX-License-Identifier: GPL-2.0

//! Repairs plain split BTF that was made for another kernel, where the operator supplies the BTF of
//! that kernel: it is distilled, as it would have been when the module was built, and relocated.

use super::replacement::{Distilled, Source, NO_ID};
use super::verdict::Obstacle;
use super::{Deciding, Original, Replacement, Shell, Step};
use crate::btf::{self, to_usize, Blob, Form, Known, Section};
use crate::reloc::distill::{DistillPlan, DistillSurvey, Module, Order};
use crate::reloc::{
    plain, Base, BaseSize, Cause, CauseKind, Described, Input, SuppliedName, Survey, Unread,
};
use core::convert::Infallible;

impl<S: Shell> Deciding<'_, '_, S> {
    /// Relocates BTF which is `stale` by way of the BTF of the kernel `release`: of the builds of
    /// that release which were supplied, the first that it was made for.
    #[inline(never)]
    pub(super) fn repair(
        &self,
        release: &[u8],
        stale: Obstacle<S>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        let mut refused = stale;
        let mut roots = None;
        for file in SuppliedName::each(release) {
            let made = match self.by_way_of(file, &mut roots) {
                Ok(Some(made)) => made,
                Ok(None) => break,
                Err(Next::File(obstacle)) => {
                    refused = obstacle;
                    continue;
                }
                Err(Next::None(obstacle)) => return Err(obstacle),
            };
            match self.on_made(file, &made, out) {
                Ok(()) if out.is_some() => return Ok(()),
                Ok(()) => break,
                Err(obstacle) => return Err(self.stays(file, obstacle)),
            }
        }
        Err(refused)
    }

    /// Relocates what was made of the module's BTF.
    #[inline(never)]
    fn on_made(
        &self,
        file: SuppliedName<'_>,
        made: &Made<S>,
        out: &mut Option<Replacement<S>>,
    ) -> Step<(), S> {
        self.on_base(
            &Source {
                input: Input {
                    btf: &made.btf,
                    btf_base: Some(&made.btf_base),
                },
                distilled: Some(Distilled {
                    file,
                    ids: &made.ids,
                }),
            },
            out,
        )
    }

    /// The module's BTF distilled against the one in `file`; `None` where there is none.
    #[inline(never)]
    fn by_way_of(
        &self,
        file: SuppliedName<'_>,
        roots: &mut Option<S::List<u32>>,
    ) -> Result<Option<Made<S>>, Next<S>> {
        let supplied = match self.shell.supplied(file) {
            Ok(Some(supplied)) => supplied,
            Ok(None) => return Ok(None),
            Err(why) => {
                let why = why.into();
                let obstacle = self.unread(file, why);
                return Err(match why.blames_file() {
                    true => Next::File(obstacle),
                    false => Next::None(obstacle),
                });
            }
        };
        if self.is_own(&supplied) {
            return Err(Next::File(self.found(&Cause::SuppliedOwn { file })));
        }
        let roots = match roots {
            Some(roots) => roots,
            None => roots.insert(
                self.all_ids()
                    .map_err(|why| Next::None(misread(self.stopped(why))))?,
            ),
        };
        let made = self.made(file, &supplied, roots);
        made.map(Some).map_err(|obstacle| match obstacle.kind() {
            Some(CauseKind::Supplied) => Next::File(obstacle),
            _ => Next::None(self.stays(file, obstacle)),
        })
    }

    /// The module's BTF is stale, whatever else stands in the way.
    #[inline(never)]
    fn stays(&self, file: SuppliedName<'_>, obstacle: Obstacle<S>) -> Obstacle<S> {
        match obstacle {
            Obstacle::Failed(why) => self.unread(file, why.into()),
            obstacle => misread(obstacle),
        }
    }

    #[inline(never)]
    fn unread(&self, file: SuppliedName<'_>, why: Unread) -> Obstacle<S> {
        Obstacle::Unread(self.shell.unread(file, why))
    }

    /// Whether `supplied` is the BTF of the running kernel itself.
    #[inline(never)]
    fn is_own(&self, supplied: &[u8]) -> bool {
        let own = self.base.btf().blob();
        let blob = Blob::parse(Section::Supplied, Form::Base, supplied);
        blob.is_ok_and(|blob| blob.types() == own.types() && blob.strings() == own.strings())
    }

    /// The module's BTF distilled against `supplied`, the content of one file; `roots` are the ids in
    /// its `.BTF_ids`.
    #[inline(never)]
    fn made(&self, file: SuppliedName<'_>, supplied: &S::File, roots: &[u32]) -> Step<Made<S>, S> {
        if let Some(base) = self.shell.built(supplied) {
            return self.made_on(file, &base, roots);
        }
        let (blob, size) = self.measured(file, supplied)?;
        let mut offsets = self.words(size.offsets_len())?;
        let mut index = self.words(size.index_len())?;
        self.build(file, (blob, size), &mut offsets, &mut index)?;
        let base =
            self.boxed(|| Ok::<_, Infallible>(Base::from_parts(blob, size, &offsets, &index)))?;
        let base = base.unwrap_or_else(|never| match never {});
        self.made_on(file, &base, roots)
    }

    fn made_on(&self, file: SuppliedName<'_>, base: &Base<'_>, roots: &[u32]) -> Step<Made<S>, S> {
        self.fits(file, base)?;
        self.distilled(file, base, roots)
    }

    /// By name nothing is found in a supplied base.
    #[inline(never)]
    fn measured<'b>(
        &self,
        file: SuppliedName<'_>,
        bytes: &'b [u8],
    ) -> Step<(Blob<'b>, BaseSize), S> {
        let refused = |error| self.refused(file, error);
        let blob = Blob::parse(Section::Supplied, Form::Base, bytes).map_err(refused)?;
        // What of it the running kernel knows is asked when it is relocated to that.
        let size = BaseSize::of(&blob, Known::HERE).map_err(refused)?;
        Ok((blob, size.without_names()))
    }

    #[inline(never)]
    fn build<'b>(
        &self,
        file: SuppliedName<'_>,
        (blob, size): (Blob<'b>, BaseSize),
        offsets: &'b mut [u32],
        index: &'b mut [u32],
    ) -> Step<(), S> {
        let built = Base::build(blob, size, offsets, index);
        built.map(drop).map_err(|error| self.refused(file, error))
    }

    /// Checks that nothing in the module's BTF contradicts `base`.
    #[inline(never)]
    fn fits(&self, file: SuppliedName<'_>, base: &Base<'_>) -> Step<(), S> {
        let input = Input {
            btf: self.sections.input.btf,
            btf_base: None,
        };
        let survey = self.boxed(|| Survey::of(base, &input))?;
        let survey = survey.map_err(|error| self.refused(file, error))?;
        let mut scratch = self.words(survey.verify_len())?;
        plain::fits_throughout(base, &survey, &mut scratch).map_err(|error| {
            let found = survey.describe(base, error);
            self.found(&Cause::Supplied { found, file })
        })
    }

    #[inline(never)]
    fn distilled(
        &self,
        file: SuppliedName<'_>,
        base: &Base<'_>,
        roots: &[u32],
    ) -> Step<Made<S>, S> {
        let refused = |error| self.refused(file, error);
        let btf = self.sections.input.btf;
        let module = self
            .boxed(|| Module::read(base.btf(), btf))?
            .map_err(refused)?;
        let mut words = self.words(module.survey_len())?;
        let survey = self.boxed(|| DistillSurvey::of(&module, roots, &mut words))?;
        let survey = survey.map_err(refused)?;
        let mut scratch = self.words(survey.scratch_len(Order::ByName))?;
        let plan = self.boxed(|| DistillPlan::new(&survey, Order::ByName, &mut scratch))?;
        let plan = plan.map_err(refused)?;
        self.written(base, &plan)
    }

    #[inline(never)]
    fn written(&self, base: &Base<'_>, plan: &DistillPlan<'_>) -> Step<Made<S>, S> {
        let mut btf_base = self.bytes(plan.base_len())?;
        let mut btf = self.bytes(plan.split_len())?;
        plan.write(&mut btf_base, &mut btf)
            .map_err(|error| self.found(&Cause::TooLarge(error)))?;
        let end = base.btf().end_id();
        let count = end.saturating_add(plan.counts().own);
        let mut ids = self.words(to_usize(count))?;
        for (new, id) in ids.iter_mut().zip(0..count) {
            // What a distilled base has no place for is found by its name, if at all.
            let of_base = || (id < end).then_some(0);
            *new = plan.new_id(id).or_else(of_base).unwrap_or(NO_ID);
        }
        Ok(Made { btf, btf_base, ids })
    }

    #[inline(never)]
    fn refused(&self, file: SuppliedName<'_>, error: btf::Error) -> Obstacle<S> {
        let found = Described::from(error);
        self.found(&Cause::Supplied { found, file })
    }
}

/// What was made of the module's BTF.
struct Made<S: Shell> {
    btf: S::List<u8>,
    btf_base: S::List<u8>,
    /// As [`Distilled::ids`].
    ids: S::List<u32>,
}

/// What stands in the way of one file, and whether the next one may do.
enum Next<S: Shell> {
    File(Obstacle<S>),
    None(Obstacle<S>),
}

fn misread<S: Shell>(obstacle: Obstacle<S>) -> Obstacle<S> {
    obstacle.known(Original::Misread)
}
