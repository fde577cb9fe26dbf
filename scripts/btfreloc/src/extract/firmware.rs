// SPDX-License-Identifier: GPL-2.0

//! The folder in which rust_btfreloc looks for the BTF of other builds of a release, by way of the
//! kernel's firmware loader: `RELEASE.btf` is tried first, then `RELEASE.1.btf` and so on, up to the
//! first that is not there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};
use rust_btfreloc::reloc::SuppliedName;

use crate::input::{Image, Packing};
use crate::output;

/// What the firmware loader appends, in the order in which it tries them
/// (`drivers/base/firmware_loader/main.c`).
const ENDINGS: [&str; 3] = ["", ".zst", ".xz"];

/// The folder, and how it is kept.
pub struct Firmware<'a> {
    /// Below the firmware path, by the name `btfreloc`.
    pub folder: &'a Path,
    /// Most builds of a release.
    pub keep: u8,
    /// What new files are compressed with.
    pub packing: Option<Packing>,
}

/// What has become of BTF that was to be there.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// It was written to this file.
    Written(PathBuf),
    /// This file has it.
    There(PathBuf),
}

impl Firmware<'_> {
    /// Puts `btf`, that of the newest build of `release`, there as the first of that release; the
    /// others move up, and those that are too many go.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, read or written. What was there is then still there.
    pub fn put(&self, release: &str, btf: &[u8]) -> Result<Put> {
        ensure!(
            !release.is_empty() && !release.contains('/'),
            "{release:?} is no release"
        );
        let folder = self.folder.display();
        fs::create_dir_all(self.folder).with_context(|| format!("{folder}: cannot be made"))?;
        let there = self.builds(release);
        if let Some(path) = there.iter().find(|path| has(path, btf)) {
            return Ok(Put::There(path.clone()));
        }
        let ending = match self.packing {
            None => "",
            Some(Packing::Xz) => ".xz",
            Some(_) => ".zst",
        };
        let first = self.path(release, 0, ending);
        // Written before anything moves, and then given its name.
        let new = output::temporary_packed(&first, btf)?;
        let number = |at: usize| u8::try_from(at).unwrap_or(u8::MAX);
        for (at, old) in there.iter().enumerate().rev() {
            let next = number(at + 1);
            if next >= self.keep {
                fs::remove_file(old).with_context(|| old.display().to_string())?;
            } else {
                let moved = self.path(release, next, ending_of(old));
                fs::rename(old, moved).with_context(|| old.display().to_string())?;
            }
        }
        let persisted = new.persist(&first).map_err(|error| error.error);
        persisted.with_context(|| first.display().to_string())?;
        Ok(Put::Written(first))
    }

    /// The files of this release, in the order in which they are tried; of one name, the one that the
    /// loader takes.
    fn builds(&self, release: &str) -> Vec<PathBuf> {
        let numbers = 0..SuppliedName::MOST;
        let files = numbers.filter_map(|number| {
            let mut paths = ENDINGS
                .map(|ending| self.path(release, number, ending))
                .into_iter();
            paths.find(|path| path.is_file())
        });
        files.collect()
    }

    fn path(&self, release: &str, number: u8, ending: &str) -> PathBuf {
        let name = match number {
            0 => format!("{release}.btf{ending}"),
            number => format!("{release}.{number}.btf{ending}"),
        };
        self.folder.join(name)
    }
}

fn ending_of(path: &Path) -> &'static str {
    let name = path.to_string_lossy();
    let endings = ENDINGS.into_iter().rev();
    let mut endings = endings.filter(|ending| name.ends_with(ending));
    endings.next().unwrap_or_default()
}

/// Whether the file holds `btf`; one that cannot be read does not.
fn has(path: &Path, btf: &[u8]) -> bool {
    Image::read(path).is_ok_and(|image| image.bytes == btf)
}
