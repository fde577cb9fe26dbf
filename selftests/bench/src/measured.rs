// SPDX-License-Identifier: GPL-2.0

//! What is measured: each step of both sides, in a function of its own that callgrind finds by name.
//!
//! | step | ours | libbpf |
//! | --- | --- | --- |
//! | the kernel's BTF, once | index | `btf__new` |
//! | parse | survey and verification, with their buffer | `btf__new` of the distilled base, `btf__new_split` |
//! | relocate | plan and write, with their buffers | `btf__relocate` |
//! | distill | survey, plan, write, with their buffers | `btf__distill_base`, raw data of both |
//!
//! The result of `btf__relocate` stays in libbpf's form, ours is the section as bytes.

use std::hint::black_box;

use btfreloc_selftests::peer::{Btf, Refused};
use rust_btfreloc::btf::{Blob, Error, Form, Known, Section};
use rust_btfreloc::reloc::distill;
use rust_btfreloc::reloc::{Base, BaseSize, Input, RelocationPlan, Survey, Verified};

/// Where valgrind looks for the functions here.
pub const PATH: &str = "btfreloc_bench::measured::";

/// Where a step ends.
#[inline(never)]
pub fn end() {
    black_box(());
}

/// The tables of a kernel's BTF.
pub struct Tables {
    size: BaseSize,
    offsets: Vec<u32>,
    index: Vec<u32>,
}

impl Tables {
    /// The base that the tables were made of.
    pub fn base<'a>(&'a self, kernel: &'a [u8]) -> Result<Base<'a>, Error> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, kernel)?;
        Ok(Base::from_parts(
            blob,
            self.size,
            &self.offsets,
            &self.index,
        ))
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&self.offsets[..]) + size_of_val(&self.index[..])
    }
}

#[inline(never)]
pub fn ours_kernel(kernel: &[u8]) -> Result<Tables, Error> {
    let blob = Blob::parse(Section::Vmlinux, Form::Base, kernel)?;
    let size = BaseSize::of(&blob, Known::LINUX_7_3)?;
    let mut offsets = vec![0; size.offsets_len()];
    let mut index = vec![0; size.index_len()];
    Base::build(blob, size, &mut offsets, &mut index)?;
    Ok(Tables {
        size,
        offsets,
        index,
    })
}

/// A kernel's BTF, or a distilled base.
#[inline(never)]
pub fn peer_alone(bytes: &[u8]) -> Result<Btf<'static>, Refused> {
    Btf::base(bytes)
}

/// `words` is for what the result borrows.
#[inline(never)]
pub fn ours_parse<'a>(
    base: &Base<'_>,
    distilled: &'a [u8],
    split: &'a [u8],
    words: &'a mut Vec<u32>,
) -> Result<Verified<'a>, Error> {
    let input = Input {
        btf: split,
        btf_base: Some(distilled),
    };
    let survey = Survey::of(base, &input)?;
    *words = vec![0; survey.scratch_len()];
    survey.verify(words)
}

#[inline(never)]
pub fn peer_split<'b>(base: &'b Btf<'_>, split: &[u8]) -> Result<Btf<'b>, Refused> {
    Btf::split(base, split)
}

#[inline(never)]
pub fn ours_relocate(base: &Base<'_>, module: &Verified<'_>) -> Result<Vec<u8>, Error> {
    let mut scratch = vec![0; module.scratch_len()];
    let plan = RelocationPlan::new(base, module, &mut scratch)?;
    let mut out = vec![0; plan.output_len()];
    plan.write(&mut out)?;
    Ok(out)
}

#[inline(never)]
pub fn peer_relocate<'n>(split: Btf<'_>, kernel: &'n Btf<'_>) -> Result<Btf<'n>, Refused> {
    split.relocate(kernel)
}

/// The distilled base and the split BTF on it.
pub type Distilled = (Vec<u8>, Vec<u8>);

#[inline(never)]
pub fn ours_distill(base: &Base<'_>, btf: &[u8]) -> Result<Distilled, Error> {
    let module = distill::Module::read(base.btf(), btf)?;
    let mut words = vec![0; module.survey_len()];
    let survey = distill::DistillSurvey::of(&module, &[], &mut words)?;
    let order = distill::Order::Kept;
    let mut scratch = vec![0; survey.scratch_len(order)];
    let plan = distill::DistillPlan::new(&survey, order, &mut scratch)?;
    let (mut distilled, mut split) = (vec![0; plan.base_len()], vec![0; plan.split_len()]);
    plan.write(&mut distilled, &mut split)?;
    Ok((distilled, split))
}

#[inline(never)]
pub fn peer_distill(module: &Btf<'_>) -> Result<Distilled, Refused> {
    module.distill()
}
