// SPDX-License-Identifier: GPL-2.0

//! Deduplication by libbpf: the only unsafe code of the tool.
//!
//! A distribution's pahole often comes with a libbpf that leaves copies of vmlinux's types in a
//! module's BTF; kbuild's `resolve_btfids` therefore does it once more with its own, as is done here.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};

use libbpf_sys as sys;

/// BTF as libbpf holds it.
struct Btf(NonNull<sys::btf>);

impl Drop for Btf {
    fn drop(&mut self) {
        // SAFETY: libbpf gave the pointer, which is freed once, and nothing refers to it any more.
        unsafe { sys::btf__free(self.0.as_ptr()) }
    }
}

/// `btf`, which is split off `base` where that is given, with each type only once.
///
/// # Errors
///
/// libbpf does not take one of them.
pub(super) fn dedup(base: Option<&[u8]>, btf: &[u8]) -> io::Result<Vec<u8>> {
    let base = base.map(|base| read(base, None)).transpose()?;
    // Declared after its base, so dropped before it.
    let btf = read(btf, base.as_ref())?;
    // SAFETY: the pointer is valid and owned here; no options are given.
    let error = unsafe { sys::btf__dedup(btf.0.as_ptr(), ptr::null()) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(-error));
    }
    let mut size = 0;
    // SAFETY: the pointer is valid; libbpf stores the size and keeps the bytes in the object.
    let start = unsafe { sys::btf__raw_data(btf.0.as_ptr(), &mut size) };
    if start.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: libbpf gave `size` bytes, which stay as they are while the object is not changed.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size as usize) };
    Ok(bytes.to_vec())
}

fn read(bytes: &[u8], base: Option<&Btf>) -> io::Result<Btf> {
    let size = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let start = bytes.as_ptr().cast::<c_void>();
    let base = base.map_or(ptr::null_mut(), |base| base.0.as_ptr());
    // SAFETY: libbpf copies the `size` bytes, and only reads the base, which outlives what is made.
    let raw = unsafe { sys::btf__new_split(start, size, base) };
    // As libbpf does it, the errno says why there is no object.
    NonNull::new(raw)
        .map(Btf)
        .ok_or_else(io::Error::last_os_error)
}
