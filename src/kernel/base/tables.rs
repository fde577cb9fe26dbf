// SPDX-License-Identifier: GPL-2.0

//! BTF that modules are split off, with the tables that find its types, made once.

use super::vmlinux;
use crate::btf::{self, Blob, Form, Known, Section};
use crate::reloc::{Base, BaseSize};
use crate::shell::{clock, memory, text::Text};
use core::mem::size_of;
use kernel::{alloc::AllocError, bindings, prelude::*};

/// What the kernel knew of BTF that this module was built for.
const BUILT_FOR: Known = Known {
    kind_max: bindings::BTF_KIND_MAX,
    header_len: size_of::<bindings::btf_header>() as u32,
    ..Known::LINUX_7_3
};

/// What a [`Base`] is a view of.
pub(crate) struct BaseTables<'a> {
    blob: Blob<'a>,
    size: BaseSize,
    offsets: KVVec<u32>,
    index: KVVec<u32>,
}

/// The BTF of the running kernel.
pub(crate) type Vmlinux = BaseTables<'static>;

/// Why there are no [`BaseTables`].
enum TablesError {
    /// The BTF is invalid.
    Btf(btf::Error),
    /// There is no memory for them.
    Memory,
}

impl<'a> BaseTables<'a> {
    fn of(blob: Blob<'a>, size: BaseSize) -> Result<Self, TablesError> {
        let mut offsets = memory::zeroed(size.offsets_len())?;
        let mut index = memory::zeroed(size.index_len())?;
        Base::build(blob, size, &mut offsets, &mut index)?;
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
    fn size(&self) -> usize {
        let words = self.offsets.len().saturating_add(self.index.len());
        words.saturating_mul(size_of::<u32>())
    }
}

impl Vmlinux {
    /// The BTF with its tables, of the release that runs.
    pub(crate) fn running(&self) -> Base<'_> {
        self.base().of_release(vmlinux::release())
    }

    fn named(raw: &'static [u8]) -> Result<Self, TablesError> {
        let blob = Blob::parse(Section::Vmlinux, Form::Base, raw)?;
        Self::of(blob, BaseSize::of(&blob, BUILT_FOR)?)
    }

    /// Borrows the BTF of the running kernel and builds its tables.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` where there is none, or it holds what is not known here, `EINVAL` where it is
    /// invalid, each with a message, and `ENOMEM`.
    pub(crate) fn new() -> Result<Self> {
        let start = clock::now();
        let raw = vmlinux::raw_btf()?;
        let tables = Self::named(raw).map_err(|error| match error {
            TablesError::Btf(error) if Known::is_beyond(&error) => {
                let error = Text(error);
                pr_err!(
                    "this kernel's BTF is newer than rust_btfreloc: {error}; install a newer one\n"
                );
                Error::from_errno(-vmlinux::EOPNOTSUPP)
            }
            TablesError::Btf(error) => {
                pr_err!("this kernel's own BTF cannot be used: {}\n", Text(error));
                EINVAL
            }
            TablesError::Memory => ENOMEM,
        })?;
        pr_info!(
            "tables of {} bytes for vmlinux BTF of {} bytes, made in {} ns\n",
            tables.size(),
            raw.len(),
            clock::elapsed(start)
        );
        Ok(tables)
    }
}

impl From<btf::Error> for TablesError {
    fn from(error: btf::Error) -> Self {
        Self::Btf(error)
    }
}

impl From<AllocError> for TablesError {
    fn from(_: AllocError) -> Self {
        Self::Memory
    }
}
