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

use std::io::{stdout, Write};

use anyhow::{Context, Result};
use indexmap::IndexMap;
use serde::Serialize;

pub use row::{By, Row, State};

use crate::cli::{self, Format};
use crate::json;
use crate::status::{complain, Status};

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
    for error in &report.errors {
        complain(&anyhow::Error::msg(error.clone()));
    }
    let written = match args.format {
        Format::Text => {
            let text = text::written(args, &report);
            anstream::stdout().write_all(text.as_bytes())
        }
        Format::Json => {
            let running = json::Named {
                kernel: report.kernel.clone(),
                release: Some(report.kernel.clone()),
            };
            json::write(&mut stdout().lock(), "status", &[running], &report)
        }
    };
    written.context("standard output")?;
    let mut states = report.results.iter().map(|row| row.state);
    Ok(match states.any(State::is_finding) {
        _ if !report.errors.is_empty() => Status::BadInput,
        true => Status::Findings,
        false => Status::Clean,
    })
}
