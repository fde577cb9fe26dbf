// SPDX-License-Identifier: GPL-2.0

//! A section as its header (`Elf64_Shdr`) describes it.

use super::bytes::{range, u32_at, u64_at, Strings};

// Byte offsets of the fields that errors and the file's header speak of, and a header's length.
pub(super) const NAME: u64 = 0;
pub(super) const ADDR: u64 = 16;
pub(super) const OFFSET: u64 = 24;
pub(super) const SIZE: u64 = 32;
pub(super) const LINK: u64 = 40;
pub(super) const HEADER_LEN: u64 = 64;

/// Index of the header that describes no section.
pub(super) const NULL: u32 = 0;

const SHF_ALLOC: u64 = 1 << 1;

const SHT_NULL: u32 = 0;
pub(super) const SHT_SYMTAB: u32 = 2;
const SHT_NOBITS: u32 = 8;
pub(super) const SHT_SYMTAB_SHNDX: u32 = 18;

/// A section header; the bytes it stands for are [`Elf::data`](super::Elf::data).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// Index of the header.
    pub index: u32,
    /// Name, without a NUL.
    pub name: &'a [u8],
    /// `SHT_*`.
    pub kind: u32,
    /// `SHF_*`.
    pub flags: u64,
    /// Address of the first byte; 0 in a module's file.
    pub addr: u64,
    /// Byte offset in the image.
    pub offset: u64,
    /// Size in bytes, for `SHT_NOBITS` too.
    pub size: u64,
    /// Index of the section that this one refers to.
    pub link: u32,
    /// What the kind makes of it.
    pub info: u32,
    /// Size of an entry in bytes, or a note of the kernel's loader.
    pub entsize: u64,
}

impl<'a> Section<'a> {
    /// Reads the header of this index; `None` where it or its name does not exist.
    pub(super) fn read(headers: &[u8], index: u32, names: &Strings<'a>) -> Option<Self> {
        let header = range(headers, header_at(index), HEADER_LEN)?;
        Some(Section {
            index,
            name: names.at(u32_at(header, NAME)?)?,
            kind: u32_at(header, 4)?,
            flags: u64_at(header, 8)?,
            addr: u64_at(header, ADDR)?,
            offset: u64_at(header, OFFSET)?,
            size: u64_at(header, SIZE)?,
            link: u32_at(header, LINK)?,
            info: u32_at(header, 44)?,
            entsize: u64_at(header, 56)?,
        })
    }

    /// Whether the section is in the module's memory once that is loaded.
    pub fn is_allocated(&self) -> bool {
        self.flags & SHF_ALLOC != 0
    }

    /// Whether the section occupies bytes of the file.
    pub(super) fn has_data(&self) -> bool {
        !matches!(self.kind, SHT_NULL | SHT_NOBITS)
    }
}

/// Address of the section of this index, alone.
#[inline]
pub(super) fn addr(headers: &[u8], index: u32) -> Option<u64> {
    u64_at(headers, header_at(index).checked_add(ADDR)?)
}

#[inline]
fn header_at(index: u32) -> u64 {
    u64::from(index).wrapping_mul(HEADER_LEN)
}
