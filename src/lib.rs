// SPDX-License-Identifier: GPL-2.0

//! The core of rust_btfreloc as a host crate: the very source that Kbuild compiles into the module.

#![no_std]
#![forbid(unsafe_code)]

pub mod btf;
pub mod elf;
pub mod reloc;
pub mod text;
mod version;
