// SPDX-License-Identifier: GPL-2.0

//! Follows each load from before the kernel's own notifier to after it, and on to the unload.

mod btf_files;
mod func_tables;
mod loads;
mod notifier;

pub(crate) use btf_files::BtfFiles;
pub(crate) use loads::{AfterKernel, BeforeKernel, Loads};
pub(crate) use notifier::Registration;
