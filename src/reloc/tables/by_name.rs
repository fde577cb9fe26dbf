// SPDX-License-Identifier: GPL-2.0

//! Sorts types by name, as the kernel's binary search wants them (`btf_check_sorted` in
//! `kernel/bpf/btf.c`).

use super::heap_sort::heap_sort;
use super::words::swap;
use crate::btf::Btf;

/// Puts the types `ids` in the order of their names, those of one name, or of none, in the order of
/// their ids. `false`, and nothing done, where a name is too long to be compared again and again.
pub(in crate::reloc) fn sort_by_name(btf: &Btf<'_>, ids: &mut [u32]) -> bool {
    sort_by_key(ids, |id| Some((name_of(btf, id)?, id)))
}

/// Sorts `words`, each standing for a type, by the type's name and id, which are what `key` gives.
/// `false`, and nothing done, where it gives none.
pub(in crate::reloc) fn sort_by_key<'a>(
    words: &mut [u32],
    key: impl Fn(u32) -> Option<(&'a [u8], u32)>,
) -> bool {
    if !words.iter().all(|word| key(*word).is_some()) {
        return false;
    }
    let key = |words: &[u32], at: usize| {
        let word = words.get(at).copied();
        word.and_then(&key).unwrap_or((&[], 0))
    };
    heap_sort(
        words,
        words.len(),
        |words, a, b| {
            let ((name_a, id_a), (name_b, id_b)) = (key(words, a), key(words, b));
            is_less(name_a, name_b) || (name_a == name_b && id_a < id_b)
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
