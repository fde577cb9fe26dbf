// SPDX-License-Identifier: GPL-2.0

//! BTF whose own types get other ids.

use std::collections::HashMap;

use rust_btfreloc::btf::{rewrite, to_usize, write_header, Btf, HEADER_LEN};

/// `btf` with its own types in the order of `kept`, without those that `gone` maps to types of
/// its base; each is in one of the two. `None` where it is too long for BTF.
pub(super) fn renumbered(btf: &Btf<'_>, kept: &[u32], gone: &HashMap<u32, u32>) -> Option<Vec<u8>> {
    let start = btf.start_id();
    let mut ids = gone.clone();
    ids.extend(kept.iter().copied().zip(start..));
    let new_id = |id: u32| match id < start {
        true => Some(id),
        false => ids.get(&id).copied(),
    };
    let mut types = Vec::new();
    for id in kept {
        types.extend_from_slice(btf.record(*id)?.bytes());
    }
    rewrite(&mut types, new_id, |off| off)?;
    let strings = btf.blob().strings();
    let mut header = vec![0; to_usize(HEADER_LEN)];
    let types_len = u32::try_from(types.len()).ok()?;
    write_header(
        &mut header,
        types_len,
        0,
        u32::try_from(strings.len()).ok()?,
    )?;
    Some([&header, &types, strings].concat())
}

/// `btf` with its own types sorted by name, as the kernel looks them up fastest; those of one name
/// keep their order.
pub(super) fn by_name(btf: &Btf<'_>) -> Option<Vec<u8>> {
    let mut types: Vec<_> = btf
        .own_records()
        .map(|(id, record)| (btf.string(record.name_off()).unwrap_or(&[]), id))
        .collect();
    types.sort();
    let ids: Vec<_> = types.into_iter().map(|(_, id)| id).collect();
    renumbered(btf, &ids, &HashMap::new())
}
