// SPDX-License-Identifier: GPL-2.0

//! vmlinux's BTF with the tables that find its types, made once.

use super::{text::Text, vmlinux};
use crate::btf::{self, Blob, Form, Section};
use crate::reloc::{Base, BaseSize};
use core::mem::size_of;
use kernel::prelude::*;

/// What a [`Base`] is a view of.
pub(crate) struct Vmlinux {
    blob: Blob<'static>,
    size: BaseSize,
    offsets: KVVec<u32>,
    index: KVVec<u32>,
}

impl Vmlinux {
    /// Borrows the BTF of the running kernel and builds its tables.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` where there is none, `EINVAL` where it does not hold, each with a message, and
    /// `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let raw = vmlinux::raw_btf()?;
        let blob = Blob::parse(Section::Vmlinux, Form::Base, raw).map_err(refused)?;
        let size = BaseSize::of(&blob).map_err(refused)?;
        let mut offsets = KVVec::from_elem(0, size.offsets_len(), GFP_KERNEL)?;
        let mut index = KVVec::from_elem(0, size.index_len(), GFP_KERNEL)?;
        Base::build(blob, size, &mut offsets, &mut index).map_err(refused)?;
        Ok(Self {
            blob,
            size,
            offsets,
            index,
        })
    }

    /// The BTF with its tables.
    pub(crate) fn base(&self) -> Base<'_> {
        Base::from_parts(self.blob, self.size, &self.offsets, &self.index)
    }

    /// Memory that the tables take, in bytes.
    pub(crate) fn tables_size(&self) -> usize {
        let words = self.offsets.len().saturating_add(self.index.len());
        words.saturating_mul(size_of::<u32>())
    }
}

fn refused(error: btf::Error) -> Error {
    pr_err!("this kernel's own BTF cannot be used: {}\n", Text(&error));
    EINVAL
}
