// SPDX-License-Identifier: GPL-2.0

//! A module's plain split BTF, distilled by the core.

use rust_btfreloc::btf::{to_usize, Error};
use rust_btfreloc::reloc::distill::{DistillPlan, DistillSurvey, Module, Order};
use rust_btfreloc::reloc::{self, Base, Input};

use crate::plain::contradiction;

/// What distilling makes.
pub struct Distilled {
    /// The new `.BTF`, sorted by name.
    pub btf: Vec<u8>,
    /// `.BTF.base`
    pub btf_base: Vec<u8>,
    /// The new ids, by those on the base before, void included.
    new_ids: Vec<Option<u32>>,
}

impl Distilled {
    /// Distills `btf`, which is split off `base`, of a module with the ids `roots` in its `.BTF_ids`.
    ///
    /// # Errors
    ///
    /// What is wrong with it on this base.
    pub fn of(base: &Base<'_>, btf: &[u8], roots: &[u32]) -> Result<Self, String> {
        if let Some(found) = contradiction(base, btf).map_err(|error| error.to_string())? {
            return Err(found);
        }
        distill(base, btf, roots).map_err(|error| {
            let input = Input {
                btf,
                btf_base: None,
            };
            match reloc::Survey::of(base, &input) {
                Ok(survey) => survey.describe(base, error).to_string(),
                Err(error) => error.to_string(),
            }
        })
    }

    /// What has become of the type that had this id: 0 for a function of the base, which has no place
    /// in the result; `None` where there is none, or where it is one of the base that neither a type
    /// nor an id of the module refers to.
    pub fn new_id(&self, id: u32) -> Option<u32> {
        *self.new_ids.get(to_usize(id))?
    }
}

fn distill(base: &Base<'_>, btf: &[u8], roots: &[u32]) -> Result<Distilled, Error> {
    let module = Module::read(base.btf(), btf)?;
    let mut words = vec![0; module.survey_len()];
    let survey = DistillSurvey::of(&module, roots, &mut words)?;
    let mut scratch = vec![0; survey.scratch_len(Order::ByName)];
    let plan = DistillPlan::new(&survey, Order::ByName, &mut scratch)?;
    let (mut btf_base, mut btf) = (vec![0; plan.base_len()], vec![0; plan.split_len()]);
    plan.write(&mut btf_base, &mut btf)?;
    let end = base.btf().end_id() + plan.counts().own;
    Ok(Distilled {
        btf,
        btf_base,
        new_ids: (0..end).map(|id| plan.new_id(id)).collect(),
    })
}
