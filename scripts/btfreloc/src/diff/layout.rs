// SPDX-License-Identifier: GPL-2.0

//! What changed in a type: its members, values, what it refers to.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use rust_btfreloc::btf::{read_u32, Btf, Kind, Record};
use rust_btfreloc::text::short;
use serde::Serialize;

use super::alike::Alike;
use super::spelled::{prototype, spelled};

/// Members of one type that are looked at to take those of the types in it without a name for its own.
const MOST: u32 = 1 << 16;
/// Types without a name inside of each other.
const DEPTH: u32 = 32;

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// In a word.
    pub what: What,
    /// The member or value; nothing where it is the type itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// The same in words.
    pub text: String,
}

/// What can change; the first say most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The kind, or nothing but a declaration is left.
    Kind,
    /// What describes an INT, or the sign of an ENUM.
    Encoding,
    /// What a TYPEDEF stands for, or the prototype of a FUNC.
    Type,
    /// A member or value is no longer there.
    Removed,
    /// One is new.
    Added,
    /// The type of a member.
    MemberType,
    /// The width of a bit-field.
    Width,
    /// The number that a value stands for.
    Value,
    /// The place of a member.
    Moved,
}

/// A member, those of a type without a name taken for members of what that is in.
struct Member {
    name: String,
    bits: u32,
    width: u32,
    type_id: u32,
}

impl Detail {
    pub(super) fn of(what: What, element: Option<&str>, text: String) -> Self {
        Detail {
            what,
            element: element.map(str::to_owned),
            text,
        }
    }
}

/// What differs between the type `old` of the first kernel and `new` of the second, which have a name
/// in common; the size, which is no matter of details, left out.
pub(super) fn details(alike: &Alike<'_, '_>, old: u32, new: u32) -> Vec<Detail> {
    let records = alike.old().record(old).zip(alike.new_btf().record(new));
    let Some((own, theirs)) = records else {
        return Vec::new();
    };
    let mut found = match (own.kind(), theirs.kind()) {
        (Kind::Struct, Kind::Struct) | (Kind::Union, Kind::Union) => match alike.types(old, new) {
            true => Vec::new(),
            false => members(alike, &own, &theirs),
        },
        (Kind::Enum | Kind::Enum64, Kind::Enum | Kind::Enum64) => values(alike, &own, &theirs),
        (Kind::Int, Kind::Int) if own.extra() != theirs.extra() => {
            encoding(own.extra(), theirs.extra())
        }
        (Kind::Typedef, Kind::Typedef) => target(alike, &own, &theirs),
        (Kind::Func, Kind::Func) => {
            let (old, new) = (own.type_id(), theirs.type_id());
            match alike.references(old, new) {
                true => Vec::new(),
                false => {
                    let was = prototype(alike.old(), old);
                    vec![became(
                        What::Type,
                        None,
                        was,
                        prototype(alike.new_btf(), new),
                    )]
                }
            }
        }
        _ => Vec::new(),
    };
    // Those that say most come first, each kind in the order of the type.
    found.sort_by_key(|detail| detail.what);
    found
}

/// The size of a type, where that has one by itself.
pub(super) fn size(btf: &Btf<'_>, id: u32) -> Option<u32> {
    let record = btf.record(id)?;
    match record.kind() {
        Kind::Typedef => unnamed(btf, record.type_id()).map(|record| record.size()),
        kind if kind.is_composite() => Some(record.size()),
        Kind::Int | Kind::Float | Kind::Enum | Kind::Enum64 => Some(record.size()),
        _ => None,
    }
}

fn became(what: What, element: Option<&str>, was: impl Display, is: impl Display) -> Detail {
    let text = match element {
        Some(element) => format!("{element} was {was}, is {is}"),
        None => format!("was {was}, is {is}"),
    };
    Detail::of(what, element, text)
}

fn encoding(old: u32, new: u32) -> Vec<Detail> {
    let text = format!("encoding was {old:#x}, is {new:#x}");
    vec![Detail::of(What::Encoding, None, text)]
}

/// What a typedef stands for; where both are types without a name, what changed in these.
fn target(alike: &Alike<'_, '_>, own: &Record<'_>, theirs: &Record<'_>) -> Vec<Detail> {
    let (old, new) = (own.type_id(), theirs.type_id());
    if alike.references(old, new) {
        return Vec::new();
    }
    let inner = unnamed(alike.old(), old).zip(unnamed(alike.new_btf(), new));
    let inner = inner.map(|(own, theirs)| members(alike, &own, &theirs));
    match inner.filter(|inner| !inner.is_empty()) {
        Some(inner) => inner,
        None => {
            let (was, is) = (spelled(alike.old(), old), spelled(alike.new_btf(), new));
            vec![became(What::Type, None, was, is)]
        }
    }
}

fn members(alike: &Alike<'_, '_>, own: &Record<'_>, theirs: &Record<'_>) -> Vec<Detail> {
    let old = flat(alike.old(), own);
    let new = flat(alike.new_btf(), theirs);
    let mut by_name: HashMap<_, _> = new.iter().map(|new| (&*new.name, new)).collect();
    let mut found = Vec::new();
    for member in &old {
        match by_name.remove(&*member.name) {
            Some(now) => changed_member(alike, member, now, &mut found),
            None => found.push(gone_member(member)),
        }
    }
    let added = new.iter().filter(|new| by_name.contains_key(&*new.name));
    found.extend(added.map(|member| {
        let text = format!("{} is new at {}", member.name, Place(member.bits));
        Detail::of(What::Added, Some(&member.name), text)
    }));
    found
}

fn gone_member(member: &Member) -> Detail {
    let text = format!("{} is gone, was at {}", member.name, Place(member.bits));
    Detail::of(What::Removed, Some(&member.name), text)
}

fn changed_member(alike: &Alike<'_, '_>, old: &Member, new: &Member, found: &mut Vec<Detail>) {
    let name = &*old.name;
    if !alike.references(old.type_id, new.type_id) {
        let was = spelled(alike.old(), old.type_id);
        let is = spelled(alike.new_btf(), new.type_id);
        found.push(became(What::MemberType, Some(name), was, is));
    }
    if old.width != new.width {
        let text = format!("{name} had {} bits, has {}", old.width, new.width);
        found.push(Detail::of(What::Width, Some(name), text));
    }
    if old.bits != new.bits {
        let (was, is) = (Place(old.bits), Place(new.bits));
        let text = format!("{name} moved from {was} to {is}");
        found.push(Detail::of(What::Moved, Some(name), text));
    }
}

fn values(alike: &Alike<'_, '_>, own: &Record<'_>, theirs: &Record<'_>) -> Vec<Detail> {
    let old = named_values(alike.old(), own);
    let new = named_values(alike.new_btf(), theirs);
    let mut by_name: HashMap<_, _> = new.iter().map(|(name, value)| (&**name, *value)).collect();
    let mut found = Vec::new();
    if own.kflag() != theirs.kflag() {
        found.extend(encoding(own.kflag().into(), theirs.kflag().into()));
    }
    for (name, value) in &old {
        match by_name.remove(&**name) {
            None => {
                let text = format!("{name} is gone, was {value}");
                found.push(Detail::of(What::Removed, Some(name), text));
            }
            Some(now) if now != *value => {
                found.push(became(What::Value, Some(name), value, now));
            }
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|(name, _)| by_name.contains_key(&**name));
    found.extend(added.map(|(name, value)| {
        Detail::of(What::Added, Some(name), format!("{name} is new, {value}"))
    }));
    found
}

/// The values of an ENUM or ENUM64.
fn named_values(btf: &Btf<'_>, record: &Record<'_>) -> Vec<(String, i128)> {
    let wide = record.kind() == Kind::Enum64;
    let values = record.elements().map(|value| {
        let word = |at| read_u32(value, at).unwrap_or(0);
        let name = short(btf.name(word(0)).unwrap_or(&[])).to_string();
        let bits = (u64::from(word(8)) << 32) | u64::from(word(4));
        let value = match (wide, record.kflag()) {
            (true, true) => i128::from(bits as i64),
            (true, false) => i128::from(bits),
            (false, true) => i128::from(word(4) as i32),
            (false, false) => i128::from(word(4)),
        };
        (name, value)
    });
    values.collect()
}

fn flat(btf: &Btf<'_>, record: &Record<'_>) -> Vec<Member> {
    let (mut members, mut left) = (Vec::new(), MOST);
    flatten(btf, record, ("", 0), (DEPTH, &mut left), &mut members);
    members
}

/// Adds the members of `record`, which begins at `start` bits, their names after `path`. Types without a
/// name in it are members themselves below this `depth`, and where no members are `left` to look at.
fn flatten(
    btf: &Btf<'_>,
    record: &Record<'_>,
    (path, start): (&str, u32),
    (depth, left): (u32, &mut u32),
    found: &mut Vec<Member>,
) {
    for member in record.members() {
        // Those that hold others are counted as well: these may hold nothing else.
        *left = left.saturating_sub(1);
        let name = short(btf.name(member.name_off).unwrap_or(&[])).to_string();
        let bits = start.saturating_add(member.bit_offset);
        match (unnamed(btf, member.type_id), depth.checked_sub(1)) {
            (Some(inner), Some(depth)) if *left != 0 => {
                let path = match &*name {
                    "" => path.to_owned(),
                    name => format!("{path}{name}."),
                };
                flatten(btf, &inner, (&path, bits), (depth, &mut *left), found);
            }
            _ => found.push(Member {
                name: format!("{path}{name}"),
                bits,
                width: member.bit_size,
                type_id: member.type_id,
            }),
        }
    }
}

/// The STRUCT or UNION without a name that `id` is, qualified or not.
fn unnamed<'a>(btf: &Btf<'a>, id: u32) -> Option<Record<'a>> {
    let mut record = btf.record(id)?;
    for _ in 0..DEPTH {
        match record.kind() {
            Kind::Const | Kind::Volatile => record = btf.record(record.type_id())?,
            _ => break,
        }
    }
    (record.kind().is_composite() && record.name_off() == 0).then_some(record)
}

/// A place in a type, from its start.
struct Place(u32);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.0 / 8, self.0 % 8) {
            (byte, 0) => write!(f, "byte {byte}"),
            (byte, bit) => write!(f, "byte {byte} bit {bit}"),
        }
    }
}
