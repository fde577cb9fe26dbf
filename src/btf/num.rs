// SPDX-License-Identifier: GPL-2.0

//! Conversions between BTF's 32-bit numbers and Rust's lengths.

/// Widens a 32-bit offset or count; lossless, as every kernel with BTF modules here is 64-bit.
#[inline]
pub const fn to_usize(value: u32) -> usize {
    const { assert!(usize::BITS >= u32::BITS) };
    value as usize
}

/// Length of a slice as BTF counts it, or `None` where it does not fit 32 bits.
#[inline]
pub fn len_u32<T>(slice: &[T]) -> Option<u32> {
    u32::try_from(slice.len()).ok()
}
