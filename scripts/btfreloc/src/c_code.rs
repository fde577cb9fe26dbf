// SPDX-License-Identifier: GPL-2.0

//! What the kernel's own code says to a module's BTF when it is left alone with it.
//!
//! The rules are those of `btf_relocate` in `tools/lib/bpf/btf_relocate.c`, which the kernel and
//! libbpf share, with what they do wrong; `tests/c_code.rs` holds them against libbpf.

use std::collections::HashSet;

use rust_btfreloc::btf::{
    to_usize, verify, Bits, Blob, Btf, Error, Form, Kind, Record, Section, Table,
};
use rust_btfreloc::reloc::{check_distilled, check_plain, Base, Input, Survey};
use rust_btfreloc::text::Name;

/// What the kernel says, and what its code makes of each distilled type.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the module loads.
    pub answer: Answer,
    /// By distilled id, less 1; empty where there is nothing to match.
    pub fates: Vec<KernelMatch>,
}

/// What the kernel says.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The BTF is registered.
    Accepts,
    /// The module fails to load; why.
    Refuses(String),
    /// The code reads memory that is not its own; why.
    Undefined(String),
}

/// What the code makes of a distilled type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelMatch {
    /// Nothing, and refuses the module.
    Unmapped,
    /// This vmlinux type.
    Mapped(u32),
    /// It finds two, and refuses the module.
    Several(u32, u32),
}

/// What the kernel says to `input` when its own BTF is `base`; `None` where it knows more BTF than is
/// known here.
pub fn verdict(base: &Base<'_>, input: &Input<'_>) -> Option<Verdict> {
    let refused = |words| Verdict {
        answer: Answer::Refuses(words),
        fates: Vec::new(),
    };
    match judge(base, input) {
        Ok(verdict) => Some(verdict),
        Err(malformed) => malformed.map(refused),
    }
}

/// The error is what is malformed; `None` where the kernel may take it for all that is known here.
fn judge(base: &Base<'_>, input: &Input<'_>) -> Result<Verdict, Option<String>> {
    let known = base.known();
    let words = |error: &Error| (!known.may_take(error)).then(|| error.to_string());
    let survey = Survey::of(base, input).map_err(|error| words(&error))?;
    let words = |error| words(&error).map(|_| survey.describe(base, error).to_string());
    let Some(btf_base) = input.btf_base else {
        let mut scratch = vec![0; survey.verify_len()];
        check_plain(base, &survey, &mut scratch).map_err(words)?;
        return Ok(Verdict {
            answer: Answer::Accepts,
            fates: Vec::new(),
        });
    };
    let blob = Blob::parse(Section::BtfBase, Form::Base, btf_base).map_err(words)?;
    let mut offsets = vec![0; Table::needs(survey.distilled_count(), 0)];
    let table = Table::build(&blob, 1, &mut offsets, 0).map_err(words)?;
    let distilled = Btf::alone(blob, table);
    let blob = Blob::parse(Section::Btf, Form::Split, input.btf).map_err(words)?;
    let mut offsets = vec![0; Table::needs(survey.split_count(), 0)];
    let table = Table::build(&blob, distilled.end_id(), &mut offsets, 0).map_err(words)?;
    let split = Btf::split(&distilled, blob, table);

    types_hold(base, &distilled).map_err(words)?;
    types_hold(base, &split).map_err(words)?;
    check_distilled(&distilled).map_err(words)?;
    if let Err(error) = verify::references(&split) {
        return Ok(Verdict {
            answer: Answer::Undefined(survey.describe(base, error).to_string()),
            fates: Vec::new(),
        });
    }
    Ok(matched(base, &distilled, &split))
}

fn types_hold(base: &Base<'_>, btf: &Btf<'_>) -> Result<(), Error> {
    let mut words = vec![0; Bits::needs(btf.blob().strings_len())];
    verify::kernel_verdict(btf, &base.known(), &mut Bits::new(&mut words))
}

fn matched(base: &Base<'_>, distilled: &Btf<'_>, split: &Btf<'_>) -> Verdict {
    let embedded = embedded(split);
    let fate = |(id, record): (u32, Record<'_>)| {
        let name = distilled.string(record.name_off()).unwrap_or(&[]);
        fate(base, &record, name, embedded.contains(&id))
    };
    let fates: Vec<_> = distilled.own_records().map(fate).collect();
    let refusal = unmatched(distilled, &fates).or_else(|| foreign_string(distilled, split));
    Verdict {
        answer: refusal.map_or(Answer::Accepts, Answer::Refuses),
        fates,
    }
}

/// The distilled types that are members of the module's structs and unions, through modifiers and
/// arrays: variables, parameters and results do not count.
fn embedded(split: &Btf<'_>) -> HashSet<u32> {
    let (mut embedded, mut walked) = (HashSet::new(), HashSet::new());
    for (_, record) in split.own_records() {
        for member in record.members() {
            let mut id = member.type_id;
            // What was walked before leads nowhere new.
            while walked.insert(id) {
                match split.record(id) {
                    Some(record) if record.kind().is_modifier() => id = record.type_id(),
                    Some(record) if record.kind() == Kind::Array => id = record.array().0,
                    Some(record) if record.kind().is_composite() && id < split.start_id() => {
                        embedded.insert(id);
                    }
                    _ => {}
                }
            }
        }
    }
    embedded
}

/// Goes through vmlinux's types of this name in the order of their ids.
fn fate(base: &Base<'_>, distilled: &Record<'_>, name: &[u8], embedded: bool) -> KernelMatch {
    let mut found = KernelMatch::Unmapped;
    for (id, candidate) in base.named(name) {
        let same_size = size(&candidate) == size(distilled);
        if (needs_size(base, &candidate, name) && !same_size) || !compatible(distilled, &candidate)
        {
            continue;
        }
        match found {
            // The first match takes the place of the mark that the type is embedded.
            KernelMatch::Unmapped if embedded && candidate.size() != distilled.size() => {}
            KernelMatch::Unmapped => found = KernelMatch::Mapped(id),
            KernelMatch::Mapped(first) | KernelMatch::Several(first, _) => {
                return KernelMatch::Several(first, id)
            }
        }
    }
    found
}

/// Sizes are kept in a field of 31 bits.
fn size(record: &Record<'_>) -> u32 {
    record.size() & (u32::MAX >> 1)
}

/// Whether a candidate is found only by a distilled type of its size: structs and unions are where
/// vmlinux has several of the name.
fn needs_size(base: &Base<'_>, candidate: &Record<'_>, name: &[u8]) -> bool {
    match candidate.kind() {
        Kind::Fwd => false,
        kind if kind.is_composite() => {
            let named = base.named(name).filter(|(_, other)| {
                other.kind().is_composite() && other.name_off() == candidate.name_off()
            });
            named.count() > 1
        }
        _ => true,
    }
}

/// The kind of a candidate for a struct or union is not looked at, and where a forward declaration
/// meets a definition, the flag of bit-fields is taken for that of a union.
fn compatible(distilled: &Record<'_>, candidate: &Record<'_>) -> bool {
    match (distilled.kind(), candidate.kind()) {
        (Kind::Fwd, Kind::Fwd) => distilled.kflag() == candidate.kflag(),
        (Kind::Fwd, Kind::Struct) => !candidate.kflag(),
        (Kind::Fwd, Kind::Union) => candidate.kflag(),
        (Kind::Int, Kind::Int) => distilled.int_encoding() == candidate.int_encoding(),
        (Kind::Float, Kind::Float) | (Kind::Enum, Kind::Enum | Kind::Enum64) => true,
        (Kind::Struct | Kind::Union, _) => true,
        _ => false,
    }
}

/// The first type that stops the code: of two matches while it looks, of none when it has looked.
fn unmatched(distilled: &Btf<'_>, fates: &[KernelMatch]) -> Option<String> {
    let types = || distilled.own_records().zip(fates);
    let several = types().filter_map(|((id, record), fate)| match fate {
        KernelMatch::Several(first, second) => Some((*second, *first, id, record)),
        _ => None,
    });
    if let Some((second, first, id, record)) = several.min_by_key(|(second, ..)| *second) {
        let type_ = described(distilled, id, &record);
        return Some(format!("{type_}: several match, [{first}] and [{second}]"));
    }
    let mut unmapped = types().filter(|(_, fate)| **fate == KernelMatch::Unmapped);
    let ((id, record), _) = unmapped.next()?;
    Some(format!(
        "{}: none matches",
        described(distilled, id, &record)
    ))
}

/// A string of the module that is in `.BTF.base` and names none of its types.
fn foreign_string(distilled: &Btf<'_>, split: &Btf<'_>) -> Option<String> {
    let types = distilled.own_records();
    let names: HashSet<u32> = types.map(|(_, record)| record.name_off()).collect();
    let foreign = |off: u32| off != 0 && off < split.start_str_off() && !names.contains(&off);
    split.own_records().find_map(|(id, record)| {
        let found = record.each_string(|at, off| match foreign(off) {
            true => Err((at, off)),
            false => Ok(()),
        });
        let (at, off) = found.err()?;
        let types_start = to_usize(split.blob().types_start());
        let offset = types_start + to_usize(record.at()) + to_usize(at);
        Some(format!(
            ".BTF offset {offset}, type [{id}]: string {off} is in .BTF.base and names no type there"
        ))
    })
}

fn described(distilled: &Btf<'_>, id: u32, record: &Record<'_>) -> String {
    let name = Name(distilled.string(record.name_off()).unwrap_or(&[]));
    format!(".BTF.base type [{id}] {} {name}", record.kind())
}

impl KernelMatch {
    /// The vmlinux types that were found.
    pub fn ids(self) -> Vec<u32> {
        match self {
            KernelMatch::Unmapped => Vec::new(),
            KernelMatch::Mapped(id) => vec![id],
            KernelMatch::Several(first, second) => vec![first, second],
        }
    }
}
