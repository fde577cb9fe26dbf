// SPDX-License-Identifier: GPL-2.0

//! What was done since this module was loaded, in figures.

use super::debugfs::Show;
use kernel::{fmt, new_mutex, prelude::*, str::CStr, sync::Mutex};

/// The figures.
#[derive(Default)]
struct Figures {
    /// Modules with BTF that began to load: the sum of the next four.
    seen: u64,
    /// Modules whose BTF was relocated.
    relocated: u64,
    /// Modules whose BTF was left as it is, as the kernel takes it.
    left_alone: u64,
    /// Modules whose BTF the kernel was not shown.
    dropped: u64,
    /// Modules whose BTF was left to the kernel, which may refuse it, or whose load failed.
    errors: u64,
    /// Types that became opaque.
    opaque_types: u64,
    /// Time spent in our notifiers.
    nanoseconds: u64,
    /// Time spent there for the last module that was relocated or dropped.
    last_nanoseconds: u64,
}

/// The figures, shared.
#[pin_data]
pub(crate) struct Stats {
    #[pin]
    counts: Mutex<Figures>,
}

impl Stats {
    /// Name of the file that shows them.
    pub(crate) const FILE: &CStr = c"stats";

    /// All of them 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            counts <- new_mutex!(Figures::default()),
        })
    }

    /// A module's BTF was left as it is.
    pub(crate) fn left_alone(&self, nanoseconds: u64) {
        self.count(nanoseconds, |counts| &mut counts.left_alone);
    }

    /// A module's BTF was left to the kernel, or its load failed.
    pub(crate) fn failed(&self, nanoseconds: u64) {
        self.count(nanoseconds, |counts| &mut counts.errors);
    }

    /// A module's BTF was dropped.
    pub(crate) fn dropped(&self, nanoseconds: u64) {
        self.count(nanoseconds, |counts| {
            counts.last_nanoseconds = nanoseconds;
            &mut counts.dropped
        });
    }

    /// A module's BTF was relocated, and `opaque` of its types became opaque.
    pub(crate) fn relocated(&self, opaque: u32, nanoseconds: u64) {
        self.count(nanoseconds, |counts| {
            counts.last_nanoseconds = nanoseconds;
            add(&mut counts.opaque_types, u64::from(opaque));
            &mut counts.relocated
        });
    }

    fn count(&self, nanoseconds: u64, which: impl FnOnce(&mut Figures) -> &mut u64) {
        let mut counts = self.counts.lock();
        add(&mut counts.seen, 1);
        add(&mut counts.nanoseconds, nanoseconds);
        add(which(&mut counts), 1);
    }
}

fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}

impl Show for Stats {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.lock();
        for (name, count) in [
            ("modules_seen", counts.seen),
            ("relocated", counts.relocated),
            ("left_alone", counts.left_alone),
            ("dropped", counts.dropped),
            ("errors", counts.errors),
            ("opaque_types", counts.opaque_types),
            ("nanoseconds", counts.nanoseconds),
            ("last_nanoseconds", counts.last_nanoseconds),
        ] {
            writeln!(f, "{name} {count}")?;
        }
        Ok(())
    }
}
