// SPDX-License-Identifier: GPL-2.0

//! What the kernel module does with a module's BTF: the core decides here as it does there.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::ops::Deref;
use std::sync::Arc;

use rust_btfreloc::elf::Section;
use rust_btfreloc::reloc::decision::{self, MappedIds, NoFuncs, Relocated};
use rust_btfreloc::reloc::funcs::MappedFuncs;
use rust_btfreloc::reloc::standalone::RebasePlan;
use rust_btfreloc::reloc::{
    self, Base, Cause, CauseKind, LeftOut, Policy, RelocationPlan, SuppliedName, Unread,
};
use rust_btfreloc::text;
use serde::Serialize;

use crate::input::{Kernel, Sections, SuppliedBase, SuppliedBases};

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

/// The vmlinux BTF of other builds, by way of which stale BTF is relocated.
#[derive(Clone, Copy)]
pub enum Supply<'s> {
    /// There is none, and it is not known what would supply it.
    None,
    /// That of these kernels, whatever their releases.
    Named(&'s [Kernel]),
    /// That which rust_btfreloc finds on this machine.
    Installed(&'s SuppliedBases),
    /// The same, for a command that takes the names of others.
    InstalledUnnamed(&'s SuppliedBases),
}

/// A base of another build that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByWayOf {
    /// What rust_btfreloc asks the firmware loader for.
    pub firmware: String,
    /// What it is called here: the kernel as it was typed, or the file.
    pub label: String,
}

/// A relocation in which nothing can go wrong any more.
pub struct RelocatedBtf<'r, 'a> {
    /// What becomes of every type.
    pub plan: &'r RelocationPlan<'a>,
    /// `.BTF.base`, or what was made of a base of another build.
    pub btf_base: &'r [u8],
    /// That base.
    pub supplied: Option<ByWayOf>,
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
    /// The same as the kernel module says it in the log, where it has other advice.
    pub log: Option<String>,
}

impl Display for CauseWords {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The policy of `--strict`.
pub fn policy(strict: bool) -> Policy {
    match strict {
        true => Policy::Strict,
        false => Policy::Opaque,
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
    decide_with(Supply::None, base, sections, policy, take)
}

/// The same where there is BTF of the kernels that stale BTF may have been made for.
pub fn decide_with<T>(
    supply: Supply<'_>,
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
    match decision::decide(&Shell { take, supply }, base, policy, module) {
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
    supply: Supply<'s>,
}

impl<F> Shell<'_, F> {
    /// What is to be done on a command line that names kernels; `None` where the kernel module's words
    /// are right.
    fn words(&self, cause: &reloc::Cause<'_>) -> Option<String> {
        const NAME_IT: &str = "name the vmlinux that it was built with by --base";
        if matches!(self.supply, Supply::None | Supply::Installed(_)) {
            return None;
        }
        Some(match cause {
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
                let label = self.label(*file);
                format!("{label} is not the kernel that it was built for: {found}; {NAME_IT}")
            }
            Cause::SuppliedOwn { file } => {
                let label = self.label(*file);
                format!("{label} is this very kernel, and it was built for another; {NAME_IT}")
            }
            _ => return None,
        })
    }

    /// What the base that was found under this name is called here.
    fn label(&self, name: SuppliedName<'_>) -> String {
        match self.supply.file(name) {
            Ok(Some(BaseFile::Named(kernel))) => kernel.label().to_owned(),
            Ok(Some(BaseFile::Installed(found))) => found.path.display().to_string(),
            Ok(None) | Err(_) => String::new(),
        }
    }
}

impl<'s> Supply<'s> {
    /// The base of this name; `None` where there is none.
    fn file(self, name: SuppliedName<'_>) -> Result<Option<BaseFile<'s>>, Unread> {
        Ok(match self {
            Supply::None => None,
            Supply::Named(kernels) => {
                let kernel = kernels.get(usize::from(name.number));
                kernel.map(BaseFile::Named)
            }
            Supply::Installed(bases) | Supply::InstalledUnnamed(bases) => {
                bases.get(name)?.map(BaseFile::Installed)
            }
        })
    }
}

/// The bytes of a base.
enum BaseFile<'s> {
    Named(&'s Kernel),
    Installed(Arc<SuppliedBase>),
}

impl Deref for BaseFile<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            BaseFile::Named(kernel) => kernel.bytes(),
            BaseFile::Installed(found) => &found.bytes,
        }
    }
}

impl<'s, T, F: Fn(&Registered<'_, '_>) -> T> decision::Shell for Shell<'s, F> {
    type List<E: Copy> = Vec<E>;
    type Boxed<V> = Box<V>;
    type Failure = Unread;
    type Cause = CauseWords;
    type File = BaseFile<'s>;
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
        let own = cause.to_string();
        let (words, log) = match self.words(cause) {
            Some(words) => (words, Some(own)),
            None => (own, None),
        };
        Ok(CauseWords {
            kind: Some(cause.kind()),
            words,
            log,
        })
    }

    fn failed(&self, why: Unread) -> CauseWords {
        CauseWords {
            kind: None,
            words: why.to_string(),
            log: None,
        }
    }

    fn unread(&self, file: SuppliedName<'_>, why: Unread) -> CauseWords {
        CauseWords {
            kind: why.blames_file().then_some(CauseKind::Supplied),
            words: format!("firmware {file} {why}"),
            log: None,
        }
    }

    fn supplied(&self, name: SuppliedName<'_>) -> Result<Option<BaseFile<'s>>, Unread> {
        self.supply.file(name)
    }

    fn built<'f>(&self, file: &'f BaseFile<'s>) -> Option<Base<'f>> {
        match file {
            BaseFile::Named(kernel) => kernel.supplied_base(),
            BaseFile::Installed(found) => found.base(),
        }
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
        let supplied = of.supplied.map(|file| ByWayOf {
            firmware: file.to_string(),
            label: self.label(file),
        });
        Ok((self.take)(&Registered::Relocated(RelocatedBtf {
            plan,
            btf_base: of.btf_base,
            supplied,
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
