// SPDX-License-Identifier: GPL-2.0

//! Man pages and completions, made from the definitions of the command line.

use std::io::{stdout, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::status::Status;

/// Writes a page for the tool and one for each command into `dir`.
///
/// # Errors
///
/// The folder cannot be written to.
pub fn man(dir: &Path) -> Result<Status> {
    let pages = clap_mangen::generate_to(Cli::command(), dir);
    pages.with_context(|| format!("{}: cannot write man pages there", dir.display()))?;
    Ok(Status::Clean)
}

/// Prints the completions of `shell`.
///
/// # Errors
///
/// Standard output cannot be written to.
pub fn completions(shell: Shell) -> Result<Status> {
    // Into memory first, as what makes them does not bear an error.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "btfreloc", &mut script);
    stdout().write_all(&script).context("standard output")?;
    Ok(Status::Clean)
}
