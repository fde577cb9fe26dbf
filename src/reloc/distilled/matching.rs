// SPDX-License-Identifier: GPL-2.0

//! Which vmlinux type a distilled type becomes: one arm a rule.

use super::{layout, Fate, Why};
use crate::btf::{Kind, Record};
use crate::reloc::Base;

/// What the types of a module use a distilled type for, the more the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::reloc) enum Use {
    /// Its name: they point to it.
    Name,
    /// That it has a size: it is the element of an array that nothing holds.
    Element,
    /// Its very size: they hold it by value.
    Value,
}

/// The vmlinux type for the distilled type `record` of this `name`, and vmlinux's string offset of
/// the name, 0 where no type has it.
///
/// `usage` is the most that the module's types use it for.
pub(in crate::reloc) fn fate(
    base: &Base<'_>,
    record: &Record<'_>,
    name: &[u8],
    usage: Use,
) -> (Fate, u32) {
    let candidates = Candidates::among(base, record, name);
    let fate = match record.kind() {
        Kind::Fwd => forward(&candidates),
        _ => defined(&candidates, record, usage),
    };
    (fate, candidates.name_off)
}

/// Anything but a forward declaration becomes the one type that there is of it; a composite that
/// vmlinux only declares, and that nobody needs a size of, becomes the declaration.
fn defined(candidates: &Candidates<'_>, record: &Record<'_>, usage: Use) -> Fate {
    // A second candidate makes the size count, too.
    let sized = usage == Use::Value || candidates.several || !record.kind().is_composite();
    match (&candidates.fitting, candidates.of_kind, candidates.named) {
        (None, Some(id), _) if !sized => Fate::Mapped(id),
        (Some((id, _)), ..) if candidates.differ => Fate::Opaque(Why::Ambiguous(*id)),
        (Some((id, _)), ..) => Fate::Mapped(*id),
        (None, Some(id), _) if candidates.other_encoding => Fate::Opaque(Why::OtherEncoding(id)),
        (None, Some(id), _) => Fate::Opaque(Why::OtherSize(id)),
        (None, None, Some(id)) => match candidates.declared {
            Some(declared) if usage == Use::Name => Fate::Mapped(declared),
            _ => Fate::Opaque(Why::OtherKind(id)),
        },
        (None, None, None) => Fate::Opaque(Why::Absent),
    }
}

/// What vmlinux has under the name of a distilled type; the ids are the lowest.
#[derive(Default)]
struct Candidates<'a> {
    /// Of any kind.
    named: Option<u32>,
    /// String offset of the name.
    name_off: u32,
    /// Of a kind that may stand for the distilled type.
    of_kind: Option<u32>,
    /// There is more than one of those.
    several: bool,
    /// Of the size, too, or for a forward declaration a definition.
    fitting: Option<(u32, Record<'a>)>,
    /// Others that fit are laid out in another way.
    differ: bool,
    /// The size is right and the encoding is not.
    other_encoding: bool,
    /// A declaration of this flavour.
    declared: Option<u32>,
}

impl<'a> Candidates<'a> {
    fn among(base: &Base<'a>, record: &Record<'_>, name: &[u8]) -> Self {
        let mut candidates = Candidates::default();
        for (id, candidate) in base.named(name) {
            candidates.named = candidates.named.or(Some(id));
            candidates.name_off = candidate.name_off();
            if !allows_kind(record, &candidate) {
                continue;
            }
            if candidate.kind() == Kind::Fwd {
                candidates.declared = candidates.declared.or(Some(id));
                continue;
            }
            candidates.several = candidates.of_kind.is_some();
            candidates.of_kind = candidates.of_kind.or(Some(id));
            if record.kind() == Kind::Fwd || candidate.size() == record.size() {
                candidates.fit(base, record, id, candidate);
            }
        }
        candidates
    }

    fn fit(&mut self, base: &Base<'a>, record: &Record<'_>, id: u32, candidate: Record<'a>) {
        if record.kind() == Kind::Int && record.int_encoding() != candidate.int_encoding() {
            self.other_encoding = true;
            return;
        }
        match &self.fitting {
            None => self.fitting = Some((id, candidate)),
            Some((_, first)) => self.differ |= !layout::same(base.btf(), first, &candidate),
        }
    }
}

/// A forward declaration becomes the one definition there is, or else the same declaration.
fn forward(candidates: &Candidates<'_>) -> Fate {
    match (&candidates.fitting, candidates.declared, candidates.named) {
        (Some((id, _)), ..) if !candidates.differ => Fate::Mapped(*id),
        (_, Some(id), _) => Fate::Mapped(id),
        (Some((id, _)), ..) => Fate::Opaque(Why::Ambiguous(*id)),
        (None, None, Some(id)) => Fate::Opaque(Why::OtherKind(id)),
        (None, None, None) => Fate::Opaque(Why::Absent),
    }
}

/// Whether the distilled type `record` may become `candidate`, as far as their kinds say; a STRUCT
/// or UNION becomes a declaration only where nobody needs a size of it.
pub fn allows_kind(record: &Record<'_>, candidate: &Record<'_>) -> bool {
    match (record.kind(), candidate.kind()) {
        // The kflag of a forward declaration distinguishes a union from a struct.
        (Kind::Fwd, Kind::Fwd) => record.kflag() == candidate.kflag(),
        (Kind::Fwd, Kind::Struct) => !record.kflag(),
        (Kind::Fwd, Kind::Union) => record.kflag(),
        (Kind::Struct, Kind::Fwd) => !candidate.kflag(),
        (Kind::Union, Kind::Fwd) => candidate.kflag(),
        // A distilled base records an ENUM64 as an ENUM of its size.
        (Kind::Enum, Kind::Enum64) => true,
        (kind, candidate) => kind == candidate,
    }
}
