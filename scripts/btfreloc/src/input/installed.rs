// SPDX-License-Identifier: GPL-2.0

//! Where an installed kernel of some release has its BTF.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};

/// Where kernels are looked for, `R` being the release.
pub const LOOKED_FOR: [&str; 5] = [
    "boot/vmlinuz-R",
    "usr/lib/debug/boot/vmlinux-R",
    "lib/modules/R/vmlinuz",
    "lib/modules/R/vmlinux",
    "lib/modules/R/build/vmlinux",
];

/// The file with the BTF of the kernel `release`, installed in `root`.
///
/// # Errors
///
/// There is none, or none that may be read.
pub fn find(root: &Path, release: &str) -> Result<PathBuf> {
    let mut denied = None;
    for path in candidates(root, release) {
        match File::open(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => denied = denied.or(Some((path, error))),
        }
    }
    if let Some((path, error)) = denied {
        return Err(error).with_context(|| path.display().to_string());
    }
    let looked_for = LOOKED_FOR.map(|path| root.join(path.replace('R', release)));
    let looked_for = looked_for.map(|path| path.display().to_string());
    bail!(
        "{release}: no such file, and no kernel of that release is installed ({})",
        looked_for.join(", ")
    )
}

/// The running kernel offers its BTF itself, to everybody.
fn candidates(root: &Path, release: &str) -> Vec<PathBuf> {
    let running = fs::read_to_string(root.join("proc/sys/kernel/osrelease"));
    let is_running = running.is_ok_and(|running| running.trim_end() == release);
    let own = is_running.then(|| root.join("sys/kernel/btf/vmlinux"));
    let others = LOOKED_FOR.map(|path| root.join(path.replace('R', release)));
    own.into_iter().chain(others).collect()
}
