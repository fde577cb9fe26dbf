// SPDX-License-Identifier: GPL-2.0

//! Whether two types of a base, of one name, kind and size, are the same.
//!
//! That two are laid out alike is not enough: vmlinux has structs of one name and layout whose pointers
//! lead to elements of other sizes, and a program that is given one for the other reads out of bounds.

use crate::btf::{read_u32, to_usize, Btf, Kind, Member, Record};

/// Levels of structs and unions that are compared member by member: all but the first without a name.
const LEVELS: usize = 9;

/// Whether `a` and `b` have the same members (name, offset, type id) or values (name, value).
///
/// The members of a member without a name count as members, too. BTF is deduplicated: another id is
/// another type.
pub(in crate::reloc) fn same(btf: &Btf<'_>, a: &Record<'_>, b: &Record<'_>) -> bool {
    if !same_head(btf, a, b) {
        return false;
    }
    // Kept level by level, as calls would be, in less of a kernel's stack.
    let mut levels = [Level::of(a, b); LEVELS];
    let mut depth = 0usize;
    while let Some(level) = levels.get_mut(depth) {
        match level.step(btf) {
            Step::Differ => return false,
            Step::Done => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            Step::Into(below) => {
                depth = depth.saturating_add(1);
                if let Some(level) = levels.get_mut(depth) {
                    *level = below;
                }
            }
        }
    }
    false
}

/// Whether all is the same but members.
fn same_head(btf: &Btf<'_>, a: &Record<'_>, b: &Record<'_>) -> bool {
    if a.kind() != b.kind() || a.size() != b.size() || a.vlen() != b.vlen() {
        return false;
    }
    match a.kind() {
        Kind::Enum | Kind::Enum64 => same_values(btf, a, b),
        _ => true,
    }
}

/// Two types whose members are being compared.
#[derive(Clone, Copy)]
struct Level {
    /// Where they are in the type part.
    a: u32,
    b: u32,
    /// Index of the next member.
    next: u32,
}

/// How far the members of a [`Level`] are the same.
enum Step {
    /// To the last.
    Done,
    /// Up to one without a name, of these types.
    Into(Level),
    Differ,
}

impl Level {
    fn of(a: &Record<'_>, b: &Record<'_>) -> Self {
        Level {
            a: a.at(),
            b: b.at(),
            next: 0,
        }
    }

    #[inline(never)]
    fn step(&mut self, btf: &Btf<'_>) -> Step {
        let record = |at| Record::parse(btf.blob().types(), at);
        let (Ok(a), Ok(b)) = (record(self.a), record(self.b)) else {
            return Step::Differ;
        };
        for (a, b) in a.members().zip(b.members()).skip(to_usize(self.next)) {
            self.next = self.next.saturating_add(1);
            let same = same_string(btf, a.name_off, b.name_off)
                && a.bit_offset == b.bit_offset
                && a.bit_size == b.bit_size;
            if !same {
                return Step::Differ;
            }
            if a.type_id == b.type_id {
                continue;
            }
            return match a.name_off {
                0 => Self::below(btf, &a, &b),
                _ => Step::Differ,
            };
        }
        Step::Done
    }

    /// The types of two members without a name.
    fn below(btf: &Btf<'_>, a: &Member, b: &Member) -> Step {
        match (btf.unmodified(a.type_id), btf.unmodified(b.type_id)) {
            (Some((_, a)), Some((_, b))) if same_head(btf, &a, &b) => Step::Into(Self::of(&a, &b)),
            _ => Step::Differ,
        }
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
