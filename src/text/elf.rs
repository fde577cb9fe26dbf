// SPDX-License-Identifier: GPL-2.0

//! The words for what is wrong with an ELF image, as `reloc` has them for BTF.

use core::fmt::{Display, Formatter, Result};

use crate::elf::{Error, Place, Reason};

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Error {
            place,
            offset,
            reason,
        } = *self;
        // What is no ELF file at all has no places in it.
        match (reason, place) {
            (Reason::Short(len), _) => {
                return write!(f, "neither ELF nor BTF: it has only {len} bytes")
            }
            (Reason::Magic, _) => return f.write_str("neither ELF nor BTF"),
            (_, Place::Header) => f.write_str("ELF header")?,
            (_, Place::Section(index)) => write!(f, "ELF section [{index}]")?,
            (_, Place::Symbol(index)) => write!(f, "ELF symbol [{index}]")?,
        }
        write!(f, " offset {offset}: ")?;
        found(reason, f)
    }
}

fn found(reason: Reason, f: &mut Formatter<'_>) -> Result {
    match reason {
        Reason::Short(_) | Reason::Magic => f.write_str("not ELF"),
        Reason::Class(class) => write!(f, "class {class} is not ELF64 (2)"),
        Reason::ByteOrder(order) => write!(f, "byte order {order} is not that of this machine"),
        Reason::Version(version) => write!(f, "version {version}, only 1 is known"),
        Reason::HeaderLength(len) => write!(f, "section headers of {len} bytes, not 64"),
        Reason::NoSections => f.write_str("no section headers in the file, it may be cut short"),
        Reason::HeadersOutside(count) => {
            write!(f, "{count} section headers go past the end of the file")
        }
        Reason::NameSection(index) => {
            write!(f, "names are in section [{index}], which is not there")
        }
        Reason::Strings => f.write_str("should hold strings and does not"),
        Reason::Name => f.write_str("the name is past the strings"),
        Reason::Outside { offset, size } => {
            write!(f, "{size} bytes at {offset} go past the end of the file")
        }
        Reason::Link(index) => write!(f, "strings are in section [{index}], which is not there"),
        Reason::SymbolSection(index) => write!(f, "is in section [{index}], which is not there"),
        Reason::TooMany(size) => write!(f, "more symbols than can be numbered in {size} bytes"),
    }
}
