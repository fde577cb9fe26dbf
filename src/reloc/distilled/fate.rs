// SPDX-License-Identifier: GPL-2.0

//! What became of a distilled type, in one word so that a report can keep it.

/// What a distilled type becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The vmlinux type with this id.
    Mapped(u32),
    /// A type of the module's own, which grants a BPF program nothing (see `opaque`).
    Opaque(Why),
}

/// Why no vmlinux type stands for a distilled type. The ids are those of vmlinux types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No type of this name.
    Absent,
    /// Only types of another kind; holds the first.
    OtherKind(u32),
    /// Of this name and kind, but of another size where size counts; holds the first.
    OtherSize(u32),
    /// An integer of this name and size, but of another encoding; holds the first.
    OtherEncoding(u32),
    /// Several of this name, kind and size that differ in layout; holds the first.
    Ambiguous(u32),
}

const ID_BITS: u32 = 24;
const ID_MASK: u32 = (1 << ID_BITS) - 1;

impl Fate {
    /// Packs the fate: the id in the low 24 bits, 0 above them for a mapped type.
    pub fn to_word(self) -> u32 {
        let (code, id) = match self {
            Fate::Mapped(id) => (0, id),
            Fate::Opaque(Why::Absent) => (1, 0),
            Fate::Opaque(Why::OtherKind(id)) => (2, id),
            Fate::Opaque(Why::OtherSize(id)) => (3, id),
            Fate::Opaque(Why::OtherEncoding(id)) => (4, id),
            Fate::Opaque(Why::Ambiguous(id)) => (5, id),
        };
        (code << ID_BITS) | (id & ID_MASK)
    }

    /// Reads what [`Fate::to_word`] packed; any other word is taken for [`Why::Absent`].
    pub fn from_word(word: u32) -> Self {
        let id = word & ID_MASK;
        match word >> ID_BITS {
            0 => Fate::Mapped(id),
            2 => Fate::Opaque(Why::OtherKind(id)),
            3 => Fate::Opaque(Why::OtherSize(id)),
            4 => Fate::Opaque(Why::OtherEncoding(id)),
            5 => Fate::Opaque(Why::Ambiguous(id)),
            _ => Fate::Opaque(Why::Absent),
        }
    }
}
