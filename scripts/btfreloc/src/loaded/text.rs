// SPDX-License-Identifier: GPL-2.0

//! The report for people: modules by what became of their BTF, what there is to do last.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::row::{Row, State};
use super::Report;
use crate::cli;
use crate::terminal::{shown, width, Lines};

/// Narrower than this, what is said of a module has lines of its own.
const NARROW: usize = 60;
const INDENT: usize = 2;
/// Most columns that names of modules take.
const NAMES: usize = 24;

pub(super) fn written(args: &cli::Status, report: &Report) -> String {
    let page = Page {
        width: width(),
        all: args.verbose || !args.modules.is_empty(),
    };
    let mut out = String::new();
    if report.results.is_empty() && !report.errors.is_empty() {
        return out;
    }
    if !args.quiet {
        page.head(&mut out, report);
    }
    for state in State::ALL.iter().rev() {
        if state.is_finding() || !args.quiet {
            page.group(&mut out, report, *state);
        }
    }
    if !args.quiet {
        page.foot(&mut out, report);
    }
    out
}

struct Page {
    width: usize,
    /// What became of each module is shown, not of those alone for which there is something to do.
    all: bool,
}

impl Page {
    fn lines<'o>(&self, out: &'o mut String) -> Lines<'o> {
        Lines::new(out, self.width)
    }

    fn head(&self, out: &mut String, report: &Report) {
        let ours = &report.rust_btfreloc;
        let policy = match ours.policy.as_deref() {
            Some("0") => ", policy strict",
            Some("1") => ", policy opaque",
            _ => "",
        };
        let ours = match (ours.loaded, ours.to_do) {
            (true, _) => format!("rust_btfreloc is loaded{policy}"),
            (false, Some(how)) => format!("rust_btfreloc is not loaded ({how})"),
            (false, None) => ours.why_not.clone().unwrap_or_default(),
        };
        let kernel = shown(&report.kernel);
        self.lines(out)
            .write(&format!("Linux {kernel}: {ours}"), 0, 2);
    }

    /// The modules in one state.
    fn group(&self, out: &mut String, report: &Report, state: State) {
        let rows = report.results.iter().filter(|row| row.state == state);
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            return;
        }
        let style = match state {
            state if !state.is_finding() => Style::new().bold(),
            State::Opaque | State::Conflicts | State::Reduced => {
                AnsiColor::Yellow.on_default().bold()
            }
            _ => AnsiColor::Red.on_default().bold(),
        };
        if !out.is_empty() {
            out.push('\n');
        }
        let head = format!("{style}{}{style:#} ({})", words(state), rows.len());
        self.lines(out).write(&head, 0, INDENT);
        let says = |row: &&&Row| self.all || state.is_finding() || row.state == State::NotLoaded;
        if rows.iter().any(|row| says(&row)) {
            self.rows(out, &rows);
        } else {
            let names: Vec<_> = rows.iter().map(|row| shown(&row.module)).collect();
            self.lines(out).write(&names.join(" "), INDENT, INDENT);
        }
    }

    fn rows(&self, out: &mut String, rows: &[&Row]) {
        let longest = rows.iter().map(|row| shown(&row.module).len()).max();
        let names = longest.unwrap_or(0).min(NAMES);
        for row in rows {
            let name = shown(&row.module);
            let said = said(row);
            let indent = match self.width < NARROW {
                true => 2 * INDENT,
                false => INDENT + names + 2,
            };
            let fits = self.width >= NARROW && name.len() <= names;
            let _ = match (fits, said.is_empty()) {
                (true, false) => write!(out, "  {name:names$}  "),
                _ => writeln!(out, "  {name}"),
            };
            for (at, line) in said.iter().enumerate() {
                match fits && at == 0 {
                    true => self.lines(out).go_on(line, indent, indent),
                    false => self.lines(out).write(line, indent, indent),
                }
            }
        }
    }

    fn foot(&self, out: &mut String, report: &Report) {
        let findings = report.results.iter().filter(|row| row.state.is_finding());
        let total = report.results.len();
        let modules = if total == 1 { "module" } else { "modules" };
        let findings = match findings.count() {
            0 => "nothing to do".to_owned(),
            count => format!("something to do for {count} of them"),
        };
        out.push('\n');
        self.lines(out)
            .write(&format!("{total} {modules}: {findings}"), 0, 2);
        for what in &report.not_seen {
            self.lines(out)
                .write(&format!("not seen: {}", shown(what)), 0, 2);
        }
    }
}

/// What there is to say of a module, a part each.
fn said(row: &Row) -> Vec<String> {
    let part = |what: &str, words: &Option<String>| {
        let words = words.as_ref()?;
        Some(format!("{what}{}", shown(words)))
    };
    let parts = [
        part("", &row.reason),
        part("by way of firmware ", &row.supplied),
        part(".BTF_ids: ", &row.ids),
        part("with rust_btfreloc: ", &row.with_rust_btfreloc),
        part("in place: ", &row.in_place),
        part("to do: ", &row.to_do),
    ];
    parts.into_iter().flatten().collect()
}

/// A state in words.
fn words(state: State) -> &'static str {
    match state {
        State::Failed => "refused by the kernel, not loaded",
        State::WrongTypes => "with wrong types, made for another kernel",
        State::Refused => "without BTF, as the kernel refused what was made for it",
        State::Dropped => "without BTF, dropped by rust_btfreloc",
        State::Missing => "without BTF, though there is some in the file",
        State::Unread => "with BTF that cannot be read",
        State::Replaced => "with other BTF than there is in the file",
        State::LeftToKernel => "left to the kernel by rust_btfreloc",
        State::Opaque => "relocated with opaque types",
        State::Conflicts => "rebased with conflicts",
        State::Reduced => "registered without types of unknown kinds",
        State::Relocated => "relocated",
        State::Repaired => "relocated by way of a supplied base",
        State::Rebased => "rebased",
        State::AsBuilt => "taken by the kernel as built",
        State::Valid => "valid, as built or relocated",
        State::NoBtf => "built without BTF",
        State::BuiltIn => "built into the kernel",
        State::NotLoaded | State::NotLoadedFinding => "not loaded",
    }
}
