// SPDX-License-Identifier: GPL-2.0

//! The hash that names are found by.

use crate::btf::len_u32;

/// An odd number with its bits evenly spread: the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of `name`, eight bytes a step: names have some twenty.
///
/// Its high and its low bits may be used each by themselves.
pub(in crate::reloc) fn hash(name: &[u8]) -> u32 {
    let mut hash = u64::from(len_u32(name).unwrap_or(u32::MAX));
    let mut rest = name;
    while let Some((word, tail)) = rest.split_first_chunk::<8>() {
        hash = mix(hash, u64::from_ne_bytes(*word));
        rest = tail;
    }
    // What is left, together with bytes that were seen already, is a whole word again.
    let last = match (name.last_chunk::<8>(), name.first_chunk::<4>()) {
        (Some(last), _) => u64::from_ne_bytes(*last),
        (None, Some(first)) => {
            let last = name.last_chunk::<4>().unwrap_or(first);
            u64::from(u32::from_ne_bytes(*first)) << 32 | u64::from(u32::from_ne_bytes(*last))
        }
        (None, None) => name
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let hash = mix(hash, last);
    u32::try_from(hash >> 32).unwrap_or(0)
}

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR)
}
