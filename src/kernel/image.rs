// SPDX-License-Identifier: GPL-2.0

//! The temporary copy of a loading module's ELF file, found from an address in it.

use super::{nofault, notifier::Coming, pages};
use core::mem::size_of;
use kernel::{
    bindings::{elf64_hdr, elf64_shdr},
    page::PAGE_SIZE,
};

/// The image of `module` that `addr` lies in, up to the end of its last page; `None` where it is in
/// none.
///
/// The loader keeps the image in pages of its own, mapped by `vmalloc` or `vmap`, but tells
/// notifiers only where the BTF in it is.
pub(super) fn around<'a>(_module: Coming<'a>, addr: usize) -> Option<&'a [u8]> {
    let end = pages::mapped_end(addr)?;
    let mut page = pages::start(addr);
    while pages::page_at(page).is_some() {
        if starts_image(page, end).is_some() {
            let len = end.checked_sub(page)?;
            // SAFETY: `page` is where the image starts: only the loader, which has put it there,
            // could write that address into it. Both ways to map it leave the page behind it
            // unmapped, and no page from `page` to `end` is, so all of them are the image's. No one
            // writes it any more, and `Coming` says that it stays for `'a`.
            return Some(unsafe { core::slice::from_raw_parts(page as *const u8, len) });
        }
        // Not every area below the image ends with an unmapped page: what lies there may not be the
        // module's, and may go away at any time.
        page = page.checked_sub(PAGE_SIZE)?;
    }
    None
}

/// Whether an image starts at `page`: one section, that of the names, tells, as the loader has set
/// the address of each to its offset from the first byte of the image.
fn starts_image(page: usize, end: usize) -> Option<()> {
    let header: elf64_hdr = nofault::read(page)?;
    if !header.e_ident.starts_with(b"\x7fELF") {
        return None;
    }
    let index = usize::from(header.e_shstrndx);
    let at = usize::try_from(header.e_shoff)
        .ok()?
        .checked_add(index.checked_mul(size_of::<elf64_shdr>())?)?
        .checked_add(page)?;
    if at.checked_add(size_of::<elf64_shdr>())? > end {
        return None;
    }
    let names: elf64_shdr = nofault::read(at)?;
    let start = names.sh_addr.checked_sub(names.sh_offset)?;
    (usize::try_from(start) == Ok(page)).then_some(())
}
