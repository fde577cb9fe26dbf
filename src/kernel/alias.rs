// SPDX-License-Identifier: GPL-2.0

//! A short-lived writable mapping of memory that is write-protected where it lies.

use super::{ffi, memory, notifier::ModuleRef, pages};
use core::ptr::NonNull;
use kernel::{
    bindings,
    ffi::{c_uint, c_void},
    page::PAGE_SIZE,
    prelude::*,
};

/// A second mapping of a range of a module's memory, through which it can be written.
///
/// # Invariants
///
/// `mapping` is a mapping by `vm_map_ram` of `count` pages; `start..start + len` lies inside it and
/// is the range the alias was made for.
pub(crate) struct Alias {
    mapping: NonNull<c_void>,
    count: c_uint,
    start: NonNull<u8>,
    len: usize,
}

impl Alias {
    /// Makes `addr..addr + len`, part of the memory of `module`, writable.
    ///
    /// # Errors
    ///
    /// `EFAULT` where the range is not the module's, `ENOMEM`.
    pub(crate) fn new(module: ModuleRef<'_>, addr: usize, len: usize) -> Result<Self> {
        let end = addr.checked_add(len).ok_or(EFAULT)?;
        if len == 0 || !owns(module, addr, end) {
            return Err(EFAULT);
        }
        let first = pages::start(addr);
        let count = end.checked_sub(first).ok_or(EFAULT)?.div_ceil(PAGE_SIZE);
        let mut found = memory::zeroed::<*mut c_void>(count)?;
        let mut page = first;
        for slot in &mut found {
            *slot = pages::page_at(page).ok_or(EFAULT)?.as_ptr().cast();
            page = page.saturating_add(PAGE_SIZE);
        }
        let count = c_uint::try_from(count)?;
        // SAFETY: `found` holds `count` pages. They belong to the module, so that they stay
        // allocated for as long as it does, which is longer than its notifier call.
        let mapping = unsafe { ffi::vm_map_ram(found.as_mut_ptr(), count, ffi::NUMA_NO_NODE) };
        let mapping = NonNull::new(mapping).ok_or(ENOMEM)?;
        let offset = addr.checked_sub(first).ok_or(EFAULT)?;
        // SAFETY: `offset` is less than a page, and there is at least one.
        let start = unsafe { mapping.cast::<u8>().add(offset) };
        // INVARIANT: `first..end` is covered by the `count` pages, and `addr` is at `offset`.
        Ok(Self {
            mapping,
            count,
            start,
            len,
        })
    }

    /// Writes `bytes` over the range; what one of the two is longer is left out.
    pub(crate) fn write(self, bytes: &[u8]) {
        let len = bytes.len().min(self.len);
        // SAFETY: By the type invariant `len` bytes at `start` are mapped and writable. Their
        // owner is a module none of whose code has run and that waits for the notifier, so no one
        // else reads or writes them; `bytes` is memory of ours and does not overlap.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr(), len) };
    }
}

impl Drop for Alias {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is what `vm_map_ram` returned for `count` pages.
        unsafe { ffi::vm_unmap_ram(self.mapping.as_ptr(), self.count) };
    }
}

/// Whether `start..end` lies in one of the module's memory regions.
fn owns(module: ModuleRef<'_>, start: usize, end: usize) -> bool {
    // SAFETY: By the invariant of `ModuleRef` the module is valid, and its regions do not change
    // while it is loaded.
    let regions: &[bindings::module_memory] = unsafe { &(*module.as_ptr()).mem };
    regions.iter().any(|region| {
        let base = region.base as usize;
        let limit = base.saturating_add(region.size as usize);
        base != 0 && base <= start && end <= limit
    })
}
