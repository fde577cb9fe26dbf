// SPDX-License-Identifier: GPL-2.0

//! A module's file, and what of it is of interest here.

use std::path::Path;

use anyhow::Result;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::Input;

use super::Image;

/// A module's file, unpacked.
pub struct Module {
    image: Image,
}

/// What a module carries.
pub struct Sections<'a> {
    /// Its file; `None` where only its BTF was given.
    pub elf: Option<Elf<'a>>,
    /// Its BTF; `None` where there is none, or only an empty section.
    pub btf: Option<Input<'a>>,
    /// Its `.BTF.inline`, where there is one that is not empty.
    pub inline: Option<&'a [u8]>,
}

impl Module {
    /// Reads and unpacks a file or standard input.
    ///
    /// # Errors
    ///
    /// As [`Image::read`].
    pub fn read(path: &Path) -> Result<Self> {
        let image = Image::read(path)?;
        Ok(Module { image })
    }

    /// The file itself.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// How the file is named in what is printed.
    pub fn label(&self) -> &str {
        &self.image.label
    }

    /// What it carries, as the kernel's loader finds it; raw BTF is taken for a `.BTF` section.
    ///
    /// # Errors
    ///
    /// As [`Image::elf`].
    pub fn sections(&self) -> Result<Sections<'_>> {
        let elf = self.image.elf()?;
        let (btf, btf_base) = match &elf {
            None => (Some(&*self.image.bytes), None),
            Some(elf) => (data(elf, b".BTF"), data(elf, b".BTF.base")),
        };
        let btf = btf.filter(|btf| !btf.is_empty());
        let inline = elf.as_ref().and_then(|elf| data(elf, b".BTF.inline"));
        Ok(Sections {
            elf,
            inline: inline.filter(|inline| !inline.is_empty()),
            btf: btf.map(|btf| Input { btf, btf_base }),
        })
    }
}

fn data<'a>(elf: &Elf<'a>, name: &[u8]) -> Option<&'a [u8]> {
    elf.data(&elf.section(name)?)
}
