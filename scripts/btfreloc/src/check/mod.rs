// SPDX-License-Identifier: GPL-2.0

//! `btfreloc check`: modules by kernels, each with its verdict.

mod groups;
mod matrix;
mod named;
mod rebased;
mod relocated;
mod row;
mod summary;
mod text;

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use serde::Serialize;

use matrix::Matrix;
pub use relocated::Detail;
use relocated::RelocatedTypes;
pub(crate) use row::NewSections;
pub use row::{Answer, KernelAlone, Outcome, Row, Target};
pub use summary::Summary;
pub(crate) use text::{answer, said};

use crate::cli::{self, Format};
use crate::decide::policy;
use crate::input::{self, Kernel, Module};
use crate::older::Limits;
use crate::progress::batches;
use crate::status::{complain_each, Status};
use crate::{json, output};

/// Modules whose rows are in memory with all that a page takes from them.
const AT_ONCE: usize = 128;

/// All that is known when everything was checked.
#[derive(Serialize)]
struct Report {
    results: Vec<Row>,
    errors: Vec<String>,
    summary: Summary,
    /// What each kernel is called in the text, after what it is called in the rows.
    #[serde(skip)]
    kernels: Vec<(String, String)>,
}

impl Report {
    /// What the kernel of this label is called in the text.
    fn shown<'r>(&'r self, label: &'r str) -> &'r str {
        let found = self.kernels.iter().find(|(known, _)| known == label);
        found.map_or(label, |(_, shown)| shown)
    }

    fn is_on_one_module(&self) -> bool {
        let first = self.results.first();
        let rows = self.results.iter();
        rows.skip(1)
            .all(|row| first.is_some_and(|first| first.module == row.module))
    }
}

/// Checks every module against every kernel and prints the verdicts.
///
/// # Errors
///
/// A kernel cannot be read, or nothing can be printed. A module that cannot be read is reported and
/// counted, and the others are checked.
pub fn run(args: &cli::Check) -> Result<Status> {
    let named = args.modules.iter().chain(&args.against).chain(&args.base);
    input::once_only(named.map(|path| path.as_path()))?;
    if page_only(args) && args.format == Format::Json {
        bail!(
            "--matrix - and --format json both write to standard output: name a file for the page"
        );
    }
    let (kernels, unread) = named::kernels(args)?;
    let bases = named::Bases::of(args)?;
    let mut matrix = args.matrix.is_some().then(|| Matrix::new(&kernels));
    let limits: Vec<_> = kernels.iter().map(Limits::of).collect();
    let target = |(kernel, limits)| Target {
        kernel,
        limits,
        supply: bases.of_kernel(kernel, limits, &args.root),
    };
    let targets: Vec<_> = kernels.iter().zip(&limits).map(target).collect();
    let mut report = check(args, &targets, matrix.as_mut());
    report.errors.splice(..0, unread);
    report.kernels = named::shown(&kernels);
    complain_each(&report.errors);
    print(args, &kernels, &report, matrix.as_ref())?;
    let mut outcomes = report.results.iter().map(|row| row.outcome);
    let is_clean = outcomes.all(|outcome| outcome.is_clean(args.strict));
    Ok(Status::of(&report.errors, !is_clean))
}

/// Prints what was found, and writes the page that is asked for.
fn print(
    args: &cli::Check,
    kernels: &[Kernel],
    report: &Report,
    matrix: Option<&Matrix>,
) -> Result<()> {
    if !page_only(args) {
        let form = output::Form {
            format: args.format,
            command: "check",
            kernels: kernels.iter().map(json::Named::of).collect(),
        };
        let print = form.print(report, |out| text::write(out, args, report));
        print.context("standard output")?;
    }
    if let (Some(matrix), Some(path)) = (matrix, &args.matrix) {
        let page = matrix.page(args.strict, &report.errors)?;
        output::write(path, page.as_bytes())?;
    }
    Ok(())
}

fn check(args: &cli::Check, targets: &[Target<'_>], mut matrix: Option<&mut Matrix>) -> Report {
    let modules = named::modules(args);
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    let mut add = |rows: Result<Vec<Row>>| match (rows, &mut matrix) {
        (Ok(rows), None) => results.extend(rows),
        (Ok(rows), Some(matrix)) => {
            matrix.add(&rows);
            results.extend(rows.into_iter().map(|row| printed(args, row)));
        }
        (Err(error), _) => errors.push(format!("{error:#}")),
    };
    let check = |path: PathBuf| check_one(args, targets, &path);
    batches(modules, AT_ONCE, check, |checked| {
        checked.into_iter().for_each(&mut add)
    });
    Report {
        summary: Summary::of(&results),
        results,
        errors,
        kernels: Vec::new(),
    }
}

fn check_one(args: &cli::Check, targets: &[Target<'_>], path: &Path) -> Result<Vec<Row>> {
    let detail = match (args.explain, &args.matrix) {
        (true, _) => Detail::Explained,
        (false, Some(_)) => Detail::OpaqueExplained,
        (false, None) => Detail::Opaque,
    };
    let module = Module::read(path)?;
    ensure!(
        !module.image().wrapping.contains(&"vmlinuz"),
        "{}: this is a kernel: name it with an --against of its own, or its folder",
        module.label()
    );
    let sections = module
        .sections()
        .with_context(|| module.label().to_owned())?;
    let row = |target| Row::new(&module, &sections, target, policy(args.strict), detail);
    Ok(targets.iter().map(row).collect())
}

/// What is still needed of a row that is on the page.
fn printed(args: &cli::Check, mut row: Row) -> Row {
    if page_only(args) {
        (row.relocation, row.rebase) = (None, None);
    } else if !args.explain {
        row.relocation
            .iter_mut()
            .for_each(RelocatedTypes::forget_candidates);
    }
    row
}

/// Whether the page takes the place of what is printed.
fn page_only(args: &cli::Check) -> bool {
    args.matrix.as_deref().is_some_and(input::is_stream)
}
