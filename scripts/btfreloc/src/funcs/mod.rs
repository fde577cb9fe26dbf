// SPDX-License-Identifier: GPL-2.0

//! `btfreloc funcs`: where the functions of modules are, those that share a name each by itself.

mod add;
mod machine;
mod make;
mod symbol;
mod table;
mod traceable;

use anyhow::Result;

pub use add::{add_to, has_funcs, mapped_funcs, with_funcs, without_funcs};

use crate::cli;
use crate::status::Status;

/// Adds tables, or lists functions.
///
/// # Errors
///
/// As what is done.
pub fn run(args: &cli::Funcs) -> Result<Status> {
    match &args.command {
        cli::FuncsCommand::Add(change) => add::run(change),
    }
}
