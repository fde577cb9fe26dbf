// SPDX-License-Identifier: GPL-2.0

//! The file of pairs: an array with one object a pair, kept from one run to the next.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use super::figures::Row;

/// The pairs that were measured before, as far as the file is there and can be read.
pub fn load(file: &Path) -> Vec<Row> {
    let text = fs::read(file).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Replaces the file at once, so that an interrupted run leaves a whole one.
pub fn save(file: &Path, rows: &[Row]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut text = serde_json::to_vec_pretty(rows)?;
    text.push(b'\n');
    fs::write(&new, text)?;
    fs::rename(&new, file)
}

/// What a pair is measured from: this very program, with the core and libbpf in it, the BTF of both
/// kernels, and the modules by name, size and time.
pub fn inputs(program: &[u8], kernels: [&[u8]; 2], paths: &[PathBuf]) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    (program, kernels).hash(&mut hasher);
    for path in paths {
        let data = fs::metadata(path)?;
        (path, data.len(), data.modified()?).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
