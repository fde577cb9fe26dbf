// SPDX-License-Identifier: GPL-2.0

//! The story of one load: what becomes of a module's BTF, decided while nothing is touched yet.

use super::{
    alias::Alias,
    base::Vmlinux,
    carried::Carried,
    cause::Cause,
    handover::Handover,
    ids::IdReport,
    memory,
    notifier::Coming,
    report::{ModuleReport, Relocated},
};
use crate::reloc::{self, btf_ids::BtfIds, Base, Input, Outcome, Plan, Policy, Survey};
use core::convert::Infallible;
use kernel::prelude::*;

/// What is done with the BTF of a loading module.
pub(crate) enum Decision<'a> {
    /// Nothing: the kernel takes it as it is.
    LeftAlone,
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(Cause),
    /// The kernel is shown none.
    Drop(Cause),
    /// The kernel is shown another.
    Relocate(Relocation<'a>),
}

/// A relocation that is ready to be committed.
pub(crate) struct Relocation<'a> {
    btf: KVVec<u8>,
    ids: Option<PatchedIds<'a>>,
    report: KBox<ModuleReport>,
}

/// `.BTF_ids` with its ids mapped, and the way to put it where the module reads it.
struct PatchedIds<'a> {
    bytes: KVVec<u8>,
    alias: Alias<'a>,
}

/// Decides what to do with the BTF of `module`; `None` where it has none.
pub(crate) fn decide<'a>(
    vmlinux: &Vmlinux,
    policy: Policy,
    module: Coming<'a>,
) -> Option<Decision<'a>> {
    let carried = Carried::of(module).transpose()?;
    let planned = carried.and_then(|carried| plan(&vmlinux.base(), policy, module, &carried));
    Some(match planned {
        Ok(None) => Decision::LeftAlone,
        Ok(Some(relocation)) => Decision::Relocate(relocation),
        Err(cause) if policy == Policy::Opaque && cause.lies_in_btf() => Decision::Drop(cause),
        Err(cause) => Decision::LeftToKernel(cause),
    })
}

/// `None` where the kernel takes the BTF as it is.
fn plan<'a>(
    base: &Base<'_>,
    policy: Policy,
    module: Coming<'a>,
    carried: &Carried<'a>,
) -> Result<Option<Relocation<'a>>, Cause> {
    let input = Input {
        btf: carried.btf(),
        btf_base: carried.base(),
    };
    let survey = Survey::of(base, &input).map_err(|error| reloc::Cause::Malformed(error.into()))?;
    let mut scratch = memory::zeroed(survey.scratch_len())?;
    let release = carried.elf().and_then(|elf| elf.release());
    let plan = match Outcome::of(base, &survey, policy, release, &mut scratch)? {
        Outcome::LeftAlone => return Ok(None),
        Outcome::Relocate(plan) => plan,
    };
    let mut btf = memory::zeroed(plan.output_len())?;
    plan.write(&mut btf).map_err(reloc::Cause::TooLarge)?;
    let (ids, id_report) = patch_ids(&plan, module, carried)?.unzip();
    let btf_base = carried.base().unwrap_or_default();
    let report = ModuleReport::Relocated(Relocated::new(&plan, btf_base, id_report));
    let report = KBox::new(report, GFP_KERNEL)?;
    let ids = ids.flatten();
    Ok(Some(Relocation { btf, ids, report }))
}

/// Maps the ids in `.BTF_ids`, where that changes any; `None` where the module has no such section.
fn patch_ids<'a>(
    plan: &Plan<'_>,
    module: Coming<'a>,
    carried: &Carried<'a>,
) -> Result<Option<(Option<PatchedIds<'a>>, IdReport)>, Cause> {
    let elf = carried.elf().ok_or(Cause::NoImage)?;
    let found = elf
        .section(b".BTF_ids")
        .and_then(|found| Some((found, elf.data(&found)?)));
    let Some((section, original)) = found.filter(|(_, bytes)| !bytes.is_empty()) else {
        return Ok(None);
    };
    let symbols = elf
        .symbols()
        .map_err(|_| reloc::Cause::Symbols)?
        .in_section(&section);
    let mut bytes = memory::zeroed(original.len())?;
    let ids = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(reloc::Cause::Ids)?;
    let mut report = IdReport::new(plan, |visit| {
        let visited: Result<(), Infallible> = ids.each(symbols.clone(), |entry| {
            visit(entry);
            Ok(())
        });
        let Ok(()) = visited;
    });
    let patched = ids.patch(|id| plan.new_id(id));
    report.counted(&patched.map_err(reloc::Cause::Ids)?);
    if *bytes == *original {
        return Ok(Some((None, report)));
    }
    let addr = usize::try_from(section.addr).map_err(Error::from)?;
    let alias = Alias::new(module, addr, bytes.len())?;
    Ok(Some((Some(PatchedIds { bytes, alias }), report)))
}

impl Relocation<'_> {
    /// Shows the kernel the relocated BTF and writes the ids where the module reads them.
    ///
    /// # Errors
    ///
    /// `EOVERFLOW` where the BTF is larger than the kernel can be told; nothing is changed then.
    ///
    /// # Safety
    ///
    /// As for [`Handover::replace`].
    pub(crate) unsafe fn commit(
        self,
        module: Coming<'_>,
    ) -> Result<(Handover, KBox<ModuleReport>)> {
        // SAFETY: The requirements are those of this function.
        let handover = unsafe { Handover::replace(module, self.btf)? };
        if let Some(ids) = self.ids {
            // SAFETY: `.BTF_ids` is for the module's code, and for what that calls; none of it has
            // run, and none does before the notifier returns. `ids.bytes` is memory of ours.
            unsafe { ids.alias.write(&ids.bytes) };
        }
        Ok((handover, self.report))
    }
}
