// SPDX-License-Identifier: GPL-2.0

//! A kernel's BTF with the tables that find its types, built once for all modules.

use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use rust_btfreloc::btf::{self, Blob, Form, Known, Reason, Section};
use rust_btfreloc::reloc::{Base, BaseSize};

use super::{file, installed, label, Image};

/// A kernel that modules are to be loaded on.
pub struct Kernel {
    label: String,
    bytes: Vec<u8>,
    size: BaseSize,
    offsets: Vec<u32>,
    index: Vec<u32>,
}

impl Kernel {
    /// Reads the kernel that `name` stands for: a file, standard input or an installed release.
    ///
    /// # Errors
    ///
    /// There is no such kernel, or it has no BTF that holds.
    pub fn read(name: &Path) -> Result<Self> {
        let label = label(name);
        let image = Image::read(&file(name)?)?;
        let file = image.label.clone();
        let bytes = btf(image).with_context(|| file.clone())?;
        Self::new(label, bytes).map_err(|error| match error.reason {
            Reason::StringsNoEmpty => Error::msg(format!(
                "{file}: the BTF of a module, split off a kernel's: name a kernel"
            )),
            _ => Error::msg(format!("{file}: {error}")),
        })
    }

    /// Builds the tables of `bytes`.
    fn new(label: String, bytes: Vec<u8>) -> Result<Self, btf::Error> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, &bytes)?;
        let size = BaseSize::of(&blob, Known::LINUX_7_3)?;
        let mut offsets = vec![0; size.offsets_len()];
        let mut index = vec![0; size.index_len()];
        Base::build(blob, size, &mut offsets, &mut index)?;
        Ok(Kernel {
            label,
            bytes,
            size,
            offsets,
            index,
        })
    }

    /// How the kernel is named in what is printed: as it was typed.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its BTF, raw.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its BTF with its tables.
    ///
    /// # Panics
    ///
    /// Never: the bytes were parsed before.
    pub fn base(&self) -> Base<'_> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, &self.bytes);
        let blob = blob.expect("parsed before");
        Base::from_parts(blob, self.size, &self.offsets, &self.index)
    }
}

/// The file that `name` stands for.
fn file(name: &Path) -> Result<PathBuf> {
    let is_release = name.components().count() == 1 && !name.is_file();
    match name.to_str() {
        Some(release) if is_release && !file::is_stream(name) => installed(Path::new("/"), release),
        _ => Ok(name.to_owned()),
    }
}

/// The kernel's BTF, without the rest of its file.
fn btf(image: Image) -> Result<Vec<u8>> {
    let found = match image.elf()? {
        None => None,
        Some(elf) => {
            let data = elf.section(b".BTF").and_then(|section| elf.data(&section));
            let none = "no .BTF section: this kernel was built without CONFIG_DEBUG_INFO_BTF";
            Some(data.context(none)?.to_vec())
        }
    };
    Ok(found.unwrap_or(image.bytes))
}
