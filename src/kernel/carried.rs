// SPDX-License-Identifier: GPL-2.0

//! The BTF that a loading module carries, and the ELF file around it.

use super::{cause::Cause, handover::Pointers, image, notifier::Coming};
use crate::btf::to_usize;
use crate::elf::Elf;
use crate::reloc::Input;
use kernel::ffi::{c_uint, c_void};

/// The BTF of a loading module, as the kernel left it in the temporary copy of the ELF file.
#[derive(Clone, Copy)]
pub(crate) struct Carried<'a> {
    image: &'a [u8],
    btf: &'a [u8],
    base: Option<&'a [u8]>,
}

impl<'a> Carried<'a> {
    /// What `module` carries; `None` where it has no BTF.
    ///
    /// # Errors
    ///
    /// [`Cause::NoImage`], and [`Cause::Outside`]: where a section is `SHT_NOBITS`, the loader
    /// checks neither its offset nor its size.
    pub(crate) fn of(module: Coming<'a>) -> Result<Option<Self>, Cause> {
        let pointers = Pointers::of(module);
        if pointers.data.is_null() || pointers.data_size == 0 {
            return Ok(None);
        }
        let image = image::around(module, pointers.data.addr()).ok_or(Cause::NoImage)?;
        let section = |start: *mut c_void, size: c_uint| {
            let start = start.addr().checked_sub(image.as_ptr().addr());
            let bytes = start.and_then(|start| image.get(start..)?.get(..to_usize(size)));
            bytes.ok_or(Cause::Outside)
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

    /// The ELF file; `None` where its `.BTF` is not what the kernel takes for it.
    pub(crate) fn elf(&self) -> Option<Elf<'a>> {
        let elf = Elf::parse(self.image).ok()?;
        let section = elf.section(b".BTF")?;
        (usize::try_from(section.addr) == Ok(self.btf.as_ptr().addr())).then_some(elf)
    }
}
