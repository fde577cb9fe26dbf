// SPDX-License-Identifier: GPL-2.0

//! What becomes of the BTF and the `.BTF_ids` of a loading module: one decision, which the kernel
//! module carries out and the host tool shows.
//!
//! [`decide`] works on values: the module's sections, the BTF of the kernel, the policy. Whoever
//! calls it is a [`Shell`]: it has the memory, knows where to look for a BTF that the operator
//! supplied, and keeps what it wants to report, as nothing that the decision is based on outlives
//! the call. All that can fail happens here; nothing is touched.
//!
//! | file | its part |
//! | --- | --- |
//! | `routes` | which way split and standalone BTF go, and what stands in the way |
//! | `replacement` | takes a way to its end: the BTF that the kernel reads instead, with its ids |
//! | `supplied` | repairs stale BTF by way of the BTF of the kernel that it was made for |
//! | `reduced` | goes on without the types of kinds that the kernel does not know |
//! | `ids` | what becomes of `.BTF_ids` |
//! | `funcs` | what becomes of the table of function addresses |
//! | `verdict` | whether BTF that is not replaced is dropped or left to the kernel |
//!
//! The example decides on a module without a type of its own:
//!
//! ```
//! use rust_btfreloc::btf::{Blob, Form, Known, Section};
//! use rust_btfreloc::elf;
//! use rust_btfreloc::reloc::decision::*;
//! use rust_btfreloc::reloc::funcs::MappedFuncs;
//! use rust_btfreloc::reloc::{standalone, Base, BaseSize, Cause, Input, Policy, RelocationPlan};
//! use rust_btfreloc::reloc::{SuppliedName, Unread};
//!
//! struct Vecs;
//!
//! impl Shell for Vecs {
//!     type List<T: Copy> = Vec<T>;
//!     type Boxed<T> = Box<T>;
//!     type Failure = Unread;
//!     type Cause = String;
//!     type File = Vec<u8>;
//!     type Ids = Vec<u8>;
//!     type IdReport = u32;
//!     type Report = ();
//!     type Funcs = u32;
//!
//!     fn list<T: Copy>(&self, item: T, len: usize) -> Result<Vec<T>, Unread> {
//!         Ok(vec![item; len])
//!     }
//!     fn words(&self, len: usize) -> Result<Vec<u32>, Unread> {
//!         Ok(vec![0; len])
//!     }
//!     fn bytes(&self, len: usize) -> Result<Vec<u8>, Unread> {
//!         Ok(vec![0; len])
//!     }
//!     fn boxed<T, E>(
//!         &self,
//!         make: impl FnOnce() -> Result<T, E>,
//!     ) -> Result<Result<Box<T>, E>, Unread> {
//!         Ok(make().map(Box::new))
//!     }
//!     fn cause(&self, cause: &Cause<'_>) -> Result<String, Unread> {
//!         Ok(cause.to_string())
//!     }
//!     fn failed(&self, why: Unread) -> String {
//!         why.to_string()
//!     }
//!     fn unread(&self, _: SuppliedName<'_>, why: Unread) -> String {
//!         why.to_string()
//!     }
//!     fn live(&self, _: &elf::Section<'_>, bytes: &[u8]) -> Result<Vec<u8>, Unread> {
//!         Ok(bytes.to_vec())
//!     }
//!     fn ids(&self, _: &elf::Section<'_>, bytes: Vec<u8>) -> Result<Vec<u8>, Unread> {
//!         Ok(bytes)
//!     }
//!     fn is_code(&self, _: u64) -> bool {
//!         true
//!     }
//!     fn funcs(&self, funcs: &MappedFuncs<'_, '_>) -> Result<u32, Unread> {
//!         Ok(funcs.count())
//!     }
//!     fn id_report(&self, ids: &MappedIds<'_, '_>) -> u32 {
//!         ids.changed
//!     }
//!     fn relocated(&self, _: &RelocationPlan<'_>, _: Relocated<'_>, _: Option<u32>) -> Result<(), Unread> {
//!         Ok(())
//!     }
//!     fn rebased(&self, _: &standalone::RebasePlan<'_>, _: Option<u32>) -> Result<(), Unread> {
//!         Ok(())
//!     }
//!     fn reduced(&self, _: &[u8], _: Option<u32>) -> Result<(), Unread> {
//!         Ok(())
//!     }
//! }
//!
//! // A header, no type, and a string section with the empty string.
//! let words = [0x0001_eb9f, 24, 0, 0, 0, 1];
//! let mut btf: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
//! btf.push(0);
//! let blob = Blob::parse(Section::Vmlinux, Form::Base, &btf)?;
//! let size = BaseSize::of(&blob, Known::LINUX_7_3)?;
//! let (mut offsets, mut index) = (vec![0; size.offsets_len()], vec![0; size.index_len()]);
//! Base::build(blob, size, &mut offsets, &mut index)?;
//! let base = Base::from_parts(blob, size, &offsets, &index);
//! let module = ModuleSections {
//!     input: Input { btf: &btf, btf_base: None },
//!     file: ModuleFile::None,
//!     has_inline: false,
//! };
//! match decide(&Vecs, &base, Policy::Opaque, Ok(&module)) {
//!     Decision::Drop { cause, ids: None } => assert!(cause.contains("describes no type")),
//!     _ => unreachable!(),
//! }
//! // The kernel takes it as it is.
//! let decision = decide(&Vecs, &base, Policy::Strict, Ok(&module));
//! assert!(matches!(decision, Decision::LeaveAlone(None)));
//! # Ok::<(), rust_btfreloc::btf::Error>(())
//! ```

mod funcs;
mod ids;
mod reduced;
mod replacement;
mod routes;
mod sections;
mod shell;
mod supplied;
mod verdict;

pub use funcs::{NoFuncs, TakenFuncs};
pub use ids::{MappedIds, Patched};
pub use replacement::{Relocated, Replacement};
pub use sections::{ModuleFile, ModuleSections};
pub use shell::Shell;
pub use verdict::{verdict, Original, Verdict};

use super::{Base, Cause, Policy};
use ids::NewId;
use verdict::Obstacle;

/// What is done with a module's BTF.
pub enum Decision<S: Shell> {
    /// Nothing: the kernel takes it as it is. Holds the table of function addresses, where the module
    /// has one.
    LeaveAlone(Option<TakenFuncs<S>>),
    /// Nothing, though this stands in the way of its use.
    LeaveToKernel(S::Cause),
    /// The kernel reads none.
    Drop {
        /// Why.
        cause: S::Cause,
        /// What becomes of `.BTF_ids`; `None` where the module has none, or its file is not known.
        ids: Option<DroppedIds<S>>,
    },
    /// The kernel reads another.
    Replace(Replacement<S>),
}

/// What becomes of the ids that a module's code reads whose BTF is dropped, so that they are those of
/// no type any more.
pub enum DroppedIds<S: Shell> {
    /// They are set to 0.
    Cleared(Patched<S>),
    /// They stay, for this reason, or that for which the BTF is dropped.
    Kept(Option<S::Cause>),
}

/// What the steps of a decision work on.
struct Deciding<'d, 'a, S> {
    shell: &'d S,
    base: &'d Base<'d>,
    policy: Policy,
    sections: &'d ModuleSections<'a>,
    /// Ids of the module's file by those of `sections`, where types were left out of its BTF.
    renumbered: Option<&'d NewId<'d>>,
}

/// What a step gives, or what stands in the way.
type Step<T, S> = Result<T, Obstacle<S>>;

/// Decides what becomes of a module with these `sections`, or with BTF of which no more is known
/// than that, on the kernel of `base`.
// Each step has a frame of its own: a kernel's stack is small.
#[inline(never)]
pub fn decide<'d, S: Shell>(
    shell: &'d S,
    base: &'d Base<'d>,
    policy: Policy,
    sections: Result<&'d ModuleSections<'_>, &Cause<'_>>,
) -> Decision<S> {
    let sections = match sections {
        Ok(sections) => sections,
        // The file is not known well enough to look for `.BTF_ids`.
        Err(cause) => {
            let obstacle = Obstacle::found(shell, cause);
            return instead(shell, policy, obstacle, None);
        }
    };
    let deciding = Deciding {
        shell,
        base,
        policy,
        sections,
        renumbered: None,
    };
    let mut replacement = None;
    match deciding.replace(&mut replacement) {
        Ok(()) => match replacement {
            Some(replacement) => Decision::Replace(replacement),
            None => Decision::LeaveAlone(deciding.taken_funcs(sections.input.btf, &Some)),
        },
        Err(obstacle) => instead(shell, policy, obstacle, Some(&deciding)),
    }
}

/// What is done with BTF that `obstacle` keeps from being replaced.
#[inline(never)]
fn instead<S: Shell>(
    shell: &S,
    policy: Policy,
    obstacle: Obstacle<S>,
    module: Option<&Deciding<'_, '_, S>>,
) -> Decision<S> {
    match obstacle.verdict(policy) {
        Verdict::Leave => Decision::LeaveToKernel(obstacle.into_cause(shell)),
        Verdict::Drop => {
            let ids = module.and_then(|module| module.dropped_ids(&obstacle));
            let cause = obstacle.into_cause(shell);
            Decision::Drop { cause, ids }
        }
    }
}
