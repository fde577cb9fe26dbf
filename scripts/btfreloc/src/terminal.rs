// SPDX-License-Identifier: GPL-2.0

//! Text for people, as wide as their terminal.

use std::env;
use std::fmt::Write as _;

use anstream::adapter::strip_str;
use rust_btfreloc::text::Name;

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

/// What others wrote, without what a terminal would act on.
pub fn shown(text: &str) -> String {
    Name(text.as_bytes()).to_string()
}

/// Text that goes to the next line where one is full.
pub struct Lines<'o> {
    out: &'o mut String,
    width: usize,
}

impl<'o> Lines<'o> {
    /// Lines of this width at the end of `out`.
    pub fn new(out: &'o mut String, width: usize) -> Self {
        Lines { out, width }
    }

    /// Writes `text` with so many blanks before its `first` line, and before the `rest` of them.
    pub fn write(&mut self, text: &str, first: usize, rest: usize) {
        let _ = write!(self.out, "{:first$}", "");
        self.go_on(text, first, rest);
    }

    /// The same on a line that has `column` columns already.
    pub fn go_on(&mut self, text: &str, mut column: usize, rest: usize) {
        let mut begun = false;
        for word in text.split(' ') {
            // Colours take no room.
            let len = strip_str(word).to_string().len();
            if begun && column + 1 + len > self.width {
                let _ = write!(self.out, "\n{:rest$}", "");
                (column, begun) = (rest, false);
            }
            if begun {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(word);
            column += len;
            begun = true;
        }
        self.out.push('\n');
    }
}
