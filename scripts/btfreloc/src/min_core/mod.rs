// SPDX-License-Identifier: GPL-2.0

//! `btfreloc min-core`: the types that BPF programs need, for kernels that have no BTF.
//!
//! | file | |
//! | --- | --- |
//! | [`object`], [`relocation`], [`spec`], [`owned`] | what programs ask for |
//! | [`candidates`], [`targets`], [`resolved`] | where it is looked for |
//! | [`matching`], [`compat`], [`size`], [`asked`] | what it becomes there, by libbpf's rules |
//! | [`keep`], [`write`], [`split`], [`merged`] | what is kept of that, and how it is written |
//! | [`prove`] | that nothing becomes something else by it |

pub mod asked;
pub mod candidates;
pub mod compat;
pub mod keep;
pub mod matching;
pub mod merged;
pub mod object;
pub mod owned;
pub mod prove;
pub mod relocation;
pub mod resolved;
pub mod size;
pub mod spec;
pub mod split;
pub mod targets;
pub mod write;

use std::fs;
use std::io::{stderr, Write};
use std::path::Path;

use anyhow::{Context, Error, Result};
use rayon::prelude::*;

use serde::Serialize;

use crate::cli::{self, Format};
use crate::each::types;
use crate::input::{is_stream, Kernel};
use crate::status::{complain, note, without_notes, Status};
use crate::terminal::shown;
use crate::{json, output};
use object::Object;
use resolved::Resolved;

/// Writes the types that programs need.
///
/// # Errors
///
/// A program, the kernel or a module cannot be read, or the output cannot be written.
pub fn run(args: &cli::MinCore) -> Result<Status> {
    without_notes(args.quiet);
    let kernel = Kernel::read(&args.base)?;
    let objects = args.programs.par_iter().map(|path| Object::read(path));
    let objects = objects.collect::<Result<Vec<_>>>()?;
    let (resolved, wrong) = resolved::resolve(args, &kernel, &objects)?;
    if !wrong.is_empty() {
        return findings(args, &kernel, &wrong);
    }
    // All of it is made before any of it is written.
    let files = args
        .output
        .as_ref()
        .map(|folder| Ok::<_, Error>((folder, split::files(&resolved)?)));
    let files = files.transpose()?;
    if let Some((_, files)) = &files {
        prove::files(&resolved, files)?;
    }
    let one = match &args.merged {
        None => None,
        Some(path) => match merged::merged(&resolved, args.prefer.as_deref()) {
            Ok(one) => Some((path, one)),
            Err(wrong) => return findings(args, &kernel, &wrong),
        },
    };
    if let Some((_, one)) = &one {
        prove::merged(&resolved, one)?;
    }
    remark(&resolved);
    let mut results = Vec::new();
    if let Some((folder, files)) = &files {
        put(&resolved, folder, files, &mut results)?;
    }
    if let Some((path, one)) = &one {
        output::write(path, &one.bytes)?;
        results.push(Written::of(path, None, &one.bytes));
    }
    let errors = Vec::new();
    print(args, &kernel, &Report { results, errors })?;
    Ok(Status::Clean)
}

/// A file that was written.
#[derive(Serialize)]
struct Written {
    file: String,
    /// Whose types are in it, as below /sys/kernel/btf; nothing where it has those of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<u32>,
    size: usize,
}

/// All that was done.
#[derive(Serialize)]
struct Report {
    results: Vec<Written>,
    errors: Vec<String>,
}

impl Written {
    fn of(path: &Path, of: Option<&str>, bytes: &[u8]) -> Self {
        Written {
            file: path.display().to_string(),
            of: of.map(str::to_owned),
            types: types(bytes),
            size: bytes.len(),
        }
    }
}

/// Prints what was written; where a file is standard output, for people alone and elsewhere.
fn print(args: &cli::MinCore, kernel: &Kernel, report: &Report) -> Result<()> {
    let write = |out: &mut dyn Write| -> Result<()> {
        for Written { file, size, .. } in &report.results {
            writeln!(out, "{}: {size} bytes", shown(file))?;
        }
        Ok(())
    };
    let form = output::Form {
        format: args.format,
        command: "min-core",
        kernels: vec![json::Named::of(kernel)],
    };
    let is_quiet = args.quiet && args.format == Format::Text;
    match args.merged.as_deref().is_some_and(is_stream) {
        _ if is_quiet => Ok(()),
        true => write(&mut stderr()).context("standard error"),
        false => form
            .print(report, |out| write(out))
            .context("standard output"),
    }
}

/// Says how many relocations find nothing: perhaps a module was not named.
fn remark(resolved: &Resolved<'_>) {
    let questions = resolved.questions.iter();
    let count = questions
        .filter(|question| question.finds_nothing())
        .count();
    if count > 0 {
        let all = resolved.questions.len();
        note(&format!(
            "{count} of {all} relocations find nothing: name the modules with --modules if their types are meant"
        ));
    }
}

/// Reports why nothing is written.
fn findings(args: &cli::MinCore, kernel: &Kernel, wrong: &[Error]) -> Result<Status> {
    wrong.iter().for_each(complain);
    let report = Report {
        results: Vec::new(),
        errors: wrong.iter().map(|error| format!("{error:#}")).collect(),
    };
    print(args, kernel, &report)?;
    Ok(Status::Findings)
}

/// Writes one file for vmlinux and for each module that is needed.
fn put(
    resolved: &Resolved<'_>,
    folder: &Path,
    files: &split::Files,
    written: &mut Vec<Written>,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let modules = files.modules.iter().filter_map(|(place, bytes, _)| {
        let target = resolved.targets.get(*place)?;
        Some((&*target.name, bytes))
    });
    for (name, bytes) in [("vmlinux", &files.base.0)].into_iter().chain(modules) {
        let path = folder.join(name);
        output::write(&path, bytes)?;
        written.push(Written::of(&path, Some(name), bytes));
    }
    Ok(())
}
