// SPDX-License-Identifier: GPL-2.0

//! How many verdicts there were of each kind.

use serde::Serialize;

use super::{Outcome, Row};

/// How many pairs of module and kernel have which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub checked: u32,
    pub exact: u32,
    pub opaque: u32,
    pub conflicts: u32,
    pub reduced: u32,
    pub left_alone: u32,
    pub dropped: u32,
    pub left_to_kernel: u32,
    pub no_btf: u32,
}

impl Summary {
    /// Counts `rows`.
    pub fn of(rows: &[Row]) -> Self {
        let mut summary = Summary::default();
        for row in rows {
            summary.checked += 1;
            *summary.count(row.outcome) += 1;
        }
        summary
    }

    fn count(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Exact => &mut self.exact,
            Outcome::Opaque => &mut self.opaque,
            Outcome::Conflicts => &mut self.conflicts,
            Outcome::Reduced => &mut self.reduced,
            Outcome::LeftAlone => &mut self.left_alone,
            Outcome::Dropped => &mut self.dropped,
            Outcome::LeftToKernel => &mut self.left_to_kernel,
            Outcome::NoBtf => &mut self.no_btf,
        }
    }
}
