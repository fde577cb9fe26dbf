// SPDX-License-Identifier: GPL-2.0

//! What the kernel module does with a module's BTF: the core decides here as it does there.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use rust_btfreloc::elf::Section;
use rust_btfreloc::reloc::decision::{self, MappedIds, NoFuncs, Relocated};
use rust_btfreloc::reloc::funcs::MappedFuncs;
use rust_btfreloc::reloc::standalone::RebasePlan;
use rust_btfreloc::reloc::{
    self, Base, Cause, CauseKind, LeftOut, Policy, RelocationPlan, SuppliedName, Unread,
};
use rust_btfreloc::text;
use serde::Serialize;

use crate::input::{Kernel, Sections};

/// What is done with the BTF of a module that is loaded.
#[derive(Debug)]
pub enum Decision<T> {
    /// There is none.
    NoBtf,
    /// Nothing: the kernel takes it as it is. Holds what becomes of `.BTF.funcs`, where the module has
    /// it.
    LeftAlone(Option<Funcs>),
    /// The kernel is shown another.
    Relocate(Replaced<T>),
    /// The kernel is shown none.
    Drop(Dropped),
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(CauseWords),
}

/// What the kernel is shown instead of a module's BTF.
#[derive(Debug)]
pub struct Replaced<T> {
    /// What was kept of how it was made.
    pub report: T,
    /// Types that are left out.
    pub left_out: Option<LeftOut>,
    /// The BTF.
    pub btf: Vec<u8>,
    /// `.BTF_ids`, where it is to be another.
    pub ids: Option<Vec<u8>>,
    /// What becomes of `.BTF.funcs`, where the module has it.
    pub funcs: Option<Funcs>,
}

/// [`decision::TakenFuncs`] of the host.
pub type Funcs = Result<FuncIds, NoFuncs<Unread>>;

/// The functions in `.BTF.funcs`.
#[derive(Debug)]
pub struct FuncIds {
    /// How many there are.
    pub count: u32,
    /// The new ids of those whose FUNC is there, by those before.
    pub ids: HashMap<u32, u32>,
}

/// What is done where BTF is dropped.
#[derive(Debug)]
pub struct Dropped {
    /// Why.
    pub cause: CauseWords,
    /// What becomes of `.BTF_ids`, where the module has it.
    pub ids: Option<DroppedIds>,
    /// That section, where it is to be another.
    pub cleared: Option<Vec<u8>>,
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
    let take = Shell {
        take,
        supplied: None,
    };
    decided(&take, base, sections, policy)
}

/// The same where these are the kernels that stale BTF may have been made for.
pub fn decide_with<T>(
    supplied: &[Kernel],
    base: &Base<'_>,
    sections: &Sections<'_>,
    policy: Policy,
    take: impl Fn(&Registered<'_, '_>) -> T,
) -> Decision<T> {
    let supplied = Some(supplied);
    decided(&Shell { take, supplied }, base, sections, policy)
}

fn decided<T, F: Fn(&Registered<'_, '_>) -> T>(
    shell: &Shell<'_, F>,
    base: &Base<'_>,
    sections: &Sections<'_>,
    policy: Policy,
) -> Decision<T> {
    let module = match (&sections.module, &sections.lost) {
        (_, Some(cause)) => Err(cause),
        (Some(module), None) => Ok(module),
        (None, None) => return Decision::NoBtf,
    };
    match decision::decide(shell, base, policy, module) {
        decision::Decision::LeaveAlone(funcs) => Decision::LeftAlone(funcs),
        decision::Decision::LeaveToKernel(cause) => Decision::LeftToKernel(cause),
        decision::Decision::Drop { cause, ids } => {
            let (ids, cleared) = ids.map(dropped_ids).unzip();
            Decision::Drop(Dropped {
                cause,
                ids,
                cleared: cleared.flatten(),
            })
        }
        decision::Decision::Replace(replacement) => Decision::Relocate(Replaced {
            report: replacement.report,
            left_out: replacement.left_out,
            btf: replacement.btf,
            ids: replacement.ids,
            funcs: replacement.funcs,
        }),
    }
}

/// What becomes of the ids, and the section where it is to be another.
fn dropped_ids<S>(ids: decision::DroppedIds<S>) -> (DroppedIds, Option<Vec<u8>>)
where
    S: decision::Shell<IdReport = Ids, Cause = CauseWords, Ids = Vec<u8>>,
{
    match ids {
        decision::DroppedIds::Cleared(patched) => {
            (DroppedIds::Cleared(patched.report), patched.ids)
        }
        decision::DroppedIds::Kept(why) => (DroppedIds::Kept(why.map(|why| why.words)), None),
    }
}

/// The host, where memory is never short and nothing is carried out.
struct Shell<'s, F> {
    take: F,
    /// The kernels that stale BTF may have been made for, by number; `None` where none can be named.
    supplied: Option<&'s [Kernel]>,
}

impl<F> Shell<'_, F> {
    /// The kernel module's words, but for what is to be done on a command line.
    fn words(&self, cause: &reloc::Cause<'_>) -> String {
        let Some(supplied) = self.supplied else {
            return cause.to_string();
        };
        let label = |file: &SuppliedName<'_>| {
            let kernel = supplied.get(usize::from(file.number));
            kernel.map_or("", Kernel::label)
        };
        const NAME_IT: &str = "name the vmlinux that it was built with by --base";
        match cause {
            Cause::Stale {
                found,
                release: Some(release),
                another_build: true,
            } => {
                let release = text::Name(release);
                format!("made with another build of {release} than this kernel: {found}; {NAME_IT}")
            }
            Cause::Stale { found, .. } => format!("not for this kernel: {found}; {NAME_IT}"),
            Cause::Supplied { found, file } => {
                let label = label(file);
                format!("{label} is not the kernel that it was built for: {found}; {NAME_IT}")
            }
            Cause::SuppliedOwn { file } => {
                let label = label(file);
                format!("{label} is this very kernel, and it was built for another; {NAME_IT}")
            }
            cause => cause.to_string(),
        }
    }
}

impl<'s, T, F: Fn(&Registered<'_, '_>) -> T> decision::Shell for Shell<'s, F> {
    type List<E: Copy> = Vec<E>;
    type Boxed<V> = Box<V>;
    type Failure = Unread;
    type Cause = CauseWords;
    type File = &'s [u8];
    type Ids = Vec<u8>;
    type IdReport = Ids;
    type Report = T;
    type Funcs = FuncIds;

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
            words: self.words(cause),
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

    fn supplied(&self, name: SuppliedName<'_>) -> Result<Option<&'s [u8]>, Unread> {
        let kernels = self.supplied.unwrap_or_default();
        Ok(kernels.get(usize::from(name.number)).map(Kernel::bytes))
    }

    fn live(&self, _: &Section<'_>, bytes: &[u8]) -> Result<Vec<u8>, Unread> {
        Ok(bytes.to_vec())
    }

    fn ids(&self, _: &Section<'_>, bytes: Vec<u8>) -> Result<Vec<u8>, Unread> {
        Ok(bytes)
    }

    // Addresses come with the load.
    fn is_code(&self, _: u64) -> bool {
        true
    }

    fn funcs(&self, funcs: &MappedFuncs<'_, '_>) -> Result<FuncIds, Unread> {
        let mut ids = HashMap::new();
        funcs.each_id(|id, new| {
            ids.insert(id, new);
        });
        Ok(FuncIds {
            count: funcs.count(),
            ids,
        })
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
        Ok((self.take)(&Registered::Relocated(RelocatedBtf {
            plan,
            btf_base,
            ids,
        })))
    }

    fn rebased(&self, plan: &RebasePlan<'_>, ids: Option<Ids>) -> Result<T, Unread> {
        Ok((self.take)(&Registered::Rebased(RebasedBtf { plan, ids })))
    }

    fn reduced(&self, btf: &[u8], ids: Option<Ids>) -> Result<T, Unread> {
        Ok((self.take)(&Registered::Reduced(ReducedBtf { btf, ids })))
    }
}
