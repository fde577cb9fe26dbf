// SPDX-License-Identifier: GPL-2.0

//! `btfreloc resolve-ids`: fills `.BTF_ids` from a module's BTF, as `tools/bpf/resolve_btfids` does.
//!
//! It fills the ids and nothing else: what that tool does to the BTF itself since 7.0 (declaration
//! tags for kfuncs, prototypes without implicit arguments) is not done here.
//!
//! Of several types of one name both take the one of the lowest id, so one of the base. Functions
//! are the exception: a module's code can only mean its own, and a kfunc that is called like some
//! static function of the kernel would get an id with which no program can call it.

mod fill;
mod on_base;
mod text;
mod wanted;

use std::io::{stdout, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use serde::Serialize;

pub use fill::resolve;
pub use on_base::{alone, split_on, with_btf};

use crate::cli::{self, Format};
use crate::input::{self, Bases, Image, Module};
use crate::status::{complain, warn, without_notes, Status};
use crate::{json, output};

/// What was found for the ids of a module.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// How many ids there are.
    pub ids: usize,
    /// How many sets and set8s.
    pub sets: usize,
    /// Whether a byte of the section is another than before.
    pub changed: bool,
    /// The ids that are 0 now, as there is no such type.
    pub missing: Vec<Missing>,
    /// The ids that could have been others.
    pub several: Vec<Several>,
}

impl Resolved {
    /// Warns of what was not found in the module `label`, or not for certain.
    pub fn warn(&self, label: &str) {
        for missing in &self.missing {
            warn(&format!("{label}: {missing}"));
        }
        for several in &self.several {
            warn(&format!("{label}: {several}"));
        }
    }
}

/// A type that is not there.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Missing {
    pub symbol: String,
    pub kind: String,
    pub name: String,
}

/// A name that stands for several types.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Several {
    /// Their kind.
    pub kind: String,
    /// Their name.
    pub name: String,
    /// The one that was taken, then the others.
    pub ids: Vec<u32>,
}

/// A module that was edited.
#[derive(Debug, Serialize)]
struct Edited {
    module: String,
    #[serde(flatten)]
    resolved: Resolved,
    /// Whether it lost its signature, which is not valid for the new bytes.
    signature_removed: bool,
}

/// All that was done.
#[derive(Default, Serialize)]
struct Report {
    results: Vec<Edited>,
    errors: Vec<String>,
}

/// Fills the ids of each module.
///
/// # Errors
///
/// Nothing can be printed. A module that cannot be read or written is reported, and the others are done.
pub fn run(args: &cli::ResolveIds) -> Result<Status> {
    input::once_only(args.modules.iter().chain(&args.base).map(PathBuf::as_path))?;
    let modules = input::modules(&args.modules);
    ensure!(
        args.output.is_none() || modules.len() == 1,
        "-o names one file: give one module, not {}",
        modules.len()
    );
    without_notes(args.quiet);
    let bases = Bases::new(args.base.as_deref(), Path::new("/"));
    let (mut report, mut status) = (Report::default(), Status::Clean);
    for path in modules {
        match path.and_then(|path| edit(&path, &bases, args.output.as_deref())) {
            Ok(done) => {
                tell(&done);
                if !done.resolved.missing.is_empty() {
                    status = status.max(Status::Findings);
                }
                report.results.push(done);
            }
            Err(error) => {
                complain(&error);
                report.errors.push(format!("{error:#}"));
                status = Status::BadInput;
            }
        }
    }
    // Standard output may be where a module went.
    let streams = args.output.iter().chain(&args.modules);
    if !streams.into_iter().any(|path| input::is_stream(path)) {
        show(args, &report).context("standard output")?;
    }
    Ok(status)
}

fn edit(path: &Path, bases: &Bases<'_>, output: Option<&Path>) -> Result<Edited> {
    let module = Module::read(path)?;
    let (elf, resolved) = resolved(&module, bases).with_context(|| module.label().to_owned())?;
    let elsewhere = output.is_some() || input::is_stream(path);
    let signature_removed = match resolved.changed || elsewhere {
        true => output::put_module(module.image(), &elf, output)?,
        false => false,
    };
    Ok(Edited {
        module: module.label().to_owned(),
        resolved,
        signature_removed,
    })
}

/// The module with its ids filled in.
fn resolved(module: &Module, bases: &Bases<'_>) -> Result<(Vec<u8>, Resolved)> {
    let Image { content, bytes, .. } = module.image();
    ensure!(
        *content == input::Content::Elf,
        "raw BTF has no .BTF_ids: name the module"
    );
    let sections = module.sections()?;
    let mut elf = bytes.clone();
    let has_ids = sections.elf.is_some_and(|elf| {
        let section = elf.section(b".BTF_ids");
        section
            .and_then(|section| elf.data(&section))
            .is_some_and(|ids| !ids.is_empty())
    });
    if !has_ids {
        return Ok((elf, Resolved::default()));
    }
    let btf = sections
        .btf
        .context("it has .BTF_ids and no .BTF: encode that first")?;
    let resolved = with_btf(&btf, || bases.of(module), |btf| resolve(&mut elf, btf))?;
    Ok((elf, resolved))
}

fn tell(edited: &Edited) {
    let Edited {
        module,
        resolved,
        signature_removed,
    } = edited;
    resolved.warn(module);
    if *signature_removed {
        output::warn_unsigned(module);
    }
}

fn show(args: &cli::ResolveIds, report: &Report) -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    match args.format {
        Format::Text if args.quiet => {}
        Format::Text => text::write(&mut out, &report.results)?,
        Format::Json => json::write(&mut out, "resolve-ids", &[], report)?,
    }
    Ok(out.flush()?)
}
