// SPDX-License-Identifier: GPL-2.0

//! The version, of the kernel module and of the host tool.

/// As a literal, for `concat!`.
#[macro_export]
macro_rules! version {
    () => {
        "0.1.0"
    };
}
