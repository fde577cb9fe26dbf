// SPDX-License-Identifier: GPL-2.0

//! What the kernel module does with a module's BTF, step for step as in `src/kernel/load.rs`.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};

use rust_btfreloc::btf;
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::btf_ids::{self, BtfIds};
use rust_btfreloc::reloc::{check_plain, Base, Input, Plan, Policy, Survey};
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
    /// The kernel is shown none.
    Drop(Cause),
    /// Nothing, though it is not what this kernel wants.
    LeftToKernel(Cause),
}

/// A relocation in which nothing can go wrong any more.
pub struct Relocation<'r, 'a> {
    /// What becomes of every type.
    pub plan: &'r Plan<'a>,
    /// `.BTF.base`
    pub btf_base: &'r [u8],
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

/// Why BTF is not relocated, in the words of the kernel module.
#[derive(Debug)]
pub enum Cause {
    /// A header or a record is damaged.
    Malformed(String),
    /// Plain split BTF that the kernel would refuse.
    Stale(String),
    /// The result would be none that BTF can number.
    NoResult(String),
    /// A type has no match, and the policy wants one for each.
    Strict(String),
    /// `.BTF_ids` cannot be read.
    Ids(btf_ids::Error),
    /// The module's symbols cannot be read.
    Symbols,
}

impl Cause {
    /// Whether the BTF itself is to blame, so that the module is better off without it.
    fn lies_in_btf(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Stale(_))
    }
}

/// Decides what becomes of the BTF in `sections` on `base`; of a relocation, `take` keeps what is
/// of interest.
pub fn decide<T>(
    base: &Base<'_>,
    sections: &Sections<'_>,
    policy: Policy,
    take: impl FnOnce(&Relocation<'_, '_>) -> T,
) -> Decision<T> {
    let Some(input) = &sections.btf else {
        return Decision::NoBtf;
    };
    match plan(base, input, sections.elf.as_ref(), policy, take) {
        Ok(None) => Decision::LeftAlone,
        Ok(Some(taken)) => Decision::Relocate(taken),
        Err(cause) if policy == Policy::Opaque && cause.lies_in_btf() => Decision::Drop(cause),
        Err(cause) => Decision::LeftToKernel(cause),
    }
}

/// `None` where the kernel takes the BTF as it is.
fn plan<T>(
    base: &Base<'_>,
    input: &Input<'_>,
    elf: Option<&Elf<'_>>,
    policy: Policy,
    take: impl FnOnce(&Relocation<'_, '_>) -> T,
) -> Result<Option<T>, Cause> {
    let survey = Survey::of(base, input).map_err(|error| Cause::Malformed(error.to_string()))?;
    let words = |error| survey.describe(base, error).to_string();
    let mut scratch = vec![0; survey.scratch_len()];
    let Some(btf_base) = input.btf_base else {
        check_plain(base, &survey, &mut scratch).map_err(|error| Cause::Stale(words(error)))?;
        return Ok(None);
    };
    if survey.split_count() == 0 && survey.distilled_count() == 0 {
        return Ok(None);
    }
    let plan = Plan::new(base, &survey, &mut scratch).map_err(|error| match error.reason {
        btf::Reason::OutputTooLarge => Cause::NoResult(error.to_string()),
        _ => Cause::Malformed(words(error)),
    })?;
    plan.obeys(policy)
        .map_err(|unmatched| Cause::Strict(unmatched.to_string()))?;
    let ids = elf.map(|elf| ids(&plan, elf)).transpose()?.flatten();
    Ok(Some(take(&Relocation {
        plan: &plan,
        btf_base,
        ids,
    })))
}

/// Maps the ids in `.BTF_ids`; `None` where the module has no such section.
fn ids(plan: &Plan<'_>, elf: &Elf<'_>) -> Result<Option<Ids>, Cause> {
    let found = elf
        .section(b".BTF_ids")
        .and_then(|found| Some((found, elf.data(&found)?)));
    let Some((section, original)) = found.filter(|(_, bytes)| !bytes.is_empty()) else {
        return Ok(None);
    };
    let symbols = elf.symbols().map_err(|_| Cause::Symbols)?;
    let mut bytes = vec![0; original.len()];
    let symbols = symbols.in_section(&section);
    let read = BtfIds::read(original, symbols.clone(), &mut bytes).map_err(Cause::Ids)?;
    let mut count = 0;
    let Ok(()) = read.each(symbols, |_| -> Result<(), Infallible> {
        count += 1;
        Ok(())
    });
    let patched = read.patch(|id| plan.new_id(id)).map_err(Cause::Ids)?;
    Ok(Some(Ids {
        ids: count,
        changed: patched.changed,
        sets: patched.sets,
        sorted: patched.sorted,
    }))
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(words) => write!(f, "malformed BTF: {words}"),
            Self::Stale(words) => {
                write!(
                    f,
                    "not for this kernel: {words}; rebuild the module with .BTF.base"
                )
            }
            Self::NoResult(words) => write!(f, "cannot be relocated: {words}"),
            Self::Strict(words) => write!(f, "policy is strict: {words}"),
            Self::Ids(error) => write!(f, "{error}"),
            Self::Symbols => f.write_str(".BTF_ids cannot be told: the symbol table is damaged"),
        }
    }
}
