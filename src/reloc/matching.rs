// SPDX-License-Identifier: GPL-2.0

//! Which vmlinux type a distilled type becomes: one arm a rule.

use super::{layout, Base, Fate, Why};
use crate::btf::{Kind, Record};

/// The vmlinux type for the distilled type `record` of this `name`.
///
/// `embedded` says that a type of the module holds it by value, so that its size counts.
pub(super) fn fate(base: &Base<'_>, record: &Record<'_>, name: &[u8], embedded: bool) -> Fate {
    if record.kind() == Kind::Fwd {
        return forward(base, record, name);
    }
    let of_kind = candidates(base, record, name);
    // A second candidate makes the size count, too.
    let sized = embedded || of_kind.clone().nth(1).is_some();
    let mut taken = of_kind.filter(|(_, candidate)| fits(record, candidate, sized));
    let Some((id, first)) = taken.next() else {
        return Fate::Opaque(why_none(base, record, name));
    };
    match taken.all(|(_, other)| layout::same(base.btf(), &first, &other)) {
        true => Fate::Mapped(id),
        false => Fate::Opaque(Why::Ambiguous(id)),
    }
}

/// The types of this `name` whose kind allows them to stand for `record`, lowest id first.
pub fn candidates<'a: 'b, 'b>(
    base: &'b Base<'a>,
    record: &'b Record<'_>,
    name: &'b [u8],
) -> impl Iterator<Item = (u32, Record<'a>)> + Clone + 'b {
    let (kind, kflag) = (record.kind(), record.kflag());
    base.named(name)
        .filter(move |(_, candidate)| allows_kind(kind, kflag, candidate))
}

/// Whether a distilled type of this kind may become `candidate`.
fn allows_kind(kind: Kind, kflag: bool, candidate: &Record<'_>) -> bool {
    match (kind, candidate.kind()) {
        // The kflag of a forward declaration tells a union from a struct.
        (Kind::Fwd, Kind::Fwd) => candidate.kflag() == kflag,
        (Kind::Fwd, Kind::Struct) => !kflag,
        (Kind::Fwd, Kind::Union) => kflag,
        // A distilled base records an ENUM64 as an ENUM of its size.
        (Kind::Enum, Kind::Enum64) => true,
        (kind, candidate) => kind == candidate,
    }
}

/// Whether `candidate`, of the right name and kind, is what `record` recorded.
fn fits(record: &Record<'_>, candidate: &Record<'_>, sized: bool) -> bool {
    let same_size = record.size() == candidate.size();
    match record.kind() {
        Kind::Struct | Kind::Union => !sized || same_size,
        Kind::Int => same_size && encoding(record) == encoding(candidate),
        _ => same_size,
    }
}

/// `BTF_INT_ENCODING`.
fn encoding(record: &Record<'_>) -> u32 {
    (record.extra() >> 24) & 0xf
}

/// A forward declaration becomes the one definition there is, or else the same declaration.
fn forward(base: &Base<'_>, record: &Record<'_>, name: &[u8]) -> Fate {
    let of_kind = candidates(base, record, name);
    let mut declared = of_kind
        .clone()
        .filter(|(_, type_)| type_.kind() == Kind::Fwd);
    let mut defined = of_kind.filter(|(_, type_)| type_.kind() != Kind::Fwd);
    let definition = defined.next();
    let declaration = declared.next().map(|(id, _)| id);
    match (definition, declaration) {
        (None, None) => Fate::Opaque(why_none(base, record, name)),
        (None, Some(id)) => Fate::Mapped(id),
        (Some((id, first)), declaration) => {
            match (
                defined.all(|(_, other)| layout::same(base.btf(), &first, &other)),
                declaration,
            ) {
                (true, _) => Fate::Mapped(id),
                (false, Some(id)) => Fate::Mapped(id),
                (false, None) => Fate::Opaque(Why::Ambiguous(id)),
            }
        }
    }
}

/// Why no type of this `name` was taken: the nearest miss.
fn why_none(base: &Base<'_>, record: &Record<'_>, name: &[u8]) -> Why {
    let same_size = |(_, candidate): &(u32, Record<'_>)| candidate.size() == record.size();
    let of_kind = candidates(base, record, name);
    if let Some((id, _)) = of_kind.clone().find(same_size) {
        return Why::OtherEncoding(id);
    }
    match (of_kind.map(|(id, _)| id).next(), base.named(name).next()) {
        (Some(id), _) => Why::OtherSize(id),
        (None, Some((id, _))) => Why::OtherKind(id),
        (None, None) => Why::Absent,
    }
}
