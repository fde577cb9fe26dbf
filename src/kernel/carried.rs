// SPDX-License-Identifier: GPL-2.0

//! The BTF that a loading module has, and its ELF file.

use super::{handover::Pointers, image, notifier::Coming, region};
use crate::btf::to_usize;
use crate::elf::Elf;
use crate::reloc::{Cause, Input};
use kernel::ffi::{c_uint, c_void};

/// The BTF of a loading module: in the temporary copy of the ELF file, or in the module's memory where
/// the section is allocated.
#[derive(Clone, Copy)]
pub(crate) struct Carried<'a> {
    image: Option<&'a [u8]>,
    btf: &'a [u8],
    base: Option<&'a [u8]>,
}

impl<'a> Carried<'a> {
    /// What `module` carries; `None` where it has no BTF.
    ///
    /// # Errors
    ///
    /// [`Cause::Outside`]: where a section is `SHT_NOBITS`, the loader checks neither its offset nor
    /// its size. [`Cause::NoImage`] where that is not known.
    pub(crate) fn of(module: Coming<'a>) -> Result<Option<Self>, Cause<'a>> {
        let pointers = Pointers::of(module);
        if pointers.data.is_null() || pointers.data_size == 0 {
            return Ok(None);
        }
        let image = image::of(module);
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
        let base = match pointers.base.is_null() {
            true => None,
            false => Some(section(pointers.base, pointers.base_size)?),
        };
        Ok(Some(Self { image, btf, base }))
    }

    /// `.BTF`, not empty, and `.BTF.base`, which the kernel reads even where it is empty.
    pub(crate) fn input(&self) -> Input<'a> {
        Input {
            btf: self.btf,
            btf_base: self.base,
        }
    }

    /// The ELF file; `None` where it was not found, or its `.BTF` is not what the kernel takes for it.
    pub(crate) fn elf(&self) -> Option<Elf<'a>> {
        let elf = Elf::parse(self.image?).ok()?;
        let section = elf.section(b".BTF")?;
        (usize::try_from(section.addr) == Ok(self.btf.as_ptr().addr())).then_some(elf)
    }
}

/// The `len` bytes at address `start`, where they lie in `image`.
fn inside(image: &[u8], start: usize, len: usize) -> Option<&[u8]> {
    let start = start.checked_sub(image.as_ptr().addr())?;
    image.get(start..)?.get(..len)
}
