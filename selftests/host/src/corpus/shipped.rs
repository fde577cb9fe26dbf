// SPDX-License-Identifier: GPL-2.0

//! One module as it was shipped, with plain split BTF: it fits the kernel it was built for, and is
//! stale on any other.

use std::ops::AddAssign;

use rust_btfreloc::reloc::{CauseKind, Input, Policy, Survey};
use serde::{Deserialize, Serialize};

use crate::kernel::Vmlinux;
use crate::rebuilt::{rebuilt, Build};

/// What becomes of modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Shipped {
    /// Left alone.
    pub fit: u32,
    /// Dropped, as there is no type in it.
    pub empty: u32,
    /// Dropped, as they are for another kernel.
    pub stale: u32,
    /// Dropped, as they are for none.
    pub malformed: u32,
    /// Those that are stale where the kernel's own types and strings are in another order.
    pub reordered: u32,
    /// Those that are stale where the kernel's own types have changed places with others alike.
    pub swapped: u32,
}

impl AddAssign for Shipped {
    fn add_assign(&mut self, other: Self) {
        self.fit += other.fit;
        self.empty += other.empty;
        self.stale += other.stale;
        self.malformed += other.malformed;
        self.reordered += other.reordered;
        self.swapped += other.swapped;
    }
}

/// What another build of a kernel would be.
pub struct Rebuilt {
    reordered: Vmlinux,
    swapped: Vmlinux,
}

impl Rebuilt {
    pub fn of(vmlinux: &Vmlinux) -> Self {
        let build = |build| Vmlinux::new(rebuilt(vmlinux.bytes(), build));
        Rebuilt {
            reordered: build(Build::Reordered),
            swapped: build(Build::Swapped),
        }
    }
}

/// Takes `module` to `vmlinux`, and to `rebuilt` where that is the kernel it was built for; the error
/// says what is wrong.
pub fn judge(
    vmlinux: &Vmlinux,
    rebuilt: Option<&Rebuilt>,
    module: &[u8],
) -> Result<Shipped, String> {
    let (types, outcome) = outcome(vmlinux, module);
    let mut shipped = Shipped::default();
    match outcome {
        Ok(()) => shipped.fit = 1,
        Err((CauseKind::NoTypes, _)) => shipped.empty = 1,
        Err((CauseKind::Stale, _)) => shipped.stale = 1,
        Err(_) => shipped.malformed = 1,
    }
    if (types == 0) != (shipped.empty == 1) {
        return Err(format!("{types} types, and {outcome:?}"));
    }
    match (rebuilt, outcome_words(&outcome)) {
        (Some(_), Some(words)) if types != 0 => return Err(format!("on its own kernel: {words}")),
        (None, None) => return Err("taken for one of this kernel".to_owned()),
        _ => {}
    }
    if let Some(rebuilt) = rebuilt {
        let stale = |vmlinux| {
            let (_, outcome) = self::outcome(vmlinux, module);
            u32::from(matches!(outcome, Err((CauseKind::Stale, _))))
        };
        shipped.reordered = stale(&rebuilt.reordered);
        shipped.swapped = stale(&rebuilt.swapped);
    }
    Ok(shipped)
}

/// Number of types, and what stands in the way.
fn outcome(vmlinux: &Vmlinux, btf: &[u8]) -> (u32, Result<(), (CauseKind, String)>) {
    let base = vmlinux.base();
    let input = Input {
        btf,
        btf_base: None,
    };
    let survey = Survey::of(&base, &input).expect("a stock module has sound records");
    let mut scratch = vec![0; survey.scratch_len()];
    let outcome = survey.relocated(&base, Policy::Opaque, None, &mut scratch, &mut None);
    let outcome = outcome.map_err(|cause| (cause.kind(), cause.to_string()));
    (survey.split_count(), outcome)
}

fn outcome_words(outcome: &Result<(), (CauseKind, String)>) -> Option<&str> {
    outcome.as_ref().err().map(|(_, words)| words.as_str())
}
