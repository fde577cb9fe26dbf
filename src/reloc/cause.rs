// SPDX-License-Identifier: GPL-2.0

//! Why a module's BTF is not relocated; [`crate::text`] has the words, and what can be done.

use super::{btf_ids, Described, Unmatched};
use crate::btf::{Error, Known};

/// What stands in the way of a relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A bound, kind, reference or string of `.BTF` or `.BTF.base` is wrong.
    Malformed(Described<'a>),
    /// Something in `.BTF` or `.BTF.base` that is not known here, and may be to the kernel.
    Newer(Described<'a>),
    /// Plain split BTF that contradicts this vmlinux.
    Stale {
        /// The first contradiction.
        found: Described<'a>,
        /// The kernel the module was built for, where its vermagic says.
        release: Option<&'a [u8]>,
    },
    /// Plain split BTF that contradicts this vmlinux, and the base that was supplied for it is of
    /// no help.
    Supplied {
        /// What is wrong with the supplied base, or with the module's BTF on it.
        found: Described<'a>,
        /// The kernel that the base is said to be of.
        release: &'a [u8],
    },
    /// The result would be none that BTF can number.
    TooLarge(Error),
    /// A type has no match, and the policy wants one for each.
    Unmatched(Unmatched<'a>),
    /// `.BTF_ids` cannot be read.
    Ids(btf_ids::Error),
    /// The symbols that tell what is in `.BTF_ids` cannot be read.
    Symbols,
}

/// Where the firmware loader finds the vmlinux BTF of other kernels.
pub const SUPPLIED_FOLDER: &str = "/lib/firmware/btfreloc";

/// The file below [`SUPPLIED_FOLDER`] that holds the vmlinux BTF of this release, in words.
pub struct SuppliedName<'a>(pub &'a [u8]);

/// A [`Cause`] without what was found, for figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CauseKind {
    Malformed,
    Newer,
    Stale,
    Supplied,
    TooLarge,
    Unmatched,
    Ids,
    Symbols,
}

impl CauseKind {
    /// Every kind.
    pub const ALL: [CauseKind; 8] = [
        CauseKind::Malformed,
        CauseKind::Newer,
        CauseKind::Stale,
        CauseKind::Supplied,
        CauseKind::TooLarge,
        CauseKind::Unmatched,
        CauseKind::Ids,
        CauseKind::Symbols,
    ];
}

impl<'a> Cause<'a> {
    /// What is wrong with `.BTF` or `.BTF.base`, to a kernel that knows as much as `known`.
    pub fn refused(known: &Known, found: Described<'a>) -> Self {
        match known.may_take(&found.error) {
            true => Cause::Newer(found),
            false => Cause::Malformed(found),
        }
    }

    /// Whether the module is better off without its BTF, as that is malformed or stale.
    pub fn costs_btf(&self) -> bool {
        match self {
            Cause::Malformed(_) | Cause::Stale { .. } | Cause::Supplied { .. } => true,
            // A section of ids that was stripped of symbols, or has some of a form that came later,
            // may still be sound.
            Cause::Ids(error) => !matches!(
                error.reason,
                btf_ids::Reason::NoSymbols
                    | btf_ids::Reason::NoSymbol(_)
                    | btf_ids::Reason::UnknownForm
            ),
            Cause::Newer(_) | Cause::TooLarge(_) | Cause::Unmatched(_) | Cause::Symbols => false,
        }
    }

    /// Without what was found.
    pub fn kind(&self) -> CauseKind {
        match self {
            Cause::Malformed(_) => CauseKind::Malformed,
            Cause::Newer(_) => CauseKind::Newer,
            Cause::Stale { .. } => CauseKind::Stale,
            Cause::Supplied { .. } => CauseKind::Supplied,
            Cause::TooLarge(_) => CauseKind::TooLarge,
            Cause::Unmatched(_) => CauseKind::Unmatched,
            Cause::Ids(_) => CauseKind::Ids,
            Cause::Symbols => CauseKind::Symbols,
        }
    }
}
