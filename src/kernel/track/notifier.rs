// SPDX-License-Identifier: GPL-2.0

//! Module notifiers: called for every module that is loaded or unloaded.
//!
//! C header: [`include/linux/module.h`](srctree/include/linux/module.h)
//!
//! # Examples
//!
//! ```ignore
//! struct Watcher;
//!
//! impl ModuleNotifier for Watcher {
//!     const PRIORITY: c_int = 0;
//!
//!     fn notify(&self, event: Event<'_>, module: ModuleRef<'_>) {
//!         if let Event::Coming(_) = event {
//!             pr_info!("{} is loading\n", module.name());
//!         }
//!     }
//! }
//!
//! let registration = KBox::pin_init(Registration::new(Watcher), GFP_KERNEL)?;
//! ```

use crate::shell::module::{Coming, ModuleRef};
use core::ptr::NonNull;
use kernel::{
    bindings, container_of,
    error::to_result,
    ffi::{c_int, c_ulong, c_void},
    prelude::*,
    types::Opaque,
};

/// What happens to a module (`enum module_state`).
#[derive(Clone, Copy)]
pub(crate) enum Event<'a> {
    /// It is in its final place and relocated; none of its code has run.
    Coming(Coming<'a>),
    /// Its init function has succeeded.
    Live,
    /// It is being unloaded, or its load has failed.
    Going,
}

impl<'a> Event<'a> {
    /// # Safety
    ///
    /// This thread must have put `module` in `state`, and keep it there for `'a`.
    unsafe fn from_raw(state: c_ulong, module: ModuleRef<'a>) -> Option<Self> {
        match bindings::module_state::try_from(state).ok()? {
            bindings::module_state_MODULE_STATE_COMING => {
                // SAFETY: By the requirements of this function.
                Some(Self::Coming(unsafe { Coming::from_raw(module) }))
            }
            bindings::module_state_MODULE_STATE_LIVE => Some(Self::Live),
            bindings::module_state_MODULE_STATE_GOING => Some(Self::Going),
            _ => None,
        }
    }
}

/// Something that hears of modules.
///
/// It observes: whatever it does, the load or unload goes on.
pub(crate) trait ModuleNotifier: Send + Sync {
    /// Notifiers of a higher priority are called first; those of the kernel have 0.
    const PRIORITY: c_int;

    /// Called for each event, possibly for several modules at once.
    fn notify(&self, event: Event<'_>, module: ModuleRef<'_>);
}

/// A [`ModuleNotifier`] that is called for as long as this lives.
///
/// Dropping it waits for the calls that are under way, of all notifiers: what this one saw begin
/// has also ended.
///
/// # Invariants
///
/// `block` is on the kernel's list of module notifiers.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<T: ModuleNotifier> {
    #[pin]
    block: Opaque<bindings::notifier_block>,
    notifier: T,
}

impl<T: ModuleNotifier> Registration<T> {
    /// Registers `notifier`.
    pub(crate) fn new(notifier: T) -> impl PinInit<Self, Error> {
        // `block` comes last: from then on the notifier may be called.
        try_pin_init!(Self {
            notifier,
            block <- Opaque::try_ffi_init(|slot: *mut bindings::notifier_block| {
                // SAFETY: `slot` is valid for writes by the contract of `try_ffi_init`.
                unsafe {
                    slot.write(bindings::notifier_block {
                        notifier_call: Some(Self::notifier_call),
                        next: core::ptr::null_mut(),
                        priority: T::PRIORITY,
                    })
                };
                // SAFETY: `slot` is pinned and initialised, and `drop` takes it off the list
                // before it goes away.
                to_result(unsafe { bindings::register_module_notifier(slot) })
            }),
        })
    }

    /// # Safety
    ///
    /// `block` must be the field of a live `Registration<T>`, and `module` a `struct module` that
    /// this thread has put in `state` and keeps there for the whole call.
    unsafe extern "C" fn notifier_call(
        block: *mut bindings::notifier_block,
        state: c_ulong,
        module: *mut c_void,
    ) -> c_int {
        let module = NonNull::new(module.cast());
        // SAFETY: The caller keeps the module valid for the whole call.
        let module = module.map(|module| unsafe { ModuleRef::from_raw(module) });
        // SAFETY: By the requirements of this function.
        let event = module.and_then(|module| unsafe { Event::from_raw(state, module) });
        if let (Some(event), Some(module)) = (event, module) {
            // SAFETY: By the requirements of this function `block` is inside a `Self`.
            let this = unsafe { container_of!(Opaque::cast_from(block), Self, block) };
            // SAFETY: `Self` is live and `notifier` was initialised before it was registered.
            let notifier = unsafe { &(*this).notifier };
            notifier.notify(event, module);
        }
        bindings::NOTIFY_OK as c_int
    }
}

#[pinned_drop]
impl<T: ModuleNotifier> PinnedDrop for Registration<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant `block` is registered. Taking it off the list waits for
        // the calls under way.
        unsafe { bindings::unregister_module_notifier(self.block.get()) };
    }
}

// SAFETY: A notifier block may be taken off the list by any thread, and `T` may be sent.
unsafe impl<T: ModuleNotifier> Send for Registration<T> {}
// SAFETY: Nothing but `T`, which is `Sync`, can be reached through a shared reference.
unsafe impl<T: ModuleNotifier> Sync for Registration<T> {}
