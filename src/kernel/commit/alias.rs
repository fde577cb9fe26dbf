// SPDX-License-Identifier: GPL-2.0

//! A short-lived writable mapping of memory that is write-protected where it lies.

use crate::shell::{ffi, image, memory, module::Coming, region};
use core::marker::PhantomData;
use core::ptr::NonNull;
use kernel::{
    ffi::{c_uint, c_void},
    page::PAGE_SIZE,
    prelude::*,
};

/// A second mapping of a range of a loading module's data, through which it can be written.
///
/// # Invariants
///
/// `mapping` is a mapping by `vm_map_ram` of `count` pages, which stay allocated for `'a`;
/// `start..start + len` lies inside it and is the range the alias was made for.
pub(crate) struct Alias<'a> {
    mapping: NonNull<c_void>,
    count: c_uint,
    start: NonNull<u8>,
    len: usize,
    module: PhantomData<Coming<'a>>,
}

impl<'a> Alias<'a> {
    /// Makes `addr..addr + len`, part of the data of `module`, writable.
    ///
    /// # Errors
    ///
    /// `EFAULT` where the range is not the module's, `ENOMEM`.
    pub(crate) fn new(module: Coming<'a>, addr: usize, len: usize) -> Result<Self> {
        let end = addr.checked_add(len).ok_or(EFAULT)?;
        if len == 0 || !region::is_in(module, region::DATA.into_iter(), addr, len) {
            return Err(EFAULT);
        }
        let first = image::page_start(addr);
        let count = end.checked_sub(first).ok_or(EFAULT)?.div_ceil(PAGE_SIZE);
        let mut found = memory::zeroed::<*mut c_void>(count)?;
        let mut page = first;
        for slot in &mut found {
            *slot = image::page_at(page).ok_or(EFAULT)?.as_ptr().cast();
            page = page.saturating_add(PAGE_SIZE);
        }
        let count = c_uint::try_from(count)?;
        // SAFETY: `found` holds `count` pages. They belong to a region of the module, so that they
        // stay allocated for `'a` at least.
        let mapping = unsafe { ffi::vm_map_ram(found.as_mut_ptr(), count, ffi::NUMA_NO_NODE) };
        let mapping = NonNull::new(mapping).ok_or(ENOMEM)?;
        let offset = addr.checked_sub(first).ok_or(EFAULT)?;
        // SAFETY: `offset` is less than a page, and there is at least one.
        let start = unsafe { mapping.cast::<u8>().add(offset) };
        // INVARIANT: `first..end` is covered by the `count` pages, which are those of the module,
        // and `addr` is at `offset`.
        Ok(Self {
            mapping,
            count,
            start,
            len,
            module: PhantomData,
        })
    }

    /// Writes `bytes` over the range; what one of the two is longer is left out.
    ///
    /// # Safety
    ///
    /// No one else may read or write the range meanwhile.
    pub(crate) unsafe fn write(self, bytes: &[u8]) {
        let len = bytes.len().min(self.len);
        // SAFETY: By the type invariants `len` bytes at `start` are mapped and writable, and by the
        // requirements of this function they are not `bytes` and no one else uses them.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr(), len) };
    }
}

/// What is at `addr..addr + len`, part of the data of `module`.
///
/// # Errors
///
/// As for [`Alias::new`].
pub(crate) fn copied(module: Coming<'_>, addr: usize, len: usize) -> Result<KVVec<u8>> {
    if !region::is_in(module, region::DATA.into_iter(), addr, len) {
        return Err(EFAULT);
    }
    let mut bytes = memory::zeroed::<u8>(len)?;
    // SAFETY: The module's data can be read, and no code of the module runs that would write it;
    // `bytes` has room for `len`, and is memory of ours.
    unsafe { core::ptr::copy_nonoverlapping(addr as *const u8, bytes.as_mut_ptr(), len) };
    Ok(bytes)
}

impl Drop for Alias<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is what `vm_map_ram` returned for `count` pages.
        unsafe { ffi::vm_unmap_ram(self.mapping.as_ptr(), self.count) };
    }
}
