// SPDX-License-Identifier: GPL-2.0

//! The words for what became of a distilled type.

use core::fmt::{Display, Formatter, Result};

use super::Name;
use crate::reloc::{DistilledType, Fate, Why};

impl Display for Why {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Why::Absent => f.write_str("vmlinux has no type of this name"),
            Why::OtherKind(id) => write!(f, "vmlinux has only another kind, [{id}]"),
            Why::OtherSize(id) => write!(f, "vmlinux has it in another size, [{id}]"),
            Why::OtherEncoding(id) => write!(f, "vmlinux has it in another encoding, [{id}]"),
            Why::Ambiguous(id) => {
                write!(f, "vmlinux has several that differ in layout, first [{id}]")
            }
        }
    }
}

impl Display for DistilledType<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let name = Name(self.name);
        write!(
            f,
            "[{}] {} {} size {} -> ",
            self.distilled_id, self.kind, name, self.size
        )?;
        match self.fate {
            Fate::Mapped(id) => write!(f, "vmlinux [{id}]"),
            Fate::Opaque(why) => write!(f, "opaque [{}]: {why}", self.new_id),
        }
    }
}
