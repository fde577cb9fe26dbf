// SPDX-License-Identifier: GPL-2.0

//! Why a module's BTF is not relocated; [`crate::text`] has the words, and what can be done.

use super::{btf_ids, Described, Unmatched};
use crate::btf::{Error, Known};

/// What stands in the way of a relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// The BTF describes no type of the module's own, or would not after relocation.
    NoTypes,
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
        /// Whether this kernel is of that release, so that it is another build of it.
        another_build: bool,
    },
    /// Plain split BTF that contradicts this vmlinux, and none of the bases that were supplied for it
    /// is that of its kernel.
    Supplied {
        /// What is wrong with the base that was tried last, or with the module's BTF on it.
        found: Described<'a>,
        /// That base.
        file: SuppliedName<'a>,
    },
    /// Plain split BTF that contradicts this vmlinux, whose own BTF was supplied for it.
    SuppliedOwn {
        /// The base that was tried last.
        file: SuppliedName<'a>,
    },
    /// The result would be none that BTF can number.
    TooLarge(Error),
    /// A type has no match, and the policy wants one for each.
    Unmatched(Unmatched<'a>),
    /// The module has `.BTF.inline`, which this kernel reads and which would have to move as well.
    Inline,
    /// `.BTF_ids` cannot be read.
    Ids(btf_ids::Error),
    /// The symbols that identify the ids in `.BTF_ids` cannot be read.
    Symbols,
    /// `.BTF` or `.BTF.base` is not inside the ELF file.
    Outside,
    /// The kernel's copy of the ELF file, where `.BTF_ids` is described, cannot be found.
    NoImage,
}

/// The vmlinux BTF of a release, as the firmware loader is asked for it, in words:
/// `btfreloc/RELEASE.btf`, and for further builds of that release `btfreloc/RELEASE.1.btf` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuppliedName<'a> {
    /// The release.
    pub release: &'a [u8],
    /// Which of its builds, from 0; below [`SuppliedName::MOST`].
    pub number: u8,
}

impl<'a> SuppliedName<'a> {
    /// Builds of one release that are looked for; each takes time where it is not the right one.
    pub const MOST: u8 = 8;

    /// Each build of this release.
    pub fn each(release: &'a [u8]) -> impl Iterator<Item = Self> {
        (0..Self::MOST).map(move |number| SuppliedName { release, number })
    }
}

/// Why a file that the operator supplied was not made use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is empty, no regular file, or its compression is damaged or of another sort.
    Damaged,
    /// It is larger than the firmware loader reads.
    TooLarge,
    /// Its file system, or what that is on, fails; holds the number of the error.
    Device(i32),
    /// Something may not read it that has all rights but those that a security module takes away.
    Forbidden,
    /// Somebody has it open to write.
    Written,
    /// Memory is short.
    Memory,
    /// The process that loads the module was killed, or asked to try again.
    Interrupted,
    /// It takes too long.
    Slow,
    /// Another error of this number.
    Other(i32),
}

impl Unread {
    /// What the error of this number, positive as in `errno`, says of a read.
    pub fn of(errno: i32) -> Self {
        match errno {
            // ENOMEM
            12 => Unread::Memory,
            // EINTR, EAGAIN, ERESTARTSYS
            4 | 11 | 512 => Unread::Interrupted,
            // ETIMEDOUT
            110 => Unread::Slow,
            // ETXTBSY
            26 => Unread::Written,
            // EPERM, EACCES, EKEYREJECTED
            1 | 13 | 129 => Unread::Forbidden,
            // EINVAL, EISDIR
            22 | 21 => Unread::Damaged,
            // EFBIG, EOVERFLOW
            27 | 75 => Unread::TooLarge,
            // EIO, ENXIO, ENODATA, EBADMSG, EUCLEAN, ESTALE, EREMOTEIO
            5 | 6 | 61 | 74 | 117 | 116 | 121 => Unread::Device(errno),
            _ => Unread::Other(errno),
        }
    }

    /// Whether it is the file that is to be mended.
    pub fn blames_file(self) -> bool {
        matches!(self, Unread::Damaged | Unread::TooLarge)
    }
}

/// A [`Cause`] without what was found, for figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CauseKind {
    NoTypes,
    Malformed,
    Newer,
    Stale,
    Supplied,
    TooLarge,
    Unmatched,
    Inline,
    Ids,
    Symbols,
    NoImage,
}

impl CauseKind {
    /// Every kind.
    pub const ALL: [CauseKind; 11] = [
        CauseKind::NoTypes,
        CauseKind::Malformed,
        CauseKind::Newer,
        CauseKind::Stale,
        CauseKind::Supplied,
        CauseKind::TooLarge,
        CauseKind::Unmatched,
        CauseKind::Inline,
        CauseKind::Ids,
        CauseKind::Symbols,
        CauseKind::NoImage,
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

    /// Without what was found.
    pub fn kind(&self) -> CauseKind {
        match self {
            Cause::NoTypes => CauseKind::NoTypes,
            Cause::Malformed(_) | Cause::Outside => CauseKind::Malformed,
            Cause::Newer(_) => CauseKind::Newer,
            Cause::Stale { .. } => CauseKind::Stale,
            Cause::Supplied { .. } | Cause::SuppliedOwn { .. } => CauseKind::Supplied,
            Cause::TooLarge(_) => CauseKind::TooLarge,
            Cause::Unmatched(_) => CauseKind::Unmatched,
            Cause::Inline => CauseKind::Inline,
            Cause::Ids(_) => CauseKind::Ids,
            Cause::Symbols => CauseKind::Symbols,
            Cause::NoImage => CauseKind::NoImage,
        }
    }
}
