// SPDX-License-Identifier: GPL-2.0

//! Where a loading module's BTF and its ELF file are, and the sections cut from them.

mod pages;
mod pointers;
mod search;
mod sections;

pub(super) use pages::{page_at, page_start};
pub(super) use pointers::Pointers;
pub(super) use sections::sections;
