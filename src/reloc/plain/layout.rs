// SPDX-License-Identifier: GPL-2.0

//! Whether what is embedded has room: a compiler lets no member run into the next one.

use super::read_budget::{ReadBudget, Stop};
use crate::btf::{read_u32, Kind, Member, Reason, Record, Target, RECORD_LEN};

const POINTER_BITS: u64 = 64;

/// What a type takes.
enum Size {
    Bits(u64),
    /// This type of this kind, or void, has no size.
    None(u32, Option<Kind>),
    /// A chain of modifiers and arrays that goes on and on.
    Unknown,
}

/// Checks that each member of a STRUCT or UNION has a size, and room for it.
pub(super) fn members(budget: &mut ReadBudget<'_, '_>, record: &Record<'_>) -> Result<(), Stop> {
    let total = bits(record.size());
    let mut members = (0..u32::MAX).zip(record.members()).peekable();
    let mut at = RECORD_LEN;
    while let Some((index, member)) = members.next() {
        let end = match members.peek() {
            Some((_, next)) if record.kind() == Kind::Struct => u64::from(next.bit_offset),
            _ => total,
        };
        let room = end.saturating_sub(u64::from(member.bit_offset));
        let size = size_of(budget, member.type_id)?;
        judge(index, &member, size, room)
            .map_err(|(within, reason)| Stop::Contradiction(at.saturating_add(within), reason))?;
        at = at.saturating_add(12);
    }
    Ok(())
}

/// The error is a reason, and the byte offset in the member it was found at.
fn judge(element: u32, member: &Member, size: Size, room: u64) -> Result<(), (u32, Reason)> {
    let size = match size {
        Size::Bits(size) => size,
        Size::Unknown => return Ok(()),
        Size::None(id, found) => {
            let reason = Reason::WrongTarget {
                element: Some(element),
                id,
                found,
                expected: Target::Sized,
            };
            return Err((4, reason));
        }
    };
    match member.bit_size {
        0 => has_room(element, size, room).map_err(|reason| (4, reason)),
        bits if u64::from(bits) <= size => {
            has_room(element, u64::from(bits), room).map_err(|reason| (8, reason))
        }
        bits => {
            let reason = Reason::BitFieldTooWide {
                element,
                bits,
                size,
            };
            Err((8, reason))
        }
    }
}

/// Checks that no variable of a DATASEC takes less than its type.
pub(super) fn variables(budget: &mut ReadBudget<'_, '_>, record: &Record<'_>) -> Result<(), Stop> {
    let mut at = RECORD_LEN;
    for (index, element) in (0..u32::MAX).zip(record.elements()) {
        let word = |at| read_u32(element, at).unwrap_or(0);
        let variable = budget.record(word(0))?;
        let type_id = variable.map_or(0, |variable| variable.type_id());
        if let Size::Bits(taken) = size_of(budget, type_id)? {
            has_room(index, taken, bits(word(8)))
                .map_err(|reason| Stop::Contradiction(at.saturating_add(8), reason))?;
        }
        at = at.saturating_add(12);
    }
    Ok(())
}

/// What the type `id` takes, through modifiers and arrays.
fn size_of(budget: &mut ReadBudget<'_, '_>, id: u32) -> Result<Size, Stop> {
    const CHAIN_LIMIT: u32 = 32;
    let (mut id, mut count) = (id, 1u64);
    for _ in 0..=CHAIN_LIMIT {
        let Some(record) = budget.record(id)? else {
            return Ok(Size::None(id, None));
        };
        let one = match record.kind() {
            kind if kind.is_modifier() => {
                id = record.type_id();
                continue;
            }
            Kind::Array => {
                let (element, _, elements) = record.array();
                count = count.saturating_mul(u64::from(elements));
                id = element;
                continue;
            }
            Kind::Ptr => POINTER_BITS,
            // Not all of its bytes, where it was made for a bit-field.
            Kind::Int => u64::from(record.extra() & 0xff),
            Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Float => {
                bits(record.size())
            }
            kind => return Ok(Size::None(id, Some(kind))),
        };
        return Ok(Size::Bits(one.saturating_mul(count)));
    }
    Ok(Size::Unknown)
}

fn bits(bytes: u32) -> u64 {
    u64::from(bytes).saturating_mul(8)
}

fn has_room(element: u32, bits: u64, room: u64) -> Result<(), Reason> {
    match bits <= room {
        true => Ok(()),
        false => Err(Reason::ElementTooLarge {
            element,
            bits,
            room,
        }),
    }
}
