// SPDX-License-Identifier: GPL-2.0

//! The ids of a module's `.BTF_ids`, before and after, with the names that its symbols gave them.

use super::memory;
use crate::btf;
use crate::reloc::{
    btf_ids::{Entry, Form, Patched},
    Name, Plan,
};
use core::fmt::{Display, Formatter};
use kernel::{alloc::AllocError, prelude::*};
use pin_init::Zeroable;

/// What became of the ids.
pub(crate) struct IdReport {
    lines: KVVec<Line>,
    /// What the ids of `lines` are part of, one after the other.
    names: KVVec<u8>,
    changed: u32,
}

/// One id.
#[derive(Zeroable)]
struct Line {
    name_len: usize,
    old: u32,
    new: u32,
}

impl IdReport {
    /// Keeps what `plan` makes of the ids that `each_entry` calls its argument with.
    pub(crate) fn new(
        plan: &Plan<'_>,
        each_entry: impl Fn(&mut dyn FnMut(Entry<'_>)),
    ) -> Result<Self, AllocError> {
        let (mut count, mut names_len) = (0_usize, 0_usize);
        each_entry(&mut |entry| {
            count = count.saturating_add(1);
            names_len = names_len.saturating_add(name_len(entry.form));
        });
        let mut lines: KVVec<Line> = memory::zeroed(count)?;
        let mut names: KVVec<u8> = memory::zeroed(names_len)?;
        let mut free_lines = lines.iter_mut();
        let mut free_names: &mut [u8] = &mut names;
        each_entry(&mut |entry| {
            if let Some(line) = free_lines.next() {
                *line = Line {
                    name_len: name_len(entry.form),
                    old: entry.id,
                    new: plan.new_id(entry.id).unwrap_or(0),
                };
            }
            for part in parts(entry.form) {
                let room = core::mem::take(&mut free_names);
                free_names = btf::copy(room, part).unwrap_or_default();
            }
        });
        Ok(Self {
            lines,
            names,
            changed: 0,
        })
    }

    /// Takes over the figures of the section that was patched.
    pub(crate) fn counted(&mut self, patched: &Patched<'_>) {
        self.changed = patched.changed;
    }

    /// Writes a line for each id.
    pub(crate) fn show(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        let mut names: &[u8] = &self.names;
        for line in &self.lines {
            let (name, rest) = names.split_at_checked(line.name_len).unwrap_or_default();
            names = rest;
            writeln!(f, ".BTF_ids {}: {} -> {}", Name(name), line.old, line.new)?;
        }
        Ok(())
    }
}

/// The figures.
impl Display for IdReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} of {} .BTF_ids changed",
            self.changed,
            self.lines.len()
        )
    }
}

/// What an id is part of: a word, a space and a name.
fn parts(form: Form<'_>) -> [&[u8]; 3] {
    match form {
        Form::Id { kind, name } => [kind, b" ", name],
        Form::Set(name) => [b"set", b" ", name],
        Form::Set8 { name, .. } => [b"set8", b" ", name],
    }
}

fn name_len(form: Form<'_>) -> usize {
    parts(form)
        .iter()
        .fold(0_usize, |len, part| len.saturating_add(part.len()))
}
