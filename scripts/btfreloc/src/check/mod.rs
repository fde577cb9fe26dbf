// SPDX-License-Identifier: GPL-2.0

//! `btfreloc check`: modules by kernels, each with its verdict.

mod progress;
mod rebased;
mod row;
mod summary;
mod text;

use std::io::{stdout, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;
use rust_btfreloc::reloc::Policy;
use serde::Serialize;

pub use row::{Outcome, Row};
pub use summary::Summary;

use crate::cli::{self, Format};
use crate::input::{self, Kernel, Module};
use crate::status::{complain, Status};

/// All that is known when everything was checked.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    results: Vec<Row>,
    errors: Vec<String>,
    summary: Summary,
}

/// Checks every module against every kernel and prints the verdicts.
///
/// # Errors
///
/// A kernel cannot be read, or nothing can be printed. A module that cannot be read is told and
/// counted, and the others are checked.
pub fn run(args: &cli::Check) -> Result<Status> {
    let named = args.modules.iter().chain(&args.against);
    input::once_only(named.map(|path| path.as_path()))?;
    let kernels: Vec<_> = args.against.iter().map(|name| Kernel::read(name)).collect();
    let kernels = kernels.into_iter().collect::<Result<Vec<_>>>()?;
    let report = check(args, &kernels);
    for error in &report.errors {
        complain(&anyhow::Error::msg(error.clone()));
    }
    let mut out = BufWriter::new(stdout().lock());
    match args.format {
        Format::Text => text::write(&mut out, args, &report),
        Format::Json => json(&mut out, &report),
    }
    .and_then(|()| Ok(out.flush()?))
    .context("standard output")?;
    let mut outcomes = report.results.iter().map(|row| row.outcome);
    Ok(match outcomes.all(|outcome| outcome.is_true(args.strict)) {
        _ if !report.errors.is_empty() => Status::BadInput,
        true => Status::True,
        false => Status::NotTrue,
    })
}

fn check(args: &cli::Check, kernels: &[Kernel]) -> Report {
    let modules = input::modules(&args.modules);
    let progress = progress::bar(modules.len());
    let checked: Vec<Result<Vec<Row>>> = modules
        .into_par_iter()
        .map(|path| {
            let rows = path.and_then(|path| check_one(args, kernels, &path));
            progress.inc(1);
            rows
        })
        .collect();
    progress.finish_and_clear();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for rows in checked {
        match rows {
            Ok(rows) => results.extend(rows),
            Err(error) => errors.push(format!("{error:#}")),
        }
    }
    Report {
        version: env!("CARGO_PKG_VERSION"),
        summary: Summary::of(&results),
        results,
        errors,
    }
}

fn check_one(args: &cli::Check, kernels: &[Kernel], path: &Path) -> Result<Vec<Row>> {
    let policy = match args.strict {
        true => Policy::Strict,
        false => Policy::Opaque,
    };
    let module = Module::read(path)?;
    let sections = module
        .sections()
        .with_context(|| module.label().to_owned())?;
    let row = |kernel| Row::new(&module, &sections, kernel, policy, args.explain);
    Ok(kernels.iter().map(row).collect())
}

fn json(out: &mut impl Write, report: &Report) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    Ok(writeln!(out)?)
}
