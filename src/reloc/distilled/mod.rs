// SPDX-License-Identifier: GPL-2.0

//! Relocates split BTF on a distilled base to vmlinux's BTF.
//!
//! The steps are those of `tools/lib/bpf/btf_relocate.c`, each under a name of its own:
//!
//! | step | here |
//! | --- | --- |
//! | check the distilled base and the split BTF | `verify`: [`Survey::verify`](super::Survey::verify) |
//! | mark the types that are embedded by value | `embedded`, while the module is verified |
//! | map distilled types to vmlinux types | `matching`, giving a [`Fate`] each |
//! | carry over what has no match | `opaque`, which the C code has no step for |
//! | give each type its new id | `order`, called by [`RelocationPlan::new`] |
//! | give each string its new offset | `strings`, called by [`RelocationPlan::new`] |
//! | rewrite ids and strings | `write`: [`RelocationPlan::write`] |
//!
//! [`Inline`] moves a `.BTF.inline` section, which is split off the module's own BTF, with it.
//!
//! [`Report`] reads again what was decided, for as long as somebody may ask.
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
//! use rust_btfreloc::reloc::{Input, RelocationPlan, Survey};
//!
//! // vmlinux: [1] INT int, [2] STRUCT file with a member f of [1]
//! let vmlinux = btf(&[1, INT, 4, 32, 5, STRUCT | 1, 4, 10, 1, 0], b"\0int\0file\0f\0");
//! let blob = Blob::parse(Section::Vmlinux, Form::Base, &vmlinux)?;
//! let size = BaseSize::of(&blob, Known::HERE)?;
//! let (mut offsets, mut index) = (vec![0; size.offsets_len()], vec![0; size.index_len()]);
//! let base = Base::build(blob, size, &mut offsets, &mut index)?;
//!
//! // .BTF.base: [1] STRUCT file, by its size; .BTF: [2] PTR to it
//! let (btf_base, split) = (btf(&[1, STRUCT, 4], b"\0file\0"), btf(&[0, PTR, 1], b""));
//! let input = Input { btf: &split, btf_base: Some(&btf_base) };
//! let survey = Survey::of(&base, &input)?;
//! let mut words = vec![0; survey.verify_len()];
//! let module = survey.verify(&mut words)?;
//! let mut scratch = vec![0; module.scratch_len()];
//! let plan = RelocationPlan::new(&base, &module, &mut scratch)?;
//! assert_eq!([plan.new_id(1), plan.new_id(2)], [Some(2), Some(3)]);
//!
//! // Split BTF on vmlinux: [3] PTR to [2]; its string part is never empty
//! let mut relocated = vec![0; plan.output_len()];
//! plan.write(&mut relocated)?;
//! assert_eq!(relocated, btf(&[0, PTR, 2], b"\0"));
//! # Ok::<(), rust_btfreloc::btf::Error>(())
//! ```

mod embedded;
mod fate;
mod inline;
pub(super) mod layout;
pub(super) mod matching;
mod opaque;
mod order;
mod plan;
mod report;
mod scratch;
mod strings;
mod verify;
mod write;

pub use fate::{Fate, Why};
pub use inline::Inline;
pub use matching::allows_kind;
pub use plan::{Policy, RelocationCounts, RelocationPlan, Unmatched};
pub use report::{DistilledType, Report};
pub(super) use scratch::Sizes;
pub use verify::{check_distilled, Verified};
