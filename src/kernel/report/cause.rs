// SPDX-License-Identifier: GPL-2.0

//! Why a module's BTF was not relocated: what the core found, and what only the kernel can get in
//! the way with.

use crate::reloc::{self, CauseKind, SuppliedName, Unread};
use crate::shell::text::Text;
use core::fmt::{Display, Formatter};
use kernel::{alloc::AllocError, prelude::*, str::CString};

/// What stood in the way. The text is for the operator.
pub(crate) enum OwnedCause {
    /// Something in the module, in words, as the BTF it is about is soon gone.
    Found(CauseKind, CString),
    /// /sys/kernel/btf has a file of its name already.
    Registered,
    /// The BTF is stale, and the base that was supplied for it was not made use of: which file, where
    /// there was memory for its name, and why.
    Unread(Option<CString>, Unread),
    /// The kernel did not give what was asked for; most likely no memory.
    Kernel(Error),
}

impl OwnedCause {
    /// What the core found.
    #[inline(never)]
    pub(crate) fn found(cause: &reloc::Cause<'_>) -> Result<Self, AllocError> {
        let words = CString::try_from_fmt(fmt!("{}", Text(*cause)));
        let words = words.map_err(|_| AllocError)?;
        Ok(Self::Found(cause.kind(), words))
    }

    /// Why `file` is not used for a module whose BTF is stale.
    #[inline(never)]
    pub(crate) fn unread(file: SuppliedName<'_>, why: Unread) -> Self {
        let file = CString::try_from_fmt(fmt!("{}", Text(file)));
        Self::Unread(file.ok(), why)
    }

    /// The kind of cause that was found in the module; `None` where the kernel itself was in the way.
    pub(crate) fn kind(&self) -> Option<CauseKind> {
        match self {
            Self::Found(kind, ..) => Some(*kind),
            Self::Unread(_, why) => why.blames_file().then_some(CauseKind::Supplied),
            Self::Registered | Self::Kernel(_) => None,
        }
    }
}

impl From<Error> for OwnedCause {
    fn from(error: Error) -> Self {
        Self::Kernel(error)
    }
}

impl From<AllocError> for OwnedCause {
    fn from(_: AllocError) -> Self {
        Self::Kernel(ENOMEM)
    }
}

impl Display for OwnedCause {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match self {
            // Words of ours are ASCII.
            Self::Found(_, words) => f.write_str(words.to_str().unwrap_or_default()),
            Self::Registered => f.write_str(
                "/sys/kernel/btf has a file of its name already: the kernel registers BTF before \
                 it can be relocated, or the name is taken",
            ),
            Self::Unread(file, why) => {
                let file = file.as_ref().and_then(|file| file.to_str().ok());
                let file = file.unwrap_or("with the BTF of its kernel");
                write!(f, "not for this kernel, and firmware {file} {why}")
            }
            Self::Kernel(error) if *error == ENOMEM => {
                f.write_str("memory is short; load the module again when there is more")
            }
            Self::Kernel(error) => write!(f, "the kernel answers {error:?}"),
        }
    }
}
