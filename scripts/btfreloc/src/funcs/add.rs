// SPDX-License-Identifier: GPL-2.0

//! `btfreloc funcs add`: gives modules a table, and keeps one right whose type ids change.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{anyhow, bail, Context, Result};
use rust_btfreloc::btf::Btf;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::text::Name;

use super::make::{in_order, make, Made};
use super::table;
use crate::each::{self, Task, Written};
use crate::input::{self, Bases, Module};
use crate::resolve_ids::with_btf;
use crate::status::{note, warn, without_notes, Finding, Status};
use crate::{cli, output};

/// How many names a note has.
const SHOWN: usize = 8;

/// Gives each module a table.
///
/// # Errors
///
/// Options of the command line exclude each other. A module that cannot be read or written, or has no
/// BTF, is reported, and the others get their tables.
pub(super) fn run(args: &cli::Change) -> Result<Status> {
    input::once_only(args.paths())?;
    let bases = Bases::new(args.base.as_deref(), Path::new("/"));
    let task = Task {
        command: "funcs-add",
        change: args,
        raw: &[],
        bases: &bases,
    };
    without_notes(args.quiet);
    task.run(|path| {
        let module = Module::read(path)?;
        add_to(&module, &bases, args.output.as_deref()).with_context(|| module.label().to_owned())
    })
}

/// Gives `module`, which has BTF, a table.
///
/// # Errors
///
/// It has no BTF, no symbols, or cannot be written.
pub fn add_to(module: &Module, bases: &Bases<'_>, to: Option<&Path>) -> Result<Written> {
    let sections = module.sections()?;
    let Some(elf) = sections.elf else {
        bail!(Finding("raw BTF is no module".to_owned()));
    };
    let before = output::without_signature(&module.image().bytes);
    let after = match (sections.btf, sections.lost) {
        (Some(btf), _) => with_btf(
            &btf,
            || bases.of(module),
            |btf| with_funcs(module.label(), before, btf),
        )?,
        (None, Some(cause)) => bail!(Finding(cause.to_string())),
        (None, None) if table::has_funcs(&elf) => {
            without_funcs(module.label(), before, "the module has no BTF")?
        }
        (None, None) => bail!(Finding(
            "no BTF to name its functions: `btfreloc encode --funcs` makes both".to_owned()
        )),
    };
    // What has its table already keeps its signature.
    match after == before {
        true => each::leave(module, to),
        false => each::put(module, &after, to),
    }
}

/// `image`, the file of the module `label`, with a table of the functions that `btf`, its own, describes.
///
/// # Errors
///
/// It has no symbols, is for a machine that is not known, or is damaged.
pub fn with_funcs(label: &str, image: &[u8], btf: &Btf<'_>) -> Result<Vec<u8>> {
    let elf = Elf::parse(image).map_err(|error| anyhow!("{error}"))?;
    let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?;
    if symbols.iter().next().is_none() {
        bail!(Finding(
            "no symbols to find its functions by: make .BTF.funcs before the module is stripped of \
             them (strip --strip-debug keeps them)"
                .to_owned()
        ));
    }
    let Made {
        rows,
        unclear,
        in_base,
    } = make(image, btf)?;
    remark(
        label,
        &unclear,
        "BTF has several FUNCs of that name, and it cannot be known which is whose",
    );
    remark(
        label,
        &in_base,
        "the kernel has a function of that name and prototype, and their FUNC is that of the kernel",
    );
    match rows.is_empty() {
        true if table::has_funcs(&elf) => {
            without_funcs(label, image, "BTF describes no function of the module")
        }
        true => {
            note(&format!(
                "{label}: BTF describes no function of the module: no .BTF.funcs was made"
            ));
            Ok(image.to_vec())
        }
        false => table::put(image, &rows),
    }
}

/// `image`, the file of the module `label`, whose BTF got other type ids, with the table that it has on
/// them; without it, and a word, where they cannot be mapped.
///
/// # Errors
///
/// The file is damaged.
pub fn mapped_funcs(
    label: &str,
    image: Vec<u8>,
    new_id: impl Fn(u32) -> Option<u32>,
) -> Result<Vec<u8>> {
    let rows = match table::read(&image) {
        Ok(None) => return Ok(image),
        Ok(Some(rows)) => Ok(rows),
        Err(error) => Err(format!("{error:#}")),
    };
    let mapped = rows.and_then(|mut rows| {
        for row in &mut rows {
            let id = row.record.type_id;
            let new = new_id(id).filter(|new| *new != 0);
            row.record.type_id =
                new.ok_or(format!(".BTF.funcs: id {id} is no type of the module"))?;
        }
        in_order(&mut rows);
        Ok(rows)
    });
    match mapped {
        Ok(rows) => table::put(&image, &rows),
        Err(why) => without_funcs(label, &image, &why),
    }
}

/// `image`, the file of the module `label`, without its table: `why`.
///
/// # Errors
///
/// The file is damaged.
pub fn without_funcs(label: &str, image: &[u8], why: &str) -> Result<Vec<u8>> {
    warn(&format!(
        "{label}: {why}: .BTF.funcs was removed; `btfreloc funcs add` makes it anew"
    ));
    table::removed(image)
}

/// Says which functions the table does not have.
fn remark(label: &str, names: &BTreeMap<&[u8], usize>, why: &str) {
    if names.is_empty() {
        return;
    }
    let count: usize = names.values().sum();
    let shown = names.iter().take(SHOWN);
    let shown: Vec<_> = shown
        .map(|(name, count)| format!("{} ({count})", Name(name)))
        .collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    note(&format!(
        "{label}: {count} left out of .BTF.funcs: {}{more}: {why}",
        shown.join(", ")
    ));
}
