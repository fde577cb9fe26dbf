// SPDX-License-Identifier: GPL-2.0

//! The id of the build of a module: the same in its file and in what is loaded.

use rust_btfreloc::btf::{read_u32, to_usize};
use rust_btfreloc::elf::Elf;

/// Name, with which its length is a multiple of 4, and type (`NT_GNU_BUILD_ID`) of the note.
const NAME: &[u8] = b"GNU\0";
const TYPE: u32 = 3;
const HEADER: usize = 12;

/// The one in a module's file.
pub(super) fn of(elf: &Elf<'_>) -> Option<Vec<u8>> {
    of_note(elf.data(&elf.section(b".note.gnu.build-id")?)?)
}

/// The one in the bytes of that section.
pub(super) fn of_note(note: &[u8]) -> Option<Vec<u8>> {
    let word = |at| read_u32(note, at);
    if to_usize(word(0)?) != NAME.len() || word(8)? != TYPE {
        return None;
    }
    let rest = note.get(HEADER..)?.strip_prefix(NAME)?;
    rest.get(..to_usize(word(4)?)).map(<[u8]>::to_vec)
}
