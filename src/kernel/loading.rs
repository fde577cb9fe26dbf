// SPDX-License-Identifier: GPL-2.0

//! Plans what the kernel is shown as the BTF of a loading module, sort by sort.

use super::{
    alias::{self, Alias},
    carried::Carried,
    cause::Cause,
    firmware::Loader,
    ids::IdReport,
    memory,
    notifier::Coming,
    relocation::{PatchedIds, Relocation},
    report::{Dropped, LoadReport},
    stats::Stats,
    supplied,
};
use crate::btf::{self, Blob};
use crate::elf::{Section, Symbols};
use crate::reloc::{
    self,
    btf_ids::{self, Asked, BtfIds, Entry, Form},
    standalone, Base, CauseKind, Input, InputKind, Policy, RelocationPlan, SuppliedName, Survey,
};
use core::convert::Infallible;
use kernel::{alloc::AllocError, prelude::*};

/// What gives an id another one; `None` for one that has none.
type NewId<'f> = dyn Fn(u32) -> Option<u32> + 'f;

/// `.BTF_ids` as it is to be, where that is another, and what is told of it.
type Patch<'a> = (Option<PatchedIds<'a>>, IdReport);

/// The BTF that is relocated: the module's own, or what was made of it.
struct Source<'s> {
    input: Input<'s>,
    /// What gives an id of the module the one it has there.
    new_id: &'s NewId<'s>,
    /// The file with the BTF that it was distilled against.
    supplied: Option<SuppliedName<'s>>,
}

/// A module that is loading, with BTF.
pub(super) struct Loading<'l, 'a> {
    stats: &'l Stats,
    loader: &'l Loader,
    policy: Policy,
    module: Coming<'a>,
    carried: &'l Carried<'a>,
    /// The release it was built for.
    release: Option<&'a [u8]>,
}

impl<'l, 'a> Loading<'l, 'a> {
    pub(super) fn new(
        stats: &'l Stats,
        loader: &'l Loader,
        policy: Policy,
        module: Coming<'a>,
        carried: &'l Carried<'a>,
    ) -> Self {
        Self {
            stats,
            loader,
            policy,
            module,
            carried,
            release: carried.elf().and_then(|elf| elf.release()),
        }
    }

    /// What the kernel is to be shown; `None` where it takes the BTF as it is.
    pub(super) fn plan(&self, base: &Base<'_>) -> Result<Option<Relocation<'a>>, Cause> {
        let own = Source {
            input: self.carried.input(),
            new_id: &Some,
            supplied: None,
        };
        match (self.shown(base, &own), self.release) {
            (Err(stale), Some(release)) if is_stale(&stale) => {
                self.repaired(base, own.input.btf, release, stale).map(Some)
            }
            (planned, _) => planned,
        }
    }

    /// Relocates `btf`, which is `stale`, by way of the BTF of the kernel `release`: of the builds of
    /// that release which were supplied, the first that it was made for.
    #[inline(never)]
    fn repaired(
        &self,
        base: &Base<'_>,
        btf: &[u8],
        release: &[u8],
        stale: Cause,
    ) -> Result<Relocation<'a>, Cause> {
        let mut roots = None;
        let mut refused = None;
        for name in SuppliedName::each(release) {
            let file = match supplied::find(self.loader, name) {
                Ok(Some(file)) => file,
                Ok(None) => break,
                Err(Cause::Kernel(error)) => return Err(Cause::unread(name, error)),
                Err(cause) if cause.kind() == Some(CauseKind::Supplied) => {
                    refused = Some(cause);
                    continue;
                }
                Err(cause) => return Err(cause),
            };
            if is_own(base, file.bytes()) {
                refused = Some(own_base(name));
                continue;
            }
            let roots = match &roots {
                Some(roots) => roots,
                None => roots.insert(self.ids().map_err(Cause::unusable)?),
            };
            match self.relocated_by(base, btf, (name, file.bytes()), roots) {
                Ok(Some(relocation)) => return Ok(relocation),
                Ok(None) => break,
                Err(Cause::Kernel(error)) => return Err(Cause::unread(name, error)),
                Err(cause) if cause.kind() == Some(CauseKind::Supplied) => refused = Some(cause),
                // The BTF is stale, whatever else: the module is better off without it.
                Err(cause) => return Err(cause.unusable()),
            }
        }
        Err(refused.unwrap_or(stale))
    }

    /// Relocates `btf` by way of one file that was supplied, the BTF of another kernel.
    #[inline(never)]
    fn relocated_by(
        &self,
        base: &Base<'_>,
        btf: &[u8],
        (name, other): (SuppliedName<'_>, &[u8]),
        roots: &[u32],
    ) -> Result<Option<Relocation<'a>>, Cause> {
        supplied::distilled(other, name, btf, roots, |input, new_id| {
            let source = Source {
                input,
                new_id,
                supplied: Some(name),
            };
            self.shown(base, &source)
        })
    }

    /// Decides on `source`.
    #[inline(never)]
    fn shown(&self, base: &Base<'_>, source: &Source<'_>) -> Result<Option<Relocation<'a>>, Cause> {
        let refused = |error: btf::Error| reloc::Cause::refused(&base.known(), error.into());
        let survey = memory::boxed(|| Survey::of(base, &source.input).map_err(refused))?;
        if source.supplied.is_none() {
            self.stats.sort(survey.input_kind());
        }
        let mut scratch = memory::zeroed(survey.scratch_len())?;
        match survey.input_kind() {
            InputKind::Standalone => self.rebased(base, &survey, &mut scratch),
            _ => self.relocated(base, &survey, source, &mut scratch),
        }
    }

    // From here on each step has a frame of its own: a kernel's stack is small.
    #[inline(never)]
    fn relocated<'s>(
        &self,
        base: &Base<'s>,
        survey: &Survey<'s>,
        source: &Source<'_>,
        scratch: &'s mut [u32],
    ) -> Result<Option<Relocation<'a>>, Cause>
    where
        'a: 's,
    {
        let mut plan = memory::room()?;
        survey.relocated(base, self.policy, self.release, scratch, &mut plan)?;
        match &*plan {
            Some(plan) => self.relocation(base, plan, source),
            None => Ok(None),
        }
    }

    #[inline(never)]
    fn relocation(
        &self,
        base: &Base<'_>,
        plan: &RelocationPlan<'_>,
        source: &Source<'_>,
    ) -> Result<Option<Relocation<'a>>, Cause> {
        let mut btf = memory::zeroed(plan.output_len())?;
        plan.write(&mut btf).map_err(reloc::Cause::TooLarge)?;
        let new_id = |id| plan.new_id((source.new_id)(id)?);
        let patched = self
            .inline(base)
            .and_then(|()| self.patch_ids(Some(base), &new_id));
        // What has no match the kernel refuses.
        let refused = plan.counts().opaque != 0;
        let (ids, told) = match patched {
            Err(cause) if refused => return Err(cause.unusable()),
            patched => patched?.unzip(),
        };
        let btf_base = source.input.btf_base.unwrap_or_default();
        let report = LoadReport::relocated(plan, btf_base, told, source.supplied)?;
        Ok(Some(Relocation::new(Some(btf), ids.flatten(), report)))
    }

    #[inline(never)]
    fn rebased<'s>(
        &self,
        base: &'s Base<'s>,
        survey: &Survey<'s>,
        scratch: &'s mut [u32],
    ) -> Result<Option<Relocation<'a>>, Cause> {
        let mut plan = memory::room()?;
        survey.rebased(base, scratch, &mut plan)?;
        match &*plan {
            Some(plan) => self.rebase(base, plan),
            None => Ok(None),
        }
    }

    #[inline(never)]
    fn rebase(
        &self,
        base: &Base<'_>,
        plan: &standalone::RebasePlan<'_>,
    ) -> Result<Option<Relocation<'a>>, Cause> {
        let mut btf = memory::zeroed(plan.output_len())?;
        plan.write(&mut btf).map_err(reloc::Cause::TooLarge)?;
        // The kernel reads such ids as vmlinux's: the module is better off without its BTF.
        let new_id = |id| plan.new_id(id);
        let patched = self
            .inline(base)
            .and_then(|()| self.patch_ids(Some(base), &new_id));
        let (ids, told) = patched.map_err(Cause::unusable)?.unzip();
        let report = LoadReport::rebased(plan, told)?;
        Ok(Some(Relocation::new(Some(btf), ids.flatten(), report)))
    }

    /// Shows the kernel no BTF, and leaves the module's code no ids of types that nobody knows.
    #[inline(never)]
    pub(super) fn dropped(&self, cause: Cause) -> Result<Relocation<'a>, Cause> {
        let (patched, ids) = match self.patch_ids(None, &|_| Some(0)) {
            Ok(patched) => {
                let (patched, report) = patched.unzip();
                (patched.flatten(), report.map(Ok))
            }
            // That `.BTF_ids` is at fault need not be said twice.
            Err(why) => (None, Some(Err((why.kind() != cause.kind()).then_some(why)))),
        };
        let report = LoadReport::dropped(Dropped { cause, ids })?;
        Ok(Relocation::new(None, patched, report))
    }

    /// Whether nothing but `.BTF` and `.BTF_ids` would have to move with them.
    ///
    /// `.BTF.inline` would, where the kernel reads it. How it takes that, and from where, no released
    /// kernel says: nothing is handed to it by guess.
    fn inline(&self, base: &Base<'_>) -> Result<(), Cause> {
        if !base.known().reads_inline {
            return Ok(());
        }
        let elf = self.carried.elf().ok_or(reloc::Cause::NoImage)?;
        match elf.section(b".BTF.inline") {
            Some(section) if section.size != 0 => Err(reloc::Cause::Inline.into()),
            _ => Ok(()),
        }
    }

    /// The section `.BTF_ids`, its content and the module's symbols; `None` where it is not there, or
    /// empty.
    fn ids_section(
        &self,
    ) -> Result<Option<(Section<'a>, &'a [u8], Symbols<'a>)>, reloc::Cause<'static>> {
        let elf = self.carried.elf().ok_or(reloc::Cause::NoImage)?;
        let found = elf
            .section(b".BTF_ids")
            .and_then(|found| Some((found, elf.data(&found)?)));
        let Some((section, original)) = found.filter(|(_, bytes)| !bytes.is_empty()) else {
            return Ok(None);
        };
        let symbols = elf.symbols().map_err(|_| reloc::Cause::Symbols)?;
        Ok(Some((section, original, symbols)))
    }

    /// The ids in `.BTF_ids`.
    #[inline(never)]
    fn ids(&self) -> Result<KVVec<u32>, Cause> {
        let Some((section, original, symbols)) = self.ids_section()? else {
            return Ok(KVVec::new());
        };
        let symbols = symbols.in_section(&section);
        let mut bytes = memory::zeroed(original.len())?;
        let ids = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(reloc::Cause::Ids)?;
        let mut count = 0_usize;
        each(&ids, symbols.clone(), |_| count = count.saturating_add(1));
        let mut all = memory::zeroed(count)?;
        let mut free = all.iter_mut();
        each(&ids, symbols, |entry| {
            if let Some(id) = free.next() {
                *id = entry.id;
            }
        });
        Ok(all)
    }

    /// Maps the ids in `.BTF_ids`, where that changes any, and finds in `base` what has none; `None`
    /// where the module has no such section.
    fn patch_ids(
        &self,
        base: Option<&Base<'_>>,
        new_id: &NewId<'_>,
    ) -> Result<Option<Patch<'a>>, Cause> {
        let Some((section, original, symbols)) = self.ids_section()? else {
            return Ok(None);
        };
        let symbols = symbols.in_section(&section);
        let mut bytes = memory::zeroed(original.len())?;
        let addr = usize::try_from(section.addr).map_err(Error::from)?;
        let live = alias::copied(self.module, addr, original.len())?;
        let ids = BtfIds::read(original, symbols.clone(), &mut bytes)
            .and_then(|ids| ids.in_place(&live))
            .map_err(reloc::Cause::Ids)?;
        let mut asked = asked(&ids, symbols.clone())?;
        let patched = ids.patch(new_id).map_err(reloc::Cause::Ids)?;
        let changed = patched.changed;
        let filled = base.map_or(0, |base| btf_ids::fill(&mut bytes, &mut asked, base.btf()));

        let mut again = memory::zeroed(original.len())?;
        let ids = BtfIds::read(original, symbols.clone(), &mut again)
            .and_then(|ids| ids.in_place(&live))
            .map_err(reloc::Cause::Ids)?;
        let new_id = |entry: &Entry<'_>| match entry.form {
            Form::Id { .. } => btf::read_u32(&bytes, btf::to_usize(entry.offset)),
            Form::Set(_) | Form::Set8 { .. } => new_id(entry.id),
        };
        let report = IdReport::new(&new_id, changed.saturating_add(filled), |visit| {
            each(&ids, symbols.clone(), visit);
        });
        if *bytes == *live {
            return Ok(Some((None, report)));
        }
        let alias = Alias::new(self.module, addr, bytes.len())?;
        Ok(Some((Some(PatchedIds { bytes, alias }), report)))
    }
}

/// Calls `visit` with each id of `ids`, which was read with `symbols`.
fn each<'n>(
    ids: &BtfIds<'_>,
    symbols: impl Iterator<Item = (u64, &'n [u8])>,
    mut visit: impl FnMut(Entry<'n>),
) {
    let visited: Result<(), Infallible> = ids.each(symbols, |entry| {
        visit(entry);
        Ok(())
    });
    let Ok(()) = visited;
}

/// What the lists of `ids`, which was read with `symbols`, ask for.
#[inline(never)]
fn asked<'n>(
    ids: &BtfIds<'_>,
    symbols: impl Iterator<Item = (u64, &'n [u8])> + Clone,
) -> Result<KVVec<Asked<'n>>, AllocError> {
    let mut count = 0_usize;
    ids.asked(symbols.clone(), |_| count = count.saturating_add(1));
    let mut all = memory::filled(count, Asked::default())?;
    let mut free = all.iter_mut();
    ids.asked(symbols, |asked| {
        if let Some(place) = free.next() {
            *place = asked;
        }
    });
    Ok(all)
}

/// Whether it is plain split BTF that was made for another kernel.
fn is_stale(cause: &Cause) -> bool {
    cause.kind() == Some(CauseKind::Stale)
}

#[inline(never)]
fn own_base(file: SuppliedName<'_>) -> Cause {
    reloc::Cause::SuppliedOwn { file }.into()
}

/// Whether `supplied` is the BTF of the running kernel itself, `base`.
#[inline(never)]
fn is_own(base: &Base<'_>, supplied: &[u8]) -> bool {
    let own = base.btf().blob();
    let blob = Blob::parse(btf::Section::Supplied, btf::Form::Base, supplied);
    blob.is_ok_and(|blob| blob.types() == own.types() && blob.strings() == own.strings())
}
