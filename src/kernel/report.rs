// SPDX-License-Identifier: GPL-2.0

//! What became of a module's BTF, kept as long as the module is loaded and put into words only
//! when somebody reads it.

use super::{cause::Cause, debugfs::Show};
use crate::reloc::{
    self,
    btf_ids::{self, Form, Patched},
    Counts, Name, Plan,
};
use core::fmt::Display;
use kernel::{fmt, prelude::*};

/// How many opaque types the kernel log names; debugfs names all.
const NAMES_IN_LOG: usize = 8;

/// What became of the BTF of one module.
pub(crate) enum Report {
    /// It was relocated.
    Relocated(Relocated),
    /// It was dropped.
    Dropped(Cause),
}

impl Show for Report {
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relocated(relocated) => relocated.show(f),
            Self::Dropped(cause) => writeln!(f, "BTF dropped: {cause}"),
        }
    }
}

/// A relocation that was done.
pub(crate) struct Relocated {
    counts: Counts,
    btf_base: KVVec<u8>,
    fates: KVVec<u32>,
    new_ids: KVVec<u32>,
    ids: Option<IdLines>,
}

impl Relocated {
    /// Keeps what the report is made of.
    pub(crate) fn new(
        plan: &Plan<'_>,
        btf_base: &[u8],
        ids: Option<IdLines>,
    ) -> Result<Self, AllocError> {
        let (fates, new_ids) = plan.words();
        Ok(Self {
            counts: plan.counts(),
            btf_base: copy(btf_base)?,
            fates: copy(fates)?,
            new_ids: copy(new_ids)?,
            ids,
        })
    }

    /// How many types became what.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// The report on one line.
    pub(crate) fn line(&self) -> impl Display + '_ {
        Line(self)
    }

    fn entries(&self) -> Option<impl Iterator<Item = reloc::Entry<'_>>> {
        let report = reloc::Report::new(&self.btf_base, &self.fates, &self.new_ids);
        Some(report.ok()?.entries())
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.line())?;
        for entry in self.entries().into_iter().flatten() {
            writeln!(f, "{entry}")?;
        }
        self.ids.iter().try_for_each(|ids| ids.show(f))
    }
}

struct Line<'a>(&'a Relocated);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            split,
            mapped,
            opaque,
        } = self.0.counts;
        write!(f, "{split} types, {mapped} base types mapped, {opaque} opaque")?;
        let entries = self.0.entries().into_iter().flatten();
        let mut names = entries.filter(|entry| matches!(entry.fate, reloc::Fate::Opaque(_)));
        let mut separator = " (";
        for entry in names.by_ref().take(NAMES_IN_LOG) {
            write!(f, "{separator}{}", Name(entry.name))?;
            separator = ", ";
        }
        let more = names.count();
        if more != 0 {
            write!(f, " and {more} more")?;
        }
        if opaque != 0 {
            f.write_str(")")?;
        }
        if let Some(ids) = &self.0.ids {
            write!(f, ", {} of {} .BTF_ids changed", ids.changed, ids.lines.len())?;
        }
        Ok(())
    }
}

/// The ids of a `.BTF_ids` section, before and after.
pub(crate) struct IdLines {
    lines: KVec<IdLine>,
    /// The names that `lines` refer to, one after the other.
    names: KVec<u8>,
    changed: u32,
}

struct IdLine {
    part_of: &'static str,
    name_len: usize,
    old: u32,
    new: u32,
}

impl IdLines {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            lines: KVec::new(),
            names: KVec::new(),
            changed: 0,
        }
    }

    /// Adds `entry`, mapped to `new`.
    pub(crate) fn push(&mut self, entry: &btf_ids::Entry<'_>, new: Option<u32>) -> Result<(), Cause> {
        let (part_of, name) = match entry.form {
            Form::Id { name, .. } => ("id", name),
            Form::Set(name) => ("set", name),
            Form::Set8 { name, .. } => ("set8", name),
        };
        self.names.extend_from_slice(name, GFP_KERNEL)?;
        let line = IdLine {
            part_of,
            name_len: name.len(),
            old: entry.id,
            new: new.unwrap_or(0),
        };
        Ok(self.lines.push(line, GFP_KERNEL)?)
    }

    /// Takes over the figures of the section that was patched.
    pub(crate) fn counted(&mut self, patched: &Patched<'_>) {
        self.changed = patched.changed;
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: &[u8] = &self.names;
        for line in &self.lines {
            let (name, rest) = names.split_at_checked(line.name_len).unwrap_or((names, &[]));
            names = rest;
            let name = Name(name);
            writeln!(f, ".BTF_ids {} {name}: {} -> {}", line.part_of, line.old, line.new)?;
        }
        Ok(())
    }
}

fn copy<T: Clone>(from: &[T]) -> Result<KVVec<T>, AllocError> {
    let mut to = KVVec::new();
    to.extend_from_slice(from, GFP_KERNEL)?;
    Ok(to)
}
