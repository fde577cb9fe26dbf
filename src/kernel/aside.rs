// SPDX-License-Identifier: GPL-2.0

//! Work that may stall, left to a kernel thread, with a limit on how long its result is waited for.
//!
//! Notifiers are called with the lock of their chain held. Whatever waits there for user space can
//! wait forever: reading a file may need a module (an autofs or FUSE server that runs `modprobe`, a
//! hash that IMA or fscrypt loads), and that module's load needs the same lock. Readers share it,
//! until somebody registers or unregisters a notifier: after that writer no reader gets in, the
//! writer waits for us, and we for the reader. A notifier that gives up after a while ends this.
//!
//! It also keeps what a file system takes of the kernel stack off the stack of the load.

use core::ptr::NonNull;
use kernel::{
    bindings,
    ffi::{c_int, c_uint, c_ulong},
    impl_has_work, new_mutex, new_work,
    prelude::*,
    str::CStr,
    sync::{Arc, Mutex},
    time::{msecs_to_jiffies, Msecs},
    types::Opaque,
    workqueue::{Queue, Work, WorkItem},
};

/// What is done aside.
pub(super) trait Task: Send + Sync + 'static {
    /// Does it; called once.
    fn run(&self);
}

/// A [`Task`] with all that is needed to leave it to a thread: from here on nothing fails.
#[pin_data]
pub(super) struct Job<T> {
    #[pin]
    work: Work<Self>,
    done: Arc<Completion>,
    #[pin]
    task: T,
}

impl_has_work! {
    impl{T} HasWork<Self> for Job<T> { self.work }
}

impl<T: Task> Job<T> {
    /// A job that was not begun.
    pub(super) fn new(task: impl PinInit<T>) -> Result<Arc<Self>> {
        let done = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let job = pin_init!(Self {
            work <- new_work!("Job::work"),
            done,
            task <- task,
        });
        Arc::pin_init(job, GFP_KERNEL)
    }

    /// The task.
    pub(super) fn task(&self) -> &T {
        &self.task
    }
}

impl<T: Task> WorkItem for Job<T> {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.task.run();
        this.done.complete();
    }
}

/// Threads that work aside. Dropping this waits until all jobs are done.
///
/// # Invariants
///
/// `queue` is a workqueue that is ours to destroy.
#[pin_data(PinnedDrop)]
pub(super) struct Aside {
    queue: NonNull<bindings::workqueue_struct>,
    /// The last job that was not waited for to its end.
    #[pin]
    late: Mutex<Option<Arc<Completion>>>,
}

// SAFETY: Workqueues do their own locking.
unsafe impl Send for Aside {}
// SAFETY: As above.
unsafe impl Sync for Aside {}

impl Aside {
    /// Threads that do jobs one after the other, in the order in which they were begun.
    pub(super) fn in_order(name: &CStr) -> impl PinInit<Self, Error> + '_ {
        let ordered = bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags___WQ_ORDERED;
        Self::new(name, ordered, 1)
    }

    /// Threads that do jobs as they come.
    pub(super) fn at_once(name: &CStr) -> impl PinInit<Self, Error> + '_ {
        Self::new(name, bindings::wq_flags_WQ_UNBOUND, 0)
    }

    fn new(
        name: &CStr,
        flags: bindings::wq_flags,
        at_most: c_int,
    ) -> impl PinInit<Self, Error> + '_ {
        try_pin_init!(Self {
            // INVARIANT: It was allocated for this.
            queue: {
                // SAFETY: Both strings end with NUL, and the first wants the second.
                let queue = unsafe {
                    bindings::alloc_workqueue_noprof(
                        c"%s".as_char_ptr(),
                        flags as c_uint,
                        at_most,
                        name.as_char_ptr(),
                    )
                };
                NonNull::new(queue).ok_or(ENOMEM)?
            },
            late <- new_mutex!(None),
        })
    }

    /// Whether a job that was given up is still under way: others would only wait as well.
    pub(super) fn is_stalled(&self) -> bool {
        self.late
            .lock()
            .as_ref()
            .is_some_and(|late| !late.is_done())
    }

    /// Begins `job`.
    pub(super) fn begin<T: Task>(&self, job: &Arc<Job<T>>) {
        // SAFETY: By the type invariant it is valid, and stays so while `self` is borrowed.
        let queue = unsafe { Queue::from_raw(self.queue.as_ptr()) };
        // What is on the queue already need not be put there.
        let _ = queue.enqueue(job.clone());
    }

    /// Waits until `job` is done, but not where another has stalled.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` after `limit`, `EINTR` where the process that waits was killed.
    pub(super) fn wait<T: Task>(&self, job: &Job<T>, limit: Msecs) -> Result {
        if self.is_stalled() {
            return Err(ETIMEDOUT);
        }
        let waited = job.done.wait(limit);
        if waited.is_err() {
            *self.late.lock() = Some(job.done.clone());
        }
        waited
    }
}

#[pinned_drop]
impl PinnedDrop for Aside {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant; nobody can begin a job any more.
        unsafe { bindings::destroy_workqueue(self.queue.as_ptr()) };
    }
}

/// Whether a job is done. `kernel::sync::Completion` cannot be waited for with a limit.
#[pin_data]
struct Completion {
    #[pin]
    completion: Opaque<bindings::completion>,
}

// SAFETY: Completions do their own locking.
unsafe impl Send for Completion {}
// SAFETY: As above.
unsafe impl Sync for Completion {}

impl Completion {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            completion <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes by the contract of `ffi_init`.
                unsafe { bindings::init_completion(slot) };
            }),
        })
    }

    fn complete(&self) {
        // SAFETY: It was initialised, and stays where it is.
        unsafe { bindings::complete_all(self.completion.get()) };
    }

    fn is_done(&self) -> bool {
        // SAFETY: As in `complete`.
        unsafe { bindings::completion_done(self.completion.get()) }
    }

    fn wait(&self, limit: Msecs) -> Result {
        let limit: c_ulong = msecs_to_jiffies(limit);
        // SAFETY: As in `complete`.
        let left =
            unsafe { bindings::wait_for_completion_killable_timeout(self.completion.get(), limit) };
        match left {
            1.. => Ok(()),
            0 => Err(ETIMEDOUT),
            _ => Err(EINTR),
        }
    }
}
