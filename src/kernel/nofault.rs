// SPDX-License-Identifier: GPL-2.0

//! Reads of kernel memory that may not be there.

use core::mem::size_of;
use kernel::{bindings, ffi::c_void};

/// What can be read from memory of unknown content.
///
/// # Safety
///
/// Any bytes must be a value of the type.
pub(super) unsafe trait Plain: Default {}

// SAFETY: Any byte is a value.
unsafe impl Plain for u8 {}
// SAFETY: Any bytes are a value.
unsafe impl Plain for [u8; 32] {}
// SAFETY: It is made of integers only.
unsafe impl Plain for bindings::elf64_hdr {}
// SAFETY: It is made of integers only.
unsafe impl Plain for bindings::elf64_shdr {}
#[cfg(CONFIG_KALLSYMS)]
// SAFETY: It is made of integers only.
unsafe impl Plain for bindings::elf64_sym {}
#[cfg(CONFIG_KALLSYMS)]
// SAFETY: It is made of an integer and raw pointers only.
unsafe impl Plain for bindings::mod_kallsyms {}

/// The value at `addr`, of any alignment; `None` where reading faults.
pub(super) fn read<T: Plain>(addr: usize) -> Option<T> {
    let mut value = T::default();
    // SAFETY: Writes at most the size of `T` to `value`, where any bytes may stand; any address may
    // be read this way.
    let error = unsafe {
        bindings::copy_from_kernel_nofault(
            (&raw mut value).cast::<c_void>(),
            addr as *const c_void,
            size_of::<T>(),
        )
    };
    (error == 0).then_some(value)
}
