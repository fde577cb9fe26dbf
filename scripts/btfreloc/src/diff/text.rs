// SPDX-License-Identifier: GPL-2.0

//! The differences for people: totals, and a line for each type with what changed below it.

use std::io::Write;

use anyhow::Result;

use super::{Change, Changed, Report};
use crate::json::Named;

const GROUPS: [(Change, &str); 4] = [
    (Change::Gone, "gone"),
    (Change::Resized, "resized"),
    (Change::Changed, "changed, of the same size"),
    (
        Change::HoldsChanged,
        "unchanged, but holding a type that changed",
    ),
];

pub(super) fn write(
    out: &mut impl Write,
    kernels: &[Named; 2],
    report: &Report,
    verbose: bool,
) -> Result<()> {
    let [from, to] = kernels.each_ref().map(Named::name);
    writeln!(out, "{from} -> {to}")?;
    write_totals(out, report)?;
    let with_modules = !report.modules.is_empty();
    let shown = |changed: &&Changed| verbose || !with_modules || !changed.modules.is_empty();
    for (change, title) in GROUPS {
        let group = report
            .results
            .iter()
            .filter(|changed| changed.change == change);
        let mut group: Vec<_> = group.filter(shown).collect();
        if group.is_empty() {
            continue;
        }
        // As they are sorted by name before.
        group.sort_by_key(|changed| std::cmp::Reverse(changed.modules.len()));
        let of = report
            .results
            .iter()
            .filter(|changed| changed.change == change)
            .count();
        match of == group.len() {
            true => writeln!(out, "\n{title}:")?,
            false => writeln!(out, "\n{title} ({} of {of}):", group.len())?,
        }
        for changed in group {
            write_type(out, report, changed, verbose)?;
        }
    }
    let hidden = report
        .results
        .iter()
        .filter(|changed| !shown(changed))
        .count();
    match hidden {
        0 => Ok(()),
        _ => Ok(writeln!(
            out,
            "\n{hidden} more that no module uses: --verbose shows them"
        )?),
    }
}

fn write_totals(out: &mut impl Write, report: &Report) -> Result<()> {
    let totals = &report.summary;
    writeln!(
        out,
        "{} types: {} gone, {} resized, {} changed, {} holding one that changed",
        totals.types, totals.gone, totals.resized, totals.changed, totals.holds_changed
    )?;
    writeln!(
        out,
        "{} functions: {} gone, {} with another prototype",
        totals.functions, totals.functions_gone, totals.functions_changed
    )?;
    let (affected, used) = (totals.modules_affected, totals.used);
    match report.modules.len() {
        0 => {}
        1 => writeln!(out, "1 module: {affected} use {used} of these")?,
        modules => writeln!(out, "{modules} modules: {affected} use {used} of these")?,
    }
    Ok(())
}

fn write_type(
    out: &mut impl Write,
    report: &Report,
    changed: &Changed,
    verbose: bool,
) -> Result<()> {
    write!(out, "  {} {}", changed.kind, changed.name)?;
    match (changed.size, changed.new_size) {
        (Some(size), Some(new)) if size != new => write!(out, ", {size} -> {new} bytes")?,
        (Some(1), _) => write!(out, ", 1 byte")?,
        (Some(size), _) => write!(out, ", {size} bytes")?,
        (None, _) => {}
    }
    match changed.modules.len() {
        0 => {}
        1 => write!(out, ": 1 module")?,
        modules => write!(out, ": {modules} modules")?,
    }
    writeln!(out)?;
    let details = changed.details.iter().map(|detail| detail.text.clone());
    let holds = changed.holds.iter().map(|held| format!("holds {held}"));
    let lines: Vec<_> = details.chain(holds).collect();
    match (verbose, lines.split_first()) {
        (_, None) => {}
        (false, Some((first, []))) => writeln!(out, "      {first}")?,
        (false, Some((first, more))) => writeln!(out, "      {first}, and {} more", more.len())?,
        (true, Some(_)) => {
            for line in lines {
                writeln!(out, "      {line}")?;
            }
        }
    }
    if verbose {
        let modules = changed.modules.iter();
        for module in modules.filter_map(|at| report.modules.get(*at as usize)) {
            writeln!(out, "      used by {}", module.module)?;
        }
    }
    Ok(())
}
