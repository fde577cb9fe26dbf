// SPDX-License-Identifier: GPL-2.0

//! The BTF of the running kernel, borrowed where it lies.

use core::mem::size_of;
use kernel::{bindings, error::to_result, ffi::c_void, page::PAGE_SIZE, prelude::*};

const EOPNOTSUPP: i32 = bindings::EOPNOTSUPP as i32;
const MAGIC: u16 = 0xeb9f;
const KIND_STRUCT: u32 = bindings::BTF_KIND_STRUCT;

/// How far ahead of the first type its header is looked for. Headers have 24 or 32 bytes today.
const MAX_DISTANCE: usize = 4096;

/// `struct btf_header` with its layout fields, as numbers.
struct Header {
    /// From the header's first byte to the first type.
    types: usize,
    /// Of the whole blob.
    len: usize,
}

/// The whole raw BTF of vmlinux.
///
/// # Errors
///
/// `EOPNOTSUPP` where this kernel has none, with a message that says so.
pub(crate) fn raw_btf() -> Result<&'static [u8]> {
    let found = first_type().and_then(around);
    if found.is_none() {
        pr_err!("this kernel offers no BTF of its own: it needs CONFIG_DEBUG_INFO_BTF=y\n");
    }
    found.ok_or(Error::from_errno(-EOPNOTSUPP))
}

/// Address of the first type of vmlinux.
fn first_type() -> Option<usize> {
    let mut btf = core::ptr::null_mut();
    // Every kernel with modules has `struct module`. Were it found in a module's BTF only, ids
    // from 1 on would still be those of vmlinux.
    // SAFETY: The name ends with NUL, and `btf` is valid for writes.
    let id =
        unsafe { bindings::bpf_find_btf_id(c"module".as_char_ptr(), KIND_STRUCT, &raw mut btf) };
    if id <= 0 {
        return None;
    }
    // SAFETY: With a positive id `btf` is a valid `struct btf`. Its reference, which no exported
    // function gives back, is kept: vmlinux's BTF is never freed anyway.
    let first = unsafe { bindings::btf_type_by_id(btf, 1) };
    (!first.is_null()).then_some(first as usize)
}

/// The blob that holds the type at `first`.
fn around(first: usize) -> Option<&'static [u8]> {
    let (start, header) = (24..=MAX_DISTANCE).step_by(4).find_map(|distance| {
        let start = first.checked_sub(distance)?;
        let header = header_at(start)?;
        (header.types == distance).then_some((start, header))
    })?;
    let last = start.checked_add(header.len)?.checked_sub(1)?;
    let mut pages = (start..last).step_by(PAGE_SIZE);
    if !pages.all(|addr| read::<u8>(addr).is_some()) || read::<u8>(last).is_none() {
        return None;
    }
    // SAFETY: All pages from `start` to `last` could be read just now. It is the blob that the
    // kernel's own `struct btf` of vmlinux points into: read-only and never freed.
    Some(unsafe { core::slice::from_raw_parts(start as *const u8, header.len) })
}

fn header_at(start: usize) -> Option<Header> {
    let field = |index: usize| {
        let addr = start.checked_add(index.checked_mul(size_of::<u32>())?)?;
        usize::try_from(read::<u32>(addr)?).ok()
    };
    if read::<u16>(start)? != MAGIC {
        return None;
    }
    let header_len = field(1)?;
    let types = header_len.checked_add(field(2)?)?;
    let mut end = 0_usize;
    for part in [2, 4, 6_usize] {
        let ends_at = part.checked_add(2)?.checked_mul(size_of::<u32>())?;
        if ends_at <= header_len {
            end = end.max(field(part)?.checked_add(field(part.checked_add(1)?)?)?);
        }
    }
    Some(Header {
        types,
        len: header_len.checked_add(end)?,
    })
}

/// Reads a number at any address, or nothing where that faults.
fn read<T: Copy + Default>(addr: usize) -> Option<T> {
    let mut value = T::default();
    // SAFETY: Writes at most the size of `T` to `value`; any address may be read this way.
    let result = unsafe {
        bindings::copy_from_kernel_nofault(
            (&raw mut value).cast::<c_void>(),
            addr as *const c_void,
            size_of::<T>(),
        )
    };
    to_result(i32::try_from(result).ok()?).ok()?;
    Some(value)
}
