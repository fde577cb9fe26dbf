// SPDX-License-Identifier: GPL-2.0

//! Which types of standalone BTF libbpf takes for those of a base (`btf__dedup`).

use std::ffi::CString;

use super::{Btf, Refused, VAR};

/// For each type of `alone`, by id less 1, the id that it has once all of `alone` was added to empty
/// BTF split off `base`, and deduplicated there; below `base.end_id()` where it is the base's.
pub fn dedup(base: &Btf<'_>, alone: &Btf<'_>) -> Result<Vec<u32>, Refused> {
    let mut split = base.empty_split()?;
    split.add(alone)?;
    let (first, end) = (split.start_id(), split.end_id());
    // A variable is never another's: it shows what has become of its type.
    for id in first..end {
        split.add_var(&CString::new(format!("type_{id}")).unwrap(), id)?;
    }
    split.dedup()?;
    let markers = split.own().filter(|(_, type_)| type_.kind() == VAR);
    let markers = markers.filter_map(|(_, marker)| {
        let id = marker.name.strip_prefix(b"type_")?;
        let id: u32 = std::str::from_utf8(id).ok()?.parse().ok()?;
        Some((id - first, marker.word()))
    });
    let mut ids = vec![0; (end - first) as usize];
    for (index, id) in markers {
        ids[index as usize] = id;
    }
    Ok(ids)
}
