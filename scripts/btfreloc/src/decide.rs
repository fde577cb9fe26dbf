// SPDX-License-Identifier: GPL-2.0

//! What the kernel module does with a module's BTF: the core decides here as it does there.

use std::fmt::{self, Display, Formatter};

use rust_btfreloc::elf::Section;
use rust_btfreloc::reloc::decision::{self, MappedIds, Relocated, TakenFuncs};
use rust_btfreloc::reloc::funcs::MappedFuncs;
use rust_btfreloc::reloc::standalone::RebasePlan;
use rust_btfreloc::reloc::{
    self, Base, CauseKind, LeftOut, Policy, RelocationPlan, SuppliedName, Unread,
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
    /// The kernel is shown another, without these types.
    Relocate(T, Option<LeftOut>),
    /// The kernel is shown none; what becomes of `.BTF_ids`, where the module has it.
    Drop(CauseWords, Option<DroppedIds>),
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(CauseWords),
}

/// A relocation in which nothing can go wrong any more.
pub struct RelocatedBtf<'r, 'a> {
    /// What becomes of every type.
    pub plan: &'r RelocationPlan<'a>,
    /// `.BTF.base`
    pub btf_base: &'r [u8],
    /// What becomes of `.BTF_ids`, where the module has it.
    pub ids: Option<Ids>,
}

/// Standalone BTF, rebased onto vmlinux, in which nothing can go wrong any more.
pub struct RebasedBtf<'r, 'a> {
    /// What becomes of every type.
    pub plan: &'r RebasePlan<'a>,
    /// What becomes of `.BTF_ids`, where the module has it.
    pub ids: Option<Ids>,
}

/// What the kernel is shown instead, by what the module has.
pub enum Registered<'r, 'a> {
    /// Distilled.
    Relocated(RelocatedBtf<'r, 'a>),
    /// Standalone.
    Rebased(RebasedBtf<'r, 'a>),
    /// Split off this vmlinux, but for types that are left out.
    Reduced(ReducedBtf<'r>),
}

/// What is left of BTF without types that the kernel does not know.
pub struct ReducedBtf<'r> {
    /// The BTF.
    pub btf: &'r [u8],
    /// What becomes of `.BTF_ids`, where the module has it.
    pub ids: Option<Ids>,
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
pub struct CauseWords {
    /// What stood in the way, without what was found; `None` where it was not the module.
    pub kind: Option<CauseKind>,
    /// What stood in the way.
    pub words: String,
}

impl Display for CauseWords {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Decides what becomes of the BTF in `sections` on `base`; of what the kernel reads instead, `take`
/// keeps what is of interest.
pub fn decide<T>(
    base: &Base<'_>,
    sections: &Sections<'_>,
    policy: Policy,
    take: impl Fn(&Registered<'_, '_>) -> T,
) -> Decision<T> {
    let module = match (&sections.module, &sections.lost) {
        (_, Some(cause)) => Err(cause),
        (Some(module), None) => Ok(module),
        (None, None) => return Decision::NoBtf,
    };
    match decision::decide(&Shell(take), base, policy, module) {
        decision::Decision::LeaveAlone(_) => Decision::LeftAlone,
        decision::Decision::LeaveToKernel(cause) => Decision::LeftToKernel(cause),
        decision::Decision::Drop { cause, ids } => Decision::Drop(cause, ids.map(DroppedIds::from)),
        decision::Decision::Replace(replacement) => {
            Decision::Relocate(replacement.report, replacement.left_out)
        }
    }
}

/// What becomes of the table of function addresses in `sections` on `base`: how many functions are
/// shown, or why none is. `None` where there is no table, or it goes with the BTF.
pub fn taken_funcs(
    base: &Base<'_>,
    sections: &Sections<'_>,
    policy: Policy,
) -> Option<Result<u32, String>> {
    let module = sections.module.as_ref()?;
    let taken = match decision::decide(
        &Shell(|_: &Registered<'_, '_>| ()),
        base,
        policy,
        Ok(module),
    ) {
        decision::Decision::LeaveAlone(taken) => taken,
        decision::Decision::Replace(replacement) => replacement.funcs,
        decision::Decision::Drop { .. } | decision::Decision::LeaveToKernel(_) => None,
    };
    Some(match taken? {
        TakenFuncs::Kept(count) => Ok(count),
        TakenFuncs::Refused(error) => Err(error.to_string()),
        TakenFuncs::Failed(why) => Err(why.to_string()),
    })
}

impl<F> From<decision::DroppedIds<Shell<F>>> for DroppedIds
where
    Shell<F>: decision::Shell<IdReport = Ids, Cause = CauseWords>,
{
    fn from(ids: decision::DroppedIds<Shell<F>>) -> Self {
        match ids {
            decision::DroppedIds::Cleared(patched) => DroppedIds::Cleared(patched.report),
            decision::DroppedIds::Kept(why) => DroppedIds::Kept(why.map(|why| why.words)),
        }
    }
}

/// The host, where memory is never short and nothing is carried out.
struct Shell<F>(F);

impl<T, F: Fn(&Registered<'_, '_>) -> T> decision::Shell for Shell<F> {
    type List<E: Copy> = Vec<E>;
    type Boxed<V> = Box<V>;
    type Failure = Unread;
    type Cause = CauseWords;
    type File = Vec<u8>;
    type Ids = ();
    type IdReport = Ids;
    type Report = T;
    type Funcs = u32;

    fn list<E: Copy>(&self, item: E, len: usize) -> Result<Vec<E>, Unread> {
        Ok(vec![item; len])
    }

    fn words(&self, len: usize) -> Result<Vec<u32>, Unread> {
        Ok(vec![0; len])
    }

    fn bytes(&self, len: usize) -> Result<Vec<u8>, Unread> {
        Ok(vec![0; len])
    }

    fn boxed<V, E>(
        &self,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Result<Box<V>, E>, Unread> {
        Ok(make().map(Box::new))
    }

    fn cause(&self, cause: &reloc::Cause<'_>) -> Result<CauseWords, Unread> {
        Ok(CauseWords {
            kind: Some(cause.kind()),
            words: cause.to_string(),
        })
    }

    fn failed(&self, why: Unread) -> CauseWords {
        CauseWords {
            kind: None,
            words: why.to_string(),
        }
    }

    fn unread(&self, _: SuppliedName<'_>, why: Unread) -> CauseWords {
        self.failed(why)
    }

    fn live(&self, _: &Section<'_>, bytes: &[u8]) -> Result<Vec<u8>, Unread> {
        Ok(bytes.to_vec())
    }

    fn ids(&self, _: &Section<'_>, _: Vec<u8>) -> Result<(), Unread> {
        Ok(())
    }

    // Addresses come with the load.
    fn is_code(&self, _: u64) -> bool {
        true
    }

    fn funcs(&self, funcs: &MappedFuncs<'_, '_>) -> Result<u32, Unread> {
        Ok(funcs.count())
    }

    fn id_report(&self, mapped: &MappedIds<'_, '_>) -> Ids {
        let mut ids = 0;
        mapped.each(&mut |_| ids += 1);
        Ids {
            ids,
            changed: mapped.changed,
            sets: mapped.sets,
            sorted: mapped.sorted,
        }
    }

    fn relocated(
        &self,
        plan: &RelocationPlan<'_>,
        of: Relocated<'_>,
        ids: Option<Ids>,
    ) -> Result<T, Unread> {
        let btf_base = of.btf_base;
        Ok((self.0)(&Registered::Relocated(RelocatedBtf {
            plan,
            btf_base,
            ids,
        })))
    }

    fn rebased(&self, plan: &RebasePlan<'_>, ids: Option<Ids>) -> Result<T, Unread> {
        Ok((self.0)(&Registered::Rebased(RebasedBtf { plan, ids })))
    }

    fn reduced(&self, btf: &[u8], ids: Option<Ids>) -> Result<T, Unread> {
        Ok((self.0)(&Registered::Reduced(ReducedBtf { btf, ids })))
    }
}
