// SPDX-License-Identifier: GPL-2.0

//! Types of vmlinux that a list asks for where no id could be kept.
//!
//! A distilled base holds no FUNC, and only what the module refers to, so that the word of
//! `BTF_ID(func, vfs_read)` is 0 in a module that has one, and in a standalone module. The symbol
//! still names the function, and vmlinux's type of that kind and name is what `resolve_btfids` would
//! find for a module built for this kernel. Sets are left as they are: once they are sorted, no
//! symbol identifies their words.

use super::{word_at, BtfIds, Form, Mark};
use crate::btf::{put_u32, to_usize, Btf, Kind, Record};
use crate::reloc::distilled::layout;
use crate::reloc::tables::{hash, heap_sort};

/// Types of one hash that are looked at, so that names made to collide cost ids and not time.
const STEPS: usize = 64;

/// A word of a list, and the type that its symbol asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'n> {
    kind: Kind,
    name: &'n [u8],
    hash: u32,
    offset: u32,
    found: Found,
}

/// Nothing yet.
impl Default for Asked<'_> {
    fn default() -> Self {
        Asked {
            kind: Kind::Func,
            name: &[],
            hash: 0,
            offset: 0,
            found: Found::None,
        }
    }
}

/// What vmlinux has of a kind and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    None,
    /// The type with the least id; others are the same.
    One(u32),
    /// Several that are not the same.
    Ambiguous,
}

impl BtfIds<'_> {
    /// Calls `visit` with each word of a list; `symbols` are those that the section was read with.
    pub fn asked<'n>(
        &self,
        symbols: impl Iterator<Item = (u64, &'n [u8])>,
        mut visit: impl FnMut(Asked<'n>),
    ) {
        for (offset, name) in symbols {
            let (Ok(offset), Some(Ok(Form::Id { kind, name }))) =
                (u32::try_from(offset), Form::of(name))
            else {
                continue;
            };
            let Some(kind) = kind_of(kind) else {
                continue;
            };
            if self.marks.at(offset) == Some(Mark::Id) {
                visit(Asked {
                    kind,
                    name,
                    hash: hash(name),
                    offset,
                    found: Found::None,
                });
            }
        }
    }
}

/// The kind that a symbol means by `word`.
pub fn kind_of(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"func" => Kind::Func,
        b"struct" => Kind::Struct,
        b"union" => Kind::Union,
        b"typedef" => Kind::Typedef,
        _ => return None,
    })
}

/// Puts the ids of the types of `base` that are asked for into those words of `section`, which was
/// patched, that are 0. Returns how many words that are.
#[inline(never)]
pub fn fill(section: &mut [u8], asked: &mut [Asked<'_>], base: &Btf<'_>) -> u32 {
    let missing = missing(section, asked);
    if missing.is_empty() {
        return 0;
    }
    let count = missing.len();
    heap_sort(
        missing,
        count,
        |asked, a, b| hash_of(asked, a) < hash_of(asked, b),
        swap,
    );
    for (id, record) in base.own_records() {
        if let Kind::Func | Kind::Struct | Kind::Union | Kind::Typedef = record.kind() {
            look(missing, base, id, &record);
        }
    }
    let mut filled = 0u32;
    for asked in missing.iter() {
        if let Found::One(id) = asked.found {
            let put = put_u32(section, to_usize(asked.offset), id);
            filled = filled.saturating_add(u32::from(put.is_some()));
        }
    }
    filled
}

/// Moves to the front what of `asked` has no id in `section`.
fn missing<'s, 'n>(section: &[u8], asked: &'s mut [Asked<'n>]) -> &'s mut [Asked<'n>] {
    let mut count = 0usize;
    for at in 0..asked.len() {
        let word = asked.get(at).map(|asked| word_at(section, asked.offset));
        if word == Some(0) {
            swap(asked, count, at);
            count = count.saturating_add(1);
        }
    }
    asked.get_mut(..count).unwrap_or_default()
}

fn hash_of(asked: &[Asked<'_>], at: usize) -> u32 {
    asked.get(at).map_or(0, |asked| asked.hash)
}

fn swap(asked: &mut [Asked<'_>], a: usize, b: usize) {
    if let (Some(x), Some(y)) = (asked.get(a).copied(), asked.get(b).copied()) {
        for (at, one) in [(a, y), (b, x)] {
            if let Some(place) = asked.get_mut(at) {
                *place = one;
            }
        }
    }
}

/// Notes the type `record`, the next in the order of ids, where it is asked for; `asked` is in the
/// order of hashes.
fn look(asked: &mut [Asked<'_>], base: &Btf<'_>, id: u32, record: &Record<'_>) {
    let name = base.name(record.name_off()).unwrap_or(&[]);
    let hash = hash(name);
    let (mut start, mut end) = (0usize, asked.len());
    while start < end {
        let middle = start.saturating_add(end.saturating_sub(start) / 2);
        match hash_of(asked, middle) < hash {
            true => start = middle.saturating_add(1),
            false => end = middle,
        }
    }
    let asked = asked.get_mut(start..).unwrap_or_default();
    let same_hash = asked.iter_mut().take_while(|asked| asked.hash == hash);
    for asked in same_hash.take(STEPS) {
        if asked.kind == record.kind() && asked.name == name {
            asked.found = match asked.found {
                Found::None => Found::One(id),
                Found::One(first) if !same(base, first, record) => Found::Ambiguous,
                found => found,
            };
        }
    }
}

/// Whether the type `first` is the same as `record`, of the same kind and name.
fn same(base: &Btf<'_>, first: u32, record: &Record<'_>) -> bool {
    let first = base.record(first);
    first.is_some_and(|first| match record.kind() {
        Kind::Struct | Kind::Union => layout::same(base, &first, record),
        _ => first.type_id() == record.type_id(),
    })
}
