// SPDX-License-Identifier: GPL-2.0

//! The sections of a module that a decision is based on.

use crate::elf::Elf;
use crate::reloc::Input;

/// The sections of a module.
pub struct ModuleSections<'a> {
    /// Its BTF.
    pub input: Input<'a>,
    /// The file that the others are in.
    pub file: ModuleFile<'a>,
    /// Whether it has a `.BTF.inline` that would have to be relocated as well.
    pub has_inline: bool,
}

/// The ELF file of a module.
#[derive(Clone, Copy)]
pub enum ModuleFile<'a> {
    /// This one.
    Found(Elf<'a>),
    /// It has one that the kernel module does not find in memory.
    NotFound,
    /// There is nothing but BTF.
    None,
}

impl<'a> ModuleSections<'a> {
    /// `input`, and what else `file` has.
    pub fn new(input: Input<'a>, file: ModuleFile<'a>) -> Self {
        let inline = match file {
            ModuleFile::Found(elf) => elf.section(b".BTF.inline"),
            ModuleFile::NotFound | ModuleFile::None => None,
        };
        let has_inline = inline.is_some_and(|section| section.size != 0);
        ModuleSections {
            input,
            file,
            has_inline,
        }
    }

    /// The release of the kernel that the module was built for, where its vermagic names one.
    pub fn release(&self) -> Option<&'a [u8]> {
        match self.file {
            ModuleFile::Found(elf) => elf.release(),
            ModuleFile::NotFound | ModuleFile::None => None,
        }
    }
}
