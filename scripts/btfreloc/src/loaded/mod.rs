// SPDX-License-Identifier: GPL-2.0

//! `btfreloc status`: what became of the BTF of the modules that are loaded.

mod advice;
mod build_id;
mod file;
mod gather;
mod in_place;
mod judge;
mod log;
mod machine;
mod row;
mod said;
mod text;

use std::io::Write;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::Serialize;

pub use row::{By, Row, State};

use crate::cli;
use crate::json;
use crate::output;
use crate::status::{complain_each, Status};

/// All that is known when everything was looked at.
#[derive(Serialize)]
struct Report {
    /// The release of the running kernel.
    #[serde(skip)]
    kernel: String,
    rust_btfreloc: RustBtfreloc,
    results: Vec<Row>,
    errors: Vec<String>,
    /// What could not be seen, and what would show it.
    not_seen: Vec<String>,
    summary: IndexMap<String, usize>,
}

/// The kernel module.
#[derive(Serialize)]
struct RustBtfreloc {
    loaded: bool,
    /// Its parameter, where that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// What to do to have it loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_do: Option<&'static str>,
    /// Why it cannot be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
}

/// Reports on the modules that are named, or on all that are loaded.
///
/// # Errors
///
/// The kernel shows no modules, or no BTF of its own.
pub fn run(args: &cli::Status) -> Result<Status> {
    let report = gather::report(&args.root, &args.modules)?;
    complain_each(&report.errors);
    let form = output::Form {
        format: args.format,
        command: "status",
        kernels: vec![json::Named {
            kernel: report.kernel.clone(),
            release: Some(report.kernel.clone()),
        }],
    };
    let print = form.print(&report, |out| {
        Ok(out.write_all(text::written(args, &report).as_bytes())?)
    });
    print.context("standard output")?;
    let mut states = report.results.iter().map(|row| row.state);
    Ok(Status::of(&report.errors, states.any(State::is_finding)))
}
