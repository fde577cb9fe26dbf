// SPDX-License-Identifier: GPL-2.0

//! What becomes of a module's BTF: the decision that the kernel module carries out and the host
//! tool shows, step by step.

use crate::btf::{Error, Reason};
use crate::reloc::{plain, standalone, Base, Cause, Described, Policy, RelocationPlan, Survey};

impl<'a> Survey<'a> {
    /// Decides how split BTF is relocated to `base`, and puts that into `plan`, which stays `None`
    /// where the kernel takes it as it is.
    ///
    /// A plan is large and a kernel's stack is small: it is made where it is to live.
    ///
    /// `release` is that of the kernel the module was built for, where its vermagic says. `scratch`
    /// has the length that [`Survey::scratch_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    pub fn relocated(
        &self,
        base: &Base<'a>,
        policy: Policy,
        release: Option<&'a [u8]>,
        scratch: &'a mut [u32],
        plan: &mut Option<RelocationPlan<'a>>,
    ) -> Result<(), Cause<'a>> {
        if self.split_count() == 0 {
            return no_types(policy);
        }
        if self.distilled.is_none() {
            return leave(base, self, release, scratch);
        }
        relocate(base, self, policy, scratch, plan)
    }

    /// Decides how standalone BTF is rebased to `base`, and puts that into `plan`, which stays
    /// `None` where it does not.
    ///
    /// `scratch` is as for [`Survey::relocated`]. Whatever the policy: no type needs a match.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    pub fn rebased(
        &self,
        base: &'a Base<'a>,
        scratch: &'a mut [u32],
        plan: &mut Option<standalone::RebasePlan<'a>>,
    ) -> Result<(), Cause<'a>> {
        let Some(alone) = &self.alone else {
            return Ok(());
        };
        standalone::RebasePlan::make(plan, base, alone, scratch)
            .map_err(|error| malformed(base, self, error))?;
        match plan {
            Some(made) if made.counts().own == 0 => {
                *plan = None;
                Err(Cause::NoTypes)
            }
            _ => Ok(()),
        }
    }
}

/// BTF without types says nothing, and stops programs from reading that of all other modules
/// (cilium/ebpf before 0.20): the kernel takes it, but is better not shown it.
fn no_types(policy: Policy) -> Result<(), Cause<'static>> {
    match policy {
        Policy::Strict => Ok(()),
        Policy::Opaque => Err(Cause::NoTypes),
    }
}

// A kernel's stack is small: each way has a frame of its own.

#[inline(never)]
fn leave<'a>(
    base: &Base<'a>,
    survey: &Survey<'a>,
    release: Option<&'a [u8]>,
    scratch: &mut [u32],
) -> Result<(), Cause<'a>> {
    let another_build = release.is_some() && release == base.release();
    let stale = |found: Described<'a>| match found.is_named_by_rust() {
        // No base makes such a name valid.
        true => Cause::Malformed(found),
        false => Cause::Stale {
            found,
            release,
            another_build,
        },
    };
    match plain::fits(base, survey, scratch) {
        Ok(()) => Ok(()),
        Err(error) if plain::is_stale(&error.reason) => Err(refused(base, survey, error, &stale)),
        Err(error) => Err(malformed(base, survey, error)),
    }
}

#[inline(never)]
fn relocate<'a>(
    base: &Base<'a>,
    survey: &Survey<'a>,
    policy: Policy,
    scratch: &'a mut [u32],
    plan: &mut Option<RelocationPlan<'a>>,
) -> Result<(), Cause<'a>> {
    verified_plan(base, survey, scratch, plan).map_err(|error| malformed(base, survey, error))?;
    let obeys = plan.as_ref().map_or(Ok(()), |plan| plan.obeys(policy));
    obeys.map_err(|unmatched| {
        *plan = None;
        Cause::Unmatched(unmatched)
    })
}

#[inline(never)]
fn verified_plan<'a>(
    base: &Base<'a>,
    survey: &Survey<'a>,
    scratch: &'a mut [u32],
    plan: &mut Option<RelocationPlan<'a>>,
) -> Result<(), Error> {
    let (words, scratch) = scratch
        .split_at_mut_checked(survey.verify_len())
        .ok_or_else(|| survey.split.error(0, 0, Reason::ShortBuffer))?;
    match &survey.verify(words) {
        Ok(verified) => RelocationPlan::make(plan, base, verified, scratch),
        Err(error) => Err(*error),
    }
}

fn malformed<'a>(base: &Base<'a>, survey: &Survey<'a>, error: Error) -> Cause<'a> {
    refused(base, survey, error, &|found| {
        Cause::refused(&survey.known, found)
    })
}

#[inline(never)]
fn refused<'a>(
    base: &Base<'a>,
    survey: &Survey<'a>,
    error: Error,
    cause: &dyn Fn(Described<'a>) -> Cause<'a>,
) -> Cause<'a> {
    match error.reason {
        Reason::OutputTooLarge | Reason::ShortBuffer => Cause::TooLarge(error),
        _ => cause(survey.describe(base, error)),
    }
}
