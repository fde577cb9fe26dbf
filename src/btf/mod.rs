// SPDX-License-Identifier: GPL-2.0

//! BTF as bytes: header, types, strings and ids, borrowed and never trusted.
//!
//! Format: `Documentation/bpf/btf.rst` and `include/uapi/linux/btf.h`.
//!
//! A [`Blob`] is one `.BTF` section, a [`Table`] finds its types, a [`Btf`] joins the two and, for
//! split BTF, adds those of its base. [`verify`] reaches the kernel's own verdict.

mod bits;
mod blob;
mod bytes;
mod error;
mod kind;
mod known;
mod layout;
mod num;
mod record;
mod rewrite;
mod table;
pub mod verify;
mod view;

pub use bits::Bits;
pub use blob::{declared, write_header, Blob, Form, HEADER_LEN, HEADER_LEN_LAYOUT};
pub use bytes::{copy, put_u32, read_u32};
pub use error::{Error, Fault, Part, Reason, Section, Target};
pub use kind::{Kind, Shape, Starts};
pub use known::{Known, KnownScan};
pub use layout::{walk_any, AnyRecord, KindLayout, Layout, LAYOUT_LEN};
pub use num::{len_u32, to_usize};
pub use record::{info, Member, Record, Records, RECORD_LEN};
pub use rewrite::rewrite;
pub use table::Table;
pub use view::Btf;

/// Largest type id the kernel accepts (`BTF_MAX_TYPE`).
pub const MAX_TYPE: u32 = 0x000f_ffff;
/// Largest string offset the kernel accepts (`BTF_MAX_NAME_OFFSET`).
pub const MAX_NAME_OFFSET: u32 = 0x00ff_ffff;
/// Longest name of a type or member, but for those of INT and FLOAT, which the kernel does not look
/// at (`KSYM_NAME_LEN` in `include/linux/kallsyms.h`).
pub const MAX_NAME_LEN: usize = 512;
