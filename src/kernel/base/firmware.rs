// SPDX-License-Identifier: GPL-2.0

//! Files that the kernel's firmware loader reads, plain or compressed.
//!
//! C header: [`include/linux/firmware.h`](srctree/include/linux/firmware.h)
//!
//! `kernel::firmware` wants a device, and may wait a minute for a helper in user space.
//! `request_firmware_direct` never asks one, and logs nothing where there is no such file (Debian's
//! kernels log three lines at the level of information). It looks, with the rights of the kernel and
//! in the mounts of init, in the folder that `firmware_class.path` names, in
//! `/lib/firmware/updates/RELEASE`, `/lib/firmware/updates`, `/lib/firmware/RELEASE` and
//! `/lib/firmware`, for the plain file, then for `.zst`, then for `.xz`; so no question of ours can
//! foretell its answer. That is `ENOENT` too where the last of these folders has no such file and the
//! one in another could not be read.
//!
//! # What can wait
//!
//! A file system may ask user space: autofs, FUSE, NFS with its helpers, overlayfs on any of these;
//! fscrypt and IMA may load a module for a hash or cipher. All of it is waited for by a thread
//! [aside](crate::shell::aside), so that a notifier is held up for [`LIMIT`] at most, however many files it
//! asks for, and once: while a read that was given up is under way, later ones are answered at once. Two
//! reads of one file are one to the loader, which lets the second wait for the first.

use crate::shell::{
    aside::{Aside, Job, Task},
    clock,
};
use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    new_mutex,
    prelude::*,
    str::{CStr, CString},
    sync::Mutex,
    time::Msecs,
};

/// How long all files for one module are waited for: a file system may have to spin up a disk, and 7 MB
/// compressed as `.xz` take a second or two on a slow machine. The kernel calls a task hung after 120
/// seconds.
const LIMIT: Msecs = 30_000;

/// Reads firmware aside.
#[pin_data]
pub(crate) struct Loader {
    #[pin]
    aside: Aside,
}

impl Loader {
    /// Its threads are made, and wait.
    ///
    /// # Errors
    ///
    /// `ENOMEM`
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            aside <- Aside::at_once(c"btfreloc_firmware"),
        })
    }

    /// Reads `name`, or `name` with `.zst` or `.xz` after it, in what is left of `time`.
    ///
    /// # Errors
    ///
    /// The firmware loader's, `ENOENT` where there is no such file among them; `ETIMEDOUT` where it
    /// does not answer; `EINTR` where the process that waits was killed.
    pub(crate) fn read(&self, name: CString, time: &ReadTime) -> Result<FirmwareFile> {
        if self.aside.is_stalled() || time.0.get() == 0 {
            return Err(ETIMEDOUT);
        }
        let start = clock::now();
        let job = Job::new(pin_init!(Read {
            name,
            answer <- new_mutex!(None),
        }))?;
        self.aside.begin(&job);
        let waited = self.aside.wait(&job, time.0.get());
        time.pass(clock::elapsed(start));
        waited?;
        let answer = job.task().answer.lock().take();
        answer.unwrap_or(Err(ENOENT))
    }
}

/// What is left of the time for the files of one module.
pub(crate) struct ReadTime(Cell<Msecs>);

impl ReadTime {
    pub(crate) fn new() -> Self {
        ReadTime(Cell::new(LIMIT))
    }

    fn pass(&self, nanoseconds: u64) {
        let passed = Msecs::try_from(nanoseconds / 1_000_000).unwrap_or(Msecs::MAX);
        self.0.set(self.0.get().saturating_sub(passed));
    }
}

/// Reads one file.
#[pin_data]
struct Read {
    name: CString,
    #[pin]
    answer: Mutex<Option<Result<FirmwareFile>>>,
}

impl Task for Read {
    fn run(&self) {
        let answer = FirmwareFile::read(&self.name);
        *self.answer.lock() = Some(answer);
    }
}

/// A file in memory.
///
/// # Invariants
///
/// The pointer is what the loader gave: valid, ours to release, and its data does not change.
pub(crate) struct FirmwareFile(NonNull<bindings::firmware>);

impl FirmwareFile {
    fn read(name: &CStr) -> Result<Self> {
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
}

impl Deref for FirmwareFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: By the type invariant.
        let (data, size) = unsafe { ((*self.0.as_ptr()).data, (*self.0.as_ptr()).size) };
        if data.is_null() {
            return &[];
        }
        // SAFETY: By the type invariant `size` bytes are there, and stay for as long as `self`.
        unsafe { core::slice::from_raw_parts(data, size) }
    }
}

// SAFETY: It is memory that any thread may read, and release.
unsafe impl Send for FirmwareFile {}

impl Drop for FirmwareFile {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is ours, and this is the last use.
        unsafe { bindings::release_firmware(self.0.as_ptr()) };
    }
}
