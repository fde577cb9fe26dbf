// SPDX-License-Identifier: GPL-2.0

//! What the fuzz targets share.
//!
//! Raw bytes never get past a header, so a target's input is mutated as what it stands for: types
//! and strings, with a header that holds. See `scripts/fuzz` for how to run them.

pub mod grow;
pub mod loose;
pub mod mutate;

use std::fmt::Display;
use std::hint::black_box;

/// Puts `what` into words, which may not panic either.
pub fn say(what: impl Display) {
    black_box(what.to_string());
}
