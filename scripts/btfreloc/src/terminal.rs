// SPDX-License-Identifier: GPL-2.0

//! How wide the terminal is.

use std::env;

/// Columns where nothing says how many there are.
const COLUMNS: usize = 80;
/// Less is of no use to anybody.
const LEAST: usize = 20;

/// Columns of the terminal: those that the environment names, else its own.
pub fn width() -> usize {
    let named = env::var("COLUMNS").ok();
    let named = named.and_then(|columns| columns.parse().ok());
    let own = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    named.or_else(own).unwrap_or(COLUMNS).max(LEAST)
}
