// SPDX-License-Identifier: GPL-2.0

//! Read-only text files in debugfs, formatted when they are read.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)
//!
//! `kernel::debugfs` leaves the owner of its file operations empty: whoever holds such a file open
//! while its module is unloaded makes the kernel call freed memory on close. These files name their
//! owner, so that the module stays until they are closed.

use super::ffi;
use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{c_int, c_void},
    fmt,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::CStr,
    sync::Arc,
};

const READ_BY_ROOT: bindings::umode_t = 0o400;

/// What a file shows.
pub(crate) trait Show: Send + Sync + 'static {
    /// Writes the whole text.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<T: Show> Show for Arc<T> {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).show(f)
    }
}

/// A file or folder of debugfs, removed when this is dropped; or neither.
///
/// # Invariants
///
/// The pointer is what a function that creates debugfs entries returned: an entry that is ours to
/// remove, or an error, which all functions of debugfs take as well; or it is null.
struct Dentry(*mut bindings::dentry);

impl Drop for Dentry {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. This waits for those who are reading the file.
        unsafe { bindings::debugfs_remove(self.0) };
    }
}

// SAFETY: debugfs does its own locking.
unsafe impl Send for Dentry {}
// SAFETY: As above.
unsafe impl Sync for Dentry {}

/// A folder at the root of debugfs.
pub(crate) struct Dir(Dentry);

impl Dir {
    /// Creates it. Where debugfs is missing nothing is shown, and nothing fails.
    pub(crate) fn new(name: &CStr) -> Self {
        // SAFETY: The name ends with NUL; no parent means the root.
        // INVARIANT: The entry is ours.
        Self(Dentry(unsafe {
            bindings::debugfs_create_dir(name.as_char_ptr(), core::ptr::null_mut())
        }))
    }
}

/// A file that shows a `T`.
pub(crate) struct File<T: Show> {
    // Dropped in this order: no one reads the content once the entry is gone, and the folder, whose
    // removal would take its entries along, goes last.
    _entry: Dentry,
    content: KBox<T>,
    _dir: Arc<Dir>,
}

impl<T: Show> File<T> {
    /// Creates the file `name` in `dir`. Where debugfs is missing nothing is shown.
    pub(crate) fn new(dir: &Arc<Dir>, name: &CStr, content: KBox<T>) -> Self {
        // SAFETY: The folder is valid or an error, and lives as long as this file; the name ends
        // with NUL; the content is a `T`, as the operations expect, that stays where it is and
        // outlives the entry; the operations are valid as long as this module, their owner.
        // INVARIANT: The entry is ours.
        let entry = Dentry(unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                READ_BY_ROOT,
                dir.0 .0,
                (&raw const *content).cast_mut().cast::<c_void>(),
                core::ptr::null(),
                &raw const Operations::<T>::TABLE.0,
            )
        });
        Self {
            _entry: entry,
            content,
            _dir: dir.clone(),
        }
    }

    /// Keeps `content`, which nobody will see, as `dir` has another file of the name.
    pub(crate) fn nameless(dir: &Arc<Dir>, content: KBox<T>) -> Self {
        Self {
            _entry: Dentry(core::ptr::null_mut()),
            content,
            _dir: dir.clone(),
        }
    }

    /// What the file shows.
    pub(crate) fn content(&self) -> &T {
        &self.content
    }
}

/// The file operations for a `T`.
struct Operations<T>(PhantomData<T>);

/// `struct file_operations` that never changes.
struct Table(bindings::file_operations);

// SAFETY: It is only read.
unsafe impl Sync for Table {}

impl<T: Show> Operations<T> {
    const TABLE: &'static Table = &Table(bindings::file_operations {
        owner: (&raw const ffi::__this_module).cast_mut().cast(),
        open: Some(Self::open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(bindings::single_release),
        ..pin_init::zeroed()
    });

    /// # Safety
    ///
    /// `inode` must be that of a [`File<T>`], and `file` one that is being opened.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the requirements of this function.
        unsafe { bindings::single_open(file, Some(Self::show), (*inode).i_private) }
    }

    /// # Safety
    ///
    /// `seq` must have been set up by [`Self::open`].
    unsafe extern "C" fn show(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: `open` put the content's address there. debugfs keeps the file from being
        // removed, and so its content from being dropped, while it is read.
        let content = unsafe { &*(*seq).private.cast::<T>() };
        // SAFETY: By the requirements of this function.
        let seq = unsafe { SeqFile::from_raw(seq) };
        seq_print!(seq, "{}", Formatted(content));
        0
    }
}

/// Lets a [`Show`] stand among the arguments of a format string.
struct Formatted<'a, T>(&'a T);

impl<T: Show> fmt::Display for Formatted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}
