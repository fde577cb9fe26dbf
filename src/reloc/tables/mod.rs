// SPDX-License-Identifier: GPL-2.0

//! What several routes share: tables in words that the caller lends, a sort and a hash.

mod by_name;
mod hash;
mod heap_sort;
mod rank_set;
mod words;

pub(super) use by_name::{is_less, name_of, sort_by_key, Name};
pub(super) use hash::hash;
pub(super) use heap_sort::heap_sort;
pub(super) use rank_set::{RankSet, RankSetBuilder};
pub(super) use words::{put, swap, Words};
