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
use std::io::{stderr, stdout, Write};
use std::path::Path;

use anyhow::{Context, Error, Result};
use rayon::prelude::*;

use crate::cli;
use crate::input::{is_stream, Kernel};
use crate::output;
use crate::status::{complain, note, Status};
use object::Object;
use resolved::Resolved;

/// Writes the types that programs need.
///
/// # Errors
///
/// A program, the kernel or a module cannot be read, or the output cannot be written.
pub fn run(args: &cli::MinCore) -> Result<Status> {
    let kernel = Kernel::read(&args.base)?;
    let objects = args.programs.par_iter().map(|path| Object::read(path));
    let objects = objects.collect::<Result<Vec<_>>>()?;
    let (resolved, wrong) = resolved::resolve(args, &kernel, &objects)?;
    if !wrong.is_empty() {
        return Ok(findings(&wrong));
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
            Err(wrong) => return Ok(findings(&wrong)),
        },
    };
    if let Some((_, one)) = &one {
        prove::merged(&resolved, one)?;
    }
    remark(&resolved);
    if let Some((folder, files)) = &files {
        put(&resolved, folder, files)?;
    }
    if let Some((path, one)) = &one {
        output::write(path, &one.bytes)?;
        say(path, &one.bytes, is_stream(path))?;
    }
    Ok(Status::Clean)
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

fn findings(wrong: &[Error]) -> Status {
    wrong.iter().for_each(complain);
    Status::Findings
}

/// Writes one file for vmlinux and for each module that is needed.
fn put(resolved: &Resolved<'_>, folder: &Path, files: &split::Files) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let modules = files.modules.iter().filter_map(|(place, bytes, _)| {
        let target = resolved.targets.get(*place)?;
        Some((&*target.name, bytes))
    });
    for (name, bytes) in [("vmlinux", &files.base.0)].into_iter().chain(modules) {
        let path = folder.join(name);
        output::write(&path, bytes)?;
        say(&path, bytes, false)?;
    }
    Ok(())
}

fn say(path: &Path, bytes: &[u8], is_stream: bool) -> Result<()> {
    let line = format!("{}: {} bytes", path.display(), bytes.len());
    match is_stream {
        true => writeln!(stderr(), "{line}").context("standard error"),
        false => writeln!(stdout(), "{line}").context("standard output"),
    }
}
