// SPDX-License-Identifier: GPL-2.0

//! Whether all of a module is as it was but for some sections.

use object::elf::{FileHeader64, SectionHeader64, SHT_SYMTAB};
use object::read::elf::{FileHeader, SectionHeader};
use object::Endianness;

type Header = FileHeader64<Endianness>;
const NATIVE: Endianness = Endianness::Little;

/// A section but for where it is in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    name: String,
    /// Kind, flags, address, link, info, alignment, size of an entry.
    header: String,
    /// What is in it; of the names of sections, to which some may be added, nothing.
    bytes: &'a [u8],
}

/// A symbol: its name, and binding and type, visibility, section, value, size.
type Symbol = (Vec<u8>, String);

/// Header, sections but for `changed`, and symbols of `image`.
pub fn kept<'a>(image: &'a [u8], changed: &[&str]) -> (Vec<u8>, Vec<Kept<'a>>, Vec<Symbol>) {
    let file = Header::parse(image).unwrap();
    let sections = file.sections(NATIVE, image).unwrap();
    let name = |section| String::from_utf8(sections.section_name(NATIVE, section).unwrap().into());
    let kept = sections.iter().map(|section: &SectionHeader64<_>| Kept {
        name: name(section).unwrap(),
        header: format!(
            "{:?}",
            (
                section.sh_type(NATIVE),
                section.sh_flags(NATIVE),
                section.sh_addr(NATIVE),
                section.sh_link(NATIVE),
                section.sh_info(NATIVE),
                section.sh_addralign(NATIVE),
                section.sh_entsize(NATIVE),
            )
        ),
        bytes: match name(section).unwrap().as_str() {
            ".shstrtab" => &[],
            _ => section.data(NATIVE, image).unwrap(),
        },
    });
    let kept = kept.filter(|section| !changed.contains(&&*section.name));
    let symbols = sections.symbols(NATIVE, image, SHT_SYMTAB).unwrap();
    let symbol = |symbol: &object::elf::Sym64<_>| {
        let name = symbol.st_name.get(NATIVE);
        let name = symbols.strings().get(name).unwrap().to_vec();
        let (value, size) = (symbol.st_value.get(NATIVE), symbol.st_size.get(NATIVE));
        let section = symbol.st_shndx.get(NATIVE);
        let rest = (symbol.st_info, symbol.st_other, section, value, size);
        (name, format!("{rest:?}"))
    };
    // e_ident to e_version, and what is after e_shoff up to e_shnum.
    let header = [&image[..24], &image[48..60]].concat();
    (header, kept.collect(), symbols.iter().map(symbol).collect())
}
