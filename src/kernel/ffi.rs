// SPDX-License-Identifier: GPL-2.0

//! Foreign declarations that the `bindings` crate does not hold.
//!
//! C headers: [`include/linux/vmalloc.h`](srctree/include/linux/vmalloc.h),
//! [`include/linux/init.h`](srctree/include/linux/init.h)

use kernel::ffi::{c_int, c_uint, c_void};

/// Any NUMA node (`NUMA_NO_NODE`).
pub(super) const NUMA_NO_NODE: c_int = -1;

extern "C" {
    /// Maps `count` pages (`struct page`) next to each other, readable and writable.
    pub(super) fn vm_map_ram(pages: *mut *mut c_void, count: c_uint, node: c_int) -> *mut c_void;

    /// Takes back what [`vm_map_ram`] mapped.
    pub(super) fn vm_unmap_ram(mem: *const c_void, count: c_uint);

    /// This module itself. The macro `module!` gives it different names from release to release.
    /// Only its address is of use.
    pub(super) static __this_module: u8;
}
