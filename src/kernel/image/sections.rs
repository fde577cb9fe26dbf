// SPDX-License-Identifier: GPL-2.0

//! The BTF that a loading module has, and its ELF file.

use super::{search, Pointers};
use crate::btf::to_usize;
use crate::elf::Elf;
use crate::reloc::decision::{ModuleFile, ModuleSections};
use crate::reloc::{Cause, Input};
use crate::shell::{module::Coming, region};
use kernel::ffi::{c_uint, c_void};

/// The sections of `module`: in the temporary copy of its ELF file, or in the module's memory where
/// they are allocated. `None` where it has no BTF; of `.BTF.base` the kernel reads even an empty one.
///
/// # Errors
///
/// [`Cause::Outside`]: where a section is `SHT_NOBITS`, the loader checks neither its offset nor its
/// size. [`Cause::NoImage`] where that is not known.
pub(crate) fn sections(module: Coming<'_>) -> Result<Option<ModuleSections<'_>>, Cause<'_>> {
    let pointers = Pointers::of(module);
    if pointers.data.is_null() || pointers.data_size == 0 {
        return Ok(None);
    }
    let image = search::image(module);
    let section = |start: *mut c_void, size: c_uint| {
        let (start, size) = (start.addr(), to_usize(size));
        image
            .and_then(|image| inside(image, start, size))
            .or_else(|| region::bytes(module, start, size))
            .ok_or(match image {
                Some(_) => Cause::Outside,
                None => Cause::NoImage,
            })
    };
    let btf = section(pointers.data, pointers.data_size)?;
    let btf_base = match pointers.base.is_null() {
        true => None,
        false => Some(section(pointers.base, pointers.base_size)?),
    };
    let file = image.and_then(|image| elf(image, btf));
    let file = file.map_or(ModuleFile::NotFound, ModuleFile::Found);
    Ok(Some(ModuleSections::new(Input { btf, btf_base }, file)))
}

/// The ELF file; `None` where its `.BTF` is not what the kernel takes for it.
fn elf<'a>(image: &'a [u8], btf: &[u8]) -> Option<Elf<'a>> {
    let elf = Elf::parse(image).ok()?;
    let section = elf.section(b".BTF")?;
    (usize::try_from(section.addr) == Ok(btf.as_ptr().addr())).then_some(elf)
}

/// The `len` bytes at address `start`, where they lie in `image`.
fn inside(image: &[u8], start: usize, len: usize) -> Option<&[u8]> {
    let start = start.checked_sub(image.as_ptr().addr())?;
    image.get(start..)?.get(..len)
}
