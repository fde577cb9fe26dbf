// SPDX-License-Identifier: GPL-2.0

//! The ids of a module's `.BTF_ids`, before and after, with the names that its symbols gave them.

use crate::btf::{self, to_usize};
use crate::reloc::btf_ids::{Form, IdEntry};
use crate::reloc::decision::MappedIds;
use crate::shell::memory;
use crate::text::{IdsChanged, IdsCleared, Name};
use core::fmt::{Display, Formatter};
use kernel::{alloc::AllocError, bindings, prelude::*};
use pin_init::Zeroable;

/// What became of the ids.
pub(crate) struct IdReport {
    /// `None` where there was no memory for it.
    list: Option<List>,
    count: u32,
    changed: u32,
}

/// Every id.
struct List {
    ids: KVVec<Id>,
    /// The labels of `ids`, one after the other.
    labels: KVVec<u8>,
}

/// One id.
#[derive(Zeroable)]
struct Id {
    /// Length of its label; 0 where the id before has the same.
    label_len: usize,
    old: u32,
    new: u32,
}

impl IdReport {
    /// Keeps what becomes of each of `ids`.
    pub(crate) fn new(ids: &MappedIds<'_, '_>) -> Self {
        let (mut count, mut labels_len) = (0_u32, 0_usize);
        each_label(ids, |_, label| {
            count = count.saturating_add(1);
            labels_len = labels_len.saturating_add(label.len());
        });
        Self {
            list: List::new(ids, count, labels_len).ok(),
            count,
            changed: ids.changed,
        }
    }

    /// The figures, where all ids became 0.
    pub(crate) fn cleared(&self) -> IdsCleared {
        IdsCleared {
            ids: self.count,
            changed: self.changed,
        }
    }

    /// Writes a line for each id.
    pub(crate) fn show(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        match &self.list {
            Some(list) => list.show(f),
            None => writeln!(f, "no memory was left to list .BTF_ids"),
        }
    }
}

impl List {
    fn new(mapped: &MappedIds<'_, '_>, count: u32, labels_len: usize) -> Result<Self, AllocError> {
        let mut ids: KVVec<Id> = memory::zeroed(to_usize(count))?;
        let mut labels: KVVec<u8> = memory::zeroed(labels_len)?;
        let mut free_ids = ids.iter_mut();
        let mut free_labels: &mut [u8] = &mut labels;
        each_label(mapped, |entry, label| {
            if let Some(id) = free_ids.next() {
                *id = Id {
                    label_len: label.len(),
                    old: entry.id,
                    new: mapped.new_id(&entry).unwrap_or(0),
                };
            }
            for part in label.0 {
                let room = core::mem::take(&mut free_labels);
                free_labels = btf::copy(room, part).unwrap_or_default();
            }
        });
        Ok(Self { ids, labels })
    }

    fn show(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        let mut labels: &[u8] = &self.labels;
        let mut label: &[u8] = &[];
        for id in &self.ids {
            if id.label_len != 0 {
                (label, labels) = labels.split_at_checked(id.label_len).unwrap_or_default();
            }
            writeln!(f, ".BTF_ids {}: {} -> {}", Name(label), id.old, id.new)?;
        }
        Ok(())
    }
}

/// The figures.
impl Display for IdReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        let figures = IdsChanged {
            ids: self.count,
            changed: self.changed,
        };
        figures.fmt(f)
    }
}

/// What an id is part of: a word, a space and a name; nothing where the id before says it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Label<'n>([&'n [u8]; 3]);

impl<'n> Label<'n> {
    fn of(form: Form<'n>) -> Self {
        let (word, name) = match form {
            Form::Id { kind, name } => (kind, name),
            Form::Set(name) => (&b"set"[..], name),
            Form::Set8 { name, .. } => (&b"set8"[..], name),
        };
        // No symbol of the kernel's own may be longer, but that of a module's file may.
        let short = name.get(..to_usize(bindings::KSYM_NAME_LEN));
        Self([word, b" ", short.unwrap_or(name)])
    }

    fn len(&self) -> usize {
        let lengths = self.0.iter().map(|part| part.len());
        lengths.fold(0_usize, usize::saturating_add)
    }
}

/// Calls `visit` with each id and, where it is not that of the id before, its label.
fn each_label<'n>(ids: &MappedIds<'_, 'n>, mut visit: impl FnMut(IdEntry<'n>, Label<'n>)) {
    let mut before = Label::default();
    ids.each(&mut |entry| {
        let label = Label::of(entry.form);
        let shown = match label == before {
            true => Label::default(),
            false => label,
        };
        before = label;
        visit(entry, shown);
    });
}
