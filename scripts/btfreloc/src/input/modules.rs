// SPDX-License-Identifier: GPL-2.0

//! The modules of an installed release by name, as modprobe and modinfo find them (`modules.dep(5)`).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};

use super::file::regular;
use super::find::ENDINGS;
use super::installed::running;

/// The modules of one release.
pub struct InstalledModules {
    folder: PathBuf,
    files: HashMap<String, PathBuf>,
    built_in: HashSet<String>,
}

impl InstalledModules {
    /// Those of `release`, installed in `root`.
    ///
    /// # Errors
    ///
    /// The release is not installed, or `depmod` was not run.
    pub fn of(root: &Path, release: &str) -> Result<Self> {
        let folder = root.join("lib/modules").join(release);
        let list = |name| {
            let path: PathBuf = folder.join(name);
            let bytes = fs::read(&path).with_context(|| path.display().to_string());
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let dep = list("modules.dep")?;
        let files = dep.lines().filter_map(|line| line.split_once(':'));
        let files = files.map(|(file, _)| (name(file), folder.join(file)));
        // A kernel that has nothing built in may lack the list.
        let built_in = list("modules.builtin").unwrap_or_default();
        Ok(InstalledModules {
            files: files.collect(),
            built_in: built_in.lines().map(name).collect(),
            folder,
        })
    }

    /// Those of the release that runs in `root`.
    ///
    /// # Errors
    ///
    /// As [`InstalledModules::of`].
    pub fn of_running(root: &Path) -> Result<Self> {
        let running = running(root).context("the running kernel does not say its release")?;
        Self::of(root, &running.0)
    }

    /// The file of a module; dash and underscore are the same in `module`.
    pub fn file(&self, module: &str) -> Option<&Path> {
        self.files.get(&spelt(module)).map(PathBuf::as_path)
    }

    /// Whether a module is part of the kernel itself.
    pub fn is_built_in(&self, module: &str) -> bool {
        self.built_in.contains(&spelt(module))
    }

    /// The file of a module that is meant by its name.
    ///
    /// # Errors
    ///
    /// There is none of that name, or it is built in, or its file is none.
    pub fn find(&self, module: &str) -> Result<PathBuf> {
        let folder = self.folder.display();
        match self.file(module) {
            Some(file) => regular(file).map(|()| file.to_owned()),
            None if self.is_built_in(module) => {
                bail!("{module}: built into the kernel, whose BTF has its types")
            }
            None => bail!("{module}: no such file, and no module of that name in {folder}"),
        }
    }
}

/// The name of the module in this file.
fn name(file: &str) -> String {
    let file = file.rsplit('/').next().unwrap_or(file);
    let stem = ENDINGS.iter().find_map(|ending| file.strip_suffix(ending));
    spelt(stem.unwrap_or(file))
}

/// As the kernel spells it.
fn spelt(module: &str) -> String {
    module.replace('-', "_")
}
