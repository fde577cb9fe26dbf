// SPDX-License-Identifier: GPL-2.0

//! Whoever reads a file of debugfs, and what may be shown to them.
//!
//! C headers: [`include/linux/capability.h`](srctree/include/linux/capability.h),
//! [`include/linux/kallsyms.h`](srctree/include/linux/kallsyms.h)

use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{c_char, c_int, c_void},
    prelude::*,
    seq_file::SeqFile,
};

/// Room for an address as text, and its NUL.
const ADDRESS_LEN: usize = 32;

/// Whoever reads a file.
///
/// # Invariants
///
/// The pointer is to the file that is read, which stays open for `'a`; or it is null.
pub(crate) struct Reader<'a>(*mut bindings::file, PhantomData<&'a ()>);

impl<'a> Reader<'a> {
    /// Who reads `seq`.
    pub(super) fn of(seq: &'a SeqFile) -> Self {
        let seq = core::ptr::from_ref(seq).cast::<bindings::seq_file>();
        // SAFETY: `SeqFile` is a valid `struct seq_file`, whose file does not change.
        // INVARIANT: What is read is open.
        Self(unsafe { (*seq).file }.cast_mut(), PhantomData)
    }

    /// Whether addresses of kernel code may be shown: to whom they are shown in `/proc/kallsyms` on a
    /// kernel that is not profiled by everybody (`kallsyms_show_value`, which is not exported).
    pub(super) fn sees_addresses(&self) -> bool {
        if self.0.is_null() {
            return false;
        }
        // SAFETY: By the type invariant the file is open, so that it has the rights of whoever opened
        // it; the first user namespace is always there.
        let capable = unsafe {
            bindings::file_ns_capable(
                self.0,
                &raw mut bindings::init_user_ns,
                bindings::CAP_SYSLOG as c_int,
            )
        };
        capable && !is_hidden()
    }
}

/// Whether `kernel.kptr_restrict`, which is not exported, hides an address from this process: `%pK`
/// makes 0 of it then.
fn is_hidden() -> bool {
    let mut text = [0_u8; ADDRESS_LEN];
    // SAFETY: `text` has as many bytes as it is said to have; the format takes a pointer, of which
    // nothing but the value is looked at.
    unsafe {
        bindings::snprintf(
            text.as_mut_ptr().cast::<c_char>(),
            ADDRESS_LEN,
            c"%pK".as_char_ptr(),
            core::ptr::without_provenance::<c_void>(usize::MAX),
        )
    };
    let written = text.iter().take_while(|byte| **byte != 0);
    written.into_iter().all(|byte| *byte == b'0')
}
