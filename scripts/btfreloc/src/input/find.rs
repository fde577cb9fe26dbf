// SPDX-License-Identifier: GPL-2.0

//! Searches folders for modules.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, ensure, Context, Error, Result};
use walkdir::{DirEntry, WalkDir};

/// What the names of modules end with.
pub(super) const ENDINGS: [&str; 4] = [".ko", ".ko.xz", ".ko.zst", ".ko.gz"];

/// What the names of kernels begin with.
const KERNELS: [&str; 2] = ["vmlinuz", "vmlinux"];

/// The files that `paths` name: themselves, and for a folder the modules in it, sorted by path.
///
/// What cannot be searched is among them as an error.
pub fn modules(paths: &[PathBuf]) -> Vec<Result<PathBuf>> {
    paths.iter().flat_map(|path| files(path)).collect()
}

/// The kernels in a folder such as /boot, sorted by name.
///
/// # Errors
///
/// It cannot be read, or there is none in it.
pub fn images(folder: &Path) -> Result<Vec<PathBuf>> {
    let label = || folder.display().to_string();
    let mut images = Vec::new();
    for entry in fs::read_dir(folder).with_context(label)? {
        let path = entry.with_context(label)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && KERNELS.iter().any(|kernel| name.starts_with(kernel)) {
            images.push(path);
        }
    }
    let names = KERNELS.join("*, ");
    ensure!(
        !images.is_empty(),
        "{}: no kernels in it ({names}*)",
        label()
    );
    images.sort();
    Ok(images)
}

fn files(path: &Path) -> Vec<Result<PathBuf>> {
    if !path.is_dir() {
        return vec![Ok(path.to_owned())];
    }
    // A folder that is named may be a link; links inside are followed to files only, as those to
    // folders (`build`, `source`) lead elsewhere.
    let entries = WalkDir::new(path).sort_by_file_name();
    let found: Vec<_> = entries.into_iter().filter_map(module).collect();
    if found.is_empty() {
        let endings = ENDINGS.join(", ");
        return vec![Err(anyhow!(
            "{}: no modules in it ({endings})",
            path.display()
        ))];
    }
    found
}

fn module(entry: walkdir::Result<DirEntry>) -> Option<Result<PathBuf>> {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => return Some(Err(unreadable(error))),
    };
    let name = entry.file_name().to_string_lossy();
    let is_module = ENDINGS.iter().any(|ending| name.ends_with(ending));
    (is_module && entry.path().is_file()).then(|| Ok(entry.into_path()))
}

fn unreadable(error: walkdir::Error) -> Error {
    let path = error.path().unwrap_or(Path::new("?")).display().to_string();
    let cause = error.into_io_error().map_or(anyhow!("loop"), Error::from);
    Err::<(), _>(cause).context(path).unwrap_err()
}
