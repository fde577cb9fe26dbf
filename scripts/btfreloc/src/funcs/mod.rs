// SPDX-License-Identifier: GPL-2.0

//! `btfreloc funcs`: where the functions of modules are, those that share a name each by itself.

mod add;
mod file;
mod function;
mod kallsyms;
mod lines;
mod list;
mod loaded;
mod machine;
mod make;
mod symbol;
mod table;
mod text;
mod traceable;

use anyhow::Result;

pub(crate) use function::words as in_words;
pub(crate) use table::read as table_of;

pub use add::{add_to, mapped_funcs, with_funcs, without_funcs};
pub use table::has_funcs;

use crate::cli;
use crate::status::Status;

/// Adds tables, or lists functions.
///
/// # Errors
///
/// As what is done.
pub fn run(args: &cli::Funcs) -> Result<Status> {
    match &args.command {
        Some(cli::FuncsCommand::Add(change)) => add::run(change),
        None => list::run(&args.list),
    }
}
