// SPDX-License-Identifier: GPL-2.0

//! Distills a module's split BTF: what it needs of its base, and the split BTF on that.
//!
//! A type of the base that the module refers to, on the way through others or not, becomes:
//!
//! | in the base | where | as |
//! | --- | --- | --- |
//! | INT, FLOAT, FWD with a name | distilled base | it is |
//! | STRUCT, UNION with a name | distilled base | its size, no members |
//! | ENUM, ENUM64 with a name | distilled base | an ENUM of its size, no values |
//! | without a name, or TYPEDEF, TYPE_TAG | split BTF, after the module's own | it is |
//! | FUNC, VAR, DATASEC, DECL_TAG | refused | |
//!
//! The ids in `.BTF_ids` are roots: what they name in the base is needed, too. Only those of FUNC,
//! VAR, DATASEC and DECL_TAG go nowhere, as a distilled base holds none: such an id becomes that of
//! the module's own type of the kind and name, or 0. So does that of a TYPEDEF which nothing else
//! refers to, as its copy would be another type. In a list, the symbol still names what is 0 then, and
//! [`super::btf_ids::fill`] finds it in the vmlinux that the module is loaded on: the ids are the same
//! whether the module is distilled when it is built or, by way of a supplied base, when it is loaded.
//!
//! The members of a STRUCT or UNION with a name and the values of an ENUM are not needed; all other
//! references are followed. Types keep the order of their ids, and each string is there once, where
//! it is first used, so that the result is that of `btf__distill_base` in `tools/lib/bpf/btf.c`.
//!
//! In three steps, each in words that the caller lends: [`Module::read`] looks at the module,
//! [`DistillSurvey::of`] checks it and finds the types it needs, [`DistillPlan::new`] numbers types and strings.
//! Nothing can fail any more in [`DistillPlan::write`] but for want of room.
//!
//! # Examples
//!
//! ```
//! # use rust_btfreloc::btf::{write_header, Blob, Form, Known, Section};
//! # use rust_btfreloc::reloc::{Base, BaseSize};
//! # fn btf(types: &[u32], strings: &[u8]) -> Vec<u8> {
//! #     let types: Vec<u8> = types.iter().flat_map(|word| word.to_ne_bytes()).collect();
//! #     let mut all = vec![0; 24];
//! #     write_header(&mut all, types.len() as u32, 0, strings.len() as u32).unwrap();
//! #     [all, types, strings.to_vec()].concat()
//! # }
//! const INT: u32 = 1 << 24;
//! const PTR: u32 = 2 << 24;
//! const STRUCT: u32 = 4 << 24;
//! use rust_btfreloc::reloc::distill::{DistillPlan, DistillSurvey, Module, Order};
//!
//! // vmlinux: [1] INT int, [2] STRUCT file with a member f of [1]
//! let vmlinux = btf(&[1, INT, 4, 32, 5, STRUCT | 1, 4, 10, 1, 0], b"\0int\0file\0f\0");
//! let blob = Blob::parse(Section::Vmlinux, Form::Base, &vmlinux)?;
//! let size = BaseSize::of(&blob, Known::HERE)?;
//! let (mut offsets, mut index) = (vec![0; size.offsets_len()], vec![0; size.index_len()]);
//! let base = Base::build(blob, size, &mut offsets, &mut index)?;
//!
//! // The module's plain split BTF: [3] PTR to [2]
//! let plain = btf(&[0, PTR, 2], b"");
//! let module = Module::read(base.btf(), &plain)?;
//! let mut words = vec![0; module.survey_len()];
//! let survey = DistillSurvey::of(&module, &[], &mut words)?;
//! let mut scratch = vec![0; survey.scratch_len(Order::Kept)];
//! let plan = DistillPlan::new(&survey, Order::Kept, &mut scratch)?;
//!
//! // .BTF.base: [1] STRUCT file, by its size; .BTF: [2] PTR to it
//! let (mut btf_base, mut split) = (vec![0; plan.base_len()], vec![0; plan.split_len()]);
//! plan.write(&mut btf_base, &mut split)?;
//! assert_eq!(btf_base, btf(&[1, STRUCT, 4], b"\0file\0"));
//! assert_eq!(split, btf(&[0, PTR, 1], b""));
//! # Ok::<(), rust_btfreloc::btf::Error>(())
//! ```

mod named;
mod order;
mod plan;
mod strings;
mod survey;
mod write;

pub use order::Order;
pub use plan::{DistillCounts, DistillPlan};
pub use survey::{DistillSurvey, Module};

use super::tables::{put, swap, Words};
