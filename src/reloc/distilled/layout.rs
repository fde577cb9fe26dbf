// SPDX-License-Identifier: GPL-2.0

//! Whether two types of a base, of one name, kind and size, are laid out the same.

use crate::btf::{read_u32, Btf, Kind, Member, Record};

/// Levels of arrays and modifiers that are followed to find a size.
const DEPTH: u32 = 32;
const POINTER_SIZE: u64 = 8;

/// Levels of structs and unions without a name that are compared member by member.
const NESTING: u32 = 8;

/// Whether `a` and `b` have the same members (name, offset, size) or values (name, value).
///
/// The members of a member without a name count as members, too.
pub(super) fn same(btf: &Btf<'_>, a: &Record<'_>, b: &Record<'_>) -> bool {
    same_to(btf, a, b, NESTING)
}

fn same_to(btf: &Btf<'_>, a: &Record<'_>, b: &Record<'_>, nesting: u32) -> bool {
    if a.kind() != b.kind() || a.size() != b.size() || a.vlen() != b.vlen() {
        return false;
    }
    match a.kind() {
        Kind::Struct | Kind::Union => same_members(btf, a, b, nesting),
        Kind::Enum | Kind::Enum64 => same_values(btf, a, b),
        _ => true,
    }
}

fn same_members(btf: &Btf<'_>, a: &Record<'_>, b: &Record<'_>, nesting: u32) -> bool {
    a.members().zip(b.members()).all(|(a, b)| {
        same_string(btf, a.name_off, b.name_off)
            && a.bit_offset == b.bit_offset
            && a.bit_size == b.bit_size
            && same_type(btf, &a, &b, nesting)
    })
}

/// Whether the types of two members are of one size, and for members without a name laid out the
/// same.
fn same_type(btf: &Btf<'_>, a: &Member, b: &Member, nesting: u32) -> bool {
    if a.type_id == b.type_id {
        return true;
    }
    if a.name_off != 0 {
        return size_of(btf, a.type_id) == size_of(btf, b.type_id);
    }
    match (
        btf.unmodified(a.type_id),
        btf.unmodified(b.type_id),
        nesting.checked_sub(1),
    ) {
        (Some((_, a)), Some((_, b)), Some(nesting)) => same_to(btf, &a, &b, nesting),
        _ => false,
    }
}

fn same_values(btf: &Btf<'_>, a: &Record<'_>, b: &Record<'_>) -> bool {
    let mut others = b.elements();
    a.elements().all(|a| {
        let b = others.next().unwrap_or(&[]);
        let name_off = |element| read_u32(element, 0).unwrap_or(0);
        same_string(btf, name_off(a), name_off(b)) && a.get(4..) == b.get(4..)
    })
}

fn same_string(btf: &Btf<'_>, a: u32, b: u32) -> bool {
    a == b || btf.string(a).is_some_and(|name| btf.string_is(b, name))
}

/// Size in bytes of the type `id`, where it has one.
fn size_of(btf: &Btf<'_>, id: u32) -> Option<u64> {
    let (mut id, mut elements) = (id, 1u64);
    for _ in 0..DEPTH {
        let (_, record) = btf.unmodified(id)?;
        match record.kind() {
            Kind::Array => {
                let (elem, _, count) = record.array();
                elements = elements.checked_mul(u64::from(count))?;
                id = elem;
            }
            Kind::Ptr => return elements.checked_mul(POINTER_SIZE),
            Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Float => {
                return elements.checked_mul(u64::from(record.size()))
            }
            _ => return None,
        }
    }
    None
}
