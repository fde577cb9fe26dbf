// SPDX-License-Identifier: GPL-2.0

//! What a kernel knows of BTF, read from its own: which kinds, how long a header, which sections.
//!
//! The table of kinds ([`super::Kind`]) says what can be read here. What a kernel takes is another
//! question: it refuses kinds past its `BTF_KIND_MAX` and header fields past its
//! `struct btf_header`, both of which the BTF of vmlinux describes.

use super::{read_u32, Blob, Error, Kind, Reason, Record, HEADER_LEN_LAYOUT};

/// The member of `struct module` that points to a loading module's `.BTF.inline`.
const INLINE_DATA: &[u8] = b"btf_inline_data";

/// What a kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// `BTF_KIND_MAX`: the largest number of a kind.
    pub kind_max: u32,
    /// Bytes of `struct btf_header`.
    pub header_len: u32,
    /// Whether a loading module's `.BTF.inline` is read: `struct module` points to it.
    pub reads_inline: bool,
}

impl Known {
    /// All that can be read here.
    pub const HERE: Known = Known {
        kind_max: Kind::MAX,
        header_len: HEADER_LEN_LAYOUT,
        reads_inline: true,
    };

    /// What Linux 7.2 and 7.3 know: what is taken for granted where a kernel does not say.
    pub const LINUX_7_3: Known = Known {
        kind_max: Kind::Enum64 as u32,
        header_len: HEADER_LEN_LAYOUT,
        reads_inline: false,
    };

    /// Whether the kernel knows kinds or header fields that are not known here.
    pub fn is_newer(&self) -> bool {
        self.kind_max > Known::HERE.kind_max || self.header_len > Known::HERE.header_len
    }

    /// Whether `error`, found in the BTF of a kernel itself, is only that it holds what is not known here.
    pub fn is_beyond(error: &Error) -> bool {
        match error.reason {
            Reason::BadKind(kind) => kind > Known::HERE.kind_max,
            Reason::HeaderUnknown(_) | Reason::BadFlags(_) | Reason::BadVersion(_) => true,
            _ => false,
        }
    }

    /// Whether the kernel may take what was refused here, with `error`: what is not known here, and
    /// is to the kernel.
    ///
    /// Of flags, versions and values that were reserved nothing says which a kernel knows; one that is
    /// newer otherwise may know them.
    pub fn may_take(&self, error: &Error) -> bool {
        match error.reason {
            Reason::BadKind(kind) => kind > Known::HERE.kind_max && kind <= self.kind_max,
            Reason::HeaderUnknown(_) => error.offset < self.header_len,
            Reason::BadFlags(_)
            | Reason::BadVersion(_)
            | Reason::BadVlen { .. }
            | Reason::BadKflag(_)
            | Reason::IntUnusedBits(_)
            | Reason::IntEncoding(_)
            | Reason::BadLinkage { .. } => self.is_newer(),
            _ => false,
        }
    }
}

/// Reads a [`Known`] from the types of a kernel, which it is given one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownScan {
    kind_max: Option<u32>,
    header_len: Option<u32>,
    reads_inline: bool,
}

impl KnownScan {
    /// Looks at a type of `blob`, the BTF of a kernel.
    #[inline]
    pub fn look(&mut self, blob: &Blob<'_>, record: &Record<'_>) {
        match record.kind() {
            Kind::Enum if record.vlen() != 0 => self.look_at_enum(blob, record),
            Kind::Struct => self.look_at_struct(blob, record),
            _ => {}
        }
    }

    /// What the kernel knows; what it does not say is as in `otherwise`.
    pub fn known(&self, otherwise: Known) -> Known {
        Known {
            kind_max: self.kind_max.unwrap_or(otherwise.kind_max),
            header_len: self.header_len.unwrap_or(otherwise.header_len),
            reads_inline: self.reads_inline,
        }
    }

    /// The enum of the kinds begins with the one that stands for none.
    fn look_at_enum(&mut self, blob: &Blob<'_>, record: &Record<'_>) {
        let mut values = record.elements();
        let is = |value: &[u8], name: &[u8]| {
            let name_off = read_u32(value, 0);
            name_off.is_some_and(|off| blob.string_is(off, name))
        };
        let first = values.next();
        if !first.is_some_and(|first| is(first, b"BTF_KIND_UNKN")) {
            return;
        }
        let last = values.find(|value| is(value, b"BTF_KIND_MAX"));
        self.kind_max = last.and_then(|last| read_u32(last, 4)).or(self.kind_max);
    }

    fn look_at_struct(&mut self, blob: &Blob<'_>, record: &Record<'_>) {
        if blob.string_is(record.name_off(), b"btf_header") {
            self.header_len = Some(record.size());
        } else if blob.string_is(record.name_off(), b"module") {
            let mut members = record.members();
            self.reads_inline |= members.any(|member| blob.string_is(member.name_off, INLINE_DATA));
        }
    }
}
