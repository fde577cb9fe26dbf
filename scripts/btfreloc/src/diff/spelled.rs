// SPDX-License-Identifier: GPL-2.0

//! A type as C spells it, for a line of text.

use rust_btfreloc::btf::{Btf, Kind, Record};
use rust_btfreloc::text::short;

/// Types that one line shows.
const MOST: u32 = 48;

/// The type `id`.
pub(super) fn spelled(btf: &Btf<'_>, id: u32) -> String {
    let mut left = MOST;
    spell(btf, id, "", &mut left)
}

/// The function of the prototype `id`.
pub(super) fn prototype(btf: &Btf<'_>, id: u32) -> String {
    let mut left = MOST;
    match btf.record(id) {
        Some(record) if record.kind() == Kind::FuncProto => function(btf, &record, "", &mut left),
        _ => spell(btf, id, "", &mut left),
    }
}

/// The type `id` around what is declared of it, such as `*`.
fn spell(btf: &Btf<'_>, id: u32, inner: &str, left: &mut u32) -> String {
    let Some(rest) = left.checked_sub(1) else {
        return "...".to_owned();
    };
    *left = rest;
    let Some(record) = btf.record(id) else {
        return declared("void", inner);
    };
    let qualified = |with: &str, left: &mut u32| match btf.record(record.type_id()) {
        Some(target) if target.kind() == Kind::Ptr => {
            let inner = format!(" {with}{inner}");
            spell(btf, record.type_id(), &inner, left)
        }
        _ => format!("{with} {}", spell(btf, record.type_id(), inner, left)),
    };
    match record.kind() {
        Kind::Ptr => {
            let inner = format!("*{inner}");
            let target = btf
                .unmodified(record.type_id())
                .map(|(_, target)| target.kind());
            let direct = btf.record(record.type_id()).map(|target| target.kind());
            match target.filter(|_| direct != Some(Kind::Typedef)) {
                Some(Kind::FuncProto | Kind::Array) => {
                    spell(btf, record.type_id(), &format!("({inner})"), left)
                }
                _ => spell(btf, record.type_id(), &inner, left),
            }
        }
        Kind::Array => {
            let (element, _, count) = record.array();
            spell(btf, element, &format!("{inner}[{count}]"), left)
        }
        Kind::FuncProto => function(btf, &record, inner, left),
        Kind::Const => qualified("const", left),
        Kind::Volatile => qualified("volatile", left),
        // They say nothing of what is there.
        Kind::Restrict | Kind::TypeTag => spell(btf, record.type_id(), inner, left),
        _ => declared(&named(btf, &record), inner),
    }
}

fn function(btf: &Btf<'_>, record: &Record<'_>, inner: &str, left: &mut u32) -> String {
    let parameters = record.elements().filter_map(|parameter| {
        let id = parameter.get(4..8)?.try_into().ok()?;
        Some(u32::from_ne_bytes(id))
    });
    let parameters: Vec<_> = parameters.collect();
    let last = parameters.len().saturating_sub(1);
    let mut shown = Vec::new();
    for (at, id) in parameters.iter().enumerate() {
        shown.push(match *left {
            0 => break,
            // Without a type, the last is for any number of them.
            _ if at == last && *id == 0 => "...".to_owned(),
            _ => spell(btf, *id, "", left),
        });
    }
    let shown = match shown.is_empty() {
        true => "void".to_owned(),
        false => shown.join(", "),
    };
    spell(btf, record.type_id(), &format!("{inner}({shown})"), left)
}

/// A type with what is declared of it: `int *`, `char[4]`, `void (*)(int)`.
fn declared(name: &str, inner: &str) -> String {
    match inner.chars().next() {
        None => name.to_owned(),
        Some('[' | ' ') => format!("{name}{inner}"),
        Some(_) => format!("{name} {inner}"),
    }
}

fn named(btf: &Btf<'_>, record: &Record<'_>) -> String {
    let name = btf.name(record.name_off()).unwrap_or(&[]);
    let tag = match record.kind() {
        Kind::Struct => "struct ",
        Kind::Union => "union ",
        Kind::Enum | Kind::Enum64 => "enum ",
        Kind::Fwd if record.kflag() => "union ",
        Kind::Fwd => "struct ",
        _ => "",
    };
    match name {
        [] => format!("{tag}{{...}}"),
        name => format!("{tag}{}", short(name)),
    }
}
