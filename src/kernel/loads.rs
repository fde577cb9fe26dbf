// SPDX-License-Identifier: GPL-2.0

//! Follows each load from before the kernel's own notifier to after it, and on to the unload.

use super::{
    base::Vmlinux,
    cause::Cause,
    clock, debugfs,
    handover::{Carried, Handover},
    load::{self, Decision, Relocation},
    notifier::{Event, ModuleNotifier, ModuleRef},
    report::Report,
    stats::Stats,
    text::Text,
};
use crate::reloc::Policy;
use kernel::{
    ffi::c_int,
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{Arc, Mutex},
};

/// Tells modules apart; never followed.
type Key = usize;

/// How far a module has come whose BTF was not left alone.
enum Progress {
    /// The kernel's notifier has yet to see what is shown to it.
    Shown(Shown),
    /// It has seen it; the report may be read for as long as the module is loaded.
    Registered(#[expect(dead_code, reason = "kept for its `Drop`")] debugfs::File<Report>),
    /// Between the two.
    Moving,
}

struct Shown {
    handover: Handover,
    report: KBox<Report>,
    nanoseconds: u64,
}

/// All such modules, and what is needed to decide on more.
#[pin_data]
pub(crate) struct Loads {
    vmlinux: Vmlinux,
    policy: Policy,
    #[pin]
    loads: Mutex<RBTree<Key, Progress>>,
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
            loads <- new_mutex!(RBTree::new()),
            dir,
            stats,
        })
    }

    /// The kernel has not looked at the BTF of `module` yet.
    fn before_kernel(&self, module: ModuleRef<'_>) {
        let start = clock::now();
        let Some(carried) = Carried::of(module) else {
            return;
        };
        let shown = match load::decide(&self.vmlinux, self.policy, module, &carried) {
            Decision::LeftAlone => Ok(false),
            Decision::LeftToKernel(cause) => Err(cause),
            Decision::Drop(cause) => self.drop_btf(module, cause, start).map(|()| true),
            Decision::Relocate(ready) => self.relocate(module, ready, start).map(|()| true),
        };
        let nanoseconds = clock::elapsed(start);
        match shown {
            // What becomes of it is known once the kernel has seen it.
            Ok(true) => {}
            Ok(false) => self.stats.left_alone(nanoseconds),
            Err(cause) => {
                pr_warn!(
                    "{}: BTF left to the kernel: {}\n",
                    module.name(),
                    Text(cause)
                );
                self.stats.failed(nanoseconds);
            }
        }
    }

    fn drop_btf(
        &self,
        module: ModuleRef<'_>,
        cause: Cause,
        start: clock::Start,
    ) -> Result<(), Cause> {
        let report = KBox::new(Report::Dropped(cause), GFP_KERNEL)?;
        self.begin(module, start, || {
            // SAFETY: The module is in COMING; `after_kernel` or `going` drops the handover. Both
            // notifiers are called to the end of this event, as unregistering one waits for that.
            let handover = unsafe { Handover::hide(module) };
            Ok((handover, report))
        })
    }

    fn relocate(
        &self,
        module: ModuleRef<'_>,
        ready: Relocation,
        start: clock::Start,
    ) -> Result<(), Cause> {
        self.begin(module, start, || {
            // SAFETY: As in `drop_btf`.
            Ok(unsafe { ready.commit(module)? })
        })
    }

    /// Lets `commit` act only where there is room to remember it.
    fn begin(
        &self,
        module: ModuleRef<'_>,
        start: clock::Start,
        commit: impl FnOnce() -> Result<(Handover, KBox<Report>)>,
    ) -> Result<(), Cause> {
        let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let (handover, report) = commit()?;
        let shown = Progress::Shown(Shown {
            handover,
            report,
            nanoseconds: clock::elapsed(start),
        });
        self.loads.lock().insert(room.into_node(key(module), shown));
        Ok(())
    }

    /// The kernel has registered the BTF of `module`.
    fn after_kernel(&self, module: ModuleRef<'_>) {
        let start = clock::now();
        let Some(shown) = self.take_shown(module) else {
            return;
        };
        drop(shown.handover);
        let file = debugfs::File::new(&self.dir, module.name(), shown.report);
        let nanoseconds = shown.nanoseconds.saturating_add(clock::elapsed(start));
        self.tell(module, file.content(), nanoseconds);
        self.keep(module, file);
    }

    fn take_shown(&self, module: ModuleRef<'_>) -> Option<Shown> {
        let mut loads = self.loads.lock();
        let progress = loads.get_mut(&key(module))?;
        match core::mem::replace(progress, Progress::Moving) {
            Progress::Shown(shown) => Some(shown),
            other => {
                *progress = other;
                None
            }
        }
    }

    fn keep(&self, module: ModuleRef<'_>, file: debugfs::File<Report>) {
        if let Some(progress) = self.loads.lock().get_mut(&key(module)) {
            *progress = Progress::Registered(file);
        }
    }

    /// One line in the kernel log, and the figures.
    fn tell(&self, module: ModuleRef<'_>, report: &Report, nanoseconds: u64) {
        let (name, what) = (module.name(), Text(report.line()));
        match report {
            Report::Relocated(relocated) => {
                pr_info!("{name}: {what}, in {nanoseconds} ns\n");
                self.stats.relocated(relocated.counts().opaque, nanoseconds);
            }
            Report::Dropped(_) => {
                pr_warn!("{name}: {what}\n");
                self.stats.dropped(nanoseconds);
            }
        }
    }

    /// `module` goes away, or another notifier has failed its load.
    fn going(&self, module: ModuleRef<'_>) {
        // Let go of the lock at once: removing the report's file waits for its readers.
        let gone = self.loads.lock().remove(&key(module));
        if let Some(Progress::Shown(shown)) = gone {
            pr_warn!("{}: load failed in a module notifier\n", module.name());
            self.stats.failed(shown.nanoseconds);
        }
    }
}

fn key(module: ModuleRef<'_>) -> Key {
    module.as_ptr() as Key
}

/// Called ahead of the kernel's own notifier.
pub(crate) struct BeforeKernel(pub(crate) Arc<Loads>);

impl ModuleNotifier for BeforeKernel {
    const PRIORITY: c_int = c_int::MAX;

    fn notify(&self, event: Event, module: ModuleRef<'_>) {
        match event {
            Event::Coming => self.0.before_kernel(module),
            Event::Going => self.0.going(module),
            Event::Live => {}
        }
    }
}

/// Called when the kernel's own notifier is done.
pub(crate) struct AfterKernel(pub(crate) Arc<Loads>);

impl ModuleNotifier for AfterKernel {
    const PRIORITY: c_int = c_int::MIN;

    fn notify(&self, event: Event, module: ModuleRef<'_>) {
        if event == Event::Coming {
            self.0.after_kernel(module);
        }
    }
}
