// SPDX-License-Identifier: GPL-2.0

//! Why a module's BTF was not relocated.

use crate::btf;
use crate::reloc::{btf_ids, Unmatched};
use core::fmt::{Display, Formatter};
use kernel::prelude::*;

/// What stood in the way. The text is for the operator.
#[derive(Clone, Copy)]
pub(crate) enum Cause {
    /// `.BTF` or `.BTF.base` is not what the kernel takes.
    Malformed(btf::Error),
    /// Plain split BTF that the kernel would refuse on this vmlinux.
    Stale(btf::Error),
    /// The result would be none that BTF can number, or would not fit what was made for it.
    NoResult(btf::Error),
    /// A type has no match, and the policy wants one for each.
    Strict(Unmatched),
    /// `.BTF_ids` cannot be read.
    Ids(btf_ids::Error),
    /// The module's symbols cannot be read.
    Symbols,
    /// The ELF file around the BTF was not found.
    NoImage,
    /// The kernel did not give what was asked for; most likely no memory.
    Kernel(Error),
}

impl Cause {
    /// From an error of the planning core.
    pub(crate) fn of_plan(error: btf::Error) -> Self {
        match error.reason {
            btf::Reason::OutputTooLarge | btf::Reason::ShortBuffer => Self::NoResult(error),
            _ => Self::Malformed(error),
        }
    }
}

impl From<btf_ids::Error> for Cause {
    fn from(error: btf_ids::Error) -> Self {
        Self::Ids(error)
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        Self::Kernel(error)
    }
}

impl From<AllocError> for Cause {
    fn from(_: AllocError) -> Self {
        Self::Kernel(ENOMEM)
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "malformed BTF: {error}"),
            Self::Stale(error) => write!(
                f,
                "made for another kernel: {error}; rebuild the module with .BTF.base"
            ),
            Self::NoResult(error) => write!(f, "cannot be relocated: {error}"),
            Self::Strict(unmatched) => write!(f, "policy is strict: {unmatched}"),
            Self::Ids(error) => write!(f, "{error}"),
            Self::Symbols => f.write_str(".BTF_ids cannot be told: the symbol table is damaged"),
            Self::NoImage => f.write_str("its ELF file was not found in memory"),
            Self::Kernel(error) => write!(f, "{error:?}"),
        }
    }
}
