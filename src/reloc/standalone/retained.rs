// SPDX-License-Identifier: GPL-2.0

//! Which types stay the module's own.

use super::reverse_refs::ReverseRefs;
use crate::btf::{to_usize, Btf, Kind, Record};
use crate::reloc::tables::put;

/// Stands for a new id that is not known yet.
const KEPT: u32 = u32::MAX;

/// The types that are kept, being found.
pub(super) struct Retained<'k> {
    btf: &'k Btf<'k>,
    /// For each type, by id less 1, its id in vmlinux, [`KEPT`], or 0 where it is left out.
    ids: &'k mut [u32],
    kept: &'k mut [u32],
    len: usize,
}

/// Keeps, of the types of `btf` that have no id of vmlinux in `ids`, those that [`is_root`] selects,
/// what they refer to, and the tags on both. Puts them in `kept` and returns how many they are.
pub(super) fn retain(
    btf: &Btf<'_>,
    reverse_refs: &ReverseRefs<'_>,
    ids: &mut [u32],
    kept: &mut [u32],
) -> usize {
    let mut keep = Retained {
        btf,
        ids,
        kept,
        len: 0,
    };
    for (id, record) in btf.own_records() {
        if is_root(&record, reverse_refs.of(id).next().is_some()) {
            keep.add(id);
        }
    }
    keep.follow();
    for (id, record) in btf.own_records() {
        if record.kind() == Kind::DeclTag && keep.is_kept(record.type_id()) {
            keep.add(id);
        }
    }
    keep.len
}

/// Fills in the new ids of the types `kept`, in their order, from `start` on.
pub(super) fn number(ids: &mut [u32], kept: &[u32], start: u32) {
    for (new, id) in (start..u32::MAX).zip(kept) {
        put(ids, to_usize(id.wrapping_sub(1)), new);
    }
}

/// Whether a type that vmlinux does not have is kept even if no other refers to it.
///
/// Functions and variables are what a module brings, and what it names may be asked for by that name
/// (CO-RE, `.BTF_ids`). What has no name is only there for others, unless nothing ever referred to
/// it: an enum of constants.
fn is_root(record: &Record<'_>, is_used: bool) -> bool {
    match record.kind() {
        Kind::Func | Kind::Var | Kind::Datasec | Kind::Locsec => true,
        Kind::DeclTag | Kind::TypeTag | Kind::Fwd => false,
        Kind::Enum | Kind::Enum64 | Kind::Struct | Kind::Union if !is_used => true,
        _ => record.name_off() != 0,
    }
}

impl Retained<'_> {
    fn is_kept(&self, id: u32) -> bool {
        self.word(id) == Some(KEPT)
    }

    /// Keeps a type of the module, unless it has an id already.
    fn add(&mut self, id: u32) {
        if self.word(id) == Some(0) {
            put(self.ids, to_usize(id.wrapping_sub(1)), KEPT);
            put(self.kept, self.len, id);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Keeps what is referred to, each once, so that it ends.
    fn follow(&mut self) {
        let mut next = 0usize;
        while next < self.len {
            let id = self.kept.get(next).copied().unwrap_or(0);
            next = next.saturating_add(1);
            let Some(record) = self.btf.record(id) else {
                continue;
            };
            let _ = record.each_id(|_, id| -> Result<(), core::convert::Infallible> {
                self.add(id);
                Ok(())
            });
        }
    }

    /// The word of a type; `None` for void.
    fn word(&self, id: u32) -> Option<u32> {
        self.ids.get(to_usize(id.checked_sub(1)?)).copied()
    }
}
