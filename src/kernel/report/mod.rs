// SPDX-License-Identifier: GPL-2.0

//! What people get to see: lines in the kernel log, figures and each module's report in debugfs.

mod cause;
mod debugfs;
mod dropped;
mod funcs;
mod ids;
mod limit;
mod load;
mod reader;
mod rebased;
mod reduced;
mod relocated;
mod stats;

pub(super) use cause::OwnedCause;
pub(crate) use debugfs::{Dir, File, Folder};
pub(super) use dropped::DroppedReport;
pub(crate) use funcs::FuncsReport;
pub(super) use ids::IdReport;
pub(super) use limit::Limit;
pub(super) use load::{LoadReport, ModuleReport};
use reader::Reader;
pub(crate) use stats::Stats;
