// SPDX-License-Identifier: GPL-2.0

//! What can be wrong with an ELF image, as values: where it was found and why it is refused.

/// What an [`Error`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The header of the file.
    Header,
    /// The section of this index.
    Section(u32),
    /// The symbol of this index.
    Symbol(u32),
}

/// Why an image is refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What it was found in.
    pub place: Place,
    /// Byte offset in the image of the field that is refused.
    pub offset: u64,
    /// What was found.
    pub reason: Reason,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The image is shorter than an ELF header; holds its length in bytes.
    Short(u64),
    /// The first four bytes are not those of ELF.
    Magic,
    /// Not ELF64 (`EI_CLASS`).
    Class(u8),
    /// Not in the byte order of this machine (`EI_DATA`).
    ByteOrder(u8),
    /// A version other than 1.
    Version(u32),
    /// Section headers of another length; in bytes.
    HeaderLength(u16),
    /// There are no section headers.
    NoSections,
    /// The section headers are not inside the image; holds how many there should be.
    HeadersOutside(u64),
    /// The section that should hold the names of sections does not exist.
    NameSection(u32),
    /// The section should hold strings, the last of which ends with it, and does not.
    Strings,
    /// The name is not inside its string table.
    Name,
    /// The section is not inside the image; offset and size in bytes.
    Outside {
        /// `sh_offset`.
        offset: u64,
        /// `sh_size`.
        size: u64,
    },
    /// The section of strings that a symbol table names does not exist.
    Link(u32),
    /// The section that a symbol is defined in does not exist.
    SymbolSection(u32),
    /// More entries than can be numbered; holds the size of the section in bytes.
    TooMany(u64),
}
