// SPDX-License-Identifier: GPL-2.0

//! pahole, which turns DWARF into BTF: found, and called as kbuild calls it.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{bail, ensure, Context, Result};

/// The first that can put BTF into a file of its own, and the least that kernels take
/// (`DEBUG_INFO_BTF` in `lib/Kconfig.debug`).
const OLDEST: u32 = 122;
const INSTALL: &str = "install it (Debian: `apt install pahole`, others: package dwarves)";

/// A pahole that is new enough.
pub(super) struct Pahole {
    path: PathBuf,
    /// As the kernel writes it: 130 for 1.30.
    version: u32,
}

impl Pahole {
    /// Asks the program `path` for its version.
    ///
    /// # Errors
    ///
    /// It is not there, no pahole, or too old.
    pub(super) fn find(path: &Path) -> Result<Self> {
        let mut command = Command::new(path);
        let name = path.display();
        let output = match command.arg("--version").output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{name} is not there: {INSTALL}, or name it with --pahole")
            }
            output => output.with_context(|| name.to_string())?,
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let first = said.lines().next().unwrap_or_default();
        let version = number(said.trim());
        let version = version.with_context(|| {
            format!("{name} is no pahole: it says no version such as v1.30, but {first:?}")
        })?;
        let (major, minor) = (version / 100, version % 100);
        ensure!(
            version >= OLDEST,
            "{name}: version {major}.{minor} is too old, 1.22 is needed: {INSTALL}"
        );
        Ok(Pahole {
            path: path.to_owned(),
            version,
        })
    }

    /// The BTF of `module`, split off the raw BTF in `base` where that is given; `output` is where
    /// pahole may put it. `None` where it finds nothing to put there.
    ///
    /// # Errors
    ///
    /// What pahole complains about.
    pub(super) fn encode(
        &self,
        module: &Path,
        base: Option<&Path>,
        output: &Path,
    ) -> Result<Option<Vec<u8>>> {
        let mut command = Command::new(&self.path);
        command.arg("-J").args(flags(self.version));
        if let Some(base) = base {
            command.arg("--btf_base").arg(base);
        }
        let mut detached = OsString::from("--btf_encode_detached=");
        detached.push(output);
        command.arg(detached).arg(module);
        let done = command.output();
        let done = done.with_context(|| self.path.display().to_string())?;
        ensure!(done.status.success(), "pahole: {}", complaint(&done));
        match fs::read(output) {
            Ok(btf) => Ok(Some(btf).filter(|btf| !btf.is_empty())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("what pahole wrote"),
        }
    }
}

/// The flags of `scripts/Makefile.btf` for this version, but for two: no `-j`, with which the order
/// of types is left to chance, and no `layout`, which kernels before 7.0 refuse.
fn flags(version: u32) -> Vec<&'static str> {
    let mut flags = match version {
        ..=124 => vec!["--btf_gen_floats"],
        125 => vec![
            "--btf_gen_floats",
            "--skip_encoding_btf_inconsistent_proto",
            "--btf_gen_optimized",
        ],
        126.. => vec![
            "--btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func",
        ],
    };
    if version >= 124 {
        flags.push("--lang_exclude=rust");
    }
    flags
}

/// `v1.30` as 130.
fn number(said: &str) -> Option<u32> {
    let (major, minor) = said.strip_prefix('v')?.split_once('.')?;
    let minor: u32 = minor.parse().ok().filter(|minor| *minor < 100)?;
    Some(major.parse::<u32>().ok()?.checked_mul(100)? + minor)
}

/// Its last line says what went wrong.
fn complaint(done: &Output) -> String {
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    last.map_or(done.status.to_string(), str::to_owned)
}
