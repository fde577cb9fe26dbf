// SPDX-License-Identifier: GPL-2.0

//! A file without what it was wrapped in.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, Context, Result};
use rust_btfreloc::elf::Elf;
use serde::Serialize;

use super::unpack::Packing;
use super::{bzimage, file, label};

/// `BTF_MAGIC`.
const BTF_MAGIC: u16 = 0xeb9f;

/// What a file is, once it is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// An ELF file.
    Elf,
    /// The bytes of a BTF section.
    RawBtf,
}

/// An unpacked file.
pub struct Image {
    /// How it was named; - for standard input.
    pub path: PathBuf,
    /// How it is named in what is printed.
    pub label: String,
    /// ELF or raw BTF.
    pub bytes: Vec<u8>,
    /// Which of the two.
    pub content: Content,
    /// What the whole file was compressed with.
    pub packing: Option<Packing>,
    /// How it was wrapped, from the outside in.
    pub wrapping: Vec<&'static str>,
}

impl Image {
    /// Reads and unpacks a file or standard input.
    ///
    /// # Errors
    ///
    /// It cannot be read or unpacked, or is neither ELF nor BTF.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_at(path, path)
    }

    /// The same of the file `place`, which is named `path` in what is printed.
    ///
    /// # Errors
    ///
    /// As [`Image::read`].
    pub fn read_at(path: &Path, place: &Path) -> Result<Self> {
        let label = label(path);
        let bytes = file::read(place).with_context(|| label.clone())?;
        Self::unwrap(path, bytes).context(label)
    }

    fn unwrap(path: &Path, mut bytes: Vec<u8>) -> Result<Self> {
        let mut wrapping = Vec::new();
        let packing = Packing::of(&bytes);
        if let Some(packing) = packing {
            bytes = packing.unpack(&bytes)?;
            wrapping.push(packing.name());
        }
        if bzimage::is_bzimage(&bytes) {
            let (vmlinux, packing) = bzimage::vmlinux(&bytes)?;
            bytes = vmlinux;
            wrapping.push("vmlinuz");
            wrapping.extend(packing.map(Packing::name));
        }
        let content = match bytes.get(..2) {
            Some(first) if first == BTF_MAGIC.to_ne_bytes() => Content::RawBtf,
            _ => Content::Elf,
        };
        let image = Image {
            path: path.to_owned(),
            label: label(path),
            bytes,
            content,
            packing,
            wrapping,
        };
        image.elf()?;
        Ok(image)
    }

    /// The ELF file; `None` for raw BTF.
    ///
    /// # Errors
    ///
    /// It is damaged.
    pub fn elf(&self) -> Result<Option<Elf<'_>>> {
        match self.content {
            Content::RawBtf => Ok(None),
            Content::Elf => match Elf::parse(&self.bytes) {
                Ok(elf) => Ok(Some(elf)),
                Err(error) => Err(anyhow!("{error}")),
            },
        }
    }
}
