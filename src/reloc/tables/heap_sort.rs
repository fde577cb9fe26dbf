// SPDX-License-Identifier: GPL-2.0

//! A sort that needs no memory, has no panic path and takes n log n steps on any input.

/// Sorts `len` items in place by heap sort.
///
/// `less(a, b)` compares the items at two places, `swap(a, b)` exchanges them; both are called with
/// places below `len`. Equal items end in any order.
pub(in crate::reloc) fn heap_sort<T: ?Sized>(
    items: &mut T,
    len: usize,
    less: impl Fn(&T, usize, usize) -> bool,
    swap: impl Fn(&mut T, usize, usize),
) {
    for root in (0..len / 2).rev() {
        sift_down(items, root, len, &less, &swap);
    }
    for end in (1..len).rev() {
        swap(items, 0, end);
        sift_down(items, 0, end, &less, &swap);
    }
}

/// Lets the item at `root` sink until none of its children is larger.
fn sift_down<T: ?Sized>(
    items: &mut T,
    root: usize,
    end: usize,
    less: &impl Fn(&T, usize, usize) -> bool,
    swap: &impl Fn(&mut T, usize, usize),
) {
    let mut root = root;
    loop {
        let left = root.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        if left >= end {
            return;
        }
        let larger = match right < end && less(items, left, right) {
            true => right,
            false => left,
        };
        if !less(items, root, larger) {
            return;
        }
        swap(items, root, larger);
        root = larger;
    }
}
