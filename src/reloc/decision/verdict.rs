// SPDX-License-Identifier: GPL-2.0

//! Whether BTF that is not replaced is dropped or left to the kernel.

use super::Shell;
use crate::reloc::{Cause, CauseKind, Policy};

/// What the kernel would do with the original BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    /// Register it.
    Taken,
    /// Register it and take its ids for those of other types, unless it notices.
    Misread,
    /// Fail the load.
    Refused,
    /// Read memory that is not the module's, and crash.
    Undefined,
    /// That is not known here.
    Unknown,
}

/// What is done with BTF that is not replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel reads none.
    Drop,
    /// The kernel reads it as it is.
    Leave,
}

/// Whether a module is better off without its BTF, which the kernel would treat as `original`, where
/// something of this `kind` is in the way.
pub fn verdict(policy: Policy, original: Original, kind: CauseKind) -> Verdict {
    match (policy, original, kind) {
        // No policy wants that.
        (_, Original::Undefined, _) => Verdict::Drop,
        (Policy::Strict, _, _) => Verdict::Leave,
        // The kernel takes it, and programs that read the BTF of all modules fail.
        (Policy::Opaque, _, CauseKind::NoTypes) => Verdict::Drop,
        (Policy::Opaque, Original::Misread | Original::Refused, _) => Verdict::Drop,
        (Policy::Opaque, Original::Taken | Original::Unknown, _) => Verdict::Leave,
    }
}

impl Original {
    /// What `cause` says of it.
    pub fn of(cause: &Cause<'_>) -> Self {
        match cause {
            Cause::NoTypes => Original::Taken,
            Cause::Outside => Original::Undefined,
            Cause::Malformed(_) | Cause::Unmatched(_) => Original::Refused,
            Cause::Stale { .. } | Cause::Supplied { .. } | Cause::SuppliedOwn { .. } => {
                Original::Misread
            }
            // Some that has no symbols any more, or is of a form that came later, may be valid.
            Cause::Ids(error) if error.reason.may_be_valid() => Original::Unknown,
            Cause::Ids(_) => Original::Misread,
            Cause::Newer(_)
            | Cause::TooLarge(_)
            | Cause::Inline
            | Cause::Symbols
            | Cause::NoImage => Original::Unknown,
        }
    }

    /// This, unless it is known already.
    fn unless(self, known: Original) -> Self {
        match known {
            Original::Misread | Original::Refused | Original::Undefined => known,
            Original::Taken | Original::Unknown => self,
        }
    }
}

/// What stands in the way, in a form that does not borrow from what it was found in.
pub(super) enum Obstacle<S: Shell> {
    /// Something in the module.
    Found {
        kind: CauseKind,
        original: Original,
        cause: S::Cause,
    },
    /// The BTF is stale, and the base that was supplied for it cannot be used.
    Unread(S::Cause),
    /// The shell itself, which may be able another time.
    Failed(S::Failure),
}

impl<S: Shell> Obstacle<S> {
    /// What was found in the module.
    #[inline(never)]
    pub(super) fn found(shell: &S, cause: &Cause<'_>) -> Self {
        let (kind, original) = (cause.kind(), Original::of(cause));
        match shell.cause(cause) {
            Ok(cause) => Obstacle::Found {
                kind,
                original,
                cause,
            },
            Err(why) => Obstacle::Failed(why),
        }
    }

    /// The same for BTF that the kernel is known to treat so.
    #[inline(never)]
    pub(super) fn known(self, known: Original) -> Self {
        match self {
            Obstacle::Found {
                kind,
                original,
                cause,
            } => Obstacle::Found {
                kind,
                original: original.unless(known),
                cause,
            },
            other => other,
        }
    }

    /// What kind of thing in the module it is.
    pub(super) fn kind(&self) -> Option<CauseKind> {
        match self {
            Obstacle::Found { kind, .. } => Some(*kind),
            Obstacle::Unread(_) | Obstacle::Failed(_) => None,
        }
    }

    pub(super) fn verdict(&self, policy: Policy) -> Verdict {
        match self {
            Obstacle::Found { kind, original, .. } => verdict(policy, *original, *kind),
            Obstacle::Unread(_) => verdict(policy, Original::Misread, CauseKind::Supplied),
            Obstacle::Failed(_) => Verdict::Leave,
        }
    }

    #[inline(never)]
    pub(super) fn into_cause(self, shell: &S) -> S::Cause {
        match self {
            Obstacle::Found { cause, .. } | Obstacle::Unread(cause) => cause,
            Obstacle::Failed(why) => shell.failed(why),
        }
    }
}
