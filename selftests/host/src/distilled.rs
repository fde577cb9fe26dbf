// SPDX-License-Identifier: GPL-2.0

//! Distills a module with the core, and takes it back to its kernel.

use rust_btfreloc::btf::Error;
use rust_btfreloc::reloc::distill::{DistillCounts, DistillPlan, DistillSurvey, Module, Order};

use crate::kernel::Vmlinux;

/// A distillation that was carried out.
#[derive(Debug, PartialEq, Eq)]
pub struct Distilled {
    pub base: Vec<u8>,
    pub split: Vec<u8>,
    /// By id before, void included.
    pub new_ids: Vec<Option<u32>>,
    pub counts: DistillCounts,
}

/// Distills `module`, which is split off the kernel's BTF; what the scratch and the output held
/// before is not to matter.
pub fn distill(vmlinux: &Vmlinux, module: &[u8], order: Order) -> Result<Distilled, Error> {
    distill_with(vmlinux, module, &[], order)
}

/// As [`distill`], of a module with these ids in its `.BTF_ids`.
pub fn distill_with(
    vmlinux: &Vmlinux,
    module: &[u8],
    roots: &[u32],
    order: Order,
) -> Result<Distilled, Error> {
    let base = vmlinux.base();
    let module = Module::read(base.btf(), module)?;
    let mut words = vec![0xdead_beef; module.survey_len()];
    let survey = DistillSurvey::of(&module, roots, &mut words)?;
    let mut scratch = vec![0xdead_beef; survey.scratch_len(order)];
    let plan = DistillPlan::new(&survey, order, &mut scratch)?;
    let (mut base_out, mut split) = (vec![0xa5; plan.base_len()], vec![0xa5; plan.split_len()]);
    plan.write(&mut base_out, &mut split)?;
    let end = base.btf().end_id() + plan.counts().own;
    assert_eq!(plan.new_id(end), None);
    Ok(Distilled {
        base: base_out,
        split,
        new_ids: (0..end).map(|id| plan.new_id(id)).collect(),
        counts: plan.counts(),
    })
}
