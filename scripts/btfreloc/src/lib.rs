// SPDX-License-Identifier: GPL-2.0

//! The host tool around the core of rust_btfreloc.
//!
//! | room | what is there |
//! | --- | --- |
//! | [`cli`], [`docs`], [`status`] | what is typed, what explains it, what is answered |
//! | [`input`] | files, folders, streams and installed kernels, as bytes and sections |
//! | [`older`] | BTF as older kernels take it |
//! | [`plain`] | whether plain split BTF was split off a kernel's |
//! | [`decide`] | what the kernel module would do with a module's BTF |
//! | [`c_code`] | what the kernel's own code would do with it |
//! | [`explain`] | the candidates for each type, and why they were taken or not |
//! | [`output`], [`json`] | files and modules that are written, and reports for programs |
//! | [`each`], [`sections`] | modules that are changed, and BTF put into them |
//! | [`in_place`], [`kept`] | modules whose files get the BTF that a kernel takes, and all else that files have |
//! | [`check`], [`diff`], [`distill`], [`encode`], [`extract`], [`funcs`], [`inspect`], [`loaded`], [`min_core`], [`relocate`], [`resolve_ids`] | one command each |

// Only what calls libbpf may, in `encode::dedup`.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod c_code;
pub mod check;
pub mod cli;
pub mod decide;
pub mod diff;
pub mod distill;
pub mod docs;
pub mod each;
#[cfg(feature = "encode")]
pub mod encode;
#[cfg(not(feature = "encode"))]
#[path = "encode/absent.rs"]
pub mod encode;
pub mod explain;
pub mod extract;
pub mod funcs;
pub mod in_place;
pub mod input;
pub mod inspect;
pub mod json;
pub mod kept;
mod layout;
pub mod loaded;
pub mod min_core;
pub mod older;
pub mod output;
pub mod plain;
mod progress;
pub mod relocate;
pub mod resolve_ids;
pub mod sections;
pub mod status;
mod terminal;
