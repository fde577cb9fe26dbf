// SPDX-License-Identifier: GPL-2.0

//! Follows each load from before the kernel's own notifier to after it, and on to the unload.

use super::{
    base::Vmlinux,
    cause::Cause,
    debugfs,
    handover::{Carried, Handover},
    load::{self, Decision, Relocation},
    notifier::{Event, ModuleNotifier, ModuleRef},
    report::Report,
    stats::Stats,
    text::Text,
};
use crate::reloc::Policy;
use core::ptr::NonNull;
use kernel::{
    bindings,
    ffi::c_int,
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
    time::{Instant, Monotonic},
};

/// A module whose BTF was not left alone.
struct Load {
    /// Tells modules apart; never followed.
    module: NonNull<bindings::module>,
    progress: Progress,
}

enum Progress {
    /// The kernel's notifier has yet to see what is shown to it.
    Shown {
        handover: Handover,
        report: Report,
        nanoseconds: i64,
    },
    /// It has seen it; the report may be read as long as the module is loaded.
    Done { _file: Option<debugfs::File<Report>> },
}

// SAFETY: The module's address is only compared, and the rest may be sent.
unsafe impl Send for Load {}

/// All such modules, and what is needed to decide on more.
#[pin_data]
pub(crate) struct Loads {
    vmlinux: Vmlinux,
    policy: Policy,
    #[pin]
    loads: Mutex<KVec<Load>>,
    dir: Arc<debugfs::Dir>,
    stats: Arc<Stats>,
}

impl Loads {
    /// None yet.
    pub(crate) fn new(
        vmlinux: Vmlinux,
        policy: Policy,
        dir: Arc<debugfs::Dir>,
        stats: Arc<Stats>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            vmlinux,
            policy,
            loads <- new_mutex!(KVec::new()),
            dir,
            stats,
        })
    }

    /// A module is loading, and the kernel has not looked at its BTF yet.
    fn before_kernel(&self, module: ModuleRef<'_>) {
        let start = Instant::<Monotonic>::now();
        let Some(carried) = Carried::of(module) else {
            return;
        };
        let decision = load::decide(&self.vmlinux, self.policy, module, &carried);
        let left = match decision {
            Decision::LeftAlone => Ok(()),
            Decision::LeftToKernel(cause) => Err(cause),
            Decision::Drop(cause) => self.drop_btf(module, cause, start),
            Decision::Relocate(relocation) => self.relocate(module, relocation, start),
        };
    }
}
