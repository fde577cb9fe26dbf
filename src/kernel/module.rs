// SPDX-License-Identifier: GPL-2.0

//! A module that a notifier was called for.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)

use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;
use kernel::{bindings, str::CStr};

/// A module that is loaded or unloaded.
///
/// # Invariants
///
/// The pointer is to a valid `struct module` that stays so for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct ModuleRef<'a>(NonNull<bindings::module>, PhantomData<&'a ()>);

impl<'a> ModuleRef<'a> {
    /// # Safety
    ///
    /// `module` must be valid for `'a`.
    pub(super) unsafe fn from_raw(module: NonNull<bindings::module>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self(module, PhantomData)
    }

    /// The C object.
    pub(super) fn as_non_null(self) -> NonNull<bindings::module> {
        self.0
    }

    /// The C object.
    pub(super) fn as_ptr(self) -> *mut bindings::module {
        self.0.as_ptr()
    }

    /// Name of the module.
    pub(super) fn name(self) -> &'a CStr {
        // SAFETY: By the type invariant the module is valid for `'a`, and its name does not change.
        let name = unsafe { &(*self.as_ptr()).name };
        CStr::from_bytes_until_nul(name).unwrap_or(c"?")
    }
}

/// A module that is being loaded by this thread.
///
/// # Invariants
///
/// For `'a` the module is in `MODULE_STATE_COMING`, and the thread that this is used by is the one
/// that loads it, which goes on only after `'a`: until then none of the module's code runs, its
/// BTF fields are used by this thread only, and the temporary copy of its ELF file stays.
#[derive(Clone, Copy)]
pub(crate) struct Coming<'a>(ModuleRef<'a>);

impl<'a> Coming<'a> {
    /// # Safety
    ///
    /// This thread must have put `module` in `MODULE_STATE_COMING`, and keep it there for `'a`.
    pub(super) unsafe fn from_raw(module: ModuleRef<'a>) -> Self {
        // INVARIANT: By the requirements of this function.
        Self(module)
    }
}

impl<'a> Deref for Coming<'a> {
    type Target = ModuleRef<'a>;

    fn deref(&self) -> &ModuleRef<'a> {
        &self.0
    }
}
