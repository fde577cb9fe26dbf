// SPDX-License-Identifier: GPL-2.0

//! A vmlinux that has nothing but what builds of modules read of it: kbuild gives its `.BTF` to pahole
//! and `resolve_btfids`, and dkms looks for the compiler in `.comment` (`readelf -p .comment`).

use object::elf::{
    FileFlags, Machine, SectionFlags, ELFOSABI_NONE, EM_X86_64, ET_EXEC, SHF_MERGE, SHF_STRINGS,
    SHT_PROGBITS,
};
use object::write::elf::{FileHeader, SectionHeader, Writer};
use object::write::Error;
use object::Endianness;

/// BTF is made of words.
const ALIGN: u64 = 4;

/// What compiler and linker leave in `.comment`, made of `compiler`, how they call themselves in the
/// banner of a kernel: gcc is without the name of its program there, and GNU ld leaves nothing.
pub fn comment(compiler: &str) -> Vec<String> {
    let (compiler, linker) = match compiler.rsplit_once(", ") {
        Some((compiler, linker)) => (compiler, Some(linker)),
        None => (compiler, None),
    };
    let clang = compiler.contains("clang");
    let compiler = match compiler.split_once(' ') {
        Some((_, version)) if !clang => format!("GCC: {version}"),
        _ => compiler.to_owned(),
    };
    let lld = linker.filter(|linker| linker.contains("LLD"));
    let lld = lld.map(|linker| format!("Linker: {linker}"));
    [Some(compiler), lld].into_iter().flatten().collect()
}

/// An ELF file with `btf` and these strings as its `.comment`, for `machine` or for x86-64.
///
/// # Errors
///
/// It would be too large.
pub fn write(btf: &[u8], comment: &[String], machine: Option<u16>) -> Result<Vec<u8>, Error> {
    let comment: Vec<u8> = comment
        .iter()
        .flat_map(|text| text.bytes().chain([0]))
        .collect();
    let sections = [
        (".BTF", btf, ALIGN, SectionFlags(0), 0),
        (".comment", &comment, 1, SHF_MERGE | SHF_STRINGS, 1),
    ];
    let mut file = Vec::new();
    let mut writer = Writer::new(Endianness::default(), true, &mut file);
    writer.reserve_file_header();
    writer.reserve_null_section_index();
    let places = sections.map(|(name, bytes, align, ..)| {
        writer.reserve_section_index();
        let name = writer.add_section_name(name.as_bytes());
        (name, writer.reserve(bytes.len() as u64, align))
    });
    writer.reserve_shstrtab_section_index();
    writer.reserve_shstrtab()?;
    writer.reserve_section_headers();

    writer.write_file_header(&FileHeader {
        os_abi: ELFOSABI_NONE,
        abi_version: 0,
        e_type: ET_EXEC,
        e_machine: machine.map_or(EM_X86_64, Machine),
        e_entry: 0,
        e_flags: FileFlags(0),
    })?;
    for (_, bytes, align, ..) in &sections {
        writer.write_align(*align);
        writer.write(bytes);
    }
    writer.write_shstrtab();
    writer.write_null_section_header();
    for ((name, at), (_, bytes, align, flags, entry)) in places.into_iter().zip(sections) {
        writer.write_section_header(&SectionHeader {
            sh_name: writer.section_name_offset(Some(name)),
            sh_type: SHT_PROGBITS,
            sh_flags: flags,
            sh_addr: 0,
            sh_offset: at,
            sh_size: bytes.len() as u64,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: align,
            sh_entsize: entry,
        });
    }
    writer.write_shstrtab_section_header();
    Ok(file)
}
