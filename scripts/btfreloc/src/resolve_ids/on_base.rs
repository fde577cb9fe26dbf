// SPDX-License-Identifier: GPL-2.0

//! A module's BTF on what it was split off: its own distilled base, a vmlinux, or nothing.

use std::sync::Arc;

use anyhow::{anyhow, bail, Result};
use rust_btfreloc::btf::{verify, Blob, Btf, Error, Form, Section, Table};
use rust_btfreloc::reloc::Input;

use crate::input::Kernel;
use crate::inspect::FileKind;
use crate::plain::contradiction;

/// Calls `work` with the BTF of a module; where it has no base of its own, `vmlinux` gives it.
///
/// # Errors
///
/// The BTF is damaged or was split off another vmlinux; what `vmlinux` and `work` return.
pub fn with_btf<T>(
    input: &Input<'_>,
    vmlinux: impl FnOnce() -> Result<Arc<Kernel>>,
    work: impl FnOnce(&Btf<'_>) -> Result<T>,
) -> Result<T> {
    match (
        input.btf_base,
        FileKind::of(Some(input.btf), input.btf_base),
    ) {
        (Some(btf_base), _) => {
            let mut offsets = Vec::new();
            let base = alone(Section::BtfBase, btf_base, &mut offsets).map_err(words)?;
            split_on(&base, input.btf, work)
        }
        (None, FileKind::Standalone) => {
            let mut offsets = Vec::new();
            work(&alone(Section::Btf, input.btf, &mut offsets).map_err(words)?)
        }
        (None, _) => {
            let kernel = vmlinux()?;
            fits(&kernel, input.btf)?;
            split_on(kernel.base().btf(), input.btf, work)
        }
    }
}

/// BTF that is split off nothing, with its table in `offsets`.
///
/// # Errors
///
/// It is damaged.
pub fn alone<'a>(
    section: Section,
    bytes: &'a [u8],
    offsets: &'a mut Vec<u32>,
) -> Result<Btf<'a>, Error> {
    let blob = Blob::parse(section, Form::Base, bytes)?;
    offsets.resize(Table::needs(Table::count(&blob, 1)?, 0), 0);
    Ok(Btf::alone(blob, Table::build(&blob, 1, offsets, 0)?))
}

/// Calls `work` with `bytes`, BTF that is split off `base`.
///
/// # Errors
///
/// The BTF is damaged, or refers to what is not there; what `work` returns.
pub fn split_on<T>(
    base: &Btf<'_>,
    bytes: &[u8],
    work: impl FnOnce(&Btf<'_>) -> Result<T>,
) -> Result<T> {
    let blob = Blob::parse(Section::Btf, Form::Split, bytes).map_err(words)?;
    let count = Table::count(&blob, base.end_id()).map_err(words)?;
    let mut offsets = vec![0; Table::needs(count, 0)];
    let table = Table::build(&blob, base.end_id(), &mut offsets, 0).map_err(words)?;
    let btf = Btf::split(base, blob, table);
    verify::references(&btf).map_err(words)?;
    work(&btf)
}

/// Refuses plain split BTF that was made for another kernel.
fn fits(kernel: &Kernel, btf: &[u8]) -> Result<()> {
    match contradiction(&kernel.base(), btf).map_err(words)? {
        None => Ok(()),
        Some(found) => bail!(
            "not split off {}: {found}; name the vmlinux it was built with by --base",
            kernel.label()
        ),
    }
}

fn words(error: Error) -> anyhow::Error {
    anyhow!("{error}")
}
