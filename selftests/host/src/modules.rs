// SPDX-License-Identifier: GPL-2.0

//! Real modules and kernels, as the development kit holds them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use rust_btfreloc::elf::Elf;

/// A kernel whose modules are there.
pub struct Release {
    pub name: String,
    /// Its modules, from the smallest file to the largest.
    pub modules: Vec<PathBuf>,
}

/// The development kit; without it there is nothing to compare.
pub fn kit() -> PathBuf {
    let cache = || env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let default = || {
        cache()
            .or_else(home)
            .map(|cache| cache.join("rust_btfreloc"))
    };
    let kit = env::var_os("BTFRELOC_KIT")
        .map(PathBuf::from)
        .or_else(default);
    kit.expect("BTFRELOC_KIT names no folder: set it, or HOME")
}

/// The kernels of the kit: release and vmlinux BTF.
pub fn kernels(kit: &Path) -> Vec<(String, Vec<u8>)> {
    let releases = names(&kit.join("boot")).into_iter();
    let read = |name: String| {
        let bytes = kernel(kit, &name);
        (name, bytes)
    };
    releases.map(read).collect()
}

/// The vmlinux BTF of a kernel of the kit.
pub fn kernel(kit: &Path, release: &str) -> Vec<u8> {
    let path = kit.join("boot").join(release).join("vmlinux.btf");
    fs::read(&path).unwrap_or_else(|err| missing(&path, &err.to_string()))
}

/// The kernels of the kit whose modules are there.
pub fn releases(kit: &Path) -> Vec<Release> {
    let all = kit.join("modules");
    let read = |name: String| {
        let mut modules = Vec::new();
        let folder = all.join(&name).join("lib/modules").join(&name);
        find(&folder, &mut modules);
        if modules.is_empty() {
            missing(&folder, "no modules");
        }
        modules.sort();
        let modules = modules.into_iter().map(|(_, path)| path).collect();
        Release { name, modules }
    };
    names(&all).into_iter().map(read).collect()
}

/// `count` of `modules`, evenly spread over their sizes, the smallest and the largest included.
pub fn sample(modules: &[PathBuf], count: usize) -> Vec<PathBuf> {
    let last = modules.len() - 1;
    let count = count.min(modules.len());
    (0..count)
        .map(|index| modules[index * last / (count - 1).max(1)].clone())
        .collect()
}

/// A module's file, unpacked.
pub fn read(path: &Path) -> Vec<u8> {
    let file = fs::read(path).unwrap_or_else(|err| missing(path, &err.to_string()));
    let image = match path.extension().and_then(|end| end.to_str()) {
        Some("xz") => liblzma::decode_all(&*file),
        _ => Ok(file),
    };
    image.unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// The `.BTF` of a module's file, `None` where it has none.
pub fn btf(path: &Path) -> Option<Vec<u8>> {
    let image = read(path);
    let elf = Elf::parse(&image).unwrap();
    let data = elf.section(b".BTF").and_then(|section| elf.data(&section));
    data.filter(|data| !data.is_empty()).map(<[u8]>::to_vec)
}

/// The stock kernels in the folder; a failure that says what to type where there is none.
///
/// Those that the kit builds itself have few modules, for tests of their own.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|err| missing(folder, &err.to_string()));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.contains("-kabi")).collect();
    names.sort();
    if names.is_empty() {
        missing(folder, "empty");
    }
    names
}

fn missing(path: &Path, what: &str) -> ! {
    panic!("{}: {what}: run scripts/kit", path.display())
}

fn find(folder: &Path, modules: &mut Vec<(u64, PathBuf)>) {
    for entry in fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(Result::unwrap)
    {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            find(&path, modules);
        } else if name.ends_with(".ko") || name.ends_with(".ko.xz") {
            modules.push((entry.metadata().unwrap().len(), path));
        }
    }
}
