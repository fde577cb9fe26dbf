// SPDX-License-Identifier: GPL-2.0

//! What libbpf makes of a CO-RE relocation (`tools/lib/bpf/relo_core.c`), with no program loaded.
//!
//! `bpf_object__load` would want a kernel and privileges. What it calls for each relocation is in the
//! same static library, in no public header.

use std::ffi::{c_char, c_int, CString};
use std::ptr;

use libbpf_sys as sys;

use super::Btf;

/// A relocation as it is in `.BTF.ext` (`struct bpf_core_relo`).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    /// Byte offset of the instruction.
    pub instruction: u32,
    /// Type of the program.
    pub type_id: u32,
    /// String offset of the access.
    pub access: u32,
    /// Kind of relocation.
    pub kind: u32,
}

/// What a relocation becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// The new value.
    pub value: u64,
    /// Whether there is none.
    pub poison: bool,
    /// The instruction and the one after it, as they would be loaded.
    pub code: [u8; 16],
}

/// `struct bpf_core_cand`
#[repr(C)]
struct Candidate {
    btf: *const sys::btf,
    id: u32,
}

/// `struct bpf_core_cand_list`
#[repr(C)]
struct Candidates {
    first: *mut Candidate,
    count: c_int,
}

/// `struct bpf_core_relo_res`
#[derive(Default)]
#[repr(C)]
struct Outcome {
    before: u64,
    after: u64,
    poison: bool,
    validate: bool,
    fail_memsz_adjust: bool,
    sizes_and_types: [u32; 4],
}

/// Bytes of three `struct bpf_core_spec`, each of some 1,400, as words.
const SPECS: usize = 1024;

extern "C" {
    fn bpf_core_essential_name_len(name: *const c_char) -> usize;
    fn bpf_core_add_cands(
        local: *const Candidate,
        len: usize,
        target: *const sys::btf,
        name: *const c_char,
        start_id: c_int,
        found: *mut Candidates,
    ) -> c_int;
    fn bpf_core_calc_relo_insn(
        program: *const c_char,
        record: *const Record,
        index: c_int,
        local: *const sys::btf,
        candidates: *mut Candidates,
        specs: *mut u64,
        outcome: *mut Outcome,
    ) -> c_int;
    fn bpf_core_patch_insn(
        program: *const c_char,
        code: *mut u8,
        index: c_int,
        record: *const Record,
        record_index: c_int,
        outcome: *const Outcome,
    ) -> c_int;
    fn free(memory: *mut std::ffi::c_void);
}

impl Drop for Candidates {
    fn drop(&mut self) {
        // SAFETY: libbpf allocated it by realloc(), or it is null.
        unsafe { free(self.first.cast()) }
    }
}

/// Relocates `code`, an instruction and what is after it, of a program with the BTF `local`: vmlinux is
/// looked at first, then the modules. The error is libbpf's.
///
/// # Errors
///
/// libbpf refuses to load the program.
pub fn relocate(
    local: &Btf<'_>,
    vmlinux: &Btf<'_>,
    modules: &[&Btf<'_>],
    record: Record,
    code: [u8; 16],
) -> Result<Relocated, i32> {
    let mut found = candidates(local, vmlinux, modules, record)?;
    let (mut outcome, mut code) = (Outcome::default(), code);
    let mut specs = vec![0u64; SPECS];
    let program = c"program".as_ptr();
    // SAFETY: all are valid for the call, and `specs` has room for the three that are used.
    let err = unsafe {
        bpf_core_calc_relo_insn(
            program,
            &record,
            0,
            local.raw.as_ptr(),
            &mut found,
            specs.as_mut_ptr(),
            &mut outcome,
        )
    };
    if err != 0 {
        return Err(err);
    }
    // SAFETY: an instruction has 8 bytes, the widest 16, which are there.
    let err = unsafe { bpf_core_patch_insn(program, code.as_mut_ptr(), 0, &record, 0, &outcome) };
    match err {
        0 => Ok(Relocated {
            value: outcome.after,
            poison: outcome.poison,
            code,
        }),
        err => Err(err),
    }
}

fn candidates(
    local: &Btf<'_>,
    vmlinux: &Btf<'_>,
    modules: &[&Btf<'_>],
    record: Record,
) -> Result<Candidates, i32> {
    let mut found = Candidates {
        first: ptr::null_mut(),
        count: 0,
    };
    let name = local.get(record.type_id).map_or(&b""[..], |ty| ty.name);
    let name = CString::new(name).expect("a string of BTF");
    // libbpf refuses a type without a name, but for relocations that look for nothing.
    if name.is_empty() {
        return Ok(found);
    }
    let asked = Candidate {
        btf: local.raw.as_ptr(),
        id: record.type_id,
    };
    // SAFETY: it ends with NUL.
    let len = unsafe { bpf_core_essential_name_len(name.as_ptr()) };
    for target in [vmlinux].iter().chain(modules) {
        let start = c_int::try_from(target.start_id()).expect("ids are small");
        // SAFETY: all are valid; libbpf grows the list.
        let err = unsafe {
            bpf_core_add_cands(
                &asked,
                len,
                target.raw.as_ptr(),
                c"target".as_ptr(),
                start,
                &mut found,
            )
        };
        if err != 0 {
            return Err(err);
        }
        if ptr::eq(*target, vmlinux) && found.count > 0 {
            break;
        }
    }
    Ok(found)
}
