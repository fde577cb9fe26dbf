// SPDX-License-Identifier: GPL-2.0

//! Every stock module of a kernel, taken to a kernel, with libbpf beside it.
//!
//! | room | what is there |
//! | --- | --- |
//! | [`pair`] | two kernels, and all modules of the one taken to the other |
//! | [`measure`] | one module: what both sides make of it, and whether that is true |
//! | [`shipped`] | one module as it was shipped, with plain BTF |
//! | [`figures`] | what is counted, added up, and its form in the file |
//! | [`store`] | pairs that were measured before |
//! | [`table`] | what a reader is shown |

pub mod figures;
pub mod measure;
pub mod pair;
pub mod shipped;
pub mod store;
pub mod table;
