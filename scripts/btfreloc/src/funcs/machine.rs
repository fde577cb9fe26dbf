// SPDX-License-Identifier: GPL-2.0

//! What differs from machine to machine: the relocation of an address, and what ftrace goes by.

use anyhow::{bail, Context, Result};
use object::elf::{
    self, EM_AARCH64, EM_LOONGARCH, EM_RISCV, EM_X86_64, R_AARCH64_ABS64, R_LARCH_64, R_RISCV_64,
    R_X86_64_64,
};

use crate::status::Finding;

/// Byte offset of `e_machine` in the header of an ELF file.
const E_MACHINE: usize = 18;

/// A machine of which a module can have a table.
pub(super) struct Machine {
    /// The relocation that fills in a symbol's address, of 64 bits.
    pub address: u32,
    /// The sections that say where ftrace can be attached (`FTRACE_CALLSITE_SECTION`).
    pub call_sites: &'static [&'static str],
    /// How many bytes before its function a call site can be.
    pub before: u64,
}

// x86 has __patchable_function_entries for padding as well, of functions that ftrace must not touch.
const X86: &[&str] = &["__mcount_loc"];
const OTHERS: &[&str] = &["__patchable_function_entries", "__mcount_loc"];

impl Machine {
    /// That of the ELF file `image`.
    ///
    /// # Errors
    ///
    /// It is none of those that are known.
    pub(super) fn of(image: &[u8]) -> Result<Self> {
        let number = image.get(E_MACHINE..).and_then(<[u8]>::first_chunk);
        let number = number.copied().map(u16::from_ne_bytes);
        let number = number.context("ELF file cut short")?;
        let (address, call_sites, before) = match elf::Machine(number) {
            EM_X86_64 => (R_X86_64_64, X86, 0),
            EM_AARCH64 => (R_AARCH64_ABS64, OTHERS, 8),
            EM_RISCV => (R_RISCV_64, OTHERS, 8),
            EM_LOONGARCH => (R_LARCH_64, OTHERS, 8),
            _ => bail!(Finding(format!(
                "machine {number} in the ELF header: addresses can be recorded on x86-64, arm64, \
                 RISC-V and LoongArch"
            ))),
        };
        Ok(Machine {
            address: address.0,
            call_sites,
            before,
        })
    }
}
