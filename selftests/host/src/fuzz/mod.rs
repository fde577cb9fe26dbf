// SPDX-License-Identifier: GPL-2.0

//! What the fuzz targets of `selftests/fuzz` and their seeds agree on.

pub mod pair;
pub mod vmlinux;
