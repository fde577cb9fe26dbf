// SPDX-License-Identifier: GPL-2.0

//! Files that the kernel's firmware loader reads, plain or compressed.
//!
//! C header: [`include/linux/firmware.h`](srctree/include/linux/firmware.h)
//!
//! `kernel::firmware` wants a device, and may wait a minute for a helper in user space.

use core::ptr::NonNull;
use kernel::{
    bindings,
    error::{from_err_ptr, to_result},
    ffi::c_int,
    prelude::*,
    str::CStr,
};

/// Whether there is a folder at `path`.
pub(super) fn is_folder(path: &CStr) -> bool {
    const FLAGS: c_int = (bindings::O_PATH | bindings::O_DIRECTORY) as c_int;
    // SAFETY: The path ends with NUL.
    let opened = unsafe { bindings::filp_open(path.as_char_ptr(), FLAGS, 0) };
    from_err_ptr(opened).is_ok_and(|file| {
        // SAFETY: The file was opened just now, and nobody else knows of it.
        unsafe { bindings::fput(file) };
        true
    })
}

/// A file below `/lib/firmware`, in memory.
///
/// # Invariants
///
/// The pointer is what the loader gave: valid, ours to release, and its data does not change.
pub(super) struct Firmware(NonNull<bindings::firmware>);

impl Firmware {
    /// Reads `name`, or `name` with `.zst` or `.xz` behind it.
    ///
    /// # Errors
    ///
    /// The loader's; `ENOENT` where there is no such file.
    pub(super) fn read(name: &CStr) -> Result<Self> {
        let mut firmware = core::ptr::null();
        // SAFETY: `firmware` is valid for writes, the name ends with NUL, and the loader takes no
        // device for none.
        to_result(unsafe {
            bindings::request_firmware_direct(
                &raw mut firmware,
                name.as_char_ptr(),
                core::ptr::null_mut(),
            )
        })?;
        // INVARIANT: The loader has succeeded.
        NonNull::new(firmware.cast_mut()).map(Self).ok_or(ENOENT)
    }

    /// Its content.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: By the type invariant.
        let (data, size) = unsafe { ((*self.0.as_ptr()).data, (*self.0.as_ptr()).size) };
        if data.is_null() {
            return &[];
        }
        // SAFETY: By the type invariant `size` bytes are there, and stay for as long as `self`.
        unsafe { core::slice::from_raw_parts(data, size) }
    }
}

impl Drop for Firmware {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is ours, and this is the last use.
        unsafe { bindings::release_firmware(self.0.as_ptr()) };
    }
}
