// SPDX-License-Identifier: GPL-2.0

//! Verdicts for people: a line each, what there is to say below it, and a count at the end.

use std::io::Write;

use anyhow::Result;
use rust_btfreloc::text::{Conflicting, FuncsNotShown, IdsChanged, OpaqueNames};

use super::rebased::RebasedTypes;
use super::relocated::{BaseType, RelocatedTypes};
use super::row::{Answer, FuncTable, InLog, KernelAlone};
use super::{groups, Outcome, Report, Row, Summary};
use crate::cli;
use crate::decide::Ids;
use crate::terminal::shown;

pub(super) fn write(out: &mut impl Write, args: &cli::Check, report: &Report) -> Result<()> {
    if args.verbose || args.explain || report.is_on_one_module() {
        for row in &report.results {
            if !(args.quiet && row.outcome.is_clean(args.strict)) {
                write_row(out, row, report.shown(&row.kernel))?;
            }
        }
    } else {
        let mut text = String::new();
        groups::write(&mut text, args, report);
        out.write_all(text.as_bytes())?;
    }
    match report.results.len() {
        0 | 1 => Ok(()),
        _ => write_summary(out, &report.summary),
    }
}

fn write_row(out: &mut impl Write, row: &Row, kernel: &str) -> Result<()> {
    let (module, kernel) = (shown(&row.module), shown(kernel));
    write!(out, "{module}: {kernel}: {}", words(row))?;
    if let Some(said) = said(row) {
        write!(out, ": {}", shown(&said))?;
    }
    let alone = alone(row).map(|alone| (alone, own_reason(row, alone)));
    if let Some((alone, None)) = alone {
        write!(out, "; the kernel alone {}", answer(alone))?;
    }
    writeln!(out)?;
    for base_type in row.relocation.iter().flat_map(|done| &done.base_types) {
        write_type(out, base_type)?;
    }
    for conflict in row.rebase.iter().flat_map(|done| &done.conflicting) {
        writeln!(out, "    {}", conflict.text)?;
    }
    match &row.funcs {
        Some(FuncTable::Shown(1)) => writeln!(out, "    1 function address is shown")?,
        Some(FuncTable::Shown(n)) => writeln!(out, "    {n} function addresses are shown")?,
        Some(FuncTable::Refused(why)) => writeln!(out, "    {}", FuncsNotShown(why))?,
        None => {}
    }
    if let Some((alone, Some(reason))) = alone {
        writeln!(out, "    the kernel alone {}: {reason}", answer(alone))?;
    }
    Ok(())
}

fn write_type(out: &mut impl Write, base_type: &BaseType) -> Result<()> {
    writeln!(out, "    {}", base_type.text)?;
    for candidate in base_type.candidates.iter().flatten() {
        writeln!(out, "        {candidate}")?;
    }
    match found_alone(base_type) {
        Some(found) => Ok(writeln!(out, "        {found}")?),
        None => Ok(()),
    }
}

/// What the kernel says without rust_btfreloc; of what is left alone it is the verdict already.
pub(super) fn alone(row: &Row) -> Option<&KernelAlone> {
    let alone = row.kernel_alone.as_ref();
    alone.filter(|_| row.outcome != Outcome::LeftAlone)
}

/// What the kernel's own code finds for a type, where it is something else.
pub(super) fn found_alone(base_type: &BaseType) -> Option<String> {
    let ours = match base_type.opaque {
        None => vec![base_type.new_id],
        Some(_) => Vec::new(),
    };
    let alone = base_type.kernel_alone.as_ref()?;
    (*alone != ours).then(|| format!("the kernel alone finds {}", ids(alone)))
}

/// The reason, or what is done in figures.
pub(crate) fn said(row: &Row) -> Option<String> {
    let figures = || {
        let figures = row.relocation.as_ref().map(figures)?;
        Some(match &row.supplied {
            Some(base) => format!("{figures}; by way of {base}"),
            None => figures,
        })
    };
    let rebased = |done: &RebasedTypes| rebased_figures(done, done.first.as_deref());
    let rebased = || row.rebase.as_ref().map(rebased);
    let reason = row.reason.as_ref().map(|reason| with_ids(row, reason));
    let said = reason.or_else(figures).or_else(rebased);
    match &row.left_out {
        None => said,
        Some(left_out) => {
            let done = said.or_else(|| row.ids.as_ref().map(ids_changed));
            let done = done.map_or(String::new(), |done| done + "; ");
            Some(format!("{done}left out: {left_out}"))
        }
    }
}

/// The reason why BTF is dropped, with what becomes of the ids.
fn with_ids(row: &Row, reason: &str) -> String {
    match &row.dropped_ids {
        Some(ids) => format!("{reason}; {ids}"),
        None => reason.to_owned(),
    }
}

/// What rust_btfreloc says of it in the kernel log, after the name of the module and without the time
/// that it took; `None` where it says nothing.
pub(super) fn log(row: &Row, in_log: &InLog) -> Option<String> {
    let InLog { reason, firmware } = in_log;
    let by_way_of = firmware
        .as_ref()
        .map_or(String::new(), |file| format!(" by way of firmware {file}"));
    let said = || {
        reason
            .as_ref()
            .map(|reason| with_ids(row, reason))
            .or_else(|| said(row))
    };
    let done = match (row.outcome, &row.relocation, &row.rebase) {
        (_, Some(relocated), _) => format!("relocated{by_way_of}: {}", figures(relocated)),
        (_, _, Some(rebased)) => format!("rebased: {}", rebased_figures(rebased, None)),
        (Outcome::LeftToKernel, ..) => format!("left to the kernel: {}", said()?),
        (Outcome::Dropped | Outcome::NoBtf, ..) => format!("dropped: {}", said()?),
        (Outcome::Reduced, ..) => {
            let ids = row.ids.as_ref().map(ids_changed);
            ids.map_or("reduced".to_owned(), |ids| format!("reduced: {ids}"))
        }
        _ => return None,
    };
    let left_out = row.left_out.as_ref();
    let left_out = left_out.map(|left_out| format!("; left out: {left_out}"));
    Some(format!("BTF {done}{}", left_out.unwrap_or_default()))
}

/// The verdict in words.
pub(super) fn words(row: &Row) -> &'static str {
    match row.outcome {
        Outcome::Exact if row.rebase.is_some() => "standalone, rebased exactly",
        outcome => verdict(outcome),
    }
}

/// The verdict in words, of whatever kind the BTF is.
pub(super) fn verdict(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Exact => "relocates exactly",
        Outcome::Opaque => "relocates with opaque types",
        Outcome::Conflicts => "standalone, rebased with conflicts",
        Outcome::Reduced => "registered without types of unknown kinds",
        Outcome::LeftAlone => "left alone",
        Outcome::Dropped => "dropped",
        Outcome::LeftToKernel => "left to the kernel",
        Outcome::NoBtf => "no BTF",
    }
}

/// What a relocation does, with the names of the opaque types.
fn figures(relocated: &RelocatedTypes) -> String {
    let base_types = || relocated.base_types.iter();
    let opaque = || base_types().filter(|base_type| base_type.opaque.is_some());
    let names = OpaqueNames(|| opaque().map(|base_type| base_type.name.as_bytes()));
    let ids = ids_figures(relocated.ids.as_ref());
    format!("{}{names}{ids}", relocated.counts())
}

/// What a rebase does, with the first conflict.
fn rebased_figures(rebased: &RebasedTypes, first: Option<&str>) -> String {
    let mut text = format!("{}, {}", rebased.text, Conflicting(rebased.conflicts));
    if let Some(first) = first {
        text += &format!(" (first: {first})");
    }
    text + &ids_figures(rebased.ids.as_ref())
}

fn ids_figures(ids: Option<&Ids>) -> String {
    ids.map_or(String::new(), |ids| format!(", {}", ids_changed(ids)))
}

fn ids_changed(figures: &Ids) -> String {
    let Ids { ids, changed, .. } = *figures;
    IdsChanged { ids, changed }.to_string()
}

fn ids(ids: &[u32]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| format!("[{id}]")).collect();
    match ids.is_empty() {
        true => "none".to_owned(),
        false => ids.join(" and "),
    }
}

/// What the kernel says, in words.
pub(crate) fn answer(alone: &KernelAlone) -> &'static str {
    match alone.answer {
        Answer::Accepts => "accepts it",
        Answer::Misreads => "accepts it and misreads it",
        Answer::Refuses => "refuses the module",
        Answer::Undefined => "reads memory that is not its own",
    }
}

/// The kernel's reason, where the row does not have it already.
pub(super) fn own_reason<'a>(row: &Row, alone: &'a KernelAlone) -> Option<&'a str> {
    let reason = alone.reason.as_deref()?;
    let said = row
        .reason
        .as_ref()
        .is_some_and(|said| said.contains(reason));
    (!said).then_some(reason)
}

fn write_summary(out: &mut impl Write, summary: &Summary) -> Result<()> {
    let counts = [
        (summary.exact, "exact"),
        (summary.opaque, "with opaque types"),
        (summary.conflicts, "with conflicts"),
        (summary.reduced, "without types of unknown kinds"),
        (summary.left_alone, "left alone"),
        (summary.dropped, "dropped"),
        (summary.left_to_kernel, "left to the kernel"),
        (summary.no_btf, "without BTF"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count != 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    Ok(writeln!(
        out,
        "{} checked: {}",
        summary.checked,
        counts.join(", ")
    )?)
}
