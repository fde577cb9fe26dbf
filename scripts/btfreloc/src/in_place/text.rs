// SPDX-License-Identifier: GPL-2.0

//! What was done, for people: a line for each module that was changed or refused, and totals.

use std::io::Write;

use anyhow::Result;

use super::{Became, Changed, Report, Summary};
use crate::check;
use crate::cli;
use crate::terminal::shown;

pub(super) fn write(out: &mut impl Write, args: &cli::Relocate, report: &Report) -> Result<()> {
    for changed in &report.results {
        let module = shown(&changed.module);
        match changed.became {
            Became::Unchanged => {}
            Became::Changed if args.quiet => {}
            Became::Changed => writeln!(out, "{module}: {}", done(changed))?,
            Became::Refused => writeln!(out, "{module}: left as it is: {}", shown(&why(changed)))?,
        }
    }
    if !args.quiet {
        totals(out, args, &report.summary)?;
    }
    Ok(())
}

/// What was done to a module, in the words of the kernel module.
fn done(changed: &Changed) -> String {
    let shorter = "BTF written without its layout, which this kernel does not know".to_owned();
    let mut text = changed.verdict.log.clone().unwrap_or(shorter);
    if changed.signed {
        text += "; signed";
    }
    if changed.signature_removed {
        text += "; signature removed, sign it again";
    }
    if let Some(backup) = &changed.backup {
        text += "; it was ";
        text += &shown(backup);
    }
    text
}

fn why(changed: &Changed) -> String {
    let decided = || check::said(&changed.verdict).unwrap_or_default();
    changed.refused.clone().unwrap_or_else(decided)
}

fn totals(out: &mut impl Write, args: &cli::Relocate, summary: &Summary) -> Result<()> {
    let Summary {
        modules,
        changed,
        unchanged,
        refused,
        signatures_removed,
    } = *summary;
    let ending = if modules == 1 { "" } else { "s" };
    write!(
        out,
        "{modules} module{ending}: {changed} changed, {unchanged} unchanged"
    )?;
    for (count, what) in [
        (refused, "refused"),
        (signatures_removed, "without their signature now"),
    ] {
        if count != 0 {
            write!(out, ", {count} {what}")?;
        }
    }
    match args.dry_run {
        true => writeln!(out, " (dry run: nothing was written)")?,
        false => writeln!(out)?,
    }
    Ok(())
}
