// SPDX-License-Identifier: GPL-2.0

//! Reads all BTF in a folder as programs built on aya (aya-obj) and on btf-rs do, and prints each
//! file's name and number of types.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use aya_obj::btf::{Btf as AyaBtf, BtfKind};
use btf_rs::Btf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1);
    let folder = folder.unwrap_or_else(|| "/sys/kernel/btf".into());
    let folder = Path::new(&folder);
    // aya looks in vmlinux's for the types of tracing programs.
    let vmlinux = AyaBtf::parse(&fs::read(folder.join("vmlinux"))?, Default::default())?;
    vmlinux.id_by_type_name_kind("task_struct", BtfKind::Struct)?;
    let base = Btf::from_file(folder.join("vmlinux"))?;
    for name in names(folder)? {
        let path = folder.join(&name);
        let name = name.to_string_lossy();
        let types = read(&path, &base).map_err(|error| format!("{name}: {error}"))?;
        println!("{name} {types}");
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = entries.collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Number of types in the file, each of which has a name that can be read, or none.
fn read(path: &Path, base: &Btf) -> Result<u32> {
    AyaBtf::parse(&fs::read(path)?, Default::default())?;
    let is_base = path.ends_with("vmlinux");
    let (btf, first) = match is_base {
        true => (Btf::from_file(path)?, 1),
        false => (Btf::from_split_file(path, base)?, end(base)?),
    };
    let end = match is_base {
        true => end(&btf)?,
        false => btf.split().ok_or("no split BTF")?.type_id_range().1 + 1,
    };
    for id in first..end {
        let found = btf.resolve_type_by_id(id)?;
        if let Some(named) = found
            .as_btf_type()
            .filter(|named| named.get_name_offset().is_some())
        {
            btf.resolve_name(named)?;
        }
    }
    Ok(end - first)
}

/// One more than the last id.
fn end(base: &Btf) -> Result<u32> {
    Ok(base.base().type_id_range().1 + 1)
}
