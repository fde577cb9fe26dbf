// SPDX-License-Identifier: GPL-2.0

//! The BTF that modules are relocated to: vmlinux's, with its tables built once.

use super::index::{self, is_indexed, Index};
use crate::btf::{Blob, Btf, Error, Known, KnownScan, Reason, Record, Table};

/// Every 16th type's offset is kept: 31 KiB for vmlinux, and some eight steps a look-up.
const SHIFT: u32 = 4;

/// The base BTF with what finds its types by id and by name.
#[derive(Clone, Copy)]
pub struct Base<'a> {
    /// The release of its kernel, where that is known.
    release: Option<&'a [u8]>,
    btf: Btf<'a>,
    index: Index<'a>,
    known: Known,
}

/// Number of types and of indexed names of a base, and what it says that its kernel knows of BTF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseSize {
    types: u32,
    names: u32,
    known: Known,
}

impl BaseSize {
    /// Walks `blob`, a base, once and counts its types.
    ///
    /// `otherwise` is what its kernel knows where that is not among its types.
    ///
    /// # Errors
    ///
    /// The first record that is cut short or of a kind not known.
    pub fn of(blob: &Blob<'_>, otherwise: Known) -> Result<Self, Error> {
        let (mut names, mut found) = (0u32, KnownScan::default());
        let types = Table::walk(blob, 1, |_, record| {
            names = names.saturating_add(u32::from(is_indexed(record)));
            found.look(blob, record);
            Ok(())
        })?;
        Ok(BaseSize {
            types,
            names,
            known: found.known(otherwise),
        })
    }

    /// The same for a base in which nothing is to be found by name: it takes no index, nor the time
    /// that one takes for names that were made to collide.
    pub fn without_names(self) -> Self {
        BaseSize { names: 0, ..self }
    }

    /// Length in words of the offsets [`Base::build`] fills.
    pub fn offsets_len(&self) -> usize {
        Table::needs(self.types, SHIFT)
    }

    /// Length in words of the index [`Base::build`] fills.
    pub fn index_len(&self) -> usize {
        index::needs(self.names)
    }
}

impl<'a> Base<'a> {
    /// Builds the tables of `blob` in `offsets` and `index`, of the lengths that `size` gives.
    ///
    /// # Errors
    ///
    /// `Reason::ShortBuffer` where one of them is too short.
    pub fn build(
        blob: Blob<'a>,
        size: BaseSize,
        offsets: &'a mut [u32],
        index: &'a mut [u32],
    ) -> Result<Self, Error> {
        let short = blob.error(0, 0, Reason::ShortBuffer);
        let mut index = index::Builder::new(index, size.names).ok_or(short)?;
        let mut btf = Btf::without_table(None, blob, size.types);
        let table = match size.names {
            0 => Table::build(&blob, 1, offsets, SHIFT)?,
            _ => Table::build_with(&blob, 1, offsets, SHIFT, |id, record| {
                match is_indexed(record) {
                    true => index.add(&btf, id, record),
                    false => Ok(()),
                }
            })?,
        };
        btf.set_table(table);
        Ok(Base {
            release: None,
            btf,
            index: index.built(),
            known: size.known,
        })
    }

    /// The base that [`Base::build`] made of these very parts.
    ///
    /// Any other parts give wrong types or none, never a read out of bounds.
    pub fn from_parts(
        blob: Blob<'a>,
        size: BaseSize,
        offsets: &'a [u32],
        index: &'a [u32],
    ) -> Self {
        let table = Table::from_parts(offsets, SHIFT, size.types);
        Base {
            release: None,
            btf: Btf::alone(blob, table),
            index: Index::from_parts(index, size.names),
            known: size.known,
        }
    }

    /// The same, of a kernel of this release.
    pub fn of_release(self, release: Option<&'a [u8]>) -> Self {
        Base { release, ..self }
    }

    /// The release of its kernel, where that is known.
    pub fn release(&self) -> Option<&'a [u8]> {
        self.release
    }

    /// The BTF itself.
    #[inline]
    pub fn btf(&self) -> &Btf<'a> {
        &self.btf
    }

    /// What its kernel knows of BTF.
    pub fn known(&self) -> Known {
        self.known
    }

    /// The INT, FLOAT, ENUM, ENUM64, STRUCT, UNION and FWD types with this name, lowest id first,
    /// where that is not longer than names are.
    pub fn named<'b>(
        &'b self,
        name: &'b [u8],
    ) -> impl Iterator<Item = (u32, Record<'a>)> + Clone + 'b {
        self.index.named(&self.btf, name)
    }
}
