// SPDX-License-Identifier: GPL-2.0

//! The BTF of the running kernel, borrowed where it lies.

use crate::btf::{self, to_usize};
use crate::shell::nofault;
use kernel::{bindings, error::to_result, page::PAGE_SIZE, prelude::*};

pub(super) const EOPNOTSUPP: i32 = bindings::EOPNOTSUPP as i32;
const KIND_STRUCT: u32 = bindings::BTF_KIND_STRUCT;

/// How far before the first type its header is looked for. Headers have 24 or 32 bytes today.
const MAX_DISTANCE: usize = 4096;

/// The whole raw BTF of vmlinux.
///
/// # Errors
///
/// `EOPNOTSUPP` where this kernel has none, with a message that says so; the kernel's where it could
/// not give it.
pub(super) fn raw_btf() -> Result<&'static [u8]> {
    let found = first_type()?.and_then(around);
    if found.is_none() {
        pr_err!("this kernel offers no BTF of its own: it needs CONFIG_DEBUG_INFO_BTF=y\n");
    }
    found.ok_or(Error::from_errno(-EOPNOTSUPP))
}

/// Length of each string of `struct new_utsname`, with which `struct uts_namespace` begins; the
/// first is the system's name, the third its release.
const UTS_LEN: usize = 65;

/// The release of the running kernel; `None` where it is not where it is known to be.
pub(super) fn release() -> Option<&'static [u8]> {
    let names = (&raw const bindings::init_uts_ns).cast::<[[u8; UTS_LEN]; 3]>();
    // SAFETY: The kernel's own namespace is larger, stays, and nothing but the second string, the name
    // of the host, is ever changed in it; that is not read.
    let (system, release) = unsafe { (&(*names)[0], &(*names)[2]) };
    let is_linux = system.starts_with(b"Linux\0");
    release.split(|byte| *byte == 0).next().filter(|_| is_linux)
}

/// Address of the first type of vmlinux; `None` where there is none.
fn first_type() -> Result<Option<usize>> {
    let mut btf = core::ptr::null_mut();
    // Every kernel with modules has `struct module`. Were it found in a module's BTF only, ids
    // from 1 on would still be those of vmlinux.
    // SAFETY: The name ends with NUL, and `btf` is valid for writes.
    let id =
        unsafe { bindings::bpf_find_btf_id(c"module".as_char_ptr(), KIND_STRUCT, &raw mut btf) };
    match to_result(id) {
        // No BTF at all, or none with that type.
        Err(error) if error == EINVAL || error == ENOENT => return Ok(None),
        other => other?,
    }
    // SAFETY: With a positive id `btf` is a valid `struct btf`. Its reference, which no exported
    // function gives back, is kept: vmlinux's BTF is never freed anyway.
    let first = unsafe { bindings::btf_type_by_id(btf, 1) };
    Ok((!first.is_null()).then_some(first.addr()))
}

/// The blob that holds the type at `first`.
fn around(first: usize) -> Option<&'static [u8]> {
    let (start, len) = (24..=MAX_DISTANCE).step_by(4).find_map(|distance| {
        let start = first.checked_sub(distance)?;
        let (types, len) = btf::declared(&nofault::read::<[u8; 32]>(start)?)?;
        (to_usize(types) == distance).then_some((start, to_usize(len)))
    })?;
    let last = start.checked_add(len)?.checked_sub(1)?;
    let there = |addr| nofault::read::<u8>(addr).is_some();
    if !(start..last).step_by(PAGE_SIZE).all(there) || !there(last) {
        return None;
    }
    // SAFETY: All pages from `start` to `last` could be read just now. It is the blob that the
    // kernel's own `struct btf` of vmlinux points into: read-only and never freed.
    Some(unsafe { core::slice::from_raw_parts(start as *const u8, len) })
}
