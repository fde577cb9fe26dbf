// SPDX-License-Identifier: GPL-2.0

//! The modules that are measured: those of a stock kernel, distilled once by libbpf and kept.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure, Context, Result};
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::Btf;
use rayon::prelude::*;

use crate::progress;

/// A module's BTF as it came, and made for relocation.
pub struct Module {
    pub name: String,
    /// Types of `split`.
    pub types: u32,
    /// Split BTF on its own kernel.
    pub btf: Vec<u8>,
    pub distilled: Vec<u8>,
    /// Split BTF on `distilled`.
    pub split: Vec<u8>,
}

/// Written when all is there: a line for each module, with its number of types.
const LIST: &str = "list";

/// Where a kernel's modules are kept.
pub fn folder(dir: &Path, release: &str) -> PathBuf {
    dir.join("corpus").join(release)
}

/// The vmlinux BTF of a kernel of the kit.
pub fn kernel(release: &str) -> Result<Vec<u8>> {
    let path = modules::kit()
        .join("boot")
        .join(release)
        .join("vmlinux.btf");
    fs::read(&path).with_context(|| format!("{}: run scripts/kit", path.display()))
}

/// All modules in `folder`, the one with the fewest types first; made where they are not there.
pub fn all(folder: &Path, release: &str) -> Result<Vec<Module>> {
    if !folder.join(LIST).is_file() {
        make(folder, release)?;
    }
    let list = fs::read_to_string(folder.join(LIST))?;
    let names: Vec<_> = list.lines().collect();
    names
        .into_par_iter()
        .map(|name| read(folder, name))
        .collect()
}

/// One module that [`all`] left in `folder`: a line of its list.
fn read(folder: &Path, line: &str) -> Result<Module> {
    let (name, types) = line.split_once(' ').context("a line is name and types")?;
    let part = |end: &str| {
        let path = folder.join(format!("{name}.{end}"));
        fs::read(&path).with_context(|| path.display().to_string())
    };
    Ok(Module {
        name: name.to_owned(),
        types: types.parse()?,
        btf: part("btf")?,
        distilled: part("base")?,
        split: part("split")?,
    })
}

/// The modules of these names that [`all`] left in `folder`, in the order of `names`.
pub fn some(folder: &Path, names: &[String]) -> Result<Vec<Module>> {
    let list = fs::read_to_string(folder.join(LIST)).context("the modules are not there yet")?;
    let line = |name: &String| {
        list.lines()
            .find(|line| line.split(' ').next() == Some(name))
    };
    let found = |name| line(name).with_context(|| format!("there is no module {name} with BTF"));
    names
        .iter()
        .map(|name| read(folder, found(name)?))
        .collect()
}

/// Takes the BTF out of a kernel's modules and has libbpf distill it.
fn make(folder: &Path, release: &str) -> Result<()> {
    let releases = modules::releases(&modules::kit());
    let stock = releases.into_iter().find(|stock| stock.name == release);
    let stock = stock.with_context(|| format!("the kit has no modules of {release}"))?;
    fs::create_dir_all(folder)?;
    let bytes = kernel(release)?;
    let base = Btf::base(&bytes).map_err(|err| anyhow!("{release}: libbpf says {err:?}"))?;
    let bar = progress::bar(
        stock.modules.len(),
        &format!("distilling the modules of {release}"),
    );
    let made = stock.modules.par_iter().map(|path| {
        bar.inc(1);
        make_one(folder, &base, path).with_context(|| path.display().to_string())
    });
    let mut made: Vec<_> = made.filter_map(Result::transpose).collect::<Result<_>>()?;
    bar.finish_and_clear();
    ensure!(!made.is_empty(), "no module of {release} has BTF");
    made.sort();
    let lines: Vec<_> = made
        .iter()
        .map(|(types, name)| format!("{name} {types}\n"))
        .collect();
    // All or nothing.
    fs::write(folder.join("list.new"), lines.concat())?;
    Ok(fs::rename(folder.join("list.new"), folder.join(LIST))?)
}

/// Number of types and name; `None` where the module has no BTF.
fn make_one(folder: &Path, base: &Btf<'_>, path: &Path) -> Result<Option<(u32, String)>> {
    let Some(bytes) = modules::btf(path) else {
        return Ok(None);
    };
    let file = path.file_name().and_then(|name| name.to_str());
    let Some((name, _)) = file.and_then(|file| file.split_once('.')) else {
        bail!("a module's file ends in .ko");
    };
    let refused = |err| anyhow!("libbpf says {err:?}");
    let btf = Btf::split(base, &bytes).map_err(refused)?;
    let (distilled, split) = btf.distill().map_err(refused)?;
    let on = Btf::base(&distilled).map_err(refused)?;
    let types = Btf::split(&on, &split).map_err(refused)?.own_count();
    for (end, bytes) in [("btf", &bytes), ("base", &distilled), ("split", &split)] {
        fs::write(folder.join(format!("{name}.{end}")), bytes)?;
    }
    Ok(Some((types, name.to_owned())))
}
