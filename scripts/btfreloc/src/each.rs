// SPDX-License-Identifier: GPL-2.0

//! Changes module after module, on all processors, and reports what was written.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use rayon::prelude::*;
use rust_btfreloc::btf::{Blob, Form, Section, Table};
use rust_btfreloc::elf::Elf;
use serde::Serialize;

use crate::cli::{self, Format};
use crate::input::{self, Bases, Module};
use crate::output;
use crate::status::{failed, Status};
use crate::terminal::shown;

/// The sections that are written, and whether they hold types.
const SECTIONS: [(&str, bool); 4] = [
    (".BTF", true),
    (".BTF.base", true),
    (".BTF_ids", false),
    (".BTF.funcs", false),
];

/// A command that changes modules.
pub struct Task<'a> {
    /// What it is called in JSON.
    pub command: &'static str,
    /// What it is to change.
    pub change: &'a cli::Change,
    /// What is written instead of modules.
    pub raw: &'a [&'a PathBuf],
    /// The kernels that they were built for.
    pub bases: &'a Bases<'a>,
}

/// What became of a module.
#[derive(Debug, Serialize)]
pub struct Written {
    /// The module, as it was named.
    pub module: String,
    /// The files that were written; none where there was nothing to change.
    pub files: Vec<String>,
    /// What is in them now and was not in the module before.
    pub sections: Vec<WrittenSection>,
    /// Whether a signature was removed, which is not valid for other bytes.
    pub signature_removed: bool,
}

/// A section that was written.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct WrittenSection {
    /// Its name.
    pub name: &'static str,
    /// Its bytes; 0 where it was removed.
    pub size: usize,
    /// Its types, of BTF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<u32>,
}

/// All that was done.
#[derive(Serialize)]
struct Report {
    results: Vec<Written>,
    errors: Vec<String>,
}

impl Task<'_> {
    /// Calls `change` with each module; where all goes to one output there may be no second.
    ///
    /// # Errors
    ///
    /// There is a second, or nothing can be printed. What goes wrong with a module is reported, and the
    /// others are changed.
    pub fn run(&self, change: impl Fn(&Path) -> Result<Written> + Sync) -> Result<Status> {
        let modules = input::modules(&self.change.modules);
        ensure!(
            (self.change.output.is_none() && self.raw.is_empty()) || modules.len() == 1,
            "one output for {} modules: name one module, or let them be changed in place",
            modules.len()
        );
        let changed = modules
            .into_par_iter()
            .map(|path| path.and_then(|path| change(&path)))
            .collect::<Vec<_>>();
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        let mut status = Status::Clean;
        for changed in changed {
            match changed {
                Ok(written) => results.push(written),
                Err(error) => status = status.max(failed(&error, &mut errors)),
            }
        }
        self.print(&Report { results, errors })
            .context("standard output")?;
        Ok(status)
    }

    fn print(&self, report: &Report) -> Result<()> {
        let cli::Change {
            modules, output, ..
        } = self.change;
        // Standard output may be where a module went.
        let raw = self.raw.iter().copied();
        if modules
            .iter()
            .chain(output)
            .chain(raw)
            .any(|path| input::is_stream(path))
        {
            return Ok(());
        }
        let form = output::Form {
            format: self.change.format,
            command: self.command,
            kernels: self.bases.named(),
        };
        form.print(report, |out| {
            match self.change.quiet && self.change.format == Format::Text {
                true => Ok(()),
                false => write(out, report),
            }
        })
    }
}

/// A line for each module that was changed, and a total.
fn write(out: &mut impl Write, report: &Report) -> Result<()> {
    let changed = report.results.iter().filter(|done| !done.files.is_empty());
    for done in changed.clone() {
        writeln!(out, "{}", line(done))?;
    }
    let (modules, changed) = (report.results.len(), changed.count());
    let (unchanged, failed) = (modules - changed, report.errors.len());
    if modules + failed < 2 {
        return Ok(());
    }
    write!(
        out,
        "{} modules: {changed} changed, {unchanged} unchanged",
        modules + failed
    )?;
    match failed {
        0 => writeln!(out)?,
        _ => writeln!(out, ", {failed} not done")?,
    }
    Ok(())
}

fn line(done: &Written) -> String {
    let Written { module, files, .. } = done;
    let sections = done.sections.iter().map(|section| {
        let WrittenSection { name, size, types } = section;
        match types {
            _ if *size == 0 => format!("{name} removed"),
            Some(types) => format!("{name} with {types} types, {size} bytes"),
            None => format!("{name} with {size} bytes"),
        }
    });
    let sections: Vec<_> = sections.collect();
    let sections = match sections.is_empty() {
        true => "as it was".to_owned(),
        false => sections.join("; "),
    };
    let is_in_place = matches!(&files[..], [file] if file == module);
    let (module, files) = (shown(module), shown(&files.join(", ")));
    match is_in_place {
        true => format!("{module}: {sections}"),
        false => format!("{module}: to {files}: {sections}"),
    }
}

/// What is new in `after` beside `before`, both ELF files.
fn sections(before: &[u8], after: &[u8]) -> Vec<WrittenSection> {
    let (before, after) = (Elf::parse(before).ok(), Elf::parse(after).ok());
    let of = |elf: &Option<Elf<'_>>, name: &str| {
        let elf = elf.as_ref()?;
        Some(elf.data(&elf.section(name.as_bytes())?)?.to_vec())
    };
    let written = SECTIONS.into_iter().filter_map(|(name, has_types)| {
        let (old, new) = (of(&before, name), of(&after, name));
        let bytes = match (old, new) {
            (old, new) if old == new => return None,
            (_, new) => new.unwrap_or_default(),
        };
        Some(WrittenSection::of(name, &bytes, has_types))
    });
    written.collect()
}

impl WrittenSection {
    /// The section `name` with these `bytes`.
    pub fn of(name: &'static str, bytes: &[u8], has_types: bool) -> Self {
        WrittenSection {
            name,
            size: bytes.len(),
            types: match has_types {
                true => types(bytes),
                false => None,
            },
        }
    }
}

/// How many types there are in `bytes`, BTF.
pub fn types(bytes: &[u8]) -> Option<u32> {
    let parse = |form| Blob::parse(Section::Btf, form, bytes);
    let blob = parse(Form::Split).or_else(|_| parse(Form::Base)).ok()?;
    Table::count(&blob, 1).ok()
}

/// Leaves `module` as it is: there is something to write only where it is to go elsewhere.
///
/// # Errors
///
/// As [`put`].
pub fn leave(module: &Module, to: Option<&Path>) -> Result<Written> {
    let image = module.image();
    match to.is_some() || input::is_stream(&image.path) {
        true => put(module, &image.bytes, to),
        false => Ok(Written {
            module: module.label().to_owned(),
            files: Vec::new(),
            sections: Vec::new(),
            signature_removed: false,
        }),
    }
}

/// Puts `elf`, what has become of `module`, back to where that came from, or to `to`.
///
/// # Errors
///
/// It cannot be written; then the file is as it was.
pub fn put(module: &Module, elf: &[u8], to: Option<&Path>) -> Result<Written> {
    let image = module.image();
    let signature_removed = output::put_module(image, elf, to)?
        || elf != image.bytes && output::without_signature(&image.bytes).len() != image.bytes.len();
    if signature_removed {
        output::warn_unsigned(module.label());
    }
    Ok(Written {
        module: module.label().to_owned(),
        files: vec![to.map_or(module.label().to_owned(), input::label)],
        sections: sections(&image.bytes, elf),
        signature_removed,
    })
}
