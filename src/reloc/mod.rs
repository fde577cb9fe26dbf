// SPDX-License-Identifier: GPL-2.0

//! What to do with a module's BTF: one folder a route, and in this folder what they share.
//!
//! | route | what it does |
//! | --- | --- |
//! | [`distilled`] | relocates split BTF on a distilled base to vmlinux |
//! | [`plain`] | finds out whether split BTF without one was made for this vmlinux |
//! | [`reduced`] | leaves out the types of kinds that this kernel does not know |
//! | [`standalone`] | rebases BTF without a base to vmlinux |
//! | [`distill`] | makes a distilled base, and split BTF on it |
//! | [`btf_ids`] | maps the ids outside of BTF |
//! | [`funcs`] | maps the table of function addresses |
//!
//! [`Base`] is what modules are relocated to, with the index that finds its types by name. [`Survey`]
//! is the first look at a module. [`decision`] chooses the route, and [`Cause`] says why there is none.
//!
//! All that can be wrong with a module is found by [`Survey::verify`], and all that can be wrong
//! with the result by [`RelocationPlan::new`], while all input is untouched. No step allocates: the caller
//! hands over scratch of the length that [`Survey`] and [`Verified`] give; [`Survey::relocated`]
//! takes all these steps with that of [`Survey::scratch_len`].

mod base;
pub mod btf_ids;
mod cause;
pub mod decision;
mod described;
pub mod distill;
pub mod distilled;
pub mod funcs;
mod hollow;
mod index;
pub mod plain;
pub mod reduced;
pub mod standalone;
mod survey;
mod tables;

pub use base::{Base, BaseSize};
pub use cause::{Cause, CauseKind, SuppliedName, Unread};
pub use described::Described;
pub use distilled::{
    allows_kind, check_distilled, DistilledType, Fate, Inline, Policy, RelocationCounts,
    RelocationPlan, Report, Unmatched, Verified, Why,
};
pub use plain::{
    check as check_plain, fits as fits_plain, fits_throughout as fits_plain_throughout,
};
pub use reduced::LeftOut;
pub use survey::{Input, InputKind, Survey};
