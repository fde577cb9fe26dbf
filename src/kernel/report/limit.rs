// SPDX-License-Identifier: GPL-2.0

//! Keeps a storm of loads from flooding the kernel log.

use crate::shell::clock;
use kernel::{new_mutex, prelude::*, sync::Mutex};

/// How long a window is.
const WINDOW_NS: u64 = 30_000_000_000;
/// How many lines one has room for: more than the modules that have something to say at boot.
const LINES: u32 = 64;

/// The lines of one window.
struct Window {
    begin: clock::Start,
    written: u32,
    left_out: u32,
}

/// Counts lines, and refuses those that are too many.
///
/// `___ratelimit` of `lib/ratelimit.c` would do, but its lock cannot be set up from Rust.
#[pin_data]
pub(crate) struct Limit {
    #[pin]
    window: Mutex<Window>,
}

impl Limit {
    /// No line yet.
    pub(crate) fn new() -> impl PinInit<Self> {
        let window = Window {
            begin: clock::now(),
            written: 0,
            left_out: 0,
        };
        pin_init!(Self {
            window <- new_mutex!(window),
        })
    }

    /// Whether one more line may be written; where others were left out, a line says so first.
    pub(crate) fn allows(&self) -> bool {
        let left_out = self.take();
        if let Some(count @ 1..) = left_out {
            pr_warn!(
                "{count} messages were left out; /sys/kernel/debug/btfreloc/stats counts them\n"
            );
        }
        left_out.is_some()
    }

    /// How many lines were left out since the last that was not; `None` where this is one too many.
    fn take(&self) -> Option<u32> {
        let mut window = self.window.lock();
        if clock::elapsed(window.begin) >= WINDOW_NS {
            window.begin = clock::now();
            window.written = 0;
        }
        if window.written >= LINES {
            window.left_out = window.left_out.saturating_add(1);
            return None;
        }
        window.written = window.written.saturating_add(1);
        Some(core::mem::take(&mut window.left_out))
    }
}
