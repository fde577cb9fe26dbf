// SPDX-License-Identifier: GPL-2.0

//! The temporary copy of a loading module's ELF file, found from an address in it.
//!
//! The loader keeps it in pages of its own, mapped by `vmalloc` or `vmap`, and gives it to no
//! notifier. What still points into it is whatever the loader does not move to the module's memory:
//! `.BTF` and `.BTF.base`, unless they are allocated, and symbols of such sections, which each
//! module has in `.modinfo`.

use super::{pages, Pointers};
use crate::shell::{module::Coming, nofault, region};
use core::{mem::size_of, ops::Range};
use kernel::{
    bindings::{elf64_hdr, elf64_shdr, SHF_ALLOC},
    page::PAGE_SIZE,
};

/// The image of `module`, up to the end of its last page; `None` where nothing points into it.
pub(super) fn image(module: Coming<'_>) -> Option<&[u8]> {
    let pointers = Pointers::of(module);
    let mut search = ImageSearch {
        module,
        passed: 0..0,
    };
    [pointers.data, pointers.base]
        .into_iter()
        .find_map(|pointer| search.around(pointer.addr()))
        .or_else(|| symbols::values(module).find_map(|value| search.around(value)))
}

/// A search for the image of a module.
struct ImageSearch<'a> {
    module: Coming<'a>,
    /// What was searched last, and is not the image.
    passed: Range<usize>,
}

impl<'a> ImageSearch<'a> {
    /// The image, where `addr` lies in it.
    fn around(&mut self, addr: usize) -> Option<&'a [u8]> {
        // The relocations of a module could write anything there.
        if self.passed.contains(&addr) || region::holds(self.module, addr, 1) {
            return None;
        }
        let end = pages::mapped_end(addr)?;
        let mut page = pages::page_start(addr);
        while pages::page_at(page).is_some() {
            if self.starts_image(page, end).is_some() {
                let len = end.checked_sub(page)?;
                // SAFETY: `page` is where the image starts, and no page from there to `end` is
                // unmapped. Both ways to map the image leave the page after it unmapped, so that
                // all of them are the image's. No one writes it any more, and `Coming` says that it
                // stays for `'a`.
                return Some(unsafe { core::slice::from_raw_parts(page as *const u8, len) });
            }
            // Not every area below the image ends with an unmapped page: what lies there may not be
            // the module's, and may go away at any time.
            page = page.checked_sub(PAGE_SIZE)?;
        }
        self.passed = page..end;
        None
    }

    /// Whether the image starts at `page`: one of its sections is at the address of `struct module`,
    /// which is `.gnu.linkonce.this_module`.
    ///
    /// Only the loader writes that address into the header of an allocated section, when it has
    /// moved the section there: files are not relocated where they are not allocated, and hold no
    /// address of this boot. So neither another load's image nor a file inside of this one passes.
    fn starts_image(&self, page: usize, end: usize) -> Option<()> {
        let header: elf64_hdr = nofault::read(page)?;
        if !header.e_ident.starts_with(b"\x7fELF") {
            return None;
        }
        let first = usize::try_from(header.e_shoff).ok()?.checked_add(page)?;
        let headers = usize::from(header.e_shnum).checked_mul(size_of::<elf64_shdr>())?;
        let last = first.checked_add(headers).filter(|last| *last <= end)?;
        (first..last)
            .step_by(size_of::<elf64_shdr>())
            .map_while(nofault::read)
            .any(|section| self.is_module(&section))
            .then_some(())
    }

    fn is_module(&self, section: &elf64_shdr) -> bool {
        section.sh_flags & u64::from(SHF_ALLOC) != 0
            && usize::try_from(section.sh_addr) == Ok(self.module.as_ptr().addr())
    }
}

/// The symbols of the module, all those of its file, with the addresses that the loader gave them.
#[cfg(CONFIG_KALLSYMS)]
mod symbols {
    use crate::shell::{module::Coming, nofault};
    use core::mem::size_of;
    use kernel::bindings::{elf64_sym, mod_kallsyms, SHN_LORESERVE, SHN_UNDEF};

    /// Addresses of what is defined in a section.
    pub(super) fn values(module: Coming<'_>) -> impl Iterator<Item = usize> + '_ {
        (0..table(module).num_symtab).filter_map(move |index| {
            let at = usize::try_from(index)
                .ok()?
                .checked_mul(size_of::<elf64_sym>())?;
            let table = table(module).symtab.addr();
            let symbol: elf64_sym = nofault::read(table.checked_add(at)?)?;
            let section = u32::from(symbol.st_shndx);
            (SHN_UNDEF < section && section < SHN_LORESERVE)
                .then(|| usize::try_from(symbol.st_value).ok())?
        })
    }

    fn table(module: Coming<'_>) -> mod_kallsyms {
        // SAFETY: By the invariants of `Coming` the module is valid, and only its thread replaces
        // the table, when its init function has run.
        nofault::read(unsafe { (*module.as_ptr()).kallsyms }.addr()).unwrap_or_default()
    }
}

/// A kernel without `CONFIG_KALLSYMS` keeps none.
#[cfg(not(CONFIG_KALLSYMS))]
mod symbols {
    use crate::shell::module::Coming;

    pub(super) fn values(_module: Coming<'_>) -> impl Iterator<Item = usize> {
        core::iter::empty()
    }
}
