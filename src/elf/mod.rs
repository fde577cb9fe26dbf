// SPDX-License-Identifier: GPL-2.0

//! The little of ELF64 that both shells need: sections, symbols and what a module says of itself,
//! borrowed and never trusted.
//!
//! Format: `include/uapi/linux/elf.h`. Numbers are in the byte order of the machine.
//!
//! An [`Elf`] is read from a file on disk or from the copy of that file in which the kernel's
//! module loader keeps its notes (`load_info` in `kernel/module/internal.h`). In that copy:
//!
//! - `sh_offset` and `sh_size` still hold: what a section contained in the file is found there;
//! - `sh_addr` is final: in the module's memory for `SHF_ALLOC`, else inside the copy;
//! - `sh_entsize` of what is `SHF_ALLOC` holds a note of the loader, so it is not relied on here;
//! - with `CONFIG_KALLSYMS` the symbols stay as they were in the file (the loader moves them to
//!   the module's memory and makes addresses of them there), else they hold addresses.
//!
//! [`Symbol::offset`] is the same in all of these.
//!
//! ```
//! # fn ids(file: &[u8]) -> Option<()> {
//! use rust_btfreloc::elf::Elf;
//! let elf = Elf::parse(file).ok()?;
//! let ids = elf.section(b".BTF_ids")?;
//! let bytes = elf.data(&ids)?;
//! for (offset, name) in elf.symbols().ok()?.in_section(&ids) {
//!     // `name` stands at `offset` in `bytes`.
//! }
//! # Some(()) }
//! ```

mod bytes;
mod error;
mod header;
mod loaded;
mod modinfo;
mod section;
mod symbol;

pub use error::{Error, Place, Reason};
pub use section::Section;
pub use symbol::{Symbol, Symbols};

use bytes::{range, Strings};
use header::Header;
use section::{HEADER_LEN, NULL};

/// An ELF image whose section headers hold: each name and each section's bytes are inside it.
#[derive(Clone, Copy)]
pub struct Elf<'a> {
    image: &'a [u8],
    /// All section headers, the one of index 0 included.
    headers: &'a [u8],
    headers_at: u64,
    count: u32,
    names: Strings<'a>,
}

impl<'a> Elf<'a> {
    /// Reads the headers of `image`, a whole ELF file at any alignment; more may follow it.
    ///
    /// # Errors
    ///
    /// The first header, name or section that is not what it must be or not inside `image`.
    pub fn parse(image: &'a [u8]) -> Result<Self, Error> {
        let header = Header::parse(image)?;
        let mut elf = Elf {
            image,
            headers: header.sections,
            headers_at: header.sections_at,
            count: header.count,
            names: Strings::default(),
        };
        elf.names = elf.section_names(header.names)?;
        (1..elf.count).try_for_each(|index| elf.check(index))?;
        Ok(elf)
    }

    /// All sections but that of index 0, in the order of their headers.
    pub fn sections(&self) -> impl Iterator<Item = Section<'a>> + Clone + 'a {
        let elf = *self;
        (1..elf.count).filter_map(move |index| elf.at(index))
    }

    /// The first section of this name.
    pub fn section(&self, name: &[u8]) -> Option<Section<'a>> {
        self.sections().find(|section| section.name == name)
    }

    /// What `section` holds in the file; `None` where it occupies no bytes there (`SHT_NOBITS`).
    pub fn data(&self, section: &Section<'_>) -> Option<&'a [u8]> {
        if !section.has_data() {
            return None;
        }
        range(self.image, section.offset, section.size)
    }

    /// The symbols of the `SHT_SYMTAB` section; none where there is no such section.
    ///
    /// # Errors
    ///
    /// The first symbol whose name or section does not exist.
    pub fn symbols(&self) -> Result<Symbols<'a>, Error> {
        Symbols::parse(self)
    }

    /// The section of this index; `None` for 0 and past the end.
    fn at(&self, index: u32) -> Option<Section<'a>> {
        if index == NULL {
            return None;
        }
        Section::read(self.headers, index, &self.names)
    }

    fn section_names(&self, index: u32) -> Result<Strings<'a>, Error> {
        let bad = Error {
            place: Place::Header,
            offset: header::SHSTRNDX,
            reason: Reason::NameSection(index),
        };
        // Without names yet, which `Section::read` then leaves empty.
        let section = self.at(index).ok_or(bad)?;
        self.strings(&section)
    }

    fn strings(&self, section: &Section<'_>) -> Result<Strings<'a>, Error> {
        let strings = self.data(section).and_then(Strings::new);
        strings.ok_or(self.error(section.index, section::OFFSET, Reason::Strings))
    }

    fn check(&self, index: u32) -> Result<(), Error> {
        let header = Section::read(self.headers, index, &self.names);
        let section = header.ok_or(self.error(index, section::NAME, Reason::Name))?;
        if section.has_data() && self.data(&section).is_none() {
            let (offset, size) = (section.offset, section.size);
            let reason = Reason::Outside { offset, size };
            return Err(self.error(index, section::OFFSET, reason));
        }
        Ok(())
    }

    /// An error in the field at byte `field` of a section header.
    fn error(&self, index: u32, field: u64, reason: Reason) -> Error {
        let header = u64::from(index).saturating_mul(HEADER_LEN);
        Error {
            place: Place::Section(index),
            offset: self.headers_at.saturating_add(header).saturating_add(field),
            reason,
        }
    }
}
