// SPDX-License-Identifier: GPL-2.0

//! What the kernel module does with a module's BTF, step for step as in `src/kernel/load.rs`.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};

use rust_btfreloc::btf;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::{self, BtfIds};
use rust_btfreloc::reloc::{
    self, standalone, Base, CauseKind, Input, InputKind, Policy, RelocationPlan, Survey,
};
use rust_btfreloc::text;
use serde::Serialize;

use crate::input::Sections;

/// What is done with the BTF of a module that is loaded.
#[derive(Debug)]
pub enum Decision<T> {
    /// There is none.
    NoBtf,
    /// Nothing: the kernel takes it as it is.
    LeftAlone,
    /// The kernel is shown another.
    Relocate(T),
    /// The kernel is shown none; what becomes of `.BTF_ids`, where the module has it.
    Drop(Cause, Option<DroppedIds>),
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(Cause),
}

/// A relocation in which nothing can go wrong any more.
pub struct Relocation<'r, 'a> {
    /// What becomes of every type.
    pub plan: &'r RelocationPlan<'a>,
    /// `.BTF.base`
    pub btf_base: &'r [u8],
    /// What becomes of `.BTF_ids`, where the module has it.
    pub ids: Option<Ids>,
}

/// BTF that stands alone, split off vmlinux, in which nothing can go wrong any more.
pub struct Rebase<'r, 'a> {
    /// What becomes of every type.
    pub plan: &'r standalone::RebasePlan<'a>,
    /// What becomes of `.BTF_ids`, where the module has it.
    pub ids: Option<Ids>,
}

/// What the kernel is shown instead, by what the module has.
pub enum Other<'r, 'a> {
    /// Distilled.
    Relocation(Relocation<'r, 'a>),
    /// Standing alone.
    Rebase(Rebase<'r, 'a>),
}

/// The figures of a `.BTF_ids` section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ids {
    /// All ids, those that were not found when the module was built included.
    pub ids: u32,
    /// Those that get another value.
    pub changed: u32,
    /// Sets and set8s.
    pub sets: u32,
    /// Those that are sorted again.
    pub sorted: u32,
}

/// What becomes of the ids that the code of a module reads whose BTF is dropped.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DroppedIds {
    /// They are set to 0.
    Cleared(Ids),
    /// They stay, for this reason, or that for which the BTF is dropped.
    Kept(Option<String>),
}

impl Display for DroppedIds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DroppedIds::Cleared(Ids { ids, changed, .. }) => {
                let (ids, changed) = (*ids, *changed);
                write!(f, "{}", text::IdsCleared { ids, changed })
            }
            DroppedIds::Kept(why) => {
                let why = why.as_ref().map(|why| why as &dyn Display);
                write!(f, "{}", text::IdsKept(why))
            }
        }
    }
}

/// A [`reloc::Cause`] in words, those of the kernel module.
#[derive(Debug)]
pub struct Cause {
    /// Whether the module is better off without its BTF.
    pub costs_btf: bool,
    /// What stood in the way, without what was found.
    pub kind: CauseKind,
    /// What stood in the way.
    pub words: String,
}

impl Cause {
    /// The same where the kernel could not make use of the BTF as it is.
    fn unusable(self) -> Self {
        Cause {
            costs_btf: true,
            ..self
        }
    }
}

impl From<reloc::Cause<'_>> for Cause {
    fn from(cause: reloc::Cause<'_>) -> Self {
        Cause {
            costs_btf: cause.costs_btf(),
            kind: cause.kind(),
            words: cause.to_string(),
        }
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Decides what becomes of the BTF in `sections` on `base`; of what the kernel is shown instead,
/// `take` keeps what is of interest.
pub fn decide<T>(
    base: &Base<'_>,
    sections: &Sections<'_>,
    policy: Policy,
    take: impl FnOnce(&Other<'_, '_>) -> T,
) -> Decision<T> {
    let planned = match (&sections.btf, sections.lost) {
        (_, Some(cause)) => Err(cause.into()),
        (Some(input), None) => plan(base, input, sections, policy, take),
        (None, None) => return Decision::NoBtf,
    };
    match planned {
        Ok(None) => Decision::LeftAlone,
        Ok(Some(taken)) => Decision::Relocate(taken),
        Err(cause) if policy == Policy::Opaque && cause.costs_btf => {
            let ids = dropped_ids(sections.elf.as_ref(), &cause);
            Decision::Drop(cause, ids)
        }
        Err(cause) => Decision::LeftToKernel(cause),
    }
}

/// `None` where the kernel takes the BTF as it is.
fn plan<T>(
    base: &Base<'_>,
    input: &Input<'_>,
    sections: &Sections<'_>,
    policy: Policy,
    take: impl FnOnce(&Other<'_, '_>) -> T,
) -> Result<Option<T>, Cause> {
    let refused = |error: btf::Error| reloc::Cause::refused(&base.known(), error.into());
    let survey = Survey::of(base, input).map_err(refused)?;
    let elf = sections.elf.as_ref();
    let mut scratch = vec![0; survey.scratch_len()];
    let found = elf.filter(|elf| elf.is_found());
    let release = found.and_then(Elf::release);
    if survey.input_kind() == InputKind::Standalone {
        let mut plan = None;
        survey.rebased(base, &mut scratch, &mut plan)?;
        let rebased = |plan| {
            inline(base, sections).map_err(Cause::unusable)?;
            // The kernel would read such ids as vmlinux's.
            let ids = ids(Some(base), elf, |id| {
                standalone::RebasePlan::new_id(plan, id)
            });
            let ids = ids.map_err(Cause::unusable)?;
            Ok(take(&Other::Rebase(Rebase { plan, ids })))
        };
        return plan.as_ref().map(rebased).transpose();
    }
    let mut plan = None;
    survey.relocated(base, policy, release, &mut scratch, &mut plan)?;
    let relocated = |plan: &RelocationPlan<'_>| {
        // What has no match the kernel refuses.
        let refused = plan.counts().opaque != 0;
        let moved = inline(base, sections)
            .and_then(|()| ids(Some(base), elf, |id| RelocationPlan::new_id(plan, id)));
        let ids = match moved {
            Err(cause) if refused => return Err(cause.unusable()),
            ids => ids?,
        };
        let btf_base = input.btf_base.unwrap_or_default();
        Ok(take(&Other::Relocation(Relocation {
            plan,
            btf_base,
            ids,
        })))
    };
    plan.as_ref().map(relocated).transpose()
}

/// Whether nothing but `.BTF` and `.BTF_ids` would have to move with them.
///
/// `.BTF.inline` would, where the kernel reads it; what it takes there, no released one says.
fn inline(base: &Base<'_>, sections: &Sections<'_>) -> Result<(), Cause> {
    match sections.inline {
        Some(_) if base.known().reads_inline => Err(reloc::Cause::Inline.into()),
        _ => Ok(()),
    }
}

/// Leaves the module's code no ids of types that nobody knows.
fn dropped_ids(elf: Option<&Elf<'_>>, cause: &Cause) -> Option<DroppedIds> {
    match ids(None, elf, |_| Some(0)) {
        Ok(cleared) => cleared.map(DroppedIds::Cleared),
        // That `.BTF_ids` is at fault need not be said twice.
        Err(why) => Some(DroppedIds::Kept(
            (why.kind != cause.kind).then_some(why.words),
        )),
    }
}

/// Maps the ids in `.BTF_ids`, and finds in `base` what has none; `None` where the module has no such
/// section.
fn ids(
    base: Option<&Base<'_>>,
    elf: Option<&Elf<'_>>,
    new_id: impl Fn(u32) -> Option<u32>,
) -> Result<Option<Ids>, Cause> {
    let Some(elf) = elf else {
        return Ok(None);
    };
    if !elf.is_found() {
        return Err(reloc::Cause::NoImage.into());
    }
    let found = elf
        .section(b".BTF_ids")
        .and_then(|found| Some((found, elf.data(&found)?)));
    let Some((section, original)) = found.filter(|(_, bytes)| !bytes.is_empty()) else {
        return Ok(None);
    };
    let symbols = elf.symbols().map_err(|_| reloc::Cause::Symbols)?;
    let mut bytes = vec![0; original.len()];
    let symbols = symbols.in_section(&section);
    let read = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(reloc::Cause::Ids)?;
    let mut count = 0;
    let Ok(()) = read.each(symbols.clone(), |_| -> Result<(), Infallible> {
        count += 1;
        Ok(())
    });
    let mut asked = Vec::new();
    read.asked(symbols, |word| asked.push(word));
    let patched = read.patch(new_id).map_err(reloc::Cause::Ids)?;
    let (changed, sets, sorted) = (patched.changed, patched.sets, patched.sorted);
    let filled = base.map_or(0, |base| btf_ids::fill(&mut bytes, &mut asked, base.btf()));
    Ok(Some(Ids {
        ids: count,
        changed: changed + filled,
        sets,
        sorted,
    }))
}
