// SPDX-License-Identifier: GPL-2.0

//! What the modules and kernels of the command line stand for.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, Error, Result};

use crate::cli;
use crate::decide::Supply;
use crate::input::{self, is_stream, running_release, InstalledModules, Kernel, SuppliedBases};
use crate::older::Limits;
use crate::status::complain;

/// The kernels, each once, by default the running one; and what those in folders cannot be read for, which
/// are left out.
///
/// # Errors
///
/// One that is named itself cannot be read, or all of a folder cannot.
pub(super) fn kernels(args: &cli::Check) -> Result<(Vec<Kernel>, Vec<String>)> {
    if args.against.is_empty() {
        return Ok((vec![Kernel::running(&args.root)?], Vec::new()));
    }
    let (mut kernels, mut unread) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for name in &args.against {
        let is_folder = name.is_dir();
        let images = match is_folder {
            true => input::images(name)?,
            false => vec![name.clone()],
        };
        for image in images {
            if !seen.insert(image.clone()) {
                continue;
            }
            match Kernel::read(&image) {
                Ok(kernel) => kernels.push(kernel),
                Err(error) if is_folder => unread.push(error),
                Err(error) => return Err(error),
            }
        }
    }
    let last = match kernels.is_empty() {
        true => unread.pop(),
        false => None,
    };
    if let Some(last) = last {
        unread.iter().for_each(complain);
        return Err(last);
    }
    let words = |error: &Error| format!("{error:#}");
    Ok((kernels, unread.iter().map(words).collect()))
}

/// What stale BTF may have been made for.
pub(super) struct Bases {
    /// The kernels that are named.
    named: Vec<Kernel>,
    /// What rust_btfreloc finds on this machine.
    installed: Option<SuppliedBases>,
}

impl Bases {
    /// What is named, else what is on this machine.
    ///
    /// # Errors
    ///
    /// One that is named cannot be read, or there are too many.
    pub(super) fn of(args: &cli::Check) -> Result<Self> {
        let release = running_release(&args.root).filter(|_| args.base.is_empty());
        Ok(Bases {
            named: input::named_bases(&args.base)?,
            installed: release.map(|release| SuppliedBases::of(&args.root, &release)),
        })
    }

    /// Those for modules that are loaded on `kernel`. For older ones there are no others than those that
    /// are named.
    pub(super) fn of_kernel(&self, kernel: &Kernel, limits: &Limits, root: &Path) -> Supply<'_> {
        match &self.installed {
            _ if limits.are_older() => Supply::Named(&self.named),
            Some(installed) if kernel.is_running(root) => Supply::Installed(installed),
            _ if self.named.is_empty() => Supply::None,
            _ => Supply::Named(&self.named),
        }
    }
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
