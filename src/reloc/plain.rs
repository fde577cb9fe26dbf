// SPDX-License-Identifier: GPL-2.0

//! Split BTF without a distilled base: whether the kernel would take it as it is.

use super::{Base, Survey};
use crate::btf::{verify, Btf, Error, Reason};

/// Checks plain split BTF against `base` as the kernel will.
///
/// `scratch` has the length that [`Survey::verify_len`] gives.
///
/// # Errors
///
/// What the kernel would refuse; `Reason::ShortBuffer` where `scratch` is too short.
pub fn check(base: &Base<'_>, survey: &Survey<'_>, scratch: &mut [u32]) -> Result<(), Error> {
    let short = survey.split.error(0, 0, Reason::ShortBuffer);
    let mut tables = survey.sizes.cut(scratch).ok_or(short)?;
    let btf = Btf::without_table(Some(base.btf()), survey.split, survey.sizes.split);
    let (offsets, names) = (tables.split_offsets, &mut tables.split_names);
    verify::build(&btf, offsets, names, |_| Ok(())).map(|_| ())
}
