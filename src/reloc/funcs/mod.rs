// SPDX-License-Identifier: GPL-2.0

//! `.BTF.funcs`: the address of each function of a module that BTF describes, with the id of its FUNC.
//!
//! Several functions may share one FUNC: static functions of one name and prototype. A record each
//! says where they are. The addresses are filled in by the kernel's module loader.
//!
//! Format: `docs/btf-funcs.md`. Numbers are in the byte order of the machine.

mod flags;
mod mapped;

pub use flags::FuncFlags;
pub use mapped::{MappedFunc, MappedFuncs};

use crate::btf::{len_u32, read_u32, to_usize, Kind};

/// Name of the section.
pub const SECTION: &str = ".BTF.funcs";
/// What the section is aligned to, in bytes.
pub const ALIGN: u64 = 8;
/// Length of the header in bytes.
pub const HEADER_LEN: u32 = 16;
/// Length of a record in bytes.
pub const RECORD_LEN: u32 = 16;
/// Byte offset of the address in a record: what a relocation is for.
pub const ADDR: u32 = 8;
/// Byte offset of the flags in a record.
const FLAGS: u32 = 4;

const MAGIC: u16 = 0xfb9f;
const VERSION: u8 = 1;

/// A section whose header and length are valid.
#[derive(Clone, Copy)]
pub struct Funcs<'a> {
    /// All records.
    records: &'a [u8],
}

/// A record: one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuncRecord {
    /// Id of its FUNC.
    pub type_id: u32,
    /// Its flags.
    pub flags: FuncFlags,
    /// Its address; 0 in a module's file, and where it is gone once the module is initialised.
    pub addr: u64,
}

/// Why a section is refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset in the section.
    pub offset: u32,
    /// What was found.
    pub reason: Reason,
}

/// What was found. Variants carry the value that was refused, but for addresses: those of the kernel
/// are not for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The section has no bytes in the file.
    NoData,
    /// The section is not `SHF_ALLOC`, so that the loader leaves its addresses 0.
    NotAllocated,
    /// The section is at an address that is no multiple of [`ALIGN`].
    Misaligned,
    /// Too short for a header; holds its length.
    Short(u32),
    /// Another magic number.
    Magic(u16),
    /// Another version.
    Version(u8),
    /// Flags, of which the header has none.
    HeaderFlags(u8),
    /// Another length of the header.
    HeaderLen(u32),
    /// Another length of a record.
    RecordLen(u32),
    /// Not the length of as many records as there are said to be.
    Length { count: u32, len: u32 },
    /// Flags of a record that are not known; holds all of them.
    Flags(u32),
    /// A type id that is none of the module's own.
    NotOwn(u32),
    /// The id of a type of another kind.
    NotFunc { id: u32, kind: Kind },
    /// An address outside of the code of the module.
    Outside,
    /// An address of what is gone once the module is initialised.
    InitAddress,
}

impl<'a> Funcs<'a> {
    /// Reads the header of `bytes`, a whole section at any alignment.
    ///
    /// # Errors
    ///
    /// The first field of the header that the format does not allow, later versions included, or a length
    /// that is not that of the records.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let len = len_u32(bytes).unwrap_or(u32::MAX);
        let Some((header, records)) = bytes.split_first_chunk::<{ HEADER_LEN as usize }>() else {
            return Err(error(0, Reason::Short(len)));
        };
        let [magic0, magic1, version, flags, ..] = *header;
        let magic = u16::from_ne_bytes([magic0, magic1]);
        let word = |at| read_u32(header, at).unwrap_or(0);
        let (header_len, record_len, count) = (word(4), word(8), word(12));
        if magic != MAGIC {
            return Err(error(0, Reason::Magic(magic)));
        }
        if version != VERSION {
            return Err(error(2, Reason::Version(version)));
        }
        if flags != 0 {
            return Err(error(3, Reason::HeaderFlags(flags)));
        }
        if header_len != HEADER_LEN {
            return Err(error(4, Reason::HeaderLen(header_len)));
        }
        if record_len != RECORD_LEN {
            return Err(error(8, Reason::RecordLen(record_len)));
        }
        match count.checked_mul(RECORD_LEN).map(to_usize) {
            Some(length) if length == records.len() => Ok(Funcs { records }),
            _ => Err(error(12, Reason::Length { count, len })),
        }
    }

    /// Number of records.
    pub fn count(&self) -> u32 {
        let len = len_u32(self.records).unwrap_or(u32::MAX);
        len.checked_div(RECORD_LEN).unwrap_or(0)
    }

    /// All records in their order, each with its byte offset in the section.
    pub fn records(&self) -> impl Iterator<Item = (u32, FuncRecord)> + Clone + 'a {
        let records = self.records.chunks_exact(to_usize(RECORD_LEN));
        let offset = |at: u32| at.saturating_mul(RECORD_LEN).saturating_add(HEADER_LEN);
        (0..self.count())
            .zip(records)
            .filter_map(move |(at, bytes)| Some((offset(at), FuncRecord::read(bytes)?)))
    }
}

impl FuncRecord {
    fn read(bytes: &[u8]) -> Option<Self> {
        let addr = bytes.get(to_usize(ADDR)..)?.first_chunk::<8>()?;
        Some(FuncRecord {
            type_id: read_u32(bytes, 0)?,
            flags: FuncFlags(read_u32(bytes, 4)?),
            addr: u64::from_ne_bytes(*addr),
        })
    }

    /// The record as the section has it.
    pub fn bytes(&self) -> [u8; RECORD_LEN as usize] {
        let [i0, i1, i2, i3] = self.type_id.to_ne_bytes();
        let [f0, f1, f2, f3] = self.flags.0.to_ne_bytes();
        let [a0, a1, a2, a3, a4, a5, a6, a7] = self.addr.to_ne_bytes();
        [
            i0, i1, i2, i3, f0, f1, f2, f3, a0, a1, a2, a3, a4, a5, a6, a7,
        ]
    }
}

/// The header of a section with `count` records.
pub fn header(count: u32) -> [u8; HEADER_LEN as usize] {
    let [m0, m1] = MAGIC.to_ne_bytes();
    let [h0, h1, h2, h3] = HEADER_LEN.to_ne_bytes();
    let [r0, r1, r2, r3] = RECORD_LEN.to_ne_bytes();
    let [c0, c1, c2, c3] = count.to_ne_bytes();
    [
        m0, m1, VERSION, 0, h0, h1, h2, h3, r0, r1, r2, r3, c0, c1, c2, c3,
    ]
}

fn error(offset: u32, reason: Reason) -> Error {
    Error { offset, reason }
}
