// SPDX-License-Identifier: GPL-2.0

//! The records of a module: each symbol of a function that its BTF describes.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{anyhow, Result};
use rust_btfreloc::btf::{read_u32, Btf, Kind};
use rust_btfreloc::elf::{Elf, Symbol};
use rust_btfreloc::reloc::btf_ids::Form;
use rust_btfreloc::reloc::funcs::{FuncFlags, FuncRecord};

use super::symbol::{func_name, Defined};
use super::table::Row;
use super::traceable::Traceable;

/// Of a set8: its ids are kfuncs (`include/linux/btf_ids.h`).
const BTF_SET8_KFUNCS: u32 = 1 << 0;
/// The declaration tag of a kfunc.
const KFUNC: &[u8] = b"bpf_kfunc";

/// What was made of a module.
#[derive(Default)]
pub(super) struct Made<'a> {
    /// In the order of their type ids, then of their symbols.
    pub rows: Vec<Row>,
    /// How many symbols there are of each name that several FUNCs have: it cannot be known which is which.
    pub unclear: BTreeMap<&'a [u8], usize>,
    /// As many of each name of which only the kernel's own BTF has a FUNC, of the same prototype.
    pub in_base: BTreeMap<&'a [u8], usize>,
}

/// Makes the records of the file `image`, which has this BTF.
///
/// # Errors
///
/// The file is damaged.
pub(super) fn make<'a>(image: &'a [u8], btf: &Btf<'a>) -> Result<Made<'a>> {
    let elf = Elf::parse(image).map_err(|error| anyhow!("{error}"))?;
    let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?;
    let defined = Defined::of(&elf);
    let names = Names::of(btf);
    let kfuncs = kfuncs(&elf, symbols.iter(), btf);
    let traceable = Traceable::of(image, &symbols, &defined)?;
    let mut made = Made::default();
    for symbol in symbols.iter() {
        let named = func_name(symbol.name).filter(|_| defined.section(&symbol).is_some());
        let Some((name, mut flags)) = named else {
            continue;
        };
        let type_id = match names.own.get(name).map(Vec::as_slice) {
            Some([id]) => *id,
            Some(_) => {
                *made.unclear.entry(name).or_default() += 1;
                continue;
            }
            None => {
                if names.base.contains(name) {
                    *made.in_base.entry(name).or_default() += 1;
                }
                continue;
            }
        };
        flags = flags.with(defined.flags(&symbol));
        if kfuncs.contains(name) {
            flags = flags.with(FuncFlags::KFUNC);
        }
        if traceable.has(&symbol) {
            flags = flags.with(FuncFlags::TRACEABLE);
        }
        let record = FuncRecord {
            type_id,
            flags,
            addr: 0,
        };
        made.rows.push(Row {
            record,
            symbol: (!flags.has(FuncFlags::INIT)).then_some(symbol.index),
        });
    }
    in_order(&mut made.rows);
    mark_same_named(&mut made.rows);
    Ok(made)
}

/// Puts rows into the order of their type ids; those of one id keep theirs.
pub(super) fn in_order(rows: &mut [Row]) {
    rows.sort_by_key(|row| row.record.type_id);
}

/// Gives each that shares its FUNC with others the flag that says so.
fn mark_same_named(rows: &mut [Row]) {
    let same = rows.chunk_by_mut(|one, other| one.record.type_id == other.record.type_id);
    for rows in same.filter(|rows| rows.len() > 1) {
        for row in rows {
            row.record.flags = row.record.flags.with(FuncFlags::SAME_NAMED);
        }
    }
}

/// The FUNCs of BTF by their names.
struct Names<'a> {
    /// The module's own, with their ids.
    own: HashMap<&'a [u8], Vec<u32>>,
    /// Those of its base.
    base: HashSet<&'a [u8]>,
}

impl<'a> Names<'a> {
    fn of(btf: &Btf<'a>) -> Self {
        let mut own = HashMap::<_, Vec<_>>::new();
        for (id, record) in btf.own_records() {
            let name = btf.name(record.name_off());
            if let Some(name) = name.filter(|_| record.kind() == Kind::Func) {
                own.entry(name).or_default().push(id);
            }
        }
        let base = btf.base_records();
        let base = base.filter(|(_, record)| record.kind() == Kind::Func);
        let base = base.filter_map(|(_, record)| btf.name(record.name_off()));
        Names {
            own,
            base: base.collect(),
        }
    }
}

/// Names of the functions that BPF programs may call.
fn kfuncs<'a>(
    elf: &Elf<'a>,
    symbols: impl Iterator<Item = Symbol<'a>> + Clone,
    btf: &Btf<'a>,
) -> HashSet<&'a [u8]> {
    let mut kfuncs: HashSet<_> = tagged(btf).collect();
    let found = elf.section(b".BTF_ids");
    let Some((section, ids)) = found.and_then(|found| Some((found, elf.data(&found)?))) else {
        return kfuncs;
    };
    let own = symbols.filter(|symbol| symbol.section == Some(section.index));
    let forms = own.filter_map(|symbol| Some((symbol, Form::of(symbol.name)?.ok()?)));
    let sets = forms.clone().filter(|(set, form)| {
        let flags = usize::try_from(set.offset.saturating_add(4));
        let flags = flags.ok().and_then(|at| read_u32(ids, at)).unwrap_or(0);
        matches!(form, Form::Set8 { .. }) && flags & BTF_SET8_KFUNCS != 0
    });
    let sets: Vec<_> = sets
        .map(|(set, _)| set.offset..set.offset.saturating_add(set.size))
        .collect();
    // Where the ids of a set are sorted, its symbols still name all that are in it.
    kfuncs.extend(forms.filter_map(|(symbol, form)| match form {
        Form::Id { name, .. } => {
            let mut sets = sets.iter();
            sets.any(|set| set.contains(&symbol.offset)).then_some(name)
        }
        _ => None,
    }));
    kfuncs
}

/// Names of the types that have the declaration tag of a kfunc.
pub(super) fn tagged<'a>(btf: &Btf<'a>) -> impl Iterator<Item = &'a [u8]> {
    let btf = *btf;
    btf.own_records().filter_map(move |(_, record)| {
        let is_tag = record.kind() == Kind::DeclTag && btf.string_is(record.name_off(), KFUNC);
        let tagged = btf.record(record.type_id()).filter(|_| is_tag)?;
        btf.name(tagged.name_off())
    })
}
