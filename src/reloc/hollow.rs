// SPDX-License-Identifier: GPL-2.0

//! The member by which a STRUCT or UNION is not one of scalars: an array of pointers without elements.
//!
//! The verifier lets any memory of the size of a struct of scalars be passed as one
//! (`__btf_type_is_scalar_struct` in `kernel/bpf/verifier.c`). As the array is empty,
//! `btf_struct_walk` finds no field in it, and as its elements are neither INT nor STRUCT, it is no
//! flexible array to read on in.

use super::Base;
use crate::btf::{info, put_u32, to_usize, Kind, RECORD_LEN};

/// The two types, one after the other: a pointer to void, and an array of 0 of them.
#[derive(Clone, Copy)]
pub(in crate::reloc) struct Hollow {
    pointer_id: u32,
    /// Type of the array's index.
    index_id: u32,
}

impl Hollow {
    /// How many they are.
    pub(in crate::reloc) const TYPES: u32 = 2;
    /// Length in bytes: two records, and what an ARRAY has after its own.
    pub(in crate::reloc) const LEN: u32 = 2 * RECORD_LEN + 12;

    /// With the pointer at `pointer_id`. The index is an `int` of `base`.
    pub(in crate::reloc) fn new(base: &Base<'_>, pointer_id: u32) -> Self {
        Hollow::with_index(pointer_id, Hollow::index_of(base))
    }

    /// With the pointer at `pointer_id`, and `int` for the index. The kernel asks for no INT there, so
    /// that where there is none the pointer serves.
    pub(in crate::reloc) fn with_index(pointer_id: u32, int: Option<u32>) -> Self {
        Hollow {
            pointer_id,
            index_id: int.unwrap_or(pointer_id),
        }
    }

    /// An `int` of `base`.
    pub(in crate::reloc) fn index_of(base: &Base<'_>) -> Option<u32> {
        let mut named = base.named(b"int");
        let int = named.find(|(_, record)| record.kind() == Kind::Int);
        int.map(|(id, _)| id)
    }

    /// Id of the type of the array's index.
    pub(in crate::reloc) fn index_id(self) -> u32 {
        self.index_id
    }

    /// Id of the array.
    pub(in crate::reloc) fn array_id(self) -> u32 {
        self.pointer_id.saturating_add(1)
    }

    /// Writes the two, and returns what is left of `out`; `None` where `out` is short.
    pub(in crate::reloc) fn write(self, out: &mut [u8]) -> Option<&mut [u8]> {
        let (new, rest) = out.split_at_mut_checked(to_usize(Self::LEN))?;
        let (pointer, array) = new.split_at_mut_checked(to_usize(RECORD_LEN))?;
        put_words(pointer, &[0, info(Kind::Ptr, false, 0), 0])?;
        let header = info(Kind::Array, false, 0);
        put_words(array, &[0, header, 0, self.pointer_id, self.index_id, 0])?;
        Some(rest)
    }
}

/// Writes `words` to the front of `out`; `None` where it is short.
pub(in crate::reloc) fn put_words(out: &mut [u8], words: &[u32]) -> Option<()> {
    for (at, word) in (0..usize::MAX).step_by(4).zip(words) {
        put_u32(out, at, *word)?;
    }
    Some(())
}
