// SPDX-License-Identifier: GPL-2.0

//! The shell: all that touches the kernel, and the only place with `unsafe`.
//!
//! `notifier` is told of each module; `loads` follows its load; `load` decides, with the core, what
//! becomes of the BTF that is `carried`; `handover` and `alias` carry that out.

mod alias;
mod base;
mod carried;
mod cause;
mod clock;
mod debugfs;
mod ffi;
mod handover;
mod ids;
mod image;
mod load;
mod loads;
mod memory;
mod nofault;
mod notifier;
mod pages;
mod params;
mod report;
mod stats;
mod text;
mod vmlinux;

pub(crate) use base::Vmlinux;
pub(crate) use debugfs::{Dir, File};
pub(crate) use loads::{AfterKernel, BeforeKernel, Loads};
pub(crate) use notifier::Registration;
pub(crate) use params::policy;
pub(crate) use stats::Stats;
