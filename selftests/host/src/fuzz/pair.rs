// SPDX-License-Identifier: GPL-2.0

//! The input of a target that wants two byte strings: both, the first after its length.

/// The two of which `data` is made; any bytes are.
pub fn split(data: &[u8]) -> (&[u8], &[u8]) {
    let Some((len, rest)) = data.split_first_chunk::<4>() else {
        return (&[], data);
    };
    let len = u32::from_le_bytes(*len) as usize;
    rest.split_at(len.min(rest.len()))
}

/// What [`split`] gives back as `first` and `second`.
pub fn join(first: &[u8], second: &[u8]) -> Vec<u8> {
    let len = u32::try_from(first.len()).unwrap().to_le_bytes();
    [&len, first, second].concat()
}

/// The symbols of `.BTF_ids`, as bytes: of each the offset, then the name with a NUL.
pub fn symbols(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> + Clone {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (offset, tail) = rest.split_first_chunk::<4>()?;
        let end = tail.iter().position(|byte| *byte == 0)?;
        rest = &tail[end + 1..];
        Some((u64::from(u32::from_le_bytes(*offset)), &tail[..end]))
    })
}

/// What [`symbols`] gives back.
pub fn of_symbols<'a>(symbols: impl Iterator<Item = (u64, &'a [u8])>) -> Vec<u8> {
    let bytes = symbols.map(|(offset, name)| {
        let offset = u32::try_from(offset).unwrap().to_le_bytes();
        [&offset, name, &[0]].concat()
    });
    bytes.flatten().collect()
}
