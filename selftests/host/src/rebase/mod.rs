// SPDX-License-Identifier: GPL-2.0

//! Rebases standalone BTF, in the steps that the kernel module takes.

pub mod prove;

use rust_btfreloc::btf::Error;
use rust_btfreloc::reloc::standalone::{
    recognise, Conflict, RebaseCounts, RebasePlan, StandaloneSurvey,
};

use crate::kernel::Vmlinux;

/// A rebase that was carried out.
#[derive(Debug, PartialEq, Eq)]
pub struct Rebased {
    pub btf: Vec<u8>,
    /// By id before, void included; `None` for a type that was left out.
    pub new_ids: Vec<Option<u32>>,
    pub counts: RebaseCounts,
    /// Words of scratch it took.
    pub scratch_len: usize,
}

/// Rebases `btf`; what the scratch and the output held before is not to matter.
pub fn rebase(vmlinux: &Vmlinux, btf: &[u8]) -> Result<Rebased, Error> {
    rebase_with(vmlinux, btf, |_| ())
}

/// As [`rebase`], and shows each conflict to `visit`.
pub fn rebase_with(
    vmlinux: &Vmlinux,
    btf: &[u8],
    mut visit: impl FnMut(Conflict<'_>),
) -> Result<Rebased, Error> {
    let survey = StandaloneSurvey::of(btf)?;
    let mut scratch = vec![0xdead_beef; survey.scratch_len()];
    let scratch_len = scratch.len();
    let base = vmlinux.base();
    let plan = RebasePlan::new(&base, &survey, &mut scratch)?;
    let mut output = vec![0xa5; plan.output_len()];
    plan.write(&mut output)?;
    plan.conflicts().for_each(&mut visit);
    Ok(Rebased {
        btf: output,
        new_ids: (0..=survey.count()).map(|id| plan.new_id(id)).collect(),
        counts: plan.counts(),
        scratch_len,
    })
}

/// Whether `btf` is taken for standalone BTF.
pub fn is_standalone(btf: &[u8]) -> bool {
    recognise(btf).is_ok()
}
