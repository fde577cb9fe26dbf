// SPDX-License-Identifier: GPL-2.0

//! What was done since this module was loaded, in figures.

use super::debugfs::Show;
use kernel::{fmt, new_mutex, prelude::*, sync::Mutex};

/// The figures.
#[derive(Default)]
pub(crate) struct Counts {
    /// Modules with BTF that began to load.
    pub(crate) seen: u64,
    /// Modules whose BTF was relocated.
    pub(crate) relocated: u64,
    /// Modules whose BTF was left as it is.
    pub(crate) left_alone: u64,
    /// Modules whose BTF the kernel was not shown.
    pub(crate) dropped: u64,
    /// Types that became opaque.
    pub(crate) opaque_types: u64,
    /// Modules whose BTF should have been relocated and could not be.
    pub(crate) errors: u64,
    /// Time spent in our notifiers.
    pub(crate) nanoseconds: u64,
    /// Time spent there for the last module that was not left alone.
    pub(crate) last_nanoseconds: u64,
}

/// The figures, shared.
#[pin_data]
pub(crate) struct Stats {
    #[pin]
    counts: Mutex<Counts>,
}

impl Stats {
    /// All of them 0.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            counts <- new_mutex!(Counts::default()),
        })
    }

    /// Changes the figures.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock());
    }
}

impl Show for Stats {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.lock();
        for (name, count) in [
            ("modules_seen", counts.seen),
            ("relocated", counts.relocated),
            ("left_alone", counts.left_alone),
            ("dropped", counts.dropped),
            ("opaque_types", counts.opaque_types),
            ("errors", counts.errors),
            ("nanoseconds", counts.nanoseconds),
            ("last_nanoseconds", counts.last_nanoseconds),
        ] {
            writeln!(f, "{name} {count}")?;
        }
        Ok(())
    }
}
