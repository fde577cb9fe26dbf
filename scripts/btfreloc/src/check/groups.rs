// SPDX-License-Identifier: GPL-2.0

//! Verdicts on many modules for people: of each kernel how many have which, with an example.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use indexmap::IndexMap;

use super::row::Answer;
use super::text::{alone, answer, own_reason, said, words};
use super::{Outcome, Report, Row};
use crate::cli;
use crate::terminal::{shown, width, Lines};

/// Columns of a count.
const COUNT: usize = 7;
/// Columns before an example.
const INDENT: usize = COUNT + 2;

/// What the rows of a group have in common: the verdict, in words as well, and what the kernel alone
/// answers.
type Verdict<'r> = (Outcome, &'static str, Option<Answer>);

/// Writes the groups of each kernel, what is as it should be first.
pub(super) fn write(out: &mut String, args: &cli::Check, report: &Report) {
    let mut kernels = IndexMap::<&str, Vec<&Row>>::new();
    for row in &report.results {
        kernels.entry(&row.kernel).or_default().push(row);
    }
    for (kernel, rows) in kernels {
        let count = rows.len();
        let mut groups = groups(rows, args.strict);
        groups.retain(|((outcome, ..), _)| !(args.quiet && outcome.is_clean(args.strict)));
        if groups.is_empty() {
            continue;
        }
        let name = shown(report.shown(kernel));
        let bold = Style::new().bold();
        let _ = writeln!(out, "{bold}{name}{bold:#}: {count} modules");
        for (verdict, rows) in groups {
            write_group(out, args, verdict, &rows);
        }
        out.push('\n');
    }
}

/// The rows by what they have in common, the worst last.
fn groups(rows: Vec<&Row>, strict: bool) -> Vec<(Verdict<'_>, Vec<&Row>)> {
    let mut groups = IndexMap::<Verdict<'_>, Vec<&Row>>::new();
    for row in rows {
        let answer = alone(row).map(|alone| alone.answer);
        let verdict = (row.outcome, words(row), answer);
        groups.entry(verdict).or_default().push(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((outcome, ..), _)| (!outcome.is_clean(strict), *outcome as u8));
    groups
}

fn write_group(out: &mut String, args: &cli::Check, verdict: Verdict<'_>, rows: &[&Row]) {
    let (outcome, words, _) = verdict;
    let style = match outcome {
        outcome if outcome.is_clean(args.strict) => Style::new(),
        Outcome::Dropped | Outcome::LeftToKernel | Outcome::NoBtf => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    };
    let mut head = format!("{:COUNT$}  {style}{words}{style:#}", rows.len());
    let Some(first) = rows.first() else {
        return;
    };
    if let Some(alone) = alone(first) {
        let _ = write!(head, "; the kernel alone {}", answer(alone));
    }
    let mut lines = Lines::new(out, width());
    lines.write(head.trim_start(), COUNT - digits(rows.len()), INDENT);
    if !outcome.is_clean(args.strict) {
        lines.write(&example(first), INDENT, INDENT);
    }
}

/// A module, and what is said of it.
fn example(row: &Row) -> String {
    let mut text = format!("such as {}", shown(&row.module));
    if let Some(said) = said(row) {
        let _ = write!(text, ": {}", shown(&said));
    }
    if let Some(reason) = alone(row).and_then(|alone| own_reason(row, alone)) {
        let _ = write!(text, "; without rust_btfreloc: {reason}");
    }
    text
}

fn digits(count: usize) -> usize {
    count.to_string().len()
}
