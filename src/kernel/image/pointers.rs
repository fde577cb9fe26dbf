// SPDX-License-Identifier: GPL-2.0

//! What `struct module` says of the module's BTF, as the loader filled it in and the kernel reads it.

use crate::shell::module::Coming;
use core::ptr::NonNull;
use kernel::{
    bindings,
    ffi::{c_uint, c_void},
};

/// The BTF that `struct module` points to: `.BTF` and, where there is one, `.BTF.base`.
///
/// Sizes are those of the sections' headers: nothing says that as many bytes are there.
#[derive(Clone, Copy)]
pub(crate) struct Pointers {
    pub(crate) data: *mut c_void,
    pub(crate) data_size: c_uint,
    pub(crate) base: *mut c_void,
    pub(crate) base_size: c_uint,
}

impl Pointers {
    /// No BTF.
    pub(crate) const NONE: Self = Self {
        data: core::ptr::null_mut(),
        data_size: 0,
        base: core::ptr::null_mut(),
        base_size: 0,
    };

    /// Those of `module`.
    pub(crate) fn of(module: Coming<'_>) -> Self {
        let module = module.as_ptr();
        // SAFETY: By its invariants the module is valid, and its BTF fields are used by this thread
        // only.
        unsafe {
            Self {
                data: (*module).btf_data,
                data_size: (*module).btf_data_size,
                base: (*module).btf_base_data,
                base_size: (*module).btf_base_data_size,
            }
        }
    }

    /// Lets `module` point to them.
    ///
    /// # Safety
    ///
    /// `module` must be valid, and no one else may use its BTF fields meanwhile.
    pub(crate) unsafe fn write(self, module: NonNull<bindings::module>) {
        let module = module.as_ptr();
        // SAFETY: By the requirements of this function.
        unsafe {
            (*module).btf_data = self.data;
            (*module).btf_data_size = self.data_size;
            (*module).btf_base_data = self.base;
            (*module).btf_base_data_size = self.base_size;
        }
    }
}
