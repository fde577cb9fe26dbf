// SPDX-License-Identifier: GPL-2.0

//! The files below /sys/kernel/btf, one for each BTF that the kernel has registered.
//!
//! They show whether the kernel registers the BTF of a module between our two notifiers, as all
//! that is done here relies on. They are looked up in the kernel's own tree of sysfs, so that it
//! does not matter whether sysfs is mounted, or what the root of the calling process is.
//!
//! C headers: [`include/linux/kernfs.h`](srctree/include/linux/kernfs.h),
//! [`include/linux/kobject.h`](srctree/include/linux/kobject.h)

use core::ptr::NonNull;
use kernel::{bindings, prelude::*, str::CStr};

/// A file or folder of sysfs, with a reference to it.
///
/// # Invariants
///
/// This owns a reference to the node.
struct Node(NonNull<bindings::kernfs_node>);

impl Node {
    /// What `parent` has under `name`, which may hold any characters.
    ///
    /// # Safety
    ///
    /// `parent` must be a folder of sysfs that stays for the call.
    unsafe fn find(parent: *mut bindings::kernfs_node, name: &CStr) -> Option<Self> {
        let name = name.as_char_ptr();
        // SAFETY: By the requirements of this function; no namespace is null.
        let node = unsafe { bindings::kernfs_find_and_get_ns(parent, name, core::ptr::null()) };
        // INVARIANT: The reference was taken for the caller.
        NonNull::new(node).map(Self)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours to give back.
        unsafe { bindings::kernfs_put(self.0.as_ptr()) };
    }
}

/// /sys/kernel/btf
///
/// # Invariants
///
/// The node is a folder. The kernel made it at boot and never removes it.
pub(crate) struct BtfFiles(Node);

impl BtfFiles {
    /// Finds the folder.
    ///
    /// # Errors
    ///
    /// `ENOENT` where there is none, with a message.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: `kernel_kobj` is set before any module is loaded, and stays. Its `sd` is its folder
        // in sysfs.
        let folder = unsafe { Node::find((*bindings::kernel_kobj).sd, c"btf") };
        // INVARIANT: The kernel has nothing but a folder of this name there.
        folder.map(Self).ok_or_else(|| {
            pr_err!("there is no /sys/kernel/btf, in which the kernel shows what it registers\n");
            ENOENT
        })
    }

    /// Whether the kernel has registered BTF of this name.
    pub(super) fn has(&self, name: &CStr) -> bool {
        // SAFETY: By the type invariant it is a folder that stays.
        unsafe { Node::find(self.0 .0.as_ptr(), name) }.is_some()
    }
}

// SAFETY: A reference to a node may be used and given back by any thread.
unsafe impl Send for BtfFiles {}
// SAFETY: Looking a name up takes the locks it needs.
unsafe impl Sync for BtfFiles {}
