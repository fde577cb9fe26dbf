// SPDX-License-Identifier: GPL-2.0

//! Lets what the core can print stand among the arguments of `pr_info!` and its like.

use kernel::fmt;

/// Something with [`core::fmt::Display`], which the kernel's macros do not take as it is.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: core::fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}
