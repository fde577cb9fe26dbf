// SPDX-License-Identifier: GPL-2.0

//! What the kernel needs to know of kfuncs and DWARF does not have, as `resolve_btfids` adds it
//! (`btf2btf` in `tools/bpf/resolve_btfids/main.c`).
//!
//! | flag in the set8 | what is added |
//! | --- | --- |
//! | any | declaration tag `bpf_kfunc` |
//! | `KF_FASTCALL` | declaration tag `bpf_fastcall` |
//! | `KF_IMPLICIT_ARGS` | function `NAME_impl` with the prototype; the kfunc gets one that ends before the implicit arguments |
//! | `KF_ARENA_*`, or a parameter named `*__arena` | type attribute `address_space(1)` after the pointer |

use std::collections::BTreeMap;

use anyhow::{anyhow, bail, Context, Result};
use rust_btfreloc::btf::{read_u32, Btf, Kind, Record};
use rust_btfreloc::elf::{Elf, Symbol};
use rust_btfreloc::reloc::btf_ids::Form;
use rust_btfreloc::text::Name;

use super::extend::ExtendedBtf;
use crate::status::Finding;

/// Of a set8: its ids are kfuncs (`include/linux/btf_ids.h`).
const BTF_SET8_KFUNCS: u32 = 1 << 0;
// Of an id in it (`include/linux/btf.h`).
const KF_FASTCALL: u32 = 1 << 12;
const KF_ARENA_RET: u32 = 1 << 13;
const KF_ARENA_ARG1: u32 = 1 << 14;
const KF_ARENA_ARG2: u32 = 1 << 15;
const KF_IMPLICIT_ARGS: u32 = 1 << 16;

const KFUNC: &[u8] = b"bpf_kfunc";
const FASTCALL: &[u8] = b"bpf_fastcall";
const ARENA: &[u8] = b"address_space(1)";
const ARENA_PARAMETERS: [&[u8]; 2] = [b"__arena", b"__arena__nullable"];
const IMPLICIT_ARGUMENTS: [&[u8]; 2] = [b"bpf_prog_aux", b"btf_struct_meta"];

/// Bytes of an entry of a set8, and before its first.
pub(super) const PAIR: usize = 8;

/// `btf` of the module `elf` with what its kfuncs need; `None` where it has none.
///
/// # Errors
///
/// Its symbols are damaged, a kfunc has several flags, or a flag does not fit a prototype.
pub(super) fn tag(elf: &Elf<'_>, btf: Btf<'_>) -> Result<Option<Vec<u8>>> {
    let kfuncs = find(elf, &btf)?;
    if kfuncs.is_empty() {
        return Ok(None);
    }
    let mut extended = ExtendedBtf::new(btf);
    for (id, kfunc) in &kfuncs {
        let tagged = tag_kfunc(&mut extended, *id, kfunc);
        tagged.with_context(|| format!("kfunc {}", Name(kfunc.name)))?;
    }
    extended.bytes().context("too much BTF").map(Some)
}

struct Kfunc<'e> {
    name: &'e [u8],
    flags: u32,
}

/// The kfuncs of the module by their ids; those that have no BTF are left out.
fn find<'e>(elf: &Elf<'e>, btf: &Btf<'_>) -> Result<BTreeMap<u32, Kfunc<'e>>> {
    let mut kfuncs = BTreeMap::<u32, Kfunc<'e>>::new();
    for (name, flags) in named(elf)? {
        let Some(id) = function(btf, name) else {
            continue;
        };
        let kfunc = kfuncs.entry(id).or_insert(Kfunc { name, flags });
        if kfunc.flags != flags {
            let (name, one) = (Name(name), kfunc.flags);
            bail!("kfunc {name} has the flags {one:#x} in one set and {flags:#x} in another");
        }
    }
    Ok(kfuncs)
}

/// Names and flags of what is in sets of kfuncs.
///
/// Symbols have the names as long as the sets are not sorted, as they are once ids are filled in.
fn named<'e>(elf: &Elf<'e>) -> Result<Vec<(&'e [u8], u32)>> {
    let found = elf.section(b".BTF_ids");
    let Some((section, ids)) = found.and_then(|found| Some((found, elf.data(&found)?))) else {
        return Ok(Vec::new());
    };
    let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?;
    let symbols = symbols.iter();
    let len = ids.len() as u64;
    let inside = |symbol: &Symbol<'_>| symbol.offset < len && symbol.size <= len;
    let symbols = symbols.filter(|symbol| symbol.section == Some(section.index) && inside(symbol));
    let forms = symbols.filter_map(|symbol| Some((symbol, Form::of(symbol.name)?.ok()?)));
    let word = |at: u64| read_u32(ids, usize::try_from(at).ok()?);
    let (mut names, mut sets) = (BTreeMap::new(), Vec::new());
    for (symbol, form) in forms {
        match form {
            Form::Id { name, .. } => drop(names.insert(symbol.offset, name)),
            Form::Set8 { .. } => sets.push(symbol),
            Form::Set(_) => {}
        }
    }
    let is_kfuncs = |at: u64| word(at + 4).is_some_and(|flags| flags & BTF_SET8_KFUNCS != 0);
    sets.retain(|set| is_kfuncs(set.offset));
    if let Some(set) = sets.iter().find(|set| word(set.offset) != Some(0)) {
        let (at, name) = (set.offset, Name(set.name));
        bail!(Finding(format!(
            ".BTF_ids offset {at}: {name} was filled in before, and which flags belong to which kfunc is \
             no longer known: build the module again"
        )));
    }
    let entries = sets.iter();
    let pair = PAIR as u64;
    let entries = entries.flat_map(|set| (1..set.size / pair).map(|at| set.offset + at * pair));
    let named = entries.filter_map(|at| Some((*names.get(&at)?, word(at + 4)?)));
    Ok(named.collect())
}

fn tag_kfunc(extended: &mut ExtendedBtf<'_>, id: u32, kfunc: &Kfunc<'_>) -> Result<()> {
    extended.tag(KFUNC, id, None);
    let fastcall = kfunc.flags & KF_FASTCALL != 0;
    if fastcall {
        extended.tag(FASTCALL, id, None);
    }
    let mut prototype = Prototype::of(extended, id).context("no prototype")?;
    let before = prototype.clone();
    if kfunc.flags & KF_IMPLICIT_ARGS != 0 {
        implementation(extended, id, kfunc.name, fastcall);
        prototype.drop_implicit(&extended.before);
    }
    prototype.mark_arena(extended, kfunc.flags)?;
    if prototype != before {
        let new = extended.prototype(prototype.returned, &prototype.parameters);
        extended.refer(id, new);
    }
    Ok(())
}

/// Adds `NAME_impl`, which has all arguments, with the tags of the kfunc, unless the source has it.
fn implementation(extended: &mut ExtendedBtf<'_>, id: u32, name: &[u8], fastcall: bool) {
    let btf = extended.before;
    let name = [name, b"_impl"].concat();
    if function(&btf, &name).is_some() {
        return;
    }
    let Some(kfunc) = btf.record(id) else {
        return;
    };
    let function = extended.function(&name, kfunc.vlen(), kfunc.type_id());
    let tags = btf
        .own_records()
        .filter(|(_, record)| record.kind() == Kind::DeclTag);
    for (_, tag) in tags.filter(|(_, record)| record.type_id() == id) {
        match btf.string(tag.name_off()) {
            None | Some(KFUNC) => {}
            Some(text) => drop(extended.tag(text, function, Some(&tag))),
        }
    }
    if fastcall {
        extended.tag(FASTCALL, function, None);
    }
}

/// What a function returns, and the offset of the name and the type of each parameter.
#[derive(Clone, PartialEq, Eq)]
struct Prototype {
    returned: u32,
    parameters: Vec<(u32, u32)>,
}

impl Prototype {
    /// That of the function `id`.
    fn of(extended: &ExtendedBtf<'_>, id: u32) -> Option<Self> {
        let function = extended.before.record(id)?;
        let record = extended.before.record(function.type_id())?;
        let pair = |element: &[u8]| Some((read_u32(element, 0)?, read_u32(element, 4)?));
        Some(Prototype {
            returned: record.type_id(),
            parameters: record.elements().filter_map(pair).collect(),
        })
    }

    /// The kernel passes these itself; they are the last.
    fn drop_implicit(&mut self, btf: &Btf<'_>) {
        let mut parameters = self.parameters.iter();
        if let Some(first) = parameters.position(|(_, id)| is_implicit(btf, *id)) {
            self.parameters.truncate(first);
        }
    }

    fn mark_arena(&mut self, extended: &mut ExtendedBtf<'_>, flags: u32) -> Result<()> {
        if flags & KF_ARENA_RET != 0 {
            self.returned = in_arena(extended, self.returned)?;
        }
        let flagged = [KF_ARENA_ARG1, KF_ARENA_ARG2].map(|flag| flags & flag != 0);
        let flagged = flagged.into_iter().chain(std::iter::repeat(false));
        for ((name, id), flagged) in self.parameters.iter_mut().zip(flagged) {
            let name = extended.before.string(*name).unwrap_or(&[]);
            if flagged || ARENA_PARAMETERS.iter().any(|end| name.ends_with(end)) {
                *id = in_arena(extended, *id)?;
            }
        }
        Ok(())
    }
}

/// The same pointer, to what is in an arena.
fn in_arena(extended: &mut ExtendedBtf<'_>, id: u32) -> Result<u32> {
    let pointer = extended.before.record(id);
    let pointer = pointer.filter(|record| record.kind() == Kind::Ptr);
    let pointer = pointer.context("what is in an arena is no pointer")?;
    let target = extended.type_attribute(ARENA, pointer.type_id());
    Ok(extended.reference(Kind::Ptr, b"", target))
}

fn is_implicit(btf: &Btf<'_>, id: u32) -> bool {
    let pointer = btf
        .unmodified(id)
        .filter(|(_, record)| record.kind() == Kind::Ptr);
    let target = pointer.and_then(|(_, record)| btf.unmodified(record.type_id()));
    let name = |record: Record<'_>| btf.string(record.name_off());
    target.is_some_and(|(_, record)| {
        record.kind() == Kind::Struct
            && name(record).is_some_and(|name| IMPLICIT_ARGUMENTS.contains(&name))
    })
}

/// The id of the module's own function of this name.
fn function(btf: &Btf<'_>, name: &[u8]) -> Option<u32> {
    let mut functions = btf
        .own_records()
        .filter(|(_, record)| record.kind() == Kind::Func);
    let found = functions.find(|(_, record)| btf.string_is(record.name_off(), name));
    found.map(|(id, _)| id)
}
