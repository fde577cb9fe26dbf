// SPDX-License-Identifier: GPL-2.0

//! Which types of standalone BTF libbpf takes for those of a base (`btf__dedup`).

use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use libbpf_sys as sys;

use super::{Btf, Refused};

/// For each type of `alone`, by id less 1, the id that it has once all of `alone` was added to empty
/// BTF split off `base`, and deduplicated there; below `base.end_id()` where it is the base's.
pub fn dedup(base: &Btf<'_>, alone: &Btf<'_>) -> Result<Vec<u32>, Refused> {
    // SAFETY: `base` is valid and outlives what is split off it here.
    let raw = unsafe { sys::btf__new_empty_split(base.raw.as_ptr()) };
    let split = Btf {
        raw: NonNull::new(raw).ok_or(Refused(0))?,
        start_id: base.end_id(),
        base: PhantomData,
    };
    // SAFETY: both are valid; the types are copied.
    check(unsafe { sys::btf__add_btf(split.raw.as_ptr(), alone.raw.as_ptr()) })?;
    let (first, end) = (split.start_id(), split.end_id());
    // A variable is never another's: it shows what has become of its type.
    for id in first..end {
        let name = CString::new(format!("type_{id}")).unwrap();
        // SAFETY: as above; the name is copied. 1 is BTF_VAR_GLOBAL_ALLOCATED.
        check(unsafe { sys::btf__add_var(split.raw.as_ptr(), name.as_ptr(), 1, id as i32) })?;
    }
    // SAFETY: as above; without options.
    check(unsafe { sys::btf__dedup(split.raw.as_ptr(), ptr::null()) })?;
    let markers = split.own().filter(|(_, type_)| type_.kind() == super::VAR);
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

fn check(result: i32) -> Result<(), Refused> {
    match result {
        0.. => Ok(()),
        err => Err(Refused(-err)),
    }
}
