// SPDX-License-Identifier: GPL-2.0

//! Finds the types of one kernel that another does not have as they were.

use std::collections::HashMap;

use rust_btfreloc::btf::{Btf, Kind, Record};
use rust_btfreloc::reloc::Base;
use rust_btfreloc::text::Name;

use super::alike::Alike;
use super::change::{Change, Changed};
use super::holders::Holders;
use super::layout::{details, size, Detail, What};

/// Pairs of types of one name that are compared each with each.
const MOST: usize = 1 << 12;

/// What is compared by name: the families, and FUNC.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Sort {
    Struct,
    Union,
    Enum,
    Int,
    Float,
    Typedef,
    Func,
}

impl Sort {
    fn of(record: &Record<'_>) -> Option<Self> {
        Some(match record.kind() {
            Kind::Struct => Sort::Struct,
            Kind::Union => Sort::Union,
            Kind::Enum | Kind::Enum64 => Sort::Enum,
            Kind::Int => Sort::Int,
            Kind::Float => Sort::Float,
            Kind::Typedef => Sort::Typedef,
            Kind::Func => Sort::Func,
            _ => return None,
        })
    }
}

/// The types of a kernel by what they are and by name, in the order of their ids.
type ByName<'a> = HashMap<(Sort, &'a [u8]), Vec<u32>>;

fn by_name<'a>(btf: &Btf<'a>) -> ByName<'a> {
    let mut found = ByName::new();
    for (id, record) in btf.own_records() {
        let name = btf.name(record.name_off());
        let named = Sort::of(&record).zip(name.filter(|name| !name.is_empty()));
        if let Some(named) = named {
            found.entry(named).or_default().push(id);
        }
    }
    found
}

/// The types of `old` that `new` has no more, or not like that, each with its own number first; and how
/// many types with a name `old` has.
pub(super) fn find(old: &Base<'_>, new: &Base<'_>) -> (Vec<Changed>, usize) {
    let alike = Alike::new(old.btf(), new.btf());
    let (names, new_names) = (by_name(old.btf()), by_name(new.btf()));
    let count = names.values().map(Vec::len).sum();
    let mut found = Vec::new();
    // By id: the types that are still there.
    let mut pairs = Vec::new();
    for ((sort, name), ids) in names {
        let there = new_names.get(&(sort, name)).map_or(&[][..], |ids| ids);
        for (id, new_id) in paired(&alike, &ids, there) {
            match new_id {
                Some(new_id) => pairs.push((id, new_id)),
                None => found.extend(gone(&alike, new, name, id, there.is_empty())),
            }
        }
    }
    for (id, new_id) in &pairs {
        found.extend(compared(&alike, *id, *new_id));
    }
    let holders = Holders::new(old.btf(), &found);
    for (id, _) in pairs {
        hold(old.btf(), &holders, id, &mut found);
    }
    found.sort_by_cached_key(|changed| (changed.change, changed.name.clone(), changed.id));
    (found, count)
}

/// Each of the types `ids` with that of `there` which it has become: those that are the same first,
/// then those of the same size, then the others, each in the order of their ids.
fn paired(alike: &Alike<'_, '_>, ids: &[u32], there: &[u32]) -> Vec<(u32, Option<u32>)> {
    let (mut left, mut free) = (ids.to_vec(), there.to_vec());
    let mut done = Vec::new();
    let same = |old, new| {
        size(alike.old(), old) == size(alike.new_btf(), new) && details(alike, old, new).is_empty()
    };
    let sized = |old, new| size(alike.old(), old) == size(alike.new_btf(), new);
    let tests: [&dyn Fn(u32, u32) -> bool; 3] = [&same, &sized, &|_, _| true];
    let few = ids.len().saturating_mul(there.len()) <= MOST;
    let single = ids.len() == 1 && there.len() == 1;
    let tests = match few && !single {
        true => &tests[..],
        false => &tests[2..],
    };
    for test in tests {
        left.retain(|old| match free.iter().position(|new| test(*old, *new)) {
            Some(at) => {
                done.push((*old, Some(free.remove(at))));
                false
            }
            None => true,
        });
    }
    done.extend(left.into_iter().map(|old| (old, None)));
    done
}

fn gone(alike: &Alike<'_, '_>, new: &Base<'_>, name: &[u8], id: u32, all: bool) -> Option<Changed> {
    let mut changed = changed(alike.old(), id, Change::Gone)?;
    let instead = new.named(name).map(|(_, record)| record.kind());
    let instead = instead.filter(|_| all).min_by_key(|kind| *kind as u8);
    changed.details.extend(match instead {
        Some(Kind::Fwd) => {
            let text = "only declared there".to_owned();
            Some(Detail::of(What::Kind, None, text))
        }
        Some(kind) => Some(Detail::of(What::Kind, None, format!("a {kind} there"))),
        None => None,
    });
    Some(changed)
}

/// What differs between the type `id` and what it has become.
fn compared(alike: &Alike<'_, '_>, id: u32, new_id: u32) -> Option<Changed> {
    let (size, new_size) = (size(alike.old(), id), size(alike.new_btf(), new_id));
    let details = details(alike, id, new_id);
    let change = match size == new_size {
        true if details.is_empty() => return None,
        true => Change::Changed,
        false => Change::Resized,
    };
    Some(Changed {
        new_size,
        details,
        ..changed(alike.old(), id, change)?
    })
}

fn changed(btf: &Btf<'_>, id: u32, change: Change) -> Option<Changed> {
    let record = btf.record(id)?;
    Some(Changed {
        kind: record.kind().to_string(),
        name: Name(btf.name(record.name_off())?).to_string(),
        change,
        size: size(btf, id),
        new_size: None,
        details: Vec::new(),
        holds: Vec::new(),
        modules: Vec::new(),
        id,
    })
}

/// Adds what the type `id` holds that is not as it was, to what is known of it or as all that is.
fn hold(btf: &Btf<'_>, holders: &Holders<'_, '_>, id: u32, found: &mut Vec<Changed>) {
    let held = holders.held(id);
    if held.is_empty() {
        return;
    }
    let held = held.into_iter().filter_map(|held| {
        let record = btf.record(held)?;
        let name = Name(btf.name(record.name_off())?).to_string();
        Some(format!("{} {name}", record.kind()))
    });
    let holds = held.collect();
    match holders.number(id).and_then(|at| found.get_mut(at)) {
        Some(known) => known.holds = holds,
        None => found.extend(
            changed(btf, id, Change::HoldsChanged).map(|changed| Changed {
                new_size: changed.size,
                holds,
                ..changed
            }),
        ),
    }
}
