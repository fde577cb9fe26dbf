// SPDX-License-Identifier: GPL-2.0

//! The temporary copy of a loading module's ELF file, found from the BTF in it.

use super::{handover::Carried, pages};
use crate::elf::Elf;
use kernel::page::PAGE_SIZE;

/// The image that `carried` lies in; `None` where it cannot be told for sure.
///
/// The loader keeps the image in an allocation of its own, in whole pages with unmapped ones around
/// it, but tells notifiers only where the BTF in it is.
pub(crate) fn find<'a>(carried: &Carried<'a>) -> Option<Elf<'a>> {
    let btf = carried.btf.as_ptr() as usize;
    let end = pages::mapped_end(btf)?;
    let mut page = pages::start(btf);
    while pages::page_at(page).is_some() {
        let len = end.checked_sub(page)?;
        // SAFETY: All pages from `page` to `end` are mapped, and part of one allocation, as none
        // between them is missing. No one writes it while notifiers are called, and `Carried` says
        // that it lives for `'a`.
        let bytes: &'a [u8] = unsafe { core::slice::from_raw_parts(page as *const u8, len) };
        // A page may begin like an ELF file without being one's first.
        if let Some(elf) = image(bytes).filter(|elf| holds(elf, btf.checked_sub(page), carried)) {
            return Some(elf);
        }
        page = page.checked_sub(PAGE_SIZE)?;
    }
    None
}

fn image(bytes: &[u8]) -> Option<Elf<'_>> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    Elf::parse(bytes).ok()
}

/// Whether the `.BTF` section of `elf` is the BTF that is carried, `offset` bytes into the image.
fn holds(elf: &Elf<'_>, offset: Option<usize>, carried: &Carried<'_>) -> bool {
    let Some((section, offset)) = elf.section(b".BTF").zip(offset) else {
        return false;
    };
    u64::try_from(offset) == Ok(section.offset)
        && u64::try_from(carried.btf.len()) == Ok(section.size)
        && u64::try_from(carried.btf.as_ptr() as usize) == Ok(section.addr)
}
