// SPDX-License-Identifier: GPL-2.0

//! Why a module's BTF was not relocated.

use super::text::Text;
use crate::btf;
use crate::reloc::{btf_ids, Base, Survey, Unmatched};
use core::fmt::{Display, Formatter};
use kernel::{alloc::AllocError, prelude::*, str::CString};

/// What stood in the way. The text is for the operator.
pub(crate) enum Cause {
    /// A header or a record of `.BTF` or `.BTF.base` is damaged.
    Unreadable(btf::Error),
    /// `.BTF` or `.BTF.base` is not what the kernel takes; what was found, in words, as the BTF it
    /// is about is soon gone.
    Malformed(CString),
    /// Plain split BTF that the kernel would refuse on this vmlinux; as above.
    Stale(CString),
    /// The result would be none that BTF can number, or would not fit what was made for it.
    NoResult(btf::Error),
    /// A type has no match, and the policy wants one for each; which, in words.
    Strict(CString),
    /// `.BTF_ids` cannot be read.
    Ids(btf_ids::Error),
    /// The module's symbols cannot be read.
    Symbols,
    /// The ELF file around the BTF was not found.
    NoImage,
    /// `.BTF` or `.BTF.base` is not inside the ELF file.
    Outside,
    /// The kernel did not give what was asked for; most likely no memory.
    Kernel(Error),
}

impl Cause {
    /// From an error of the core; `found` makes a cause of what it found in the BTF, in words.
    pub(crate) fn of<'a>(
        base: &Base<'a>,
        survey: &Survey<'a>,
        error: btf::Error,
        found: fn(CString) -> Self,
    ) -> Self {
        match error.reason {
            btf::Reason::OutputTooLarge | btf::Reason::ShortBuffer => Self::NoResult(error),
            _ => Self::in_words(survey.describe(base, error), found),
        }
    }

    /// From a type without a match.
    pub(crate) fn strict(unmatched: Unmatched<'_>) -> Self {
        Self::in_words(unmatched, Self::Strict)
    }

    fn in_words(what: impl Display, found: fn(CString) -> Self) -> Self {
        CString::try_from_fmt(fmt!("{}", Text(what))).map_or_else(Self::from, found)
    }

    /// Whether the module's BTF itself is to blame, so that the module is better off without it.
    pub(crate) fn lies_in_btf(&self) -> bool {
        matches!(
            self,
            Self::Outside | Self::Unreadable(_) | Self::Malformed(_) | Self::Stale(_)
        )
    }
}

/// A string of ours as text; it is ASCII.
fn text(words: &CString) -> &str {
    words.to_str().unwrap_or_default()
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
            Self::Unreadable(error) => write!(f, "malformed BTF: {error}"),
            Self::Malformed(words) => write!(f, "malformed BTF: {}", text(words)),
            Self::Stale(words) => write!(
                f,
                "not for this kernel: {}; rebuild the module with .BTF.base",
                text(words)
            ),
            Self::NoResult(error) => write!(f, "cannot be relocated: {error}"),
            Self::Strict(words) => write!(f, "policy is strict: {}", text(words)),
            Self::Ids(error) => write!(f, "{error}"),
            Self::Symbols => f.write_str(".BTF_ids cannot be told: the symbol table is damaged"),
            Self::NoImage => f.write_str("its ELF file was not found in memory"),
            Self::Outside => f.write_str("malformed BTF: a section is not inside the ELF file"),
            Self::Kernel(error) => write!(f, "the kernel answers {error:?}"),
        }
    }
}
