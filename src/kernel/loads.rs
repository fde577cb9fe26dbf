// SPDX-License-Identifier: GPL-2.0

//! Follows each load from before the kernel's own notifier to after it, and on to the unload.

use super::{
    base::Vmlinux,
    btf_files::BtfFiles,
    cause::Cause,
    clock, debugfs,
    decide::{self, Decision},
    firmware::Loader,
    handover::Handover,
    limit::Limit,
    notifier::{Coming, Event, ModuleNotifier, ModuleRef},
    relocation::Relocation,
    report::{LoadReport, ModuleReport},
    stats::Stats,
    text::Text,
};
use crate::reloc::{CauseKind, Policy};
use kernel::{
    ffi::c_int,
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{Arc, Mutex, UniqueArc},
};

/// Tells modules apart; never followed.
type Key = usize;

/// How far a module has come whose BTF was not left alone.
enum Progress {
    /// The kernel's notifier has yet to see what is shown to it.
    Pending(Pending),
    /// It has seen it, and did not end the load. The report may be read for as long as the module is
    /// loaded.
    Seen(#[expect(dead_code, reason = "kept for its `Drop`")] debugfs::File<LoadReport>),
    /// Between the two.
    Moving,
}

struct Pending {
    handover: Handover,
    report: UniqueArc<LoadReport>,
    nanoseconds: u64,
}

/// All such modules, and what is needed to decide on more.
#[pin_data]
pub(crate) struct Loads {
    vmlinux: Vmlinux,
    policy: Policy,
    files: BtfFiles,
    #[pin]
    loads: Mutex<RBTree<Key, Progress>>,
    #[pin]
    limit: Limit,
    #[pin]
    loader: Loader,
    dir: Arc<debugfs::Dir>,
    stats: Arc<Stats>,
}

impl Loads {
    /// None yet.
    pub(crate) fn new(
        vmlinux: Vmlinux,
        policy: Policy,
        files: BtfFiles,
        dir: Arc<debugfs::Dir>,
        stats: Arc<Stats>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            vmlinux,
            policy,
            files,
            loads <- new_mutex!(RBTree::new()),
            limit <- Limit::new(),
            loader <- Loader::new(),
            dir,
            stats,
        })
    }

    /// The kernel has not looked at the BTF of `module` yet.
    #[inline(never)]
    fn before_kernel(&self, module: Coming<'_>) {
        let start = clock::now();
        let decided = decide::decide(
            &self.vmlinux,
            &self.stats,
            &self.loader,
            self.policy,
            module,
        );
        let Some(decision) = decided else {
            return;
        };
        let shown = match decision {
            Decision::LeftAlone => Ok(false),
            Decision::LeftToKernel(cause) => Err(cause),
            Decision::Relocate(ready) => self.relocate(module, ready, start).map(|()| true),
        };
        let nanoseconds = clock::elapsed(start);
        match shown {
            // What becomes of it is known once the kernel has seen it.
            Ok(true) => {}
            Ok(false) => self.stats.left_alone(nanoseconds),
            Err(cause) => {
                if self.limit.allows() {
                    let (name, cause) = (module.name(), Text(&cause));
                    pr_warn!("{name}: BTF left to the kernel: {cause}\n");
                }
                self.stats.left_to_kernel(&cause, nanoseconds);
            }
        }
    }

    #[inline(never)]
    fn relocate(
        &self,
        module: Coming<'_>,
        ready: Relocation<'_>,
        start: clock::Start,
    ) -> Result<(), Cause> {
        self.begin(module, start, || {
            // SAFETY: `after_kernel` or `going` drops the handover. Both notifiers are called to the
            // end of this event, as unregistering one waits for that.
            Ok(unsafe { ready.commit(module)? })
        })
    }

    /// Lets `commit` act only where there is room to remember it, and where the kernel has not
    /// registered the BTF yet.
    fn begin(
        &self,
        module: Coming<'_>,
        start: clock::Start,
        commit: impl FnOnce() -> Result<(Handover, UniqueArc<LoadReport>)>,
    ) -> Result<(), Cause> {
        if self.files.has(module.name()) {
            return Err(Cause::Registered);
        }
        let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let (handover, report) = commit()?;
        let pending = Progress::Pending(Pending {
            handover,
            report,
            nanoseconds: clock::elapsed(start),
        });
        let node = room.into_node(key(*module), pending);
        self.loads.lock().insert(node);
        Ok(())
    }

    /// The kernel has looked at the BTF of `module`, and goes on with the load.
    fn after_kernel(&self, module: Coming<'_>) {
        let start = clock::now();
        let Some(mut pending) = self.take_pending(*module) else {
            return;
        };
        pending.report.seen(self.files.has(module.name()));
        drop(pending.handover);
        let report = Arc::from(pending.report);
        let file = match module.name() {
            name if name == Stats::FILE => debugfs::File::nameless(&self.dir, report),
            name => debugfs::File::new(&self.dir, name, report),
        };
        let nanoseconds = pending.nanoseconds.saturating_add(clock::elapsed(start));
        self.report(*module, file.content(), nanoseconds);
        self.keep(*module, file);
    }

    fn take_pending(&self, module: ModuleRef<'_>) -> Option<Pending> {
        let mut loads = self.loads.lock();
        let progress = loads.get_mut(&key(module))?;
        match core::mem::replace(progress, Progress::Moving) {
            Progress::Pending(pending) => Some(pending),
            other => {
                *progress = other;
                None
            }
        }
    }

    fn keep(&self, module: ModuleRef<'_>, file: debugfs::File<LoadReport>) {
        if let Some(progress) = self.loads.lock().get_mut(&key(module)) {
            *progress = Progress::Seen(file);
        }
    }

    /// One line in the kernel log, unless there are too many, and the figures.
    fn report(&self, module: ModuleRef<'_>, report: &LoadReport, nanoseconds: u64) {
        let (name, what) = (module.name(), Text(report.summary()));
        if self.limit.allows() {
            match report.module() {
                ModuleReport::Dropped(dropped)
                    if dropped.cause.kind() == Some(CauseKind::NoTypes) =>
                {
                    pr_info!("{name}: {what}\n")
                }
                ModuleReport::Dropped(_) => pr_warn!("{name}: {what}\n"),
                _ if report.refused() => pr_warn!("{name}: {what}, in {nanoseconds} ns\n"),
                _ => pr_info!("{name}: {what}, in {nanoseconds} ns\n"),
            }
        }
        self.stats.shown(report, nanoseconds);
    }

    /// `module` goes away, or another notifier has failed its load.
    fn going(&self, module: ModuleRef<'_>) {
        // Let go of the lock at once: removing the report's file may take a second.
        let gone = self.loads.lock().remove(&key(module));
        if let Some(Progress::Pending(pending)) = gone {
            if self.limit.allows() {
                pr_warn!("{}: load failed in a module notifier\n", module.name());
            }
            self.stats.failed(pending.nanoseconds);
        }
    }
}

fn key(module: ModuleRef<'_>) -> Key {
    module.as_ptr().addr()
}

/// Called before the kernel's own notifier.
pub(crate) struct BeforeKernel(pub(crate) Arc<Loads>);

impl ModuleNotifier for BeforeKernel {
    const PRIORITY: c_int = c_int::MAX;

    fn notify(&self, event: Event<'_>, module: ModuleRef<'_>) {
        match event {
            Event::Coming(module) => self.0.before_kernel(module),
            Event::Going => self.0.going(module),
            Event::Live => {}
        }
    }
}

/// Called when the kernel's own notifier is done.
pub(crate) struct AfterKernel(pub(crate) Arc<Loads>);

impl ModuleNotifier for AfterKernel {
    const PRIORITY: c_int = c_int::MIN;

    fn notify(&self, event: Event<'_>, _module: ModuleRef<'_>) {
        if let Event::Coming(module) = event {
            self.0.after_kernel(module);
        }
    }
}
