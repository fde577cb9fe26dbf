// SPDX-License-Identifier: GPL-2.0

//! Read-only text files in debugfs, formatted when they are read.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)
//!
//! `kernel::debugfs` leaves the owner of its file operations empty: whoever holds such a file open
//! while its module is unloaded makes the kernel call freed memory on close. These files name their
//! owner, so that the module stays until they are closed.
//!
//! `debugfs_remove` waits for whoever is reading the file, or lists the folder, and a reader may
//! stall for as long as it likes: where the page that it reads into is a userfaultfd's, in
//! `copy_to_user`. Notifiers must not wait with it, as all loads would. So an open file has a share
//! in its content and is not protected by debugfs, which waits only for opening it to end; and
//! entries come and go by a thread [aside](crate::shell::aside), in order, that nobody waits long for.

use super::Reader;
use crate::shell::{
    aside::{Aside, Job, Task},
    ffi,
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{c_int, c_void},
    fmt, new_mutex,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::{CStr, CString},
    sync::{Arc, ArcBorrow, Mutex},
    time::Msecs,
};

const READ_BY_ROOT: bindings::umode_t = 0o400;

/// How long an entry is waited for, so that whoever loads a module then finds its report: one that
/// takes longer comes, or goes, later.
const LIMIT: Msecs = 1000;

/// What a file shows.
pub(crate) trait Show: Send + Sync + 'static {
    /// Writes the whole text, for whoever reads it.
    fn show(&self, f: &mut fmt::Formatter<'_>, reader: &Reader<'_>) -> fmt::Result;
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
        // SAFETY: By the type invariant. This waits for those who are opening the file.
        unsafe { bindings::debugfs_remove(self.0) };
    }
}

// SAFETY: debugfs does its own locking.
unsafe impl Send for Dentry {}
// SAFETY: As above.
unsafe impl Sync for Dentry {}

/// A folder at the root of debugfs, with another in it.
#[pin_data]
pub(crate) struct Dir {
    // Dropped in this order: what is under way in the folders ends before they go.
    #[pin]
    aside: Aside,
    inner: Dentry,
    entry: Dentry,
}

/// Which folder of a [`Dir`] a file is in.
#[derive(Clone, Copy)]
pub(crate) enum Folder {
    Root,
    Inner,
}

impl Dir {
    /// Creates the folder `name` with `inner` in it. Where debugfs is missing nothing is shown, and
    /// nothing fails.
    ///
    /// # Errors
    ///
    /// `ENOMEM`
    pub(crate) fn new<'a>(name: &'a CStr, inner: &'a CStr) -> impl PinInit<Self, Error> + 'a {
        let entry = Dentry::folder(name, core::ptr::null_mut());
        let inner = Dentry::folder(inner, entry.0);
        try_pin_init!(Self {
            aside <- Aside::in_order(name),
            inner,
            entry,
        })
    }

    fn folder(&self, folder: Folder) -> *mut bindings::dentry {
        match folder {
            Folder::Root => self.entry.0,
            Folder::Inner => self.inner.0,
        }
    }
}

impl Dentry {
    /// Creates a folder in `parent`, what a function that creates debugfs entries returned, or at the
    /// root where that is null.
    fn folder(name: &CStr, parent: *mut bindings::dentry) -> Self {
        // SAFETY: The name ends with NUL; the parent is none, a folder or an error.
        // INVARIANT: The entry is ours.
        Self(unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), parent) })
    }
}

/// A file that shows a `T` until this is dropped.
pub(crate) struct File<T: Show> {
    content: Arc<T>,
    /// `None` where there is no file.
    removal: Option<Arc<Job<Removal<T>>>>,
    dir: Arc<Dir>,
}

impl<T: Show> File<T> {
    /// Creates the file `name` in `folder` of `dir`. Where debugfs is missing, or memory, nothing is
    /// shown.
    pub(crate) fn new(dir: &Arc<Dir>, folder: Folder, name: &CStr, content: Arc<T>) -> Self {
        Self {
            removal: create(dir, folder, name, &content).ok(),
            content,
            dir: dir.clone(),
        }
    }

    /// Keeps `content`, which nobody will see, as `dir` has another file of the name.
    pub(crate) fn nameless(dir: &Arc<Dir>, content: Arc<T>) -> Self {
        Self {
            content,
            removal: None,
            dir: dir.clone(),
        }
    }

    /// What the file shows.
    pub(crate) fn content(&self) -> &T {
        &self.content
    }
}
impl<T: Show> Drop for File<T> {
    fn drop(&mut self) {
        if let Some(removal) = &self.removal {
            self.dir.aside.begin(removal);
            // Nobody depends on it.
            let _ = self.dir.aside.wait(removal, LIMIT);
        }
    }
}

/// Creates a file, and all that is needed to remove it.
fn create<T: Show>(
    dir: &Arc<Dir>,
    folder: Folder,
    name: &CStr,
    content: &Arc<T>,
) -> Result<Arc<Job<Removal<T>>>> {
    let entry = Arc::pin_init(new_mutex!(Dentry(core::ptr::null_mut())), GFP_KERNEL)?;
    let removal = Job::new(Removal {
        entry: entry.clone(),
        _content: content.clone(),
    })?;
    let creation = Job::new(Creation {
        entry,
        content: content.clone(),
        name: CString::try_from(name)?,
        parent: dir.folder(folder),
    })?;
    dir.aside.begin(&creation);
    // It is created later, and removed after that.
    let _ = dir.aside.wait(&creation, LIMIT);
    Ok(removal)
}

/// Creates a file.
///
/// # Invariants
///
/// `parent` is that of a [`Dir`] which ends all jobs before it goes. The [`Removal`] of `entry` has
/// a share in `content`, and is done later, if at all.
struct Creation<T> {
    entry: Arc<Mutex<Dentry>>,
    content: Arc<T>,
    name: CString,
    parent: *mut bindings::dentry,
}

// SAFETY: debugfs does its own locking.
unsafe impl<T: Show> Send for Creation<T> {}
// SAFETY: As above.
unsafe impl<T: Show> Sync for Creation<T> {}

impl<T: Show> Task for Creation<T> {
    fn run(&self) {
        // SAFETY: By the type invariants the folder is valid or an error; the name ends with NUL;
        // the content is a `T` in an `Arc`, as the operations expect, and outlives the entry, so
        // that it may be opened; once open, the file has a share in it and needs no protection; the
        // operations are valid as long as this module, their owner.
        // INVARIANT: The entry is ours.
        let entry = Dentry(unsafe {
            bindings::debugfs_create_file_unsafe(
                self.name.as_char_ptr(),
                READ_BY_ROOT,
                self.parent,
                Arc::as_ptr(&self.content).cast_mut().cast::<c_void>(),
                &raw const Operations::<T>::TABLE.0,
            )
        });
        *self.entry.lock() = entry;
    }
}

/// Removes a file.
struct Removal<T> {
    entry: Arc<Mutex<Dentry>>,
    /// What the file shows, kept until it is gone.
    _content: Arc<T>,
}

impl<T: Show> Task for Removal<T> {
    fn run(&self) {
        *self.entry.lock() = Dentry(core::ptr::null_mut());
    }
}

/// The file operations for a `T`.
struct Operations<T>(PhantomData<T>);

/// `struct file_operations` that never changes.
struct FileOperations(bindings::file_operations);

// SAFETY: It is only read.
unsafe impl Sync for FileOperations {}

impl<T: Show> Operations<T> {
    const TABLE: &'static FileOperations = &FileOperations(bindings::file_operations {
        owner: (&raw const ffi::__this_module).cast_mut().cast(),
        open: Some(Self::open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(Self::release),
        ..pin_init::zeroed()
    });

    /// # Safety
    ///
    /// `inode` must be that of a [`File<T>`], and `file` one that is being opened.
    unsafe extern "C" fn open(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: [`Creation`] put the address there, which `Arc::as_ptr` gave. debugfs keeps the
        // file from being removed, and so its content from being dropped, while it is opened.
        let content = unsafe { ArcBorrow::from_raw((*inode).i_private.cast_const().cast::<T>()) };
        let share = Arc::into_raw(Arc::from(content));
        // SAFETY: By the requirements of this function.
        let error = unsafe {
            bindings::single_open(file, Some(Self::show), share.cast_mut().cast::<c_void>())
        };
        if error != 0 {
            // SAFETY: It was turned into a pointer just now, and nobody else has that.
            drop(unsafe { Arc::from_raw(share) });
        }
        error
    }

    /// # Safety
    ///
    /// `file` must have been set up by [`Self::open`], and nobody else may use it any more.
    unsafe extern "C" fn release(inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: By the requirements of this function it has a `seq_file`, which holds the share
        // that `open` put there.
        let share = unsafe {
            let seq = (*file).private_data.cast::<bindings::seq_file>();
            Arc::from_raw((*seq).private.cast_const().cast::<T>())
        };
        // SAFETY: By the requirements of this function.
        let error = unsafe { bindings::single_release(inode, file) };
        drop(share);
        error
    }

    /// # Safety
    ///
    /// `seq` must have been set up by [`Self::open`].
    unsafe extern "C" fn show(seq: *mut bindings::seq_file, _: *mut c_void) -> c_int {
        // SAFETY: `open` put a share in the content there, which stays until `release`.
        let content = unsafe { &*(*seq).private.cast::<T>() };
        // SAFETY: By the requirements of this function.
        let seq = unsafe { SeqFile::from_raw(seq) };
        seq_print!(seq, "{}", Formatted(content, Reader::of(seq)));
        0
    }
}

/// Lets a [`Show`] stand among the arguments of a format string.
struct Formatted<'a, T>(&'a T, Reader<'a>);

impl<T: Show> fmt::Display for Formatted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f, &self.1)
    }
}
