// SPDX-License-Identifier: GPL-2.0

//! Which addresses of the vmalloc and module areas are mapped.

use core::ptr::NonNull;
use kernel::{
    bindings,
    ffi::c_void,
    page::{PAGE_MASK, PAGE_SIZE},
};

/// Start of the page that `addr` is in.
pub(crate) fn page_start(addr: usize) -> usize {
    addr & PAGE_MASK
}

/// The page mapped at `addr`, or `None` where nothing is.
pub(crate) fn page_at(addr: usize) -> Option<NonNull<bindings::page>> {
    let addr = addr as *const c_void;
    // SAFETY: Only compares the address with the bounds of the two areas.
    if unsafe { bindings::is_vmalloc_or_module_addr(addr) } == 0 {
        return None;
    }
    // SAFETY: For an address in one of the two areas this only walks the page tables.
    NonNull::new(unsafe { bindings::vmalloc_to_page(addr) })
}

/// Start of the first page at or after the page of `addr` where nothing is mapped.
pub(super) fn mapped_end(addr: usize) -> Option<usize> {
    let mut page = page_start(addr);
    while page_at(page).is_some() {
        page = page.checked_add(PAGE_SIZE)?;
    }
    Some(page)
}
