// SPDX-License-Identifier: GPL-2.0

//! The progress bar, which only a terminal shows.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for this many modules, on standard error.
pub(crate) fn bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} modules, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
