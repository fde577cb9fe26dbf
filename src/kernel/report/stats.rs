// SPDX-License-Identifier: GPL-2.0

//! The policy, and what was done since this module was loaded, in figures.

use super::{debugfs::Show, LoadReport, ModuleReport, OwnedCause, Reader};
use crate::reloc::{CauseKind, InputKind, Policy};
use crate::shell::params;
use kernel::{fmt, new_mutex, prelude::*, str::CStr, sync::Mutex};

/// The figures.
#[derive(Default)]
struct Figures {
    /// Modules with BTF whose load was seen: the sum of the next seven.
    seen: u64,
    /// Modules whose BTF was relocated.
    relocated: u64,
    /// Modules whose standalone BTF was rebased.
    rebased: u64,
    /// Modules whose BTF is as it was, without types of kinds that this kernel does not know.
    reduced: u64,
    /// Modules whose BTF was left as it is, as the kernel takes it.
    left_alone: u64,
    /// Modules whose BTF the kernel was not shown.
    dropped: u64,
    /// Modules whose BTF was relocated or rebased, and then refused by the kernel.
    refused: u64,
    /// Modules whose BTF was left to the kernel, which may refuse it, or whose load failed.
    errors: u64,
    /// Types that became opaque.
    opaque_types: u64,
    /// Types of standalone BTF that are laid out otherwise in vmlinux.
    conflicting_types: u64,
    /// Modules whose function addresses are shown.
    func_tables: u64,
    /// Modules with a table of them that was refused, or whose new BTF the kernel refused.
    func_tables_refused: u64,
    /// Time spent in our notifiers.
    nanoseconds: u64,
    /// Time spent there for the last module that was shown otherwise than it is.
    last_nanoseconds: u64,
    /// Modules by the kind of their BTF, where the headers of their BTF hold.
    kinds: [u64; InputKind::ALL.len()],
    /// Modules that were dropped or left to the kernel, by what stood in the way.
    causes: [u64; CauseKind::ALL.len()],
    /// Those for which it was the kernel itself.
    kernel: u64,
}

/// The figures, shared.
#[pin_data]
pub(crate) struct Stats {
    policy: Policy,
    #[pin]
    figures: Mutex<Figures>,
}

impl Stats {
    /// Name of the file that shows them.
    pub(crate) const FILE: &CStr = c"stats";

    /// All of them 0.
    pub(crate) fn new(policy: Policy) -> impl PinInit<Self> {
        pin_init!(Self {
            policy,
            figures <- new_mutex!(Figures::default()),
        })
    }

    /// A module with BTF of this kind began to load.
    pub(crate) fn identified(&self, kind: InputKind) {
        let mut figures = self.figures.lock();
        for (count, counted) in figures.kinds.iter_mut().zip(InputKind::ALL) {
            add(count, u64::from(counted == kind));
        }
    }

    /// A module's BTF was left as it is.
    pub(crate) fn left_alone(&self, nanoseconds: u64) {
        self.count(nanoseconds, |figures| &mut figures.left_alone);
    }

    /// A module's BTF was left to the kernel.
    pub(crate) fn left_to_kernel(&self, cause: &OwnedCause, nanoseconds: u64) {
        self.count(nanoseconds, |figures| {
            figures.cause(cause);
            &mut figures.errors
        });
    }

    /// The load of a module failed.
    pub(crate) fn failed(&self, nanoseconds: u64) {
        self.count(nanoseconds, |figures| &mut figures.errors);
    }

    /// The kernel has seen what it was shown of a module's BTF, as `report` says.
    pub(crate) fn shown(&self, report: &LoadReport, nanoseconds: u64) {
        self.count(nanoseconds, |figures| {
            figures.last_nanoseconds = nanoseconds;
            match report.module() {
                _ if report.refused() => &mut figures.refused,
                ModuleReport::Relocated(relocated) => {
                    add(&mut figures.opaque_types, u64::from(relocated.opaque()));
                    &mut figures.relocated
                }
                ModuleReport::Rebased(rebased) => {
                    add(
                        &mut figures.conflicting_types,
                        u64::from(rebased.conflicts()),
                    );
                    &mut figures.rebased
                }
                ModuleReport::Reduced(_) => &mut figures.reduced,
                ModuleReport::Dropped(dropped) => {
                    figures.cause(&dropped.cause);
                    &mut figures.dropped
                }
            }
        });
    }

    /// The function addresses of a module are `shown` or not.
    pub(crate) fn func_table(&self, shown: bool) {
        let mut figures = self.figures.lock();
        add(&mut figures.func_tables, u64::from(shown));
        add(&mut figures.func_tables_refused, u64::from(!shown));
    }

    fn count(&self, nanoseconds: u64, which: impl FnOnce(&mut Figures) -> &mut u64) {
        let mut figures = self.figures.lock();
        add(&mut figures.seen, 1);
        add(&mut figures.nanoseconds, nanoseconds);
        add(which(&mut figures), 1);
    }
}

impl Figures {
    fn cause(&mut self, cause: &OwnedCause) {
        let kind = cause.kind();
        add(&mut self.kernel, u64::from(kind.is_none()));
        for (count, counted) in self.causes.iter_mut().zip(CauseKind::ALL) {
            add(count, u64::from(kind == Some(counted)));
        }
    }
}

fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}

impl Show for Stats {
    fn show(&self, f: &mut fmt::Formatter<'_>, _: &Reader<'_>) -> fmt::Result {
        writeln!(f, "policy {}", params::number(self.policy))?;
        let figures = self.figures.lock();
        for (name, count) in [
            ("modules_seen", figures.seen),
            ("relocated", figures.relocated),
            ("rebased", figures.rebased),
            ("reduced", figures.reduced),
            ("left_alone", figures.left_alone),
            ("dropped", figures.dropped),
            ("refused", figures.refused),
            ("errors", figures.errors),
            ("opaque_types", figures.opaque_types),
            ("conflicting_types", figures.conflicting_types),
            ("func_tables", figures.func_tables),
            ("func_tables_refused", figures.func_tables_refused),
            ("nanoseconds", figures.nanoseconds),
            ("last_nanoseconds", figures.last_nanoseconds),
        ] {
            writeln!(f, "{name} {count}")?;
        }
        for (count, kind) in figures.kinds.iter().zip(InputKind::ALL) {
            writeln!(f, "sort_{kind} {count}")?;
        }
        for (count, cause) in figures.causes.iter().zip(CauseKind::ALL) {
            writeln!(f, "reason_{cause} {count}")?;
        }
        writeln!(f, "reason_kernel {}", figures.kernel)
    }
}
