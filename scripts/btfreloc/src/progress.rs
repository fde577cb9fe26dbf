// SPDX-License-Identifier: GPL-2.0

//! Many modules on all processors, with a progress bar that only a terminal shows.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

/// Calls `work` with each of `modules`, on all processors, and `done` with what it gives, in the order
/// of the modules: `at_once` results at a time, so that no more than these are in memory.
pub(crate) fn batches<T: Send>(
    modules: Vec<Result<PathBuf>>,
    at_once: usize,
    work: impl Fn(PathBuf) -> Result<T> + Sync,
    mut done: impl FnMut(Vec<Result<T>>),
) {
    let progress = bar(modules.len());
    let work = |path: Result<PathBuf>| {
        let result = path.and_then(&work);
        progress.inc(1);
        result
    };
    let mut modules = modules.into_iter();
    loop {
        let batch: Vec<_> = modules.by_ref().take(at_once).collect();
        if batch.is_empty() {
            break;
        }
        done(batch.into_par_iter().map(work).collect());
    }
    progress.finish_and_clear();
}

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
