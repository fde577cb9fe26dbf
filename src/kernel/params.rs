// SPDX-License-Identifier: GPL-2.0

//! Module parameters, as the rest of the module knows them.

use crate::reloc::Policy;
use core::borrow::Borrow;
use kernel::prelude::*;

/// The value of the parameter `policy` for this one.
pub(crate) fn number(policy: Policy) -> i32 {
    match policy {
        Policy::Strict => 0,
        Policy::Opaque => 1,
    }
}

/// What the parameter `policy` stands for.
///
/// # Errors
///
/// `EINVAL` for a number that stands for nothing, with a message.
// The value comes as it is from 7.3 on, and by reference before.
pub(crate) fn policy(value: impl Borrow<i32>) -> Result<Policy> {
    match *value.borrow() {
        0 => Ok(Policy::Strict),
        1 => Ok(Policy::Opaque),
        other => {
            pr_err!(
                "policy={} is not known: use policy=0 (strict) or policy=1 (opaque)\n",
                other
            );
            Err(EINVAL)
        }
    }
}
