// SPDX-License-Identifier: GPL-2.0

//! Changes module after module, on all processors.

use std::path::{Path, PathBuf};

use anyhow::{ensure, Result};
use rayon::prelude::*;

use crate::input::{self, Module};
use crate::output;
use crate::status::{complain, Finding, Status};

/// Calls `change` with each module that `paths` name; where all goes to one output, `only_one`,
/// there may be no second.
///
/// # Errors
///
/// There is a second. What goes wrong with a module is reported, and the others are changed.
pub fn module(
    paths: &[PathBuf],
    only_one: bool,
    change: impl Fn(&Path) -> Result<()> + Sync,
) -> Result<Status> {
    let modules = input::modules(paths);
    ensure!(
        !only_one || modules.len() == 1,
        "one output for {} modules: name one module, or let them be changed in place",
        modules.len()
    );
    let changed = modules
        .into_par_iter()
        .map(|path| path.and_then(|path| change(&path)))
        .collect::<Vec<_>>();
    let status = changed.into_iter().map(|changed| match changed {
        Ok(()) => Status::Clean,
        Err(error) => {
            complain(&error);
            match error.is::<Finding>() {
                true => Status::Findings,
                false => Status::BadInput,
            }
        }
    });
    Ok(status.max().unwrap_or(Status::Clean))
}

/// Leaves `module` as it is: there is something to write only where it is to go elsewhere.
///
/// # Errors
///
/// As [`put`].
pub fn leave(module: &Module, to: Option<&Path>) -> Result<()> {
    let image = module.image();
    match to.is_some() || input::is_stream(&image.path) {
        true => put(module, &image.bytes, to),
        false => Ok(()),
    }
}

/// Puts `elf`, what has become of `module`, back to where that came from, or to `to`.
///
/// # Errors
///
/// It cannot be written; then the file is as it was.
pub fn put(module: &Module, elf: &[u8], to: Option<&Path>) -> Result<()> {
    let before = &module.image().bytes;
    output::put_module(module.image(), elf, to)?;
    if elf != before && output::without_signature(before).len() != before.len() {
        output::warn_unsigned(module.label());
    }
    Ok(())
}
