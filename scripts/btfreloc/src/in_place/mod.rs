// SPDX-License-Identifier: GPL-2.0

//! `btfreloc relocate --in-place`: files of modules get the BTF that a kernel takes as it is.
//!
//! What becomes of a module is the same decision that rust_btfreloc makes while one loads. What it would
//! drop is left in the file, unless `--drop` says otherwise: a file has no original to go back to.

mod change;
mod sign;
mod text;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, Context, Result};
use serde::Serialize;

pub use change::{Became, Changed};
pub use sign::enforced;

use crate::check::Target;
use crate::cli;
use crate::decide::Supply;
use crate::input::{self, running_release, Kernel, SuppliedBases};
use crate::json;
use crate::kept::Prepared;
use crate::older::Limits;
use crate::output;
use crate::progress::batches;
use crate::status::{complain_each, Status};

/// Where the running kernel shows what it wants.
const ROOT: &str = "/";

/// Modules whose new files are written before those take their places.
const AT_ONCE: usize = 256;

/// What modules are changed by.
struct Task<'a> {
    args: &'a cli::Relocate,
    target: Target<'a>,
    /// Whether a signature may not be lost.
    is_enforced: bool,
}

/// All that was done.
#[derive(Serialize)]
struct Report {
    dry_run: bool,
    results: Vec<Changed>,
    errors: Vec<String>,
    summary: Summary,
}

/// How many modules became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub modules: u32,
    pub changed: u32,
    pub unchanged: u32,
    pub refused: u32,
    pub signatures_removed: u32,
}

/// Changes all modules.
///
/// # Errors
///
/// The kernel or a base cannot be read, or nothing can be printed. A module that cannot be read or
/// written is reported, and the others are changed.
pub fn run(args: &cli::Relocate) -> Result<Status> {
    run_in(args, Path::new(ROOT))
}

/// The same on the machine of `root`.
///
/// # Errors
///
/// As [`run`].
pub fn run_in(args: &cli::Relocate, root: &Path) -> Result<Status> {
    let named = args.modules.iter().chain(&args.base).chain([&args.against]);
    input::once_only(named.map(PathBuf::as_path))?;
    let kernel = Kernel::read(&args.against)?;
    let bases = input::named_bases(&args.base)?;
    let running = running_release(root).unwrap_or_default();
    let installed = SuppliedBases::of(root, &running);
    let task = Task {
        args,
        target: Target {
            kernel: &kernel,
            limits: &Limits::of(&kernel),
            supply: match bases.is_empty() {
                true => Supply::InstalledUnnamed(&installed),
                false => Supply::Named(&bases),
            },
        },
        // The next kernel of a machine enforces what the running one does.
        is_enforced: enforced(root),
    };
    let report = task.change_all();
    complain_each(&report.errors);
    let named = [&kernel].into_iter().chain(&bases);
    let form = output::Form {
        format: args.format,
        command: "relocate",
        kernels: named.map(json::Named::of).collect(),
    };
    let print = form.print(&report, |out| text::write(out, args, &report));
    print.context("standard output")?;
    Ok(Status::of(&report.errors, report.summary.refused != 0))
}

/// What would become of the module `path` by `args`, on `target`, which runs in `root`.
///
/// # Errors
///
/// It cannot be read.
pub fn foretold(
    args: &cli::Relocate,
    target: Target<'_>,
    root: &Path,
    path: &Path,
) -> Result<Changed> {
    let task = Task {
        args: &cli::Relocate {
            dry_run: true,
            ..args.clone()
        },
        target,
        is_enforced: enforced(root),
    };
    task.change(path)
}

impl Task<'_> {
    fn change_all(&self) -> Report {
        let modules = each_once(input::modules(&self.args.modules));
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        let change = |path: PathBuf| self.change(&path);
        batches(modules, AT_ONCE, change, |changed| {
            for changed in self.put(changed) {
                match changed {
                    Ok(changed) => results.push(changed),
                    Err(error) => errors.push(format!("{error:#}")),
                }
            }
        });
        Report {
            dry_run: self.args.dry_run,
            summary: Summary::of(&results),
            results,
            errors,
        }
    }

    /// Puts the new files in the places of the old ones.
    fn put(&self, mut changed: Vec<Result<Changed>>) -> Vec<Result<Changed>> {
        let prepared = changed
            .iter()
            .flatten()
            .filter_map(|changed| changed.prepared.as_ref());
        let synced = Prepared::sync(prepared);
        for changed in &mut changed {
            let Ok(Changed {
                module, prepared, ..
            }) = changed
            else {
                continue;
            };
            let Some(prepared) = prepared.take() else {
                continue;
            };
            let label = module.clone();
            let put = match &synced {
                Ok(()) => prepared.put(self.args.backup),
                Err(error) => Err(anyhow!("{error}")),
            };
            if let Err(error) = put.context(label) {
                *changed = Err(error);
            }
        }
        changed
    }
}

/// Each file once, by whatever links and folders it was named.
fn each_once(modules: Vec<Result<PathBuf>>) -> Vec<Result<PathBuf>> {
    let mut seen = HashSet::new();
    let mut is_new = |path: &Path| fs::canonicalize(path).map_or(true, |path| seen.insert(path));
    let modules = modules.into_iter();
    modules
        .filter(|path| path.as_ref().map_or(true, |path| is_new(path)))
        .collect()
}

impl Summary {
    fn of(results: &[Changed]) -> Self {
        let mut summary = Summary::default();
        for changed in results {
            summary.modules += 1;
            match changed.became {
                Became::Changed => summary.changed += 1,
                Became::Unchanged => summary.unchanged += 1,
                Became::Refused => summary.refused += 1,
            }
            summary.signatures_removed += u32::from(changed.signature_removed);
        }
        summary
    }
}
