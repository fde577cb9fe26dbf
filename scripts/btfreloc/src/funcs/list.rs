// SPDX-License-Identifier: GPL-2.0

//! `btfreloc funcs`: functions with their addresses.

use std::collections::HashMap;
use std::io::{stdout, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure, Context, Result};
use serde::Serialize;

use super::file;
use super::function::Function;
use super::loaded::Loaded;
use super::text;
use crate::cli::{self, Format};
use crate::input::{self, Bases, Module};
use crate::json;
use crate::status::{complain, failed, note, Finding, Status};

/// What was asked for.
struct Asked<'a> {
    args: &'a cli::FuncsList,
    files: Vec<PathBuf>,
    name: Option<&'a str>,
}

/// All functions that were asked for.
#[derive(Serialize)]
struct Report {
    results: Vec<Function>,
    errors: Vec<String>,
}

/// Lists functions.
///
/// # Errors
///
/// Nothing is found, addresses are asked for and not shown, or nothing can be printed. A file that cannot
/// be read is reported, and the others are listed.
pub(super) fn run(args: &cli::FuncsList) -> Result<Status> {
    let asked = Asked::of(args)?;
    match list(&asked) {
        // What was looked for and not found is no bad input.
        Err(error) if error.is::<Finding>() => {
            complain(&error);
            Ok(Status::Findings)
        }
        status => status,
    }
}

fn list(asked: &Asked<'_>) -> Result<Status> {
    let mut errors = Vec::new();
    let (mut functions, status) = match (&asked.args.module, asked.files.is_empty()) {
        (None, false) => asked.in_files(&mut errors)?,
        _ => (asked.loaded(&mut errors)?, Status::Clean),
    };
    asked.choose(&mut functions)?;
    print(asked, functions, errors).context("standard output")?;
    Ok(status)
}

impl<'a> Asked<'a> {
    /// Names of functions are identifiers, and have no dot and no slash as files have.
    fn of(args: &'a cli::FuncsList) -> Result<Self> {
        let is_name = |what: &&PathBuf| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            let what = what.to_str().unwrap_or_default();
            let starts = what.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            starts && what.chars().all(word) && !what.contains(".ko") && !what.ends_with(".o")
        };
        let (names, files): (Vec<_>, Vec<_>) = args.what.iter().partition(is_name);
        ensure!(
            names.len() < 2,
            "{} and {}: one function at a time (a file or folder is written ./{})",
            names[0].display(),
            names[1].display(),
            names[0].display()
        );
        input::once_only(files.iter().map(|path| path.as_path()))?;
        Ok(Asked {
            args,
            files: files.into_iter().cloned().collect(),
            name: names.first().and_then(|name| name.to_str()),
        })
    }

    fn in_files(&self, errors: &mut Vec<String>) -> Result<(Vec<Function>, Status)> {
        ensure!(
            !self.args.addrs,
            "a file has no addresses: name the loaded module with --module"
        );
        let bases = Bases::new(self.args.base.as_deref(), &self.args.root);
        let (mut all, mut status) = (Vec::new(), Status::Clean);
        for path in input::modules(&self.files) {
            match path.and_then(|path| functions(&path, &bases)) {
                Ok(functions) => all.extend(functions),
                Err(error) => status = status.max(failed(&error, errors)),
            }
        }
        Ok((all, status))
    }

    fn loaded(&self, errors: &mut Vec<String>) -> Result<Vec<Function>> {
        let loaded = Loaded::new(&self.args.root)?;
        if loaded.kallsyms.hidden {
            match self.args.addrs {
                true => bail!(Finding(loaded.hidden())),
                false => note(&loaded.hidden()),
            }
        }
        let Some(module) = &self.args.module else {
            let mut all = Vec::new();
            for module in loaded.modules()? {
                match loaded.functions(&module) {
                    Ok(functions) => all.extend(functions),
                    Err(error) => {
                        complain(&error);
                        errors.push(format!("{error:#}"));
                    }
                }
            }
            return Ok(all);
        };
        let module = module.replace('-', "_");
        ensure!(
            self.files.len() < 2,
            "one file of a loaded module at a time"
        );
        let mut functions = loaded.functions(&module)?;
        if let [file] = &self.files[..] {
            let bases = Bases::new(self.args.base.as_deref(), &self.args.root);
            let known = self::functions(file, &bases)?;
            join(&loaded, &module, &mut functions, known)?;
        }
        Ok(functions)
    }

    /// Keeps what was asked for.
    fn choose(&self, functions: &mut Vec<Function>) -> Result<()> {
        if let Some(name) = self.name {
            functions.retain(|function| function.is_named(name));
            if functions.is_empty() {
                let hint = match Path::new(name).exists() {
                    true => format!(" (the file or folder is ./{name})"),
                    false => String::new(),
                };
                bail!(Finding(format!("{name}: no such function{hint}")));
            }
        }
        if let Some(object) = &self.args.object {
            let known = functions
                .iter()
                .any(|function| function.object.is_some() || function.line.is_some());
            functions.retain(|function| is_of(function, object));
            if functions.is_empty() {
                let hint = match known {
                    true => "",
                    false => ": what was read does not say where functions come from, name a file of the module that is not stripped",
                };
                bail!(Finding(format!("{object}: no such function{hint}")));
            }
        }
        Ok(())
    }
}

/// Whether it comes from the object or source file `wanted`, or is on that line.
fn is_of(function: &Function, wanted: &str) -> bool {
    let ends = |path: &str| {
        let front = path.strip_suffix(wanted);
        front.is_some_and(|front| front.is_empty() || front.ends_with('/'))
    };
    let line = function.line.as_deref();
    let file = line.and_then(|line| Some(line.rsplit_once(':')?.0));
    let places = [function.object.as_deref(), line, file];
    places.into_iter().flatten().any(ends)
}

fn functions(path: &Path, bases: &Bases<'_>) -> Result<Vec<Function>> {
    let module = Module::read(path)?;
    file::functions(&module, bases).with_context(|| module.label().to_owned())
}

/// Adds to the functions of the loaded `module` what its file knows of them.
fn join(
    loaded: &Loaded<'_>,
    module: &str,
    functions: &mut [Function],
    known: Vec<Function>,
) -> Result<()> {
    let mut sections = HashMap::<String, u64>::new();
    let mut by_address = HashMap::new();
    for function in known {
        let (Some(section), Some(offset)) = (&function.section, function.offset) else {
            continue;
        };
        if section.starts_with(".init") {
            continue;
        }
        let start = match sections.get(section) {
            Some(start) => *start,
            None => loaded.section(module, section)?,
        };
        sections.insert(section.clone(), start);
        by_address.insert((start + offset, function.name.clone()), function);
    }
    for function in functions {
        let Some(address) = function.address else {
            continue;
        };
        let key = (address, function.name.clone());
        let Some(found) = by_address.remove(&key) else {
            bail!(Finding(format!(
                "{module}: {} is not where the file has it: that is another build",
                function.name
            )));
        };
        *function = Function {
            module: module.to_owned(),
            address: Some(address),
            btf_id: function.btf_id,
            flags: function.flags,
            same_named: function.same_named,
            ..found
        };
    }
    Ok(())
}

fn print(asked: &Asked<'_>, functions: Vec<Function>, errors: Vec<String>) -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    match (asked.args.addrs, asked.args.format) {
        (true, _) => addresses(&mut out, asked, &functions)?,
        (false, Format::Text) => text::write(&mut out, &functions)?,
        (false, Format::Json) => {
            let results = functions;
            json::write(&mut out, "funcs", &[], &Report { results, errors })?;
        }
    }
    Ok(out.flush()?)
}

/// Addresses alone, as tracers take them.
fn addresses(out: &mut impl Write, asked: &Asked<'_>, functions: &[Function]) -> Result<()> {
    let mut addresses: Vec<_> = functions.iter().filter_map(|f| f.address).collect();
    addresses.dedup();
    if let Some(name) = asked.name {
        if addresses.is_empty() {
            bail!(Finding(format!(
                "{name} has no address: it is gone since its module was initialised"
            )));
        }
        if addresses.len() > 1 {
            note(&format!(
                "{} functions are named {name}: --object picks one, and without --addrs each is shown",
                addresses.len()
            ));
        }
    }
    for address in addresses {
        writeln!(out, "{address:#x}")?;
    }
    Ok(())
}
