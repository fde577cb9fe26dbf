// SPDX-License-Identifier: GPL-2.0

//! Sorts types by name, as the kernel's binary search wants them (`btf_check_sorted` in
//! `kernel/bpf/btf.c`).

use super::heap_sort::heap_sort;
use super::words::swap;
use crate::btf::Btf;

/// A name, in two parts: what is put after it is stored elsewhere.
#[derive(Clone, Copy)]
pub(in crate::reloc) struct Name<'a> {
    pub(in crate::reloc) front: &'a [u8],
    pub(in crate::reloc) suffix: &'static [u8],
}

impl<'a> Name<'a> {
    /// A name that is stored as it is.
    pub(in crate::reloc) fn whole(front: &'a [u8]) -> Self {
        Name { front, suffix: &[] }
    }

    /// Its bytes.
    pub(in crate::reloc) fn bytes(self) -> impl Iterator<Item = &'a u8> {
        self.front.iter().chain(self.suffix)
    }

    fn is_less(self, other: Self) -> bool {
        match (self.suffix, other.suffix) {
            ([], []) => is_less(self.front, other.front),
            _ => self.bytes().lt(other.bytes()),
        }
    }
}

/// Sorts `words`, each standing for a type, by the type's name and id, which are what `key` gives.
/// `false`, and nothing done, where it gives none: a name is too long to be compared again and
/// again.
pub(in crate::reloc) fn sort_by_key<'a>(
    words: &mut [u32],
    key: impl Fn(u32) -> Option<(Name<'a>, u32)>,
) -> bool {
    if !words.iter().all(|word| key(*word).is_some()) {
        return false;
    }
    let key = |words: &[u32], at: usize| {
        let word = words.get(at).copied();
        word.and_then(&key).unwrap_or((Name::whole(&[]), 0))
    };
    heap_sort(
        words,
        words.len(),
        |words, a, b| {
            let ((name_a, id_a), (name_b, id_b)) = (key(words, a), key(words, b));
            name_a.is_less(name_b) || (!name_b.is_less(name_a) && id_a < id_b)
        },
        swap,
    );
    true
}

/// The order of `strcmp`; that of slices leaves a panic path.
pub(in crate::reloc) fn is_less(a: &[u8], b: &[u8]) -> bool {
    a.iter().lt(b)
}

/// The name of the type `id`; `None` where it is longer than names are.
pub(in crate::reloc) fn name_of<'a>(btf: &Btf<'a>, id: u32) -> Option<&'a [u8]> {
    btf.name(btf.record(id)?.name_off())
}
