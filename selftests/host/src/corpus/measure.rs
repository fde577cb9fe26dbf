// SPDX-License-Identifier: GPL-2.0

//! One module: distilled and relocated by the core and by libbpf, and walked through.

use super::figures::{Apart, Compared, Distilled, Figures};
use super::shipped::{self, Rebuilt};
use crate::kernel::Relocated;
use crate::peer::distill::{self, last_id, Both};
use crate::peer::judge::{judge, judge_result, Kernel, Plain, Verdict};
use crate::peer::walk::{walk, Walked};
use crate::peer::Btf;

/// The kernel that a module was built for, and the one it is taken to.
pub struct Way<'a> {
    pub from: &'a Kernel,
    pub to: &'a Kernel,
    /// Where both are the same, so that every type must come back, what other builds of it are.
    pub round: Option<&'a Rebuilt>,
}

/// What was seen of one module.
#[derive(Default)]
pub struct Seen {
    pub figures: Figures,
    /// The types that libbpf refuses the module for.
    pub lacking: Vec<Plain>,
}

impl Way<'_> {
    /// Takes `module`, a plain split `.BTF`, as it is, and distills and relocates it; the error says
    /// what is wrong.
    pub fn measure(&self, module: &[u8]) -> Result<Seen, String> {
        let mut seen = self.relocate(module)?;
        seen.figures.shipped = shipped::judge(self.to.vmlinux(), self.round, module)?;
        Ok(seen)
    }

    fn relocate(&self, module: &[u8]) -> Result<Seen, String> {
        let Some(both) = distill::judge(self.from, module)? else {
            return Ok(refused());
        };
        let (base, split) = (&both.ours.base, &both.ours.split);
        let relocated = match self.to.vmlinux().relocate(base, split) {
            Ok(relocated) => relocated,
            Err(_) if !self.libbpf_accepts(base, split)? => return Ok(refused()),
            Err(err) => return Err(format!("only the core refuses: {err:?}")),
        };
        let verdict = judge_result(self.to, base, split, &relocated)?;
        let mut references = self.walk(module, &both, &relocated, &verdict)?.references;
        if self.round.is_some() {
            references += distill::round_trip(self.from, module)?;
        }
        Ok(seen(&both, verdict, references))
    }

    /// Compares once more, on a kernel that has what the other one lacks: where one type is missing,
    /// libbpf refuses a module, and with it there is more to compare.
    pub fn measure_completed(&self, completed: &Kernel, module: &[u8]) -> Result<Compared, String> {
        let both = distill::judge(self.from, module)?.ok_or("no longer distilled")?;
        Ok(compared(&judge(
            completed,
            &both.ours.base,
            &both.ours.split,
        )?))
    }

    fn libbpf_accepts(&self, base: &[u8], split: &[u8]) -> Result<bool, String> {
        let base = Btf::base(base).map_err(|err| format!("distilled base: {err:?}"))?;
        let split = Btf::split(&base, split).map_err(|err| format!("split BTF: {err:?}"))?;
        Ok(split.relocate(self.to.btf()).is_ok())
    }

    fn walk(
        &self,
        module: &[u8],
        both: &Both,
        relocated: &Relocated,
        verdict: &Verdict,
    ) -> Result<Walked, String> {
        let before = Btf::split(self.from.btf(), module).map_err(|err| format!("{err:?}"))?;
        let after = Btf::split(self.to.btf(), &relocated.btf).map_err(|err| format!("{err:?}"))?;
        let walked = walk(&before, &after, |id| last_id(&both.ours, relocated, id))?;
        match walked.opaque == verdict.opaque.len() {
            true => Ok(walked),
            false => Err(format!("the walk met {} opaque types", walked.opaque)),
        }
    }
}

fn refused() -> Seen {
    let figures = Figures {
        modules: 1,
        refused: 1,
        ..Figures::default()
    };
    Seen {
        figures,
        lacking: Vec::new(),
    }
}

fn seen(both: &Both, verdict: Verdict, references: u64) -> Seen {
    let compared = compared(&verdict);
    let opaque_types = u32::try_from(verdict.opaque.len()).unwrap();
    let len = |parts: &[usize]| parts.iter().sum::<usize>() as u64;
    let figures = Figures {
        modules: 1,
        exact: u32::from(opaque_types == 0),
        opaque: u32::from(opaque_types != 0),
        refused: 0,
        compared,
        references,
        opaque_types,
        distilled: Distilled {
            same: u32::from(both.same),
            peer_loses_types: u32::from(!both.same),
            bytes: len(&[both.ours.base.len(), both.ours.split.len()]),
            peer_bytes: len(&both.their_len),
        },
        ..Figures::default()
    };
    Seen {
        figures,
        lacking: verdict.opaque,
    }
}

fn compared(verdict: &Verdict) -> Compared {
    let apart = |types: &u32| Apart {
        modules: 1,
        types: *types,
    };
    let rules = verdict.rules.iter();
    Compared {
        peer_accepts: u32::from(verdict.accepted),
        same: u32::from(verdict.is_exact()),
        differ: u32::from(verdict.accepted && !verdict.is_exact()),
        by_rule: rules.map(|(rule, types)| (*rule, apart(types))).collect(),
    }
}
