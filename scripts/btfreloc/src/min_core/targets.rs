// SPDX-License-Identifier: GPL-2.0

//! The modules that have candidates, of all that there are, with their BTF as it is registered.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context, Result};
use rayon::prelude::*;
use rust_btfreloc::btf::{Blob, Btf, Form, Section};

use super::candidates::{essential, find, Candidates, Key};
use super::owned::{damaged, OwnedBtf};
use crate::input::{self, Kernel, Module};
use crate::progress::bar;
use crate::relocate;

/// A module in which something may be found.
pub struct Target {
    /// As its file below `/sys/kernel/btf` is called.
    pub name: String,
    btf: OwnedBtf,
    /// Its own types that have a key that is asked for.
    pub candidates: Candidates,
}

impl Target {
    /// The module's BTF, on vmlinux's.
    pub fn btf<'a>(&'a self, base: &Btf<'a>) -> Btf<'a> {
        self.btf.btf(Some(base))
    }
}

/// What a module's file says of its name (`KBUILD_MODNAME`).
fn name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file.split(".ko").next().unwrap_or_default();
    name.replace('-', "_")
}

/// The modules in `paths` that have candidates for `wanted`, in the order of their names.
///
/// # Errors
///
/// One cannot be read, or two have one name.
pub fn read(paths: &[PathBuf], kernel: &Kernel, wanted: &HashSet<Key>) -> Result<Vec<Target>> {
    let files = input::modules(paths)
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let bar = bar(files.len());
    let read = files.par_iter().map(|path| {
        let target = target(path, kernel, wanted);
        bar.inc(1);
        target
    });
    let read = read.collect::<Result<Vec<_>>>();
    bar.finish_and_clear();
    let mut targets: Vec<_> = read?.into_iter().flatten().collect();
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    for pair in targets.windows(2) {
        if let [a, b] = pair {
            if a.name == b.name {
                bail!(
                    "two modules are called {}: name one of them with --module",
                    a.name
                );
            }
        }
    }
    Ok(targets)
}

fn target(path: &Path, kernel: &Kernel, wanted: &HashSet<Key>) -> Result<Option<Target>> {
    let module = Module::read(path)?;
    let label = || module.label().to_owned();
    let sections = module.sections().with_context(label)?;
    let Some(input) = &sections.btf else {
        return Ok(None);
    };
    // Most modules have no type of such a name: no more is done for them.
    let names: HashSet<&[u8]> = wanted.iter().map(|key| &*key.name).collect();
    let blob = Blob::parse(Section::Btf, Form::Split, input.btf)
        .map_err(damaged)
        .with_context(label)?;
    let mut strings = blob.strings().split(|byte| *byte == 0);
    if !strings.any(|name| names.contains(essential(name))) {
        return Ok(None);
    }
    let bytes = match relocate::registered_btf(kernel, &module)? {
        Ok(bytes) => bytes,
        Err(reason) => bail!("{}: {}: {reason}", module.label(), kernel.label()),
    };
    let base = kernel.base();
    let btf = OwnedBtf::read(bytes, Some(base.btf())).with_context(label)?;
    let candidates = find(&btf.btf(Some(base.btf())), wanted);
    Ok((!candidates.is_empty()).then(|| Target {
        name: name(path),
        btf,
        candidates,
    }))
}
