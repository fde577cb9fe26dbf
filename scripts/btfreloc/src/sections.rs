// SPDX-License-Identifier: GPL-2.0

//! Puts sections into a module's ELF file, and keeps all others as they are.

use anyhow::{ensure, Context, Result};
use object::build::elf::{Builder, Section, SectionData};
use object::elf::{ET_REL, SHT_PROGBITS};

/// Puts `sections`, each a name and its bytes, into `image`, a module's ELF file: a section that is
/// there already gets the new bytes, and one without bytes goes.
///
/// All other sections keep their bytes, flags, alignment and order, as do symbols and relocations;
/// new sections are the last. What follows the ELF file, such as a signature, is left out.
///
/// # Errors
///
/// The file is not relocatable, or holds what cannot be kept.
pub fn with_sections(image: &[u8], sections: &[(&str, Option<&[u8]>)]) -> Result<Vec<u8>> {
    let mut file = Builder::read64(image).context("ELF file")?;
    ensure!(
        file.header.e_type == ET_REL,
        "ELF file of type {}, not relocatable (1): no module",
        file.header.e_type
    );
    for (name, bytes) in sections {
        let there = file.sections.iter_mut();
        let mut there = there.filter(|section| section.name.as_slice() == name.as_bytes());
        match (there.next(), *bytes) {
            (Some(section), Some(bytes)) => section.data = SectionData::Data(bytes.into()),
            (Some(section), None) => section.delete = true,
            (None, Some(bytes)) => {
                let section = added(file.sections.add(), name);
                section.data = SectionData::Data(bytes.into());
            }
            (None, None) => {}
        }
    }
    let mut written = Vec::new();
    file.write(&mut written).context("ELF file")?;
    Ok(written)
}

fn added<'s, 'd>(section: &'s mut Section<'d>, name: &str) -> &'s mut Section<'d> {
    section.name = name.as_bytes().to_vec().into();
    section.sh_type = SHT_PROGBITS;
    // BTF is made of words.
    section.sh_addralign = 4;
    section
}
