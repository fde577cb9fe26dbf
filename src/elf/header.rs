// SPDX-License-Identifier: GPL-2.0

//! The header of an ELF file (`Elf64_Ehdr`): what kind of file it is and where its sections are.

use super::bytes::{range, u16_at, u32_at, u64_at, u8_at};
use super::section::{self, HEADER_LEN};
use super::{Error, Place, Reason};

// Byte offsets of the fields, and the header's length.
const EI_CLASS: u64 = 4;
const EI_DATA: u64 = 5;
const VERSION: u64 = 20;
const SHOFF: u64 = 40;
const SHENTSIZE: u64 = 58;
const SHNUM: u64 = 60;
pub(super) const SHSTRNDX: u64 = 62;
const LEN: u64 = 64;

const MAGIC: &[u8] = b"\x7fELF";
const ELFCLASS64: u8 = 2;
const NATIVE: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };
const EV_CURRENT: u32 = 1;
const SHN_XINDEX: u16 = 0xffff;

/// What the header says, its extensions in section header 0 followed.
pub(super) struct Header<'a> {
    /// All section headers.
    pub(super) sections: &'a [u8],
    /// Where they are in the image.
    pub(super) sections_at: u64,
    /// How many there are.
    pub(super) count: u32,
    /// Index of the section that holds the sections' names.
    pub(super) names: u32,
}

impl<'a> Header<'a> {
    pub(super) fn parse(image: &'a [u8]) -> Result<Self, Error> {
        let short = u64::try_from(image.len()).unwrap_or(u64::MAX);
        let header = range(image, 0, LEN).ok_or(error(0, Reason::Short(short)))?;
        identity(header)?;
        let sections_at = u64_at(header, SHOFF).unwrap_or(0);
        let tail = tail(image, sections_at).ok_or(error(SHOFF, Reason::NoSections))?;
        let (number, names) = extended(header, tail);
        let (sections, count) = table(tail, number).ok_or(outside(number))?;
        Ok(Header {
            sections,
            sections_at,
            count,
            names,
        })
    }
}

fn identity(header: &[u8]) -> Result<(), Error> {
    if !header.starts_with(MAGIC) {
        return Err(error(0, Reason::Magic));
    }
    match u8_at(header, EI_CLASS).unwrap_or(0) {
        ELFCLASS64 => {}
        class => return Err(error(EI_CLASS, Reason::Class(class))),
    }
    match u8_at(header, EI_DATA).unwrap_or(0) {
        NATIVE => {}
        data => return Err(error(EI_DATA, Reason::ByteOrder(data))),
    }
    match u32_at(header, VERSION).unwrap_or(0) {
        EV_CURRENT => {}
        version => return Err(error(VERSION, Reason::Version(version))),
    }
    match u16_at(header, SHENTSIZE).unwrap_or(0) {
        length if u64::from(length) == HEADER_LEN => Ok(()),
        length => Err(error(SHENTSIZE, Reason::HeaderLength(length))),
    }
}

/// The image from the first section header on; `None` where that is not inside it.
fn tail(image: &[u8], at: u64) -> Option<&[u8]> {
    let tail = image.get(usize::try_from(at).ok()?..)?;
    range(tail, 0, HEADER_LEN)
        .filter(|_| at != 0)
        .and(Some(tail))
}

/// Number of sections and index of their names: section header 0 holds what 16 bits do not.
fn extended(header: &[u8], first: &[u8]) -> (u64, u32) {
    let number = match u16_at(header, SHNUM).unwrap_or(0) {
        0 => u64_at(first, section::SIZE).unwrap_or(0),
        number => u64::from(number),
    };
    let names = match u16_at(header, SHSTRNDX).unwrap_or(0) {
        SHN_XINDEX => u32_at(first, section::LINK).unwrap_or(0),
        names => u32::from(names),
    };
    (number, names)
}

fn table(tail: &[u8], number: u64) -> Option<(&[u8], u32)> {
    let table = range(tail, 0, number.checked_mul(HEADER_LEN)?)?;
    Some((table, u32::try_from(number).ok()?))
}

fn outside(number: u64) -> Error {
    error(SHNUM, Reason::HeadersOutside(number))
}

fn error(offset: u64, reason: Reason) -> Error {
    Error {
        place: Place::Header,
        offset,
        reason,
    }
}
