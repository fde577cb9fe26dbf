// SPDX-License-Identifier: GPL-2.0

//! What the modules and kernels of the command line stand for.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, Result};

use crate::cli;
use crate::input::{self, is_stream, InstalledModules, Kernel};

/// The kernels, by default the running one.
///
/// # Errors
///
/// One cannot be read.
pub(super) fn kernels(args: &cli::Check) -> Result<Vec<Kernel>> {
    if args.against.is_empty() {
        return Ok(vec![Kernel::running(&args.root)?]);
    }
    let mut kernels = Vec::new();
    for name in &args.against {
        match name.is_dir() {
            true => {
                for image in input::images(name)? {
                    kernels.push(Kernel::read(&image)?);
                }
            }
            false => kernels.push(Kernel::read(name)?),
        }
    }
    Ok(kernels)
}

/// What each kernel is called: by its release, where that is known and no other has it.
pub(super) fn shown(kernels: &[Kernel]) -> Vec<(String, String)> {
    let shown = |kernel: &Kernel| {
        let release = kernel.release();
        let same = kernels.iter().filter(|other| other.release() == release);
        let release = release.filter(|_| same.count() == 1);
        release.unwrap_or(kernel.label()).to_owned()
    };
    let both = |kernel| (Kernel::label(kernel).to_owned(), shown(kernel));
    kernels.iter().map(both).collect()
}

/// The files of the modules: those that are named by a path, and those of a release that are named
/// as modinfo takes them.
pub(super) fn modules(args: &cli::Check) -> Vec<Result<PathBuf>> {
    let mut installed = None;
    let file = |name: &PathBuf| match is_file(name) {
        true => Ok(name.clone()),
        false => {
            let installed = installed.get_or_insert_with(|| of_release(args)).as_ref();
            let installed = installed.map_err(|error| anyhow!("{}: {error:#}", name.display()))?;
            installed.find(&name.to_string_lossy())
        }
    };
    let files: Vec<_> = args.modules.iter().map(file).collect();
    let files = files.into_iter().flat_map(|file| match file {
        Ok(file) => input::modules(&[file]),
        Err(error) => vec![Err(error)],
    });
    files.collect()
}

/// Whether a path is meant: one that is there, and what is no name of a module.
fn is_file(name: &Path) -> bool {
    let is_path = name.components().count() != 1 || name.extension().is_some();
    is_path || is_stream(name) || name.exists()
}

/// The modules of the release that is asked for, by default of the running kernel.
fn of_release(args: &cli::Check) -> Result<InstalledModules> {
    match &args.release {
        Some(release) => InstalledModules::of(&args.root, release),
        None => InstalledModules::of_running(&args.root),
    }
}
