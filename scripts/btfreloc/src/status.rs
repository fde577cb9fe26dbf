// SPDX-License-Identifier: GPL-2.0

//! The exit status, and how what went wrong is reported.

use std::fmt::{self, Arguments, Display, Formatter};
use std::io::{self, stderr, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Error;

/// Whether there are to be no notes.
static QUIET: AtomicBool = AtomicBool::new(false);

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All checks passed.
    Clean = 0,
    /// There are findings.
    Findings = 1,
    /// Something could not be read.
    BadInput = 2,
}

impl Status {
    /// That of a command with `errors` about some of its inputs, and about the others findings or none.
    pub fn of(errors: &[String], has_findings: bool) -> Self {
        match has_findings {
            _ if !errors.is_empty() => Status::BadInput,
            true => Status::Findings,
            false => Status::Clean,
        }
    }
}

/// A finding about an input that could be read.
#[derive(Debug)]
pub struct Finding(pub String);

impl std::error::Error for Finding {}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The exit status of a command; an error is reported on standard error.
pub fn exit(result: Result<Status, Error>) -> ExitCode {
    let status = match result {
        Ok(status) => status,
        Err(error) => {
            // A reader that has seen enough is no error to talk of.
            if !is_broken_pipe(&error) {
                complain(&error);
            }
            Status::BadInput
        }
    };
    ExitCode::from(status as u8)
}

/// One line on standard error.
pub fn complain(error: &Error) {
    print(format_args!("{error:#}"));
}

/// A line each on standard error.
pub fn complain_each(errors: &[String]) {
    for error in errors {
        print(format_args!("{error}"));
    }
}

/// Reports one of several inputs with which something is wrong, there and among `errors`; the exit status for it.
pub fn failed(error: &Error, errors: &mut Vec<String>) -> Status {
    complain(error);
    errors.push(format!("{error:#}"));
    match error.is::<Finding>() {
        true => Status::Findings,
        false => Status::BadInput,
    }
}

/// One line on standard error about what was done nevertheless.
pub fn warn(what: &str) {
    print(format_args!("warning: {what}"));
}

/// Leaves out [`note`]s from here on, for a user who wants to see warnings and errors alone.
pub fn without_notes(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// One line on standard error about what was decided and may surprise.
pub fn note(what: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        print(format_args!("note: {what}"));
    }
}

fn print(what: Arguments<'_>) {
    // Where standard error is closed, the exit status still says it.
    let _ = writeln!(stderr(), "btfreloc: {}", inert(&what.to_string()));
}

/// `text` without what a terminal would act on: names of files are anybody's.
fn inert(text: &str) -> String {
    let acts = |char: char| match char {
        '\n' | '\t' => false,
        // Those that change the direction of what comes after them.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        char => char.is_control(),
    };
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match acts(char) {
            true => shown.extend(char.escape_unicode()),
            false => shown.push(char),
        }
    }
    shown
}

fn is_broken_pipe(error: &Error) -> bool {
    let kinds = error.chain().filter_map(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        io.or(json.and_then(serde_json::Error::io_error_kind))
    });
    kinds
        .into_iter()
        .any(|kind| kind == io::ErrorKind::BrokenPipe)
}
