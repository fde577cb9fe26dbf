// SPDX-License-Identifier: GPL-2.0

//! The differences for people: totals, and a line for each type with what changed below it.

use std::cmp::Reverse;
use std::io::Write;

use anyhow::Result;

use super::{Change, Changed, Report};
use crate::json::Named;
use crate::terminal::shown;

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
    kernels: &[Named],
    report: &Report,
    verbose: bool,
) -> Result<()> {
    let kernels: Vec<_> = kernels.iter().map(|named| shown(named.name())).collect();
    writeln!(out, "{}", kernels.join(" -> "))?;
    write_totals(out, report)?;
    let all = verbose || report.modules.is_empty();
    let of_interest = |changed: &&Changed| all || !changed.modules.is_empty();
    for (change, title) in GROUPS {
        let results = report.results.iter();
        let group = results.filter(|changed| changed.change == change);
        let of = group.clone().count();
        let mut group: Vec<_> = group.filter(of_interest).collect();
        // As they are sorted by name before.
        group.sort_by_key(|changed| Reverse(changed.modules.len()));
        match group.len() {
            0 => continue,
            count if count == of => writeln!(out, "\n{title}:")?,
            count => writeln!(out, "\n{title} ({count} of {of}):")?,
        }
        for changed in group {
            write_type(out, report, changed, verbose)?;
        }
    }
    let results = report.results.iter();
    match results.filter(|changed| !of_interest(changed)).count() {
        0 => {}
        hidden => writeln!(
            out,
            "\n{hidden} more that no module uses: --verbose shows them"
        )?,
    }
    Ok(())
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
    let (modules, users) = (report.modules.len(), totals.modules_affected);
    match modules {
        0 => return Ok(()),
        1 => write!(out, "1 module: ")?,
        _ => write!(out, "{modules} modules: ")?,
    }
    match totals.used {
        0 => writeln!(out, "none of these used")?,
        used => writeln!(out, "{used} of these used, by {users}")?,
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
            writeln!(out, "      used by {}", shown(&module.module))?;
        }
    }
    Ok(())
}
