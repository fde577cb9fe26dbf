// SPDX-License-Identifier: GPL-2.0

//! vmlinux's BTF with the tables that find its types, made once.

use super::{clock, memory, text::Text, vmlinux};
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
        let start = clock::now();
        let raw = vmlinux::raw_btf()?;
        let blob = Blob::parse(Section::Vmlinux, Form::Base, raw).map_err(refused)?;
        let size = BaseSize::of(&blob).map_err(refused)?;
        let mut offsets = memory::zeroed(size.offsets_len())?;
        let mut index = memory::zeroed(size.index_len())?;
        Base::build(blob, size, &mut offsets, &mut index).map_err(refused)?;
        let vmlinux = Self {
            blob,
            size,
            offsets,
            index,
        };
        pr_info!(
            "tables of {} bytes for vmlinux BTF of {} bytes, made in {} ns\n",
            vmlinux.tables_size(),
            raw.len(),
            clock::elapsed(start)
        );
        Ok(vmlinux)
    }

    /// The BTF with its tables.
    pub(crate) fn base(&self) -> Base<'_> {
        Base::from_parts(self.blob, self.size, &self.offsets, &self.index)
    }

    /// Memory that the tables take, in bytes.
    fn tables_size(&self) -> usize {
        let words = self.offsets.len().saturating_add(self.index.len());
        words.saturating_mul(size_of::<u32>())
    }
}

fn refused(error: btf::Error) -> Error {
    pr_err!("this kernel's own BTF cannot be used: {}\n", Text(&error));
    EINVAL
}
