// SPDX-License-Identifier: GPL-2.0

//! The shell: all that touches the kernel, and the only place with `unsafe`.
//!
//! `track` follows each load; it has `decide` ask the core what becomes of the BTF in the module's
//! `image`, relocated to a `base`, has `commit` write that into the module, and has `report` show it.
//! Imports go that way only: from `track` to `decide`, to `commit`, and from these to `image`, `base`
//! and `report`, none of which knows another room. What several rooms use is here.
//!
//! What may wait for user space, as reading firmware and changing debugfs, is left to a thread
//! `aside`: the lock of the notifier chain is held by whoever calls us.

mod base;
mod commit;
mod decide;
mod image;
mod report;
mod track;

mod aside;
mod clock;
mod ffi;
mod memory;
mod module;
mod nofault;
mod params;
mod region;
mod text;

pub(crate) use base::Vmlinux;
pub(crate) use params::policy;
pub(crate) use report::{Dir, File, Folder, FuncsReport, Stats};
pub(crate) use track::{AfterKernel, BeforeKernel, BtfFiles, Loads, Registration};
