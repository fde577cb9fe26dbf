// SPDX-License-Identifier: GPL-2.0

//! The report on BTF that the kernel was not shown.

use super::{IdReport, OwnedCause};
use crate::text;
use core::fmt::Display;
use kernel::{fmt, prelude::*};

/// BTF that the kernel was not shown.
pub(crate) struct DroppedReport {
    /// Why.
    pub(crate) cause: OwnedCause,
    /// What became of the ids that the module's code reads, which are those of no types any more;
    /// or why they stay, where that is not the cause as well. `None` where it has none.
    pub(crate) ids: Option<Result<IdReport, Option<OwnedCause>>>,
}

impl DroppedReport {
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ids {
            Some(Ok(ids)) => ids.show(f),
            _ => Ok(()),
        }
    }

    pub(super) fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropped: {}", self.cause)?;
        match &self.ids {
            Some(Ok(ids)) => write!(f, "; {}", ids.cleared()),
            Some(Err(why)) => {
                let words = why.as_ref().map(|why| why as &dyn Display);
                write!(f, "; {}", text::IdsKept(words))
            }
            None => Ok(()),
        }
    }
}
