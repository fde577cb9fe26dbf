// SPDX-License-Identifier: GPL-2.0

//! The shell: all that touches the kernel, and the only place with `unsafe`.
//!
//! `notifier` hears of each module; `loads` follows its load; `decide` asks the core what
//! becomes of the BTF that is `carried`; `handover` and `alias` carry out the
//! `relocation`. What may wait for user space, as reading `firmware` and changing `debugfs`, is left
//! to a thread `aside`: the lock of the notifier chain is held by whoever calls us.

mod alias;
mod aside;
mod base;
mod btf_files;
mod carried;
mod cause;
mod clock;
mod debugfs;
mod decide;
mod ffi;
mod firmware;
mod handover;
mod ids;
mod image;
mod limit;
mod loads;
mod memory;
mod nofault;
mod notifier;
mod pages;
mod params;
mod region;
mod relocation;
mod report;
mod stats;
mod text;
mod vmlinux;

pub(crate) use base::Vmlinux;
pub(crate) use btf_files::BtfFiles;
pub(crate) use debugfs::{Dir, File};
pub(crate) use loads::{AfterKernel, BeforeKernel, Loads};
pub(crate) use notifier::Registration;
pub(crate) use params::policy;
pub(crate) use stats::Stats;
