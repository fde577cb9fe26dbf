// SPDX-License-Identifier: GPL-2.0

//! The report on split BTF of which nothing changed but that types were left out.

use super::IdReport;
use kernel::fmt;

/// BTF without the types that this kernel does not know.
pub(crate) struct ReducedReport(pub(super) Option<IdReport>);

impl ReducedReport {
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|ids| ids.show(f))
    }

    pub(super) fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reduced")?;
        self.0.iter().try_for_each(|ids| write!(f, ": {ids}"))
    }
}
