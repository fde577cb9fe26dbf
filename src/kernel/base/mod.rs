// SPDX-License-Identifier: GPL-2.0

//! BTF that modules are relocated to: that of the running kernel, and what the operator supplied.

mod firmware;
mod tables;
mod vmlinux;

pub(super) use firmware::{FirmwareFile, Loader, ReadTime};
pub(crate) use tables::Vmlinux;
