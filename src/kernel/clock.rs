// SPDX-License-Identifier: GPL-2.0

//! How long something took.

use kernel::time::{ClockSource, Monotonic};

/// A point in time, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Start(i64);

/// This point in time.
pub(super) fn now() -> Start {
    Start(Monotonic::ktime_get())
}

/// Nanoseconds since `start`.
// `Instant` of the kernel crate panics where a difference overflows.
pub(super) fn elapsed(start: Start) -> u64 {
    u64::try_from(Monotonic::ktime_get().saturating_sub(start.0)).unwrap_or(0)
}
