// SPDX-License-Identifier: GPL-2.0

//! Repairs plain split BTF that was made for another kernel, where the operator supplies the BTF of
//! that kernel: it is distilled, as it would have been when the module was built.

use super::{
    base::{Refused, Tables},
    cause::Cause,
    firmware::{Firmware, Loader},
    memory,
    text::Text,
};
use crate::btf;
use crate::reloc::{
    self,
    distill::{DistillPlan, DistillSurvey, Module, Order},
    Described, Input, SuppliedName,
};
use kernel::{prelude::*, str::CString};

/// The BTF in this file; `None` where it was not supplied.
pub(super) fn find(loader: &Loader, file: SuppliedName<'_>) -> Result<Option<Firmware>, Cause> {
    let name = CString::try_from_fmt(fmt!("{}", Text(file)))?;
    match loader.read(name) {
        Err(error) if error == ENOENT => Ok(None),
        Err(error) => Err(Cause::unread(file, error)),
        Ok(read) => Ok(Some(read)),
    }
}

/// Distills `split`, plain split BTF of a module with the ids `roots` in its `.BTF_ids`, against
/// `base`, the BTF in `file`, and calls `then` with the result and with what maps the ids of `split`
/// to its.
///
/// # Errors
///
/// What is wrong with either, and what `then` returns.
#[inline(never)]
pub(super) fn distilled<T>(
    base: &[u8],
    file: SuppliedName<'_>,
    split: &[u8],
    roots: &[u32],
    then: impl FnOnce(Input<'_>, &dyn Fn(u32) -> Option<u32>) -> Result<T, Cause>,
) -> Result<T, Cause> {
    let refused = |found| reloc::Cause::Supplied { found, file };
    let tables = memory::boxed(|| {
        Tables::supplied(base).map_err(|why| match why {
            Refused::Btf(error) => Cause::from(refused(Described::from(error))),
            Refused::Memory => ENOMEM.into(),
        })
    })?;
    let base = memory::boxed(|| Ok::<_, Cause>(tables.base()))?;
    fits(&base, file, split)?;
    let refused = |error: btf::Error| refused(error.into());
    let module = memory::boxed(|| Module::read(base.btf(), split).map_err(refused))?;
    let mut words = memory::zeroed(module.survey_len())?;
    let survey = memory::boxed(|| DistillSurvey::of(&module, roots, &mut words).map_err(refused))?;
    let mut scratch = memory::zeroed(survey.scratch_len(Order::ByName))?;
    let plan =
        memory::boxed(|| DistillPlan::new(&survey, Order::ByName, &mut scratch).map_err(refused))?;
    let (distilled, on_it) = written(&plan)?;
    let input = Input {
        btf: &on_it,
        btf_base: Some(&distilled),
    };
    // What a distilled base has no place for is found by its name, if at all.
    let of_base = |id| (id < base.btf().end_id()).then_some(0);
    then(input, &|id| plan.new_id(id).or_else(|| of_base(id)))
}

/// The distilled base and the split BTF on it.
// In a frame of its own: a kernel's stack is small.
#[inline(never)]
fn written(plan: &DistillPlan<'_>) -> Result<(KVVec<u8>, KVVec<u8>), Cause> {
    let mut distilled = memory::zeroed(plan.base_len())?;
    let mut on_it = memory::zeroed(plan.split_len())?;
    plan.write(&mut distilled, &mut on_it)
        .map_err(reloc::Cause::TooLarge)?;
    Ok((distilled, on_it))
}

/// Checks that `btf` was made for `base`, as far as that can be told.
#[inline(never)]
fn fits(base: &reloc::Base<'_>, file: SuppliedName<'_>, btf: &[u8]) -> Result<(), Cause> {
    let refused = |found| reloc::Cause::Supplied { found, file };
    let input = Input {
        btf,
        btf_base: None,
    };
    let survey = reloc::Survey::of(base, &input).map_err(|error| refused(error.into()))?;
    let mut scratch = memory::zeroed(survey.verify_len())?;
    reloc::fits_plain(base, &survey, &mut scratch)
        .map_err(|error| refused(survey.describe(base, error)))?;
    Ok(())
}
