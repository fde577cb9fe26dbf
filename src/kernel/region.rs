// SPDX-License-Identifier: GPL-2.0

//! The memory of a loading module, in which it stays.

use super::module::Coming;
use crate::btf::to_usize;
use kernel::bindings;

/// The regions (`enum mod_mem_type`) with data that stays as long as the module.
pub(super) const DATA: [usize; 3] = [
    bindings::mod_mem_type_MOD_RODATA as usize,
    bindings::mod_mem_type_MOD_DATA as usize,
    bindings::mod_mem_type_MOD_RO_AFTER_INIT as usize,
];

/// The region with code that stays as long as the module.
pub(super) const CODE: usize = bindings::mod_mem_type_MOD_TEXT as usize;

/// How many regions there are.
const ALL: usize = bindings::mod_mem_type_MOD_MEM_NUM_TYPES as usize;

/// Whether the `len` bytes at `addr` lie in the module's memory.
pub(super) fn holds(module: Coming<'_>, addr: usize, len: usize) -> bool {
    is_in(module, 0..ALL, addr, len)
}

/// Whether the `len` bytes at `addr` lie in one of these regions of the module.
pub(super) fn is_in(
    module: Coming<'_>,
    mut regions: impl Iterator<Item = usize>,
    addr: usize,
    len: usize,
) -> bool {
    regions.any(|region| {
        let (base, size) = bounds(module, region);
        let end = addr.checked_add(len);
        base != 0 && base <= addr && end.is_some_and(|end| end <= base.saturating_add(size))
    })
}

/// Address and size of a region.
fn bounds(module: Coming<'_>, region: usize) -> (usize, usize) {
    let module = module.as_ptr();
    // SAFETY: By the invariants of `Coming` the module is valid, and `mem` has an element for each
    // region, whose bounds stay. No reference is made to an element as a whole: it holds nodes of a
    // tree, which others write.
    unsafe {
        let region = (&raw const (*module).mem)
            .cast::<bindings::module_memory>()
            .add(region);
        ((*region).base.addr(), to_usize((*region).size))
    }
}

/// The `len` bytes at `addr`, where they lie in the module's memory.
pub(super) fn bytes(module: Coming<'_>, addr: usize, len: usize) -> Option<&[u8]> {
    if !holds(module, addr, len) {
        return None;
    }
    // SAFETY: They are the module's, and readable, as each of its regions. Until the module's code
    // runs, which it does not while `Coming` lives, no one writes what is not `.BTF_ids`.
    Some(unsafe { core::slice::from_raw_parts(addr as *const u8, len) })
}
