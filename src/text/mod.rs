// SPDX-License-Identifier: GPL-2.0

//! The words for all that can be found and decided: kernel log, debugfs and host tool print through
//! here. Each file has those of one kind of values, and a match in it that names each of them.

mod btf;
mod causes;
mod elf;
mod fates;
mod funcs;
mod ids;
mod left_out;
mod standalone;
mod summary;
mod supplied;

pub use funcs::FuncsNotShown;
pub use ids::{IdsCleared, IdsKept};
pub use summary::{Conflicting, IdsChanged, OpaqueNames};

use core::fmt::{Display, Formatter, Result, Write};

use crate::btf::Kind;

/// Bytes of a name as text: what is not printable ASCII is escaped.
pub struct Name<'a>(pub &'a [u8]);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for byte in self.0 {
            match byte {
                0x20..=0x7e => f.write_char(char::from(*byte))?,
                byte => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

/// Bytes of a name that a message shows.
const NAME_SHOWN: usize = 64;

/// A name, or as much of it as a message shows.
pub fn short(name: &[u8]) -> Name<'_> {
    Name(name.get(..NAME_SHOWN).unwrap_or(name))
}

/// What an element of a type of this kind is.
fn element_noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Struct | Kind::Union => "member",
        Kind::Enum | Kind::Enum64 => "value",
        Kind::FuncProto => "parameter",
        Kind::Datasec => "variable",
        _ => "element",
    }
}
