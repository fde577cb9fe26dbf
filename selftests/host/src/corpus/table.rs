// SPDX-License-Identifier: GPL-2.0

//! The pairs as a table, and what set the core's results apart from libbpf's.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use super::figures::{Apart, Compared, Row};
use crate::peer::judge::Rule;

/// All pairs, for a reader.
pub struct Table<'a>(pub &'a [Row]);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<42} {:>7} {:>6} {:>6} {:>7} {:>14} {:>6} {:>7} {:>11} {:>10}",
            "built for -> taken to",
            "modules",
            "exact",
            "opaque",
            "refused",
            "libbpf accepts",
            "same",
            "by rule",
            "references",
            "mismatches"
        )?;
        self.0.iter().try_for_each(|row| line(f, row))?;
        self.0.iter().try_for_each(|row| details(f, row))?;
        self.legend(f)
    }
}

impl Table<'_> {
    /// Each rule that was met, in words.
    fn legend(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rules = BTreeSet::new();
        for row in self.0 {
            rules.extend(row.figures.compared.by_rule.keys());
            rules.extend(row.completed.by_rule.keys());
        }
        writeln!(
            f,
            "\nexact: every base type has its match; opaque: at least one has none\n\
             same: type for type and id for id what libbpf makes of it; by rule: but for a rule of the design"
        )?;
        rules.into_iter().try_for_each(|rule: &Rule| {
            let (name, words) = rule.words();
            writeln!(f, "{name}: {words}")
        })
    }
}

fn line(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let (figures, compared) = (&row.figures, &row.figures.compared);
    writeln!(
        f,
        "{:<42} {:>7} {:>6} {:>6} {:>7} {:>14} {:>6} {:>7} {:>11} {:>10}",
        format!("{} -> {}", row.from, row.to),
        figures.modules,
        figures.exact,
        figures.opaque,
        figures.refused,
        compared.peer_accepts,
        compared.same,
        compared.differ,
        figures.references,
        row.mismatches
    )
}

fn details(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let (figures, distilled) = (&row.figures, &row.figures.distilled);
    writeln!(f, "\n{} -> {}:", row.from, row.to)?;
    writeln!(
        f,
        "  distilled: {} the same as libbpf's, {} that libbpf loses types of; {} bytes, libbpf {}",
        distilled.same, distilled.peer_loses_types, distilled.bytes, distilled.peer_bytes
    )?;
    plain(f, row)?;
    by_rule(f, "by rule", &figures.compared)?;
    if figures.opaque != 0 {
        let Compared {
            peer_accepts, same, ..
        } = row.completed;
        writeln!(
            f,
            "  libbpf refuses {} modules; on this kernel with what it lacks it accepts {}, {} the same",
            figures.modules - figures.compared.peer_accepts, peer_accepts, same
        )?;
        by_rule(f, "by rule there", &row.completed)?;
        lacking(f, row)?;
    }
    Ok(())
}

fn plain(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let shipped = &row.figures.shipped;
    writeln!(
        f,
        "  plain as shipped: {} fit, {} without types, {} stale, {} malformed",
        shipped.fit, shipped.empty, shipped.stale, shipped.malformed
    )?;
    if row.from == row.to {
        writeln!(
            f,
            "  stale on another build of this kernel: {} with strings in another order, {} without",
            shipped.reordered, shipped.swapped
        )?;
    }
    Ok(())
}

/// The types that keep most modules from an exact match.
fn lacking(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    let mut lacking: Vec<_> = row.lacking.iter().collect();
    lacking.sort_by_key(|(_, modules)| Reverse(**modules));
    write!(
        f,
        "  {} different types are opaque, most often",
        lacking.len()
    )?;
    for (index, (type_, modules)) in lacking.iter().take(4).enumerate() {
        let before = if index == 0 { ":" } else { "," };
        write!(f, "{before} {type_} ({modules})")?;
    }
    writeln!(f)
}

fn by_rule(f: &mut Formatter<'_>, what: &str, compared: &Compared) -> fmt::Result {
    for (rule, Apart { modules, types }) in &compared.by_rule {
        let (name, _) = rule.words();
        writeln!(f, "  {what}: {name}: {types} types in {modules} modules")?;
    }
    Ok(())
}
