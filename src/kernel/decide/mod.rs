// SPDX-License-Identifier: GPL-2.0

//! Asks the core what becomes of a loading module's BTF, and lends it the kernel's memory for that.

mod action;
mod shell;

pub(super) use action::{decide, Action, Funcs};
