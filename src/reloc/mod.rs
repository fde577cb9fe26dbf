// SPDX-License-Identifier: GPL-2.0

//! What to do with a module's BTF: match its distilled base to vmlinux, plan, and write the result.
//!
//! The steps are those of `tools/lib/bpf/btf_relocate.c`, under names of their own:
//!
//! | step | here |
//! | --- | --- |
//! | look up base types by name | [`Base`] and its index |
//! | check the distilled base | [`Survey::of`], [`Survey::verify`] |
//! | mark embedded types | `embedded`, while the module is verified |
//! | map distilled ids | `matching`, giving a [`Fate`] each |
//! | rewrite ids and strings | [`Plan::write`] |
//! | ids outside of BTF | [`btf_ids`] |
//!
//! [`standalone`] does for BTF that stands alone what [`Plan`] does for distilled BTF.
//!
//! `distill` makes what is relocated here: a distilled base, and split BTF on it.
//!
//! All that can be wrong with a module is found by [`Survey::verify`], and all that can be wrong
//! with the result by [`Plan::new`], while all input is untouched. No step allocates: the caller
//! hands over scratch of the length that [`Survey`] and [`Verified`] give; [`Survey::relocated`]
//! takes all these steps with that of [`Survey::scratch_len`].

mod base;
pub mod btf_ids;
mod cause;
mod described;
pub mod distill;
mod embedded;
mod fate;
mod hash;
mod index;
mod layout;
mod matching;
mod order;
mod outcome;
mod plain;
mod plan;
mod ranked;
mod report;
mod scratch;
mod sort;
pub mod standalone;
mod strings;
mod survey;
mod text;
mod verified;
mod write;

pub use base::{Base, BaseSize};
pub use cause::{Cause, CauseKind, SuppliedName, SUPPLIED_FOLDER};
pub use described::Described;
pub use fate::{Fate, Why};
pub use matching::allows_kind;
pub use plain::{check as check_plain, fits as fits_plain};
pub use plan::{Counts, Plan, Policy, Unmatched};
pub use report::{Entry, Report};
pub use survey::{Input, Sort, Survey};
pub use text::{short, Name};
pub use verified::{check_distilled, Verified};
