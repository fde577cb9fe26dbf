// SPDX-License-Identifier: GPL-2.0

//! Walks from the types of a module, as it was on the kernel it was built for, and from those of a
//! result side by side, and asks that every reference still leads to the same.
//!
//! The core is believed in one thing only: which type of the result each of the module's own types
//! became, which the walk then checks. All else it finds itself, and libbpf reads both sides.

use super::carried::{form, Form};
use super::compare::{check, same_type};
use super::table::{may_be_distilled, may_become};
use super::{Btf, Type, ENUM, ENUM64, FUNC_PROTO, FWD, STRUCT, UNION, VAR};

/// A walk that found nothing wrong.
#[derive(Debug)]
pub struct Walked {
    /// References that were followed in the result.
    pub references: u64,
    /// Types that vmlinux has no match for.
    pub opaque: usize,
    /// What each type became, by its id before; void where it was not met.
    became: Vec<u32>,
}

impl Walked {
    /// What the types that were met became.
    pub fn became(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let pairs = (0..).zip(self.became.iter().copied());
        pairs.filter(|(_, new)| *new != 0)
    }
}

/// Walks from every type of the module; the error says which reference no longer leads to the same.
///
/// `before` is the module on the kernel it was built for, `after` the result on the kernel it was
/// taken to, `claimed` the id in `after` that the core gives for each of the module's own types.
pub fn walk(
    before: &Btf<'_>,
    after: &Btf<'_>,
    claimed: impl Fn(u32) -> Option<u32>,
) -> Result<Walked, String> {
    let mut walk = Walk {
        before,
        after,
        became: vec![0; before.end_id() as usize],
        open: Vec::new(),
        references: 0,
        opaque: 0,
        array: None,
    };
    for old in before.start_id()..before.end_id() {
        let new = claimed(old).ok_or_else(|| format!("type [{old}] of the module is lost"))?;
        walk.meet(old, new)
            .map_err(|what| format!("[{old}]: {what}"))?;
    }
    while let Some((old, new)) = walk.open.pop() {
        walk.enter(old, new)
            .map_err(|what| format!("[{old}] is not [{new}]: {what}"))?;
    }
    walk.nothing_else()?;
    Ok(Walked {
        references: walk.references,
        opaque: walk.opaque,
        became: walk.became,
    })
}

struct Walk<'a> {
    before: &'a Btf<'a>,
    after: &'a Btf<'a>,
    became: Vec<u32>,
    /// Pairs that were met and not entered yet.
    open: Vec<(u32, u32)>,
    references: u64,
    opaque: usize,
    /// The array that the members of opaque composites are.
    array: Option<u32>,
}

impl Walk<'_> {
    /// A reference to `old` is one to `new` now.
    fn meet(&mut self, old: u32, new: u32) -> Result<(), String> {
        if old == 0 || new == 0 {
            return check(old == new, || format!("[{old}] became [{new}], void"));
        }
        let known = self.became.get_mut(old as usize).ok_or("no such type")?;
        if *known == 0 {
            *known = new;
            self.open.push((old, new));
        }
        check(*known == new, || {
            format!("[{old}] is both [{known}] and [{new}]")
        })
    }

    fn enter(&mut self, old: u32, new: u32) -> Result<(), String> {
        let (a, b) = (self.before.get(old), self.after.get(new));
        let (a, b) = (a.ok_or("no such type")?, b.ok_or("past the end")?);
        let own = new >= self.after.start_id();
        match (is_summary(self.before, old, a), own) {
            (true, true) => self.is_opaque(a, b),
            (true, false) => stands_for(a, b),
            (false, true) => self.is_unchanged(a, b),
            (false, false) => Err("a type of the module's own became vmlinux's".to_owned()),
        }
    }

    /// All words are the same, and every reference leads to the same, as large as it was.
    fn is_unchanged(&mut self, a: Type<'_>, b: Type<'_>) -> Result<(), String> {
        let (before, after, holds) = (self.before, self.after, holds_values(a));
        same_type(before, a, after, b, |old, new| {
            self.references += 1;
            self.meet(old, new)?;
            let size = if holds { before.size_of(old) } else { None };
            match size {
                Some(size) => check(after.size_of(new) == Some(size), || {
                    format!("[{old}] of {size} bytes became [{new}]")
                }),
                None => Ok(()),
            }
        })
    }

    /// What vmlinux has no match for is kept without its members: its name, or its size.
    fn is_opaque(&mut self, a: Type<'_>, b: Type<'_>) -> Result<(), String> {
        self.opaque += 1;
        let Form::Unnamed(array) = form((self.before, a), (self.after, b))? else {
            return Ok(());
        };
        // A distilled base does not record whether the values of an enum have a sign.
        check(!b.kflag(), || "a sign")?;
        if array.is_some() {
            let array = std::mem::replace(&mut self.array, array).or(array);
            check(self.array == array, || "two arrays for members")?;
        }
        Ok(())
    }

    /// Each type of the result was met, and none twice.
    fn nothing_else(&self) -> Result<(), String> {
        let mut met = vec![false; self.after.own_count() as usize];
        for new in &self.became {
            let Some(own) = new.checked_sub(self.after.start_id()) else {
                continue;
            };
            let twice = std::mem::replace(&mut met[own as usize], true);
            check(!twice, || format!("two types became [{new}]"))?;
        }
        // Their array, and the pointer before it.
        for new in self.array.into_iter().flat_map(|array| [array - 1, array]) {
            met[(new - self.after.start_id()) as usize] = true;
        }
        check(met.iter().all(|met| *met), || {
            "the result has types that the module does not need"
        })
    }
}

/// Whether of this type of the base only kind, name and size are recorded.
fn is_summary(before: &Btf<'_>, id: u32, type_: Type<'_>) -> bool {
    id < before.start_id() && !type_.name.is_empty() && may_be_distilled(type_)
}

/// Same name, a kind that the design allows, and the size where that makes the type.
fn stands_for(a: Type<'_>, b: Type<'_>) -> Result<(), String> {
    let kinds = match (a.kind(), b.kind()) {
        (ENUM64, ENUM | ENUM64) => true,
        _ => may_become(a, b),
    };
    let sized = !matches!(a.kind(), FWD | STRUCT | UNION);
    check(a.name == b.name && kinds, || "another kind or name")?;
    check(!sized || a.word() == b.word(), || "another size")
}

/// Whether what the type refers to lies in it, directly or in arrays, so that its size counts.
fn holds_values(type_: Type<'_>) -> bool {
    matches!(type_.kind(), STRUCT | UNION | VAR | FUNC_PROTO)
}
