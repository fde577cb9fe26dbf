// SPDX-License-Identifier: GPL-2.0

//! A module's file, and what of it is of interest here.

use std::path::Path;

use anyhow::Result;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::decision::{ModuleFile, ModuleSections};
use rust_btfreloc::reloc::{Cause, Input};

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
    /// What is decided on; `None` where it has no BTF.
    pub module: Option<ModuleSections<'a>>,
    /// Why its BTF is not known, though there is some.
    pub lost: Option<Cause<'static>>,
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

    /// The same of the file `place`, which is named `path` in what is printed.
    ///
    /// # Errors
    ///
    /// As [`Image::read`].
    pub fn read_at(path: &Path, place: &Path) -> Result<Self> {
        let image = Image::read_at(path, place)?;
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
        let shown = match &elf {
            None => Ok((Some(&*self.image.bytes), None)),
            Some(elf) => shown(elf, b".BTF").and_then(|btf| Ok((btf, shown(elf, b".BTF.base")?))),
        };
        let (btf, lost) = match shown {
            Ok((btf, btf_base)) => (btf.map(|btf| Input { btf, btf_base }), None),
            Err(cause) => (None, Some(cause)),
        };
        let inline = elf
            .as_ref()
            .and_then(|elf| elf.data(&elf.section(b".BTF.inline")?));
        let btf = btf.filter(|input| !input.btf.is_empty());
        let file = match elf {
            Some(elf) if elf.is_found() => ModuleFile::Found(elf),
            Some(_) => ModuleFile::NotFound,
            None => ModuleFile::None,
        };
        Ok(Sections {
            elf,
            btf,
            module: btf.map(|input| ModuleSections::new(input, file)),
            lost,
            inline: inline.filter(|inline| !inline.is_empty()),
        })
    }
}

fn shown<'a>(elf: &Elf<'a>, name: &[u8]) -> Result<Option<&'a [u8]>, Cause<'static>> {
    let lost = match elf.is_found() {
        true => Cause::Outside,
        false => Cause::NoImage,
    };
    let section = elf.section(name);
    section
        .map(|section| elf.shown(&section).ok_or(lost))
        .transpose()
}
