// SPDX-License-Identifier: GPL-2.0

//! Files and standard input, as bytes.

use std::fs;
use std::io::{stdin, Read};
use std::path::Path;

use anyhow::{ensure, Context, Result};

/// What stands for standard input.
const STREAM: &str = "-";

/// How a file is named in what is printed.
pub fn label(path: &Path) -> String {
    match is_stream(path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// Whether `path` stands for standard input.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == STREAM
}

/// Refuses what is found at `path` where it is no file of some length: a FIFO keeps its reader waiting, and a
/// device may have no end.
///
/// # Errors
///
/// It is none, or not there.
pub fn regular(path: &Path) -> Result<()> {
    let label = || path.display().to_string();
    let found = fs::metadata(path).with_context(label)?;
    ensure!(found.is_file(), "{}: not a regular file", label());
    Ok(())
}

/// Refuses `paths` that name standard input more than once.
///
/// # Errors
///
/// They do.
pub fn once_only<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let streams = paths.into_iter().filter(|path| is_stream(path)).count();
    ensure!(
        streams < 2,
        "standard input can be read only once: name - once"
    );
    Ok(())
}

/// All of a file or of standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    if !is_stream(path) {
        return Ok(fs::read(path)?);
    }
    let mut bytes = Vec::new();
    stdin().lock().read_to_end(&mut bytes).context("reading")?;
    Ok(bytes)
}
