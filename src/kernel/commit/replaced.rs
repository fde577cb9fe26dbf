// SPDX-License-Identifier: GPL-2.0

//! A loading module whose BTF the kernel reads from another buffer, or does not find.

use crate::shell::{image::Pointers, module::Coming};
use core::ptr::NonNull;
use kernel::{bindings, ffi::c_uint, prelude::*};

/// A loading module whose BTF is replaced, or hidden, until this is dropped.
///
/// The kernel's notifier copies the BTF it registers, so this lives only until the notifier that
/// comes last. It must not live longer than that, or than the module's GOING event: the sizes have
/// to be there again for the kernel's own LIVE and GOING, which do nothing where they are 0.
///
/// # Invariants
///
/// `module` is valid, and its BTF fields point to `buffer` or are empty.
pub(crate) struct ReplacedBtf {
    module: NonNull<bindings::module>,
    original: Pointers,
    // Only the kernel reads it, through the pointer in `module`.
    _buffer: KVVec<u8>,
}

impl ReplacedBtf {
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

impl Drop for ReplacedBtf {
    fn drop(&mut self) {
        // SAFETY: By the requirements on making one the module is still in the event that
        // the thread which loads it has called us for.
        unsafe { self.original.write(self.module) };
    }
}

// SAFETY: The module may be reached from any thread; whoever makes one sees to when it ends.
unsafe impl Send for ReplacedBtf {}
