// SPDX-License-Identifier: GPL-2.0

//! Split BTF without a distilled base: whether the kernel would take it as it is.

use super::{Base, Survey};
use crate::btf::{verify, Btf, Error, Reason, Table};

/// Checks plain split BTF against `base` as the kernel will.
///
/// `scratch` has the length that [`Survey::scratch_len`] gives.
///
/// # Errors
///
/// What the kernel would refuse; `Reason::ShortBuffer` where `scratch` is too short.
pub fn check(base: &Base<'_>, survey: &Survey<'_>, scratch: &mut [u32]) -> Result<(), Error> {
    let short = survey.split.error(0, 0, Reason::ShortBuffer);
    let mut tables = survey.sizes.cut(scratch).ok_or(short)?;
    let start_id = base.btf().end_id();
    let table = Table::build(&survey.split, start_id, tables.split_offsets, 0)?;
    let btf = Btf::split(base.btf(), survey.split, table);
    verify::kernel_verdict(&btf, &mut tables.split_names)
}
