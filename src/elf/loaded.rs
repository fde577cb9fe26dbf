// SPDX-License-Identifier: GPL-2.0

//! What the kernel's module loader makes of a file.

use super::bytes::range;
use super::{Elf, Section};

/// Enough to see that they are no BTF.
const ZEROS: [u8; 64] = [0; 64];

impl<'a> Elf<'a> {
    /// Whether the kernel module finds the loader's copy of this file, which notifiers are not
    /// given: `.BTF`, `.BTF.base` or a symbol leads there, and not to the module's memory.
    pub fn is_found(&self) -> bool {
        let btf = [&b".BTF"[..], b".BTF.base"];
        let mut btf = btf.into_iter().filter_map(|name| self.section(name));
        let symbols = || self.symbols().unwrap_or_default();
        let leads = |index| self.at(index).is_some_and(|section| stays(&section));
        btf.any(|btf| !btf.is_allocated() && self.shown(&btf).is_some())
            || symbols()
                .iter()
                .any(|symbol| symbol.section.is_some_and(leads))
    }

    /// What a notifier is pointed to as the bytes of `.BTF` or `.BTF.base`; `None` where that is not
    /// inside the file.
    ///
    /// The loader checks no offset of `SHT_NOBITS`, and gives the size in 32 bits. What has no bytes
    /// and is allocated is zeros, of which not all are returned.
    pub fn shown(&self, section: &Section<'_>) -> Option<&'a [u8]> {
        let size = section.size & u64::from(u32::MAX);
        if !section.has_data() && section.is_allocated() {
            let len = usize::try_from(size).unwrap_or(usize::MAX);
            return Some(ZEROS.get(..len).unwrap_or(&ZEROS));
        }
        range(self.image, section.offset, size)
    }
}

/// Whether the section has bytes in the file which the loader leaves there.
fn stays(section: &Section<'_>) -> bool {
    let moved = section.is_allocated() && section.name != b".modinfo";
    section.has_data() && !moved
}
