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
pub use plan::{Counts, Policy, RelocationPlan, Unmatched};
pub use report::{Entry, Report};
pub(super) use scratch::Sizes;
pub use verify::{check_distilled, Verified};
