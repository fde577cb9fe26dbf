// SPDX-License-Identifier: GPL-2.0

//! Sorts types by name, as the kernel's binary search wants them (`btf_check_sorted` in
//! `kernel/bpf/btf.c`).

use super::heap_sort::heap_sort;
use super::words::swap;
use crate::btf::Btf;

/// Puts the types `ids` in the order of their names, those of one name, or of none, in the order of
/// their ids. `false`, and nothing done, where a name is too long to be compared again and again.
pub(in crate::reloc) fn sort_by_name(btf: &Btf<'_>, ids: &mut [u32]) -> bool {
    if !ids.iter().all(|id| name_of(btf, *id).is_some()) {
        return false;
    }
    heap_sort(
        ids,
        ids.len(),
        |ids, a, b| {
            let ((name_a, id_a), (name_b, id_b)) = (key(btf, ids, a), key(btf, ids, b));
            is_less(name_a, name_b) || (name_a == name_b && id_a < id_b)
        },
        swap,
    );
    true
}

/// The order of `strcmp`; that of slices leaves a panic path behind.
pub(in crate::reloc) fn is_less(a: &[u8], b: &[u8]) -> bool {
    a.iter().lt(b)
}

/// The name of the type `id`; `None` where it is longer than names are.
pub(in crate::reloc) fn name_of<'a>(btf: &Btf<'a>, id: u32) -> Option<&'a [u8]> {
    btf.name(btf.record(id)?.name_off())
}

/// What types are sorted by: the name, and for types that share it the id.
fn key<'a>(btf: &Btf<'a>, ids: &[u32], at: usize) -> (&'a [u8], u32) {
    let id = ids.get(at).copied().unwrap_or(0);
    (name_of(btf, id).unwrap_or(&[]), id)
}
