// SPDX-License-Identifier: GPL-2.0

//! Tells how far a long run is: a line for each part, and a bar on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// Announces what takes a while.
pub fn say(what: &str) {
    eprintln!("{what} ...");
}

/// As [`say`], with a bar of `len` steps.
pub fn bar(len: usize, what: &str) -> ProgressBar {
    say(what);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} to go");
    let bar = ProgressBar::new(len.try_into().unwrap_or(u64::MAX));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
