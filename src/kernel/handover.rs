// SPDX-License-Identifier: GPL-2.0

//! What the kernel is shown as a loading module's BTF.

use super::notifier::Coming;
use core::ptr::NonNull;
use kernel::{
    bindings,
    ffi::{c_uint, c_void},
    prelude::*,
};

/// The BTF that `struct module` points to: `.BTF` and, where there is one, `.BTF.base`.
///
/// Sizes are those of the sections' headers: nothing says that as many bytes are there.
#[derive(Clone, Copy)]
pub(super) struct Pointers {
    pub(super) data: *mut c_void,
    pub(super) data_size: c_uint,
    pub(super) base: *mut c_void,
    pub(super) base_size: c_uint,
}

impl Pointers {
    const NONE: Self = Self {
        data: core::ptr::null_mut(),
        data_size: 0,
        base: core::ptr::null_mut(),
        base_size: 0,
    };

    /// Those of `module`.
    pub(super) fn of(module: Coming<'_>) -> Self {
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

    /// # Safety
    ///
    /// `module` must be valid, and no one else may use its BTF fields meanwhile.
    unsafe fn write(self, module: NonNull<bindings::module>) {
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

/// A loading module whose BTF is replaced, or hidden, until this is dropped.
///
/// The kernel's notifier copies the BTF it registers, so this lives only until the notifier that
/// comes last. It must not live longer than that, or than the module's GOING event: the sizes have
/// to be there again for the kernel's own LIVE and GOING, which do nothing where they are 0.
///
/// # Invariants
///
/// `module` is valid, and its BTF fields point to `buffer` or are empty.
pub(crate) struct Handover {
    module: NonNull<bindings::module>,
    original: Pointers,
    // Only the kernel reads it, through the pointer in `module`.
    _buffer: KVVec<u8>,
}

impl Handover {
    /// Shows the kernel `buffer`, split BTF on vmlinux, as the BTF of `module`.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` where `buffer` is longer than `struct module` can say.
    ///
    /// # Safety
    ///
    /// What is returned must be dropped before the event that `module` is in, or the GOING event
    /// that ends it, is over.
    pub(crate) unsafe fn replace(module: Coming<'_>, mut buffer: KVVec<u8>) -> Result<Self> {
        let shown = Pointers {
            data: buffer.as_mut_ptr().cast(),
            data_size: c_uint::try_from(buffer.len()).map_err(|_| EOVERFLOW)?,
            ..Pointers::NONE
        };
        // SAFETY: The requirements are those of this function.
        Ok(unsafe { Self::show(module, shown, buffer) })
    }

    /// Lets the kernel find no BTF in `module`.
    ///
    /// # Safety
    ///
    /// As for [`Self::replace`].
    pub(crate) unsafe fn hide(module: Coming<'_>) -> Self {
        // SAFETY: The requirements are those of this function.
        unsafe { Self::show(module, Pointers::NONE, KVVec::new()) }
    }

    /// # Safety
    ///
    /// As for [`Self::replace`]; `shown` must point to `buffer` or to nothing.
    unsafe fn show(module: Coming<'_>, shown: Pointers, buffer: KVVec<u8>) -> Self {
        let original = Pointers::of(module);
        let module = module.as_non_null();
        // SAFETY: By the invariants of `Coming` the module is valid, and its BTF fields are used by
        // this thread only.
        unsafe { shown.write(module) };
        // INVARIANT: The fields were written just now, and moving `buffer` leaves its memory alone.
        Self {
            module,
            original,
            _buffer: buffer,
        }
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        // SAFETY: By the requirements on making a handover the module is still in the event that
        // the thread which loads it has called us for.
        unsafe { self.original.write(self.module) };
    }
}

// SAFETY: The module may be reached from any thread; whoever makes a handover sees to when it ends.
unsafe impl Send for Handover {}
