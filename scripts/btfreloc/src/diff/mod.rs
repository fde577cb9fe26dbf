// SPDX-License-Identifier: GPL-2.0

//! `btfreloc diff`: which types one kernel has and another has not, or not like that, and which
//! modules use them.

mod alike;
mod change;
mod changed;
mod holders;
mod layout;
mod spelled;
mod text;
mod uses;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;
use rust_btfreloc::btf::Kind;
use serde::Serialize;

pub use change::{Change, Changed};

use crate::cli;
use crate::input::{self, Kernel, Module};
use crate::json::Named;
use crate::output;
use crate::progress;
use crate::status::{complain_each, note, Status};
use uses::Uses;

/// All that is known of the difference between two kernels.
#[derive(Serialize)]
struct Report {
    /// The modules that were looked at.
    modules: Vec<Using>,
    /// The types that are not as they were.
    results: Vec<Changed>,
    summary: Summary,
    errors: Vec<String>,
}

/// A module.
#[derive(Serialize)]
struct Using {
    module: String,
    /// How many types it uses that are not as they were.
    uses: u32,
}

/// How many types are not as they were.
#[derive(Default, Serialize)]
struct Summary {
    /// Types with a name of the first kernel, and of them those that changed.
    types: usize,
    gone: usize,
    resized: usize,
    changed: usize,
    holds_changed: usize,
    /// Functions likewise.
    functions: usize,
    functions_gone: usize,
    functions_changed: usize,
    /// Types and functions that changed and that a module uses.
    used: usize,
    /// Modules that use one.
    modules_affected: usize,
}

/// Compares two kernels and prints what differs.
///
/// # Errors
///
/// A kernel cannot be read, or nothing can be printed. A module that cannot be read is reported, and the
/// others are looked at.
pub fn run(args: &cli::Diff) -> Result<Status> {
    let named = [&args.from, &args.to].into_iter().chain(&args.modules);
    input::once_only(named.map(PathBuf::as_path))?;
    let (from, to) = rayon::join(|| Kernel::read(&args.from), || Kernel::read(&args.to));
    let (from, to) = (from?, to?);
    let report = compare(&from, &to, &modules(args, &from));
    complain_each(&report.errors);
    let form = output::Form {
        format: args.format,
        command: "diff",
        kernels: [&from, &to].map(Named::of).into(),
    };
    let print = form.print(&report, |out| {
        text::write(out, &form.kernels, &report, args.verbose)
    });
    print.context("standard output")?;
    let differs = match report.modules.is_empty() {
        true => !report.results.is_empty(),
        false => report.summary.used != 0,
    };
    Ok(Status::of(&report.errors, differs))
}

/// The modules that were named, or else those of the first kernel that are installed.
fn modules(args: &cli::Diff, from: &Kernel) -> Vec<Result<PathBuf>> {
    if !args.modules.is_empty() {
        return input::modules(&args.modules);
    }
    let folder = from
        .release()
        .map(|release| Path::new("/lib/modules").join(release));
    match folder.filter(|folder| folder.is_dir()) {
        Some(folder) => input::modules(&[folder]),
        None => {
            note("no modules of the first kernel are installed: all differences are shown; name a folder of \
                  modules to see which of them it matters to");
            Vec::new()
        }
    }
}

fn compare(from: &Kernel, to: &Kernel, paths: &[Result<PathBuf>]) -> Report {
    let base = from.base();
    let (mut types, count) = changed::find(&base, &to.base());
    let is_function = |changed: &&Changed| changed.kind == Kind::Func.to_string();
    let functions = types.iter().filter(is_function).filter_map(|changed| {
        let record = base.btf().record(changed.id)?;
        Some((base.btf().name(record.name_off())?, changed.id))
    });
    let mut functions: Vec<_> = functions.collect();
    functions.sort_unstable();
    let uses = Uses {
        kernel: from,
        functions,
    };
    let numbers = types.iter().enumerate();
    let numbers: HashMap<_, _> = numbers.map(|(at, changed)| (changed.id, at)).collect();
    let (modules, errors) = used(&uses, &numbers, paths, &mut types);
    let all = base.btf().own_records();
    let functions = all
        .filter(|(_, record)| record.kind() == Kind::Func)
        .count();
    Report {
        summary: Summary {
            types: count.saturating_sub(functions),
            functions,
            modules_affected: modules.iter().filter(|module| module.uses != 0).count(),
            ..Summary::of(&types)
        },
        modules,
        results: types,
        errors,
    }
}

/// Finds which of `types`, by their ids in `numbers`, each module uses, and says so there.
fn used(
    uses: &Uses<'_>,
    numbers: &HashMap<u32, usize>,
    paths: &[Result<PathBuf>],
    types: &mut [Changed],
) -> (Vec<Using>, Vec<String>) {
    let progress = progress::bar(paths.len());
    let of = |words: &mut Vec<u32>, path: &Result<PathBuf>| {
        let used = path.as_ref().map_err(|error| format!("{error:#}"));
        let used = used
            .and_then(|path| one(uses, numbers, path, words).map_err(|error| format!("{error:#}")));
        progress.inc(1);
        used
    };
    let found: Vec<_> = paths.par_iter().map_init(Vec::new, of).collect();
    progress.finish_and_clear();
    let (mut modules, mut errors) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok((module, used)) => {
                let at = modules.len() as u32;
                modules.push(Using {
                    module,
                    uses: used.len() as u32,
                });
                for changed in used {
                    types[changed].modules.push(at);
                }
            }
            Err(error) => errors.push(error),
        }
    }
    (modules, errors)
}

fn one(
    uses: &Uses<'_>,
    numbers: &HashMap<u32, usize>,
    path: &Path,
    words: &mut Vec<u32>,
) -> Result<(String, Vec<usize>)> {
    let module = Module::read(path)?;
    let label = module.label().to_owned();
    let used = uses.of(&module, words).with_context(|| label.clone())?;
    let used = used.iter().filter_map(|id| numbers.get(id)).copied();
    Ok((label, used.collect()))
}

impl Summary {
    /// Counts `types`.
    fn of(types: &[Changed]) -> Self {
        let mut summary = Summary::default();
        for changed in types {
            let count = match (changed.change, changed.kind == Kind::Func.to_string()) {
                (Change::Gone, true) => &mut summary.functions_gone,
                (_, true) => &mut summary.functions_changed,
                (Change::Gone, false) => &mut summary.gone,
                (Change::Resized, false) => &mut summary.resized,
                (Change::Changed, false) => &mut summary.changed,
                (Change::HoldsChanged, false) => &mut summary.holds_changed,
            };
            *count += 1;
            summary.used += usize::from(!changed.modules.is_empty());
        }
        summary
    }
}
