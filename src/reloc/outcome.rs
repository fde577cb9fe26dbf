// SPDX-License-Identifier: GPL-2.0

//! What becomes of a module's BTF: the decision that the kernel module carries out and the host
//! tool foretells.

#[cfg(not(MODULE))]
use super::standalone;
use super::{plain, Base, Cause, Described, Plan, Policy, Survey};
use crate::btf::{Error, Reason};

/// What becomes of a module's BTF where nothing stands in the way.
// Without an allocation there is nothing to box a plan in.
#[allow(clippy::large_enum_variant)]
pub enum Outcome<'a> {
    /// Nothing: the kernel takes it as it is.
    LeftAlone,
    /// The kernel is shown another.
    Relocate(Plan<'a>),
    /// The same for BTF that stands alone. Whatever the policy: no type of it needs a match.
    #[cfg(not(MODULE))]
    Rebase(standalone::Plan<'a>),
}

impl<'a> Outcome<'a> {
    /// Decides what becomes of the module that `survey` speaks of, loaded on `base`.
    ///
    /// `release` is that of the kernel it was built for, where its vermagic says. `scratch` has the
    /// length that [`Survey::scratch_len`] gives; its content does not matter.
    ///
    /// # Errors
    ///
    /// What stands in the way.
    pub fn of(
        base: &Base<'a>,
        survey: &Survey<'a>,
        policy: Policy,
        release: Option<&'a [u8]>,
        scratch: &'a mut [u32],
    ) -> Result<Self, Cause<'a>> {
        let refused = |error, cause: &dyn Fn(Described<'a>) -> Cause<'a>| match error {
            Error {
                reason: Reason::OutputTooLarge | Reason::ShortBuffer,
                ..
            } => Cause::TooLarge(error),
            _ => cause(survey.describe(base, error)),
        };
        #[cfg(not(MODULE))]
        if let Some(alone) = &survey.alone {
            let plan = standalone::Plan::new(base, alone, scratch);
            let plan = plan.map_err(|error| refused(error, &Cause::Malformed))?;
            return Ok(Outcome::Rebase(plan));
        }
        if survey.distilled.is_none() {
            plain::fits(base, survey, scratch).map_err(|error| {
                match plain::is_stale(&error.reason) {
                    true => refused(error, &|found| Cause::Stale { found, release }),
                    false => refused(error, &Cause::Malformed),
                }
            })?;
            return Ok(Outcome::LeftAlone);
        }
        if survey.split_count() == 0 && survey.distilled_count() == 0 {
            return Ok(Outcome::LeftAlone);
        }
        let malformed = |error| refused(error, &Cause::Malformed);
        let (words, scratch) = scratch
            .split_at_mut_checked(survey.verify_len())
            .ok_or(malformed(survey.split.error(0, 0, Reason::ShortBuffer)))?;
        let module = survey.verify(words).map_err(malformed)?;
        let plan = Plan::new(base, &module, scratch).map_err(malformed)?;
        plan.obeys(policy).map_err(Cause::Unmatched)?;
        Ok(Outcome::Relocate(plan))
    }
}
