// SPDX-License-Identifier: GPL-2.0

//! `btfreloc`: whether the BTF of kernel modules is valid on a kernel.

use std::process::ExitCode;

use anyhow::Result;
use btfreloc::cli::{Cli, Command};
use btfreloc::{
    check, diff, distill, docs, encode, extract, funcs, inspect, loaded, min_core, relocate,
    resolve_ids, status,
};
use clap::Parser;

fn main() -> ExitCode {
    status::exit(run(Cli::parse().command))
}

fn run(command: Command) -> Result<status::Status> {
    match command {
        Command::Status(args) => loaded::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Relocate(args) => relocate::run(&args),
        Command::ResolveIds(args) => resolve_ids::run(&args),
        Command::Encode(args) => encode::run(&args),
        Command::Distill(args) => distill::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::MinCore(args) => min_core::run(&args),
        Command::Funcs(args) => funcs::run(&args),
        Command::Man { dir } => docs::man(&dir),
        Command::Completions { shell } => docs::completions(shell),
    }
}
