// SPDX-License-Identifier: GPL-2.0

//! The output that has one file a module: a minimal base, and minimal BTF split off it.

use anyhow::Result;
use rust_btfreloc::btf::Btf;

use super::keep::{Keep, Kept};
use super::resolved::Resolved;
use super::write::{Ids, Writer};

/// The files of a folder.
pub struct Files {
    /// vmlinux, and the new ids of its types.
    pub base: (Vec<u8>, Ids),
    /// Each module that is needed, by its place, and the new ids of its types and of vmlinux's.
    pub modules: Vec<(usize, Vec<u8>, Ids)>,
}

/// What is kept of vmlinux and of each module.
pub struct All {
    /// Of vmlinux.
    pub base: Kept,
    /// Of each module, by its place.
    pub modules: Vec<Kept>,
}

impl All {
    /// Nothing yet of a base and so many modules.
    pub fn none(modules: usize) -> Self {
        All {
            base: Kept::new(),
            modules: vec![Kept::new(); modules],
        }
    }

    /// Calls `keep` with what is kept of vmlinux alone.
    pub fn of_base(&mut self, base: &Btf<'_>, keep: impl FnOnce(&mut Keep<'_, '_>)) {
        Self::keep(base, base, &mut self.base, &mut Kept::new(), keep);
    }

    /// Calls `keep` with what is kept of vmlinux and of the module in this place, whose BTF is `btf`.
    pub fn of_module(
        &mut self,
        base: &Btf<'_>,
        place: usize,
        btf: &Btf<'_>,
        keep: impl FnOnce(&mut Keep<'_, '_>),
    ) {
        if let Some(own) = self.modules.get_mut(place) {
            Self::keep(base, btf, &mut self.base, own, keep);
        }
    }

    fn keep(
        base: &Btf<'_>,
        btf: &Btf<'_>,
        kept: &mut Kept,
        own: &mut Kept,
        keep: impl FnOnce(&mut Keep<'_, '_>),
    ) {
        keep(&mut Keep {
            btf: *btf,
            split_at: base.end_id(),
            base: kept,
            own,
            whole: Default::default(),
        });
    }
}

/// Writes a base, and for each module that is needed what is split off it.
///
/// # Errors
///
/// It is too long for BTF.
pub fn files(resolved: &Resolved<'_>) -> Result<Files> {
    let all = kept(resolved);
    let mut base = Writer::base();
    let mut ids = Ids::new();
    base.add(&resolved.base, &all.base, &mut ids, |_, _| true)?;
    let mut modules = Vec::new();
    for (place, (target, kept)) in resolved.targets.iter().zip(&all.modules).enumerate() {
        if kept.is_empty() {
            continue;
        }
        let mut module = base.split();
        let mut ids = ids.clone();
        module.add(&target.btf(&resolved.base), kept, &mut ids, |_, _| true)?;
        modules.push((place, module.bytes()?, ids));
    }
    Ok(Files {
        base: (base.bytes()?, ids),
        modules,
    })
}

fn kept(resolved: &Resolved<'_>) -> All {
    let base = &resolved.base;
    let mut all = All::none(resolved.targets.len());
    for question in &resolved.questions {
        let kind = question.asked.spec.kind;
        for (id, found) in &question.base {
            all.of_base(base, |keep| keep.candidate(kind, *id, found.as_ref()));
        }
        for (place, tried) in &question.modules {
            let Some(target) = resolved.targets.get(*place) else {
                continue;
            };
            for (id, found) in tried {
                all.of_module(base, *place, &target.btf(base), |keep| {
                    keep.candidate(kind, *id, found.as_ref())
                });
            }
        }
    }
    all
}
