// SPDX-License-Identifier: GPL-2.0

//! The BTF of a file, for people: one screen.

use std::io::Write;

use anyhow::Result;

use super::file::{Parsed, Parts};
use super::{File, FileKind, FuncTable, Ids, SectionReport};
use crate::input::Content;
use crate::terminal::shown;

/// How many lists and sets of ids, and functions, are shown; JSON has all.
const SHOWN: usize = 8;

pub(super) fn write(out: &mut impl Write, file: &File) -> Result<()> {
    let content = match file.content {
        Content::Elf => "ELF",
        Content::RawBtf => "raw BTF",
    };
    let wrapping = file.wrapping.iter().map(|with| format!("{with}, "));
    let wrapping: String = wrapping.collect();
    writeln!(
        out,
        "{}: {wrapping}{content} of {} bytes",
        shown(&file.file),
        file.size
    )?;
    writeln!(out, "  {}", sort(file.sort))?;
    if let Some(why) = &file.stale {
        writeln!(out, "  stale: {why}")?;
    }
    for section in &file.sections {
        write_section(out, section)?;
    }
    if let Some(ids) = &file.ids {
        write_ids(out, ids)?;
    }
    match &file.funcs {
        Some(funcs) => write_funcs(out, funcs),
        None => Ok(()),
    }
}

fn sort(sort: FileKind) -> &'static str {
    match sort {
        FileKind::None => "no BTF",
        FileKind::Standalone => "standalone BTF",
        FileKind::Distilled => "split BTF on a distilled base of its own",
        FileKind::PlainSplit => "plain split BTF, for the vmlinux it was built with only",
        FileKind::Empty => "no types: fits every kernel",
    }
}

fn write_section(out: &mut impl Write, section: &SectionReport) -> Result<()> {
    let SectionReport {
        name,
        size,
        content,
    } = section;
    let name = if name.is_empty() { "BTF" } else { name };
    match content {
        Parsed::Malformed(words) => writeln!(out, "  {name}: {size} bytes, malformed: {words}")?,
        Parsed::Parts(parts) => {
            let Parts {
                header,
                types,
                strings,
                layout,
                layout_kinds,
                ..
            } = parts;
            write!(
                out,
                "  {name}: {size} bytes: header {header}, types {types}"
            )?;
            if *layout != 0 {
                write!(out, ", layout {layout} ({layout_kinds} kinds)")?;
            }
            writeln!(out, ", strings {strings}")?;
            write_kinds(out, parts)?;
        }
    }
    Ok(())
}

fn write_kinds(out: &mut impl Write, parts: &Parts) -> Result<()> {
    let mut kinds: Vec<_> = parts.kinds.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let kinds = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    let kinds: Vec<_> = kinds.collect();
    match parts.count {
        0 => Ok(()),
        count => Ok(writeln!(out, "    {count} types: {}", kinds.join(", "))?),
    }
}

fn write_ids(out: &mut impl Write, ids: &Ids) -> Result<()> {
    let Ids {
        size,
        listed,
        sets,
        stripped,
        malformed,
    } = ids;
    if *stripped {
        return Ok(writeln!(
            out,
            "  .BTF_ids: {size} bytes, stripped of the symbols that identify its ids"
        )?);
    }
    if let Some(words) = malformed {
        // The words begin with the section.
        return Ok(writeln!(out, "  {words}")?);
    }
    let in_sets: usize = sets.iter().map(|set| set.ids.len()).sum();
    let (count, sets_count) = (listed.len() + in_sets, sets.len());
    writeln!(
        out,
        "  .BTF_ids: {size} bytes: {count} ids, {in_sets} of them in {sets_count} sets"
    )?;
    let listed = listed
        .iter()
        .map(|id| format!("{} {}: {}", id.kind, id.name, id.id));
    let sets = sets.iter().map(|set| {
        let ids: Vec<_> = set.ids.iter().map(u32::to_string).collect();
        format!("{} {}: {}", set.kind, set.name, ids.join(" "))
    });
    write_some(out, &sets.chain(listed).collect::<Vec<_>>())
}

fn write_funcs(out: &mut impl Write, table: &FuncTable) -> Result<()> {
    let FuncTable {
        size,
        header,
        record,
        flags,
        records,
        malformed,
    } = table;
    if let Some(words) = malformed {
        // The words begin with the section.
        return Ok(writeln!(out, "  {words}")?);
    }
    let count = records.len();
    let flags = flags
        .iter()
        .map(|(flag, count)| format!(", {count} {flag}"));
    writeln!(
        out,
        "  .BTF.funcs: {size} bytes: header {header}, {count} records of {record} bytes{}",
        flags.collect::<String>()
    )?;
    let records = records.iter().map(|record| {
        let symbol = record.symbol.as_deref().unwrap_or("no address");
        format!("[{}] {symbol}: {}", record.btf_id, record.flags)
    });
    write_some(out, &records.collect::<Vec<_>>())
}

/// The first of `lines`, and how many more there are.
fn write_some(out: &mut impl Write, lines: &[String]) -> Result<()> {
    for line in lines.iter().take(SHOWN) {
        writeln!(out, "    {}", shown(line))?;
    }
    match lines.len().checked_sub(SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => Ok(writeln!(out, "    and {more} more")?),
    }
}
