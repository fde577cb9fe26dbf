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

mod named;
mod order;
mod plan;
mod strings;
mod survey;
mod write;

pub use order::Order;
pub use plan::{Counts, DistillPlan};
pub use survey::{DistillSurvey, Module};

use super::tables::{put, swap, Words};
