// SPDX-License-Identifier: GPL-2.0

//! What is written into a loading module: the pointers to its BTF, and its `.BTF_ids`.

mod alias;
mod prepared;
mod replaced;

pub(super) use alias::{copied, Alias};
pub(super) use prepared::{PatchedIds, Prepared};
pub(super) use replaced::ReplacedBtf;
