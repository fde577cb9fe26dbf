// SPDX-License-Identifier: GPL-2.0

//! What the running kernel shows of its modules: `/proc/modules`, `/sys/module`, `/sys/kernel/btf` and
//! what rust_btfreloc reports in debugfs.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rust_btfreloc::elf::Elf;

use super::build_id;

/// The kernel module whose work is shown.
pub(super) const RUST_BTFRELOC: &str = "rust_btfreloc";
const REPORTS: &str = "sys/kernel/debug/btfreloc";
/// More than a summary has, which is the first line of a report.
const SUMMARY: u64 = 64 << 10;

/// The machine whose files are in a folder, `/` for the one that this runs on.
pub(super) struct Machine<'a> {
    pub(super) root: &'a Path,
}

/// A line of `/proc/modules`, the newest module first.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) name: String,
    /// It was not built with the kernel.
    pub(super) out_of_tree: bool,
}

/// Whether there are reports of rust_btfreloc to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reports {
    Readable,
    /// It is not loaded.
    None,
    /// Why they cannot be read.
    Unseen(String),
}

impl Machine<'_> {
    /// The modules that are loaded.
    ///
    /// # Errors
    ///
    /// They are not shown.
    pub(super) fn modules(&self) -> Result<Vec<Listed>> {
        let path = self.root.join("proc/modules");
        let list = fs::read(&path).with_context(|| path.display().to_string())?;
        let list = String::from_utf8_lossy(&list).into_owned();
        Ok(list.lines().filter_map(listed).collect())
    }

    /// Whether rust_btfreloc is loaded, and its reports can be read.
    pub(super) fn reports(&self) -> Reports {
        let path = self.root.join(REPORTS);
        let found = fs::read_dir(&path);
        match (found, self.is_loaded(RUST_BTFRELOC)) {
            (Ok(_), true) => Reports::Readable,
            (_, false) => Reports::None,
            (Err(error), true) => Reports::Unseen(match error.kind() {
                ErrorKind::PermissionDenied => "run as root to see them".to_owned(),
                ErrorKind::NotFound => {
                    "mount debugfs: mount -t debugfs none /sys/kernel/debug".to_owned()
                }
                _ => error.to_string(),
            }),
        }
    }

    /// The first line of what rust_btfreloc reports of `module`.
    pub(super) fn report(&self, module: &str) -> Option<String> {
        let file = File::open(self.root.join(REPORTS).join(module)).ok()?;
        let mut text = Vec::new();
        file.take(SUMMARY).read_to_end(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        text.lines().next().map(str::to_owned)
    }

    /// The value of the parameter `policy`, which debugfs alone shows.
    pub(super) fn policy(&self) -> Option<String> {
        let stats = fs::read_to_string(self.root.join(REPORTS).join("stats")).ok()?;
        let policy = stats
            .lines()
            .find_map(|line| line.strip_prefix("policy "))?;
        Some(policy.trim().to_owned())
    }

    /// Whether a module of this name is there, loaded or built in with parameters.
    pub(super) fn is_loaded(&self, module: &str) -> bool {
        self.module(module).exists()
    }

    /// Whether its code reads ids of BTF types.
    pub(super) fn has_ids(&self, module: &str) -> bool {
        self.module(module).join("sections/.BTF_ids").exists()
    }

    /// The id of the build that it was loaded from.
    pub(super) fn build_id(&self, module: &str) -> Option<Vec<u8>> {
        let note = self.module(module).join("notes/.note.gnu.build-id");
        build_id::of_note(&fs::read(note).ok()?)
    }

    /// Whether `elf` is what `module` was loaded from; `None` where nothing says so.
    pub(super) fn is_loaded_from(&self, module: &str, elf: &Elf<'_>) -> Option<bool> {
        Some(self.build_id(module)? == build_id::of(elf)?)
    }

    /// The BTF that the kernel has registered for it; `None` where there is none, or none any more.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn btf(&self, module: &str) -> io::Result<Option<Vec<u8>>> {
        // The kernel says ENODEV of a file that goes while it is read.
        let is_gone = |error: &io::Error| {
            error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(libc::ENODEV)
        };
        match fs::read(self.root.join("sys/kernel/btf").join(module)) {
            Ok(btf) => Ok(Some(btf)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the kernel of `release` was built with an option; `None` where its configuration is
    /// not there.
    pub(super) fn has_option(&self, release: &str, option: &str) -> Option<bool> {
        let files = [
            format!("boot/config-{release}"),
            format!("lib/modules/{release}/config"),
        ];
        let mut files = files.iter().map(|file| self.root.join(file));
        let config = files.find_map(|file| fs::read_to_string(file).ok())?;
        let set = format!("{option}=y");
        Some(config.lines().any(|line| line == set))
    }

    fn module(&self, module: &str) -> PathBuf {
        self.root.join("sys/module").join(module)
    }
}

/// A line `NAME SIZE USED BY STATE ADDRESS (TAINTS)` of a module that has begun to load
/// (`kernel/module/procfs.c`).
fn listed(line: &str) -> Option<Listed> {
    let mut words = line.split(' ');
    let name = words.next().filter(|name| is_name(name))?;
    let taints = words.last().unwrap_or_default();
    Some(Listed {
        name: name.to_owned(),
        out_of_tree: taints.starts_with('(') && taints.contains('O'),
    })
}

/// Whether this can be the name of a module, and so of a file.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != "." && name != ".."
}
