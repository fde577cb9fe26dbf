// SPDX-License-Identifier: GPL-2.0

//! Follows each load from before the kernel's own notifier to after it, and on to the unload.

use super::{
    func_tables::FuncTables,
    notifier::{Event, ModuleNotifier},
    BtfFiles,
};
use crate::reloc::{decision::NoFuncs, CauseKind, Policy};
use crate::shell::{
    base::{Loader, Vmlinux},
    clock,
    commit::{Prepared, ReplacedBtf},
    decide::{self, Action, Funcs},
    module::{Coming, ModuleRef},
    report::{Dir, File, Folder, FuncsReport, Limit, LoadReport, ModuleReport, OwnedCause, Stats},
    text::Text,
};
use crate::text::FuncsNotShown;
use kernel::{
    ffi::c_int,
    new_mutex,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{Arc, Mutex, UniqueArc},
};

/// Tells modules apart; never followed.
pub(super) type Key = usize;

/// A module whose BTF the kernel's notifier has yet to read.
struct Pending {
    replaced: ReplacedBtf,
    report: UniqueArc<LoadReport>,
    nanoseconds: u64,
    /// Room in [`Loads::shown`] for when it has.
    room: RBTreeNodeReservation<Key, File<LoadReport>>,
}

/// All modules whose BTF was not left as it is, and what is needed to decide on more.
///
/// A module is in one of the trees at most. While its report is made it is in neither: that is
/// within its COMING event, so that nobody asks for it.
#[pin_data]
pub(crate) struct Loads {
    vmlinux: Vmlinux,
    policy: Policy,
    files: BtfFiles,
    #[pin]
    pending: Mutex<RBTree<Key, Pending>>,
    /// What the kernel's notifier has seen, without ending the load. The report may be read for as
    /// long as the module is loaded.
    #[pin]
    shown: Mutex<RBTree<Key, File<LoadReport>>>,
    #[pin]
    funcs: FuncTables,
    #[pin]
    limit: Limit,
    #[pin]
    loader: Loader,
    dir: Arc<Dir>,
    stats: Arc<Stats>,
}

impl Loads {
    /// None yet.
    pub(crate) fn new(
        vmlinux: Vmlinux,
        policy: Policy,
        files: BtfFiles,
        dir: Arc<Dir>,
        stats: Arc<Stats>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            vmlinux,
            policy,
            files,
            pending <- new_mutex!(RBTree::new()),
            shown <- new_mutex!(RBTree::new()),
            funcs <- FuncTables::new(dir.clone()),
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
        let done = match decided {
            None => Ok(()),
            Some(Action::LeaveAlone(funcs)) => {
                self.take(*module, funcs);
                self.stats.left_alone(clock::elapsed(start));
                Ok(())
            }
            Some(Action::LeaveToKernel(cause)) => Err(cause),
            Some(Action::Commit(prepared, funcs)) => {
                let done = self.commit(module, prepared, start);
                if done.is_ok() {
                    self.take(*module, funcs);
                }
                done
            }
        };
        if let Err(cause) = done {
            self.left_to_kernel(*module, &cause, clock::elapsed(start));
        }
    }

    /// Commits what is prepared, but only where there is room to remember it, and where the kernel
    /// has not registered the BTF yet.
    #[inline(never)]
    fn commit(
        &self,
        module: Coming<'_>,
        prepared: Prepared<'_>,
        start: clock::Start,
    ) -> Result<(), OwnedCause> {
        if self.files.has(module.name()) {
            return Err(OwnedCause::Registered);
        }
        let node = RBTreeNodeReservation::new(GFP_KERNEL)?;
        let room = RBTreeNodeReservation::new(GFP_KERNEL)?;
        // SAFETY: `after_kernel` or `going` drops what is returned. Both notifiers are called to the
        // end of this event, as unregistering one waits for that.
        let (replaced, report) = unsafe { prepared.commit(module)? };
        let pending = Pending {
            replaced,
            report,
            nanoseconds: clock::elapsed(start),
            room,
        };
        let node = node.into_node(key(*module), pending);
        self.pending.lock().insert(node);
        Ok(())
    }

    /// Keeps the table of `module`, where it has one.
    #[inline(never)]
    fn take(&self, module: ModuleRef<'_>, funcs: Option<Funcs>) {
        let kept = match funcs {
            None => return,
            Some(Ok(report)) => self
                .funcs
                .before_kernel(module, report.into())
                .map_err(NoFuncs::Failed),
            Some(Err(why)) => Err(why),
        };
        let Err(why) = kept else {
            return;
        };
        if self.limit.allows() {
            let (name, why) = (module.name(), Text(FuncsNotShown(&why)));
            pr_warn!("{name}: {why}\n");
        }
        self.stats.func_table(false);
    }

    /// Reports that the kernel reads the BTF of `module` as it is, though it may refuse it.
    fn left_to_kernel(&self, module: ModuleRef<'_>, cause: &OwnedCause, nanoseconds: u64) {
        if self.limit.allows() {
            let (name, cause) = (module.name(), Text(cause));
            pr_warn!("{name}: BTF left to the kernel: {cause}\n");
        }
        self.stats.left_to_kernel(cause, nanoseconds);
    }

    /// The kernel has looked at the BTF of `module`, and goes on with the load.
    #[inline(never)]
    fn after_kernel(&self, module: Coming<'_>) {
        let start = clock::now();
        let registered = || self.files.has(module.name());
        if let Some(shown) = self.funcs.after_kernel(*module, registered) {
            self.stats.func_table(shown);
        }
        let pending = self.pending.lock().remove(&key(*module));
        let Some(mut pending) = pending else {
            return;
        };
        pending.report.seen(registered());
        drop(pending.replaced);
        let report = Arc::from(pending.report);
        let file = match module.name() {
            name if name == Stats::FILE || name == FuncsReport::FOLDER => {
                File::nameless(&self.dir, report)
            }
            name => File::new(&self.dir, Folder::Root, name, report),
        };
        let nanoseconds = pending.nanoseconds.saturating_add(clock::elapsed(start));
        self.report(*module, file.content(), nanoseconds);
        let node = pending.room.into_node(key(*module), file);
        self.shown.lock().insert(node);
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
        self.funcs.going(module);
        // Let go of each lock at once: removing the report's file may take a second.
        let shown = self.shown.lock().remove(&key(module));
        drop(shown);
        let pending = self.pending.lock().remove(&key(module));
        if let Some(pending) = pending {
            if self.limit.allows() {
                pr_warn!("{}: load failed in a module notifier\n", module.name());
            }
            self.stats.failed(pending.nanoseconds);
        }
    }
}

pub(super) fn key(module: ModuleRef<'_>) -> Key {
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
