// SPDX-License-Identifier: GPL-2.0

//! Where an installed kernel of some release has its BTF.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};

/// Where kernels are looked for, `R` being the release.
pub const LOOKED_FOR: [&str; 6] = [
    "boot/vmlinuz-R",
    "usr/lib/debug/boot/vmlinux-R",
    "lib/modules/R/vmlinuz",
    "lib/modules/R/vmlinux",
    "lib/modules/R/build/vmlinux",
    "usr/src/linux-headers-R/vmlinux",
];
/// The release of the running kernel.
pub(super) const OSRELEASE: &str = "proc/sys/kernel/osrelease";
/// The BTF of the running kernel.
const RUNNING: &str = "sys/kernel/btf/vmlinux";

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
    let looked_for = files(root, release).map(|path| path.display().to_string());
    bail!(
        "{release}: no such file, and no kernel of that release is installed ({})",
        looked_for.collect::<Vec<_>>().join(", ")
    )
}

/// The running kernel offers its BTF itself, to everybody.
fn candidates(root: &Path, release: &str) -> Vec<PathBuf> {
    let own = running(root).filter(|(running, _)| running == release);
    let own = own.map(|(_, btf)| btf);
    own.into_iter().chain(files(root, release)).collect()
}

/// Where the kernel `release` may be that is installed in `root`.
pub fn files(root: &Path, release: &str) -> impl Iterator<Item = PathBuf> {
    LOOKED_FOR
        .map(|path| root.join(path.replace('R', release)))
        .into_iter()
}

/// The release of the kernel that runs in `root`.
pub fn running_release(root: &Path) -> Option<String> {
    running(root).map(|(release, _)| release)
}

/// The release of the running kernel, and where its BTF is.
pub(super) fn running(root: &Path) -> Option<(String, PathBuf)> {
    let running = fs::read_to_string(root.join(OSRELEASE)).ok()?;
    Some((running.trim_end().to_owned(), root.join(RUNNING)))
}
