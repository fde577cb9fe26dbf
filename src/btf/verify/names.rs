// SPDX-License-Identifier: GPL-2.0

//! What the kernel takes for a name (`btf_name_valid_identifier` and `btf_name_valid_section`).

/// Longest name (`KSYM_NAME_LEN` in `include/linux/kallsyms.h`).
const MAX_LEN: usize = 512;

/// Letters, digits, `_` and `.`, not beginning with a digit, of at most 512 bytes.
pub(super) fn is_identifier(name: &[u8]) -> bool {
    match name {
        [first, rest @ ..] => {
            is_first(*first)
                && name.len() <= MAX_LEN
                && rest
                    .iter()
                    .all(|byte| is_first(*byte) || byte.is_ascii_digit())
        }
        [] => false,
    }
}

/// Printable characters, at least one and at most 512.
pub(super) fn is_section(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= MAX_LEN && name.iter().all(|byte| is_print(*byte))
}

fn is_first(byte: u8) -> bool {
    is_alpha(byte) || byte == b'_' || byte == b'.'
}

/// `isalpha` of `lib/ctype.c`, which takes the letters of Latin-1 as well.
fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7)
}

/// `isprint` of `lib/ctype.c`.
fn is_print(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e | 0xa0..=0xff)
}
