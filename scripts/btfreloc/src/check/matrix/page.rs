// SPDX-License-Identifier: GPL-2.0

//! The page as a browser reads it: the verdicts as a table, and the reasons as JSON.

use std::collections::HashSet;

use anyhow::Result;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::super::row::{Answer, Outcome};
use super::super::text;
use super::reasons::Reasons;

const TEMPLATE: &str = include_str!("matrix.html");
const STYLE: &str = include_str!("matrix.css");
const SCRIPT: &str = concat!(include_str!("reasons.js"), include_str!("matrix.js"));

/// A row of the table.
pub(super) struct Module {
    pub(super) path: String,
    pub(super) cells: Vec<Cell>,
}

/// A verdict in it.
#[derive(Serialize)]
pub(super) struct Cell {
    pub(super) outcome: Outcome,
    pub(super) words: String,
    pub(super) alone: Option<Answer>,
}

/// The verdicts, from the one to hope for downwards, and what they mean.
const VERDICTS: [(Outcome, &str); 8] = [
    (
        Outcome::Exact,
        "Every kernel type that the module refers to has its match.",
    ),
    (
        Outcome::LeftAlone,
        "The BTF fits this kernel, which takes it as it is.",
    ),
    (
        Outcome::Opaque,
        "The BTF is correct; a type without a match is known by name and size only.",
    ),
    (
        Outcome::Conflicts,
        "The BTF is valid; types that the kernel has in another layout stay the module's own.",
    ),
    (
        Outcome::Reduced,
        "Types of kinds that the kernel does not know are left out; the rest of the BTF is valid.",
    ),
    (
        Outcome::LeftToKernel,
        "Not touched: the kernel's own verdict holds.",
    ),
    (
        Outcome::Dropped,
        "The module loads, but without BTF: BPF cannot use its types and functions.",
    ),
    (
        Outcome::NoBtf,
        "The module carries none: there is nothing to relocate.",
    ),
];

/// All that the template is filled with.
#[derive(Serialize)]
pub(super) struct Page<'a> {
    version: &'static str,
    style: &'static str,
    script: &'static str,
    strict: bool,
    errors: &'a [String],
    kernels: Vec<Kernel<'a>>,
    verdicts: Vec<Verdict>,
    /// The folder that all modules are in, with its last slash.
    below: &'a str,
    modules: Vec<Line<'a>>,
    reasons: String,
}

#[derive(Serialize)]
struct Kernel<'a> {
    label: &'a str,
    name: &'a str,
    /// How many modules it refuses without rust_btfreloc.
    refused: usize,
}

#[derive(Serialize)]
struct Verdict {
    outcome: Outcome,
    words: &'static str,
    meaning: &'static str,
    /// How many modules have it on each kernel.
    counts: Vec<usize>,
}

#[derive(Serialize)]
struct Line<'a> {
    folder: &'a str,
    name: &'a str,
    cells: &'a [Cell],
}

impl<'a> Page<'a> {
    /// The page on `kernels` and `modules`.
    ///
    /// # Errors
    ///
    /// Never: all of `reasons` can be JSON.
    pub(super) fn new(
        kernels: &'a [String],
        modules: &'a [Module],
        reasons: &Reasons,
        strict: bool,
        errors: &'a [String],
    ) -> Result<Self> {
        let below = common_folder(modules.iter().map(|module| &*module.path));
        let verdict = |&(outcome, meaning)| Verdict::new(outcome, meaning, kernels.len(), modules);
        Ok(Page {
            version: env!("CARGO_PKG_VERSION"),
            style: STYLE,
            script: SCRIPT,
            strict,
            errors,
            kernels: columns(kernels, modules),
            verdicts: VERDICTS.iter().map(verdict).collect(),
            below,
            modules: modules.iter().map(|module| module.line(below)).collect(),
            reasons: json(reasons)?,
        })
    }

    /// The page as HTML.
    ///
    /// # Errors
    ///
    /// The template cannot be filled.
    pub(super) fn render(&self) -> Result<String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).build()?;
        environment.set_syntax(syntax);
        // Its ending turns escaping on.
        environment.add_template("matrix.html", TEMPLATE)?;
        let template = environment.get_template("matrix.html")?;
        Ok(template.render(Serde(self))?)
    }
}

impl Verdict {
    fn new(outcome: Outcome, meaning: &'static str, kernels: usize, modules: &[Module]) -> Self {
        let of_kernel = |column| count(modules, column, |cell| cell.outcome == outcome);
        Verdict {
            outcome,
            words: text::verdict(outcome),
            meaning,
            counts: (0..kernels).map(of_kernel).collect(),
        }
    }
}

impl Module {
    fn line(&self, below: &str) -> Line<'_> {
        let path = rest(below, &self.path);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Line {
            folder,
            name,
            cells: &self.cells,
        }
    }
}

fn columns<'a>(kernels: &'a [String], modules: &[Module]) -> Vec<Kernel<'a>> {
    let refuses = |cell: &Cell| matches!(cell.alone, Some(Answer::Refuses | Answer::Undefined));
    let named = kernels.iter().zip(short_names(kernels));
    let column = |(column, (label, name)): (usize, (&'a String, &'a str))| Kernel {
        label,
        name,
        refused: count(modules, column, refuses),
    };
    named.enumerate().map(column).collect()
}

fn count(modules: &[Module], column: usize, wanted: impl Fn(&Cell) -> bool) -> usize {
    let cells = modules.iter().filter_map(|module| module.cells.get(column));
    cells.filter(|cell| wanted(cell)).count()
}

/// JSON that can stand in a script element: a `<` occurs in its strings only, and `</script>` would end it.
fn json(reasons: &Reasons) -> Result<String> {
    Ok(serde_json::to_string(reasons)?.replace('<', "\\u003c"))
}

/// The folder that all of `paths` are in, with its last slash.
fn common_folder<'a>(mut paths: impl Iterator<Item = &'a str>) -> &'a str {
    let folder = |path: &'a str| path.rfind('/').map_or("", |slash| &path[..=slash]);
    let mut common = folder(paths.next().unwrap_or_default());
    for path in paths {
        while !path.starts_with(common) {
            common = folder(common.strip_suffix('/').unwrap_or_default());
        }
    }
    common
}

/// What is left of `path`, which is below `folder`.
fn rest<'p>(folder: &str, path: &'p str) -> &'p str {
    path.strip_prefix(folder).unwrap_or(path)
}

/// What distinguishes kernels: the folder where each has one of its own, else the path.
fn short_names(kernels: &[String]) -> Vec<&str> {
    let common = common_folder(kernels.iter().map(String::as_str));
    let names: Vec<_> = kernels.iter().map(|label| rest(common, label)).collect();
    let folders = names.iter().map(|name| match name.split_once('/') {
        Some((folder, file)) if !file.contains('/') => Some(folder),
        _ => None,
    });
    match folders.collect::<Option<Vec<_>>>() {
        Some(folders) if HashSet::<_>::from_iter(&folders).len() == folders.len() => folders,
        _ => names,
    }
}

/// A name with what would not be seen in it, or would turn around what is, spelt out.
pub(super) fn visible(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {
                shown.extend(letter.escape_unicode());
            }
            letter if letter.is_control() => shown.extend(letter.escape_unicode()),
            letter => shown.push(letter),
        }
    }
    shown
}
