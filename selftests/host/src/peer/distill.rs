// SPDX-License-Identifier: GPL-2.0

//! Judges a distillation of the core: against libbpf's, byte for byte, and by the way back to the
//! kernel that the module was made for.

use rust_btfreloc::btf::{Error, Reason};
use rust_btfreloc::reloc::distill::Order;

use super::compare::check;
use super::kernel::Kernel;
use super::walk::walk;
use super::{Btf, Refused};
use crate::distilled::{distill, Distilled};
use crate::kernel::Relocated;

/// A module distilled both ways, with the same outcome.
pub struct Both {
    /// By the core, in the order that libbpf keeps.
    pub ours: Distilled,
    /// Bytes of libbpf's distilled base and of its split BTF.
    pub their_len: [usize; 2],
    /// Whether all of it is the same; libbpf loses types where [`compare`] says so.
    pub same: bool,
}

/// Distills a module both ways and compares; `None` where neither does, as it refers to what cannot
/// be distilled.
pub fn judge(kernel: &Kernel, module: &[u8]) -> Result<Option<Both>, String> {
    let before = Btf::split(kernel.btf(), module).map_err(|err| format!("input: {err:?}"))?;
    let ours = distill(kernel.vmlinux(), module, Order::Kept);
    let (ours, (base, split)) = match (ours, before.distill()) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(err), Err(_)) if matches!(err.reason, Reason::NotDistilled(_)) => return Ok(None),
        (ours, theirs) => return Err(disagreement(ours.err(), theirs.err())),
    };
    let same = compare(&ours, &base, &split)?;
    check(ours.base.len() <= base.len(), || "distilled base is larger")?;
    check(!same || ours.split.len() <= split.len(), || {
        "split BTF is larger"
    })?;
    Ok(Some(Both {
        ours,
        their_len: [base.len(), split.len()],
        same,
    }))
}

fn disagreement(ours: Option<Error>, theirs: Option<Refused>) -> String {
    format!("the core says {ours:?}, libbpf {theirs:?}")
}

/// Whether both are the same, byte for byte; headers aside, whose form is the module's.
///
/// Where nothing of the base goes to the distilled base, libbpf takes the split BTF for a base (its
/// ids start at 1) and leaves out the types that are to be copied.
pub fn compare(ours: &Distilled, base: &[u8], split: &[u8]) -> Result<bool, String> {
    check(parts(&ours.base) == parts(base), || {
        "distilled base differs"
    })?;
    if ours.counts.distilled == 0 && ours.counts.copied != 0 {
        return Ok(false);
    }
    check(parts(&ours.split) == parts(split), || "split BTF differs")?;
    Ok(true)
}

/// Distills in each order and relocates to the same kernel: every type that the module has and
/// needs is the type that it was. Counts the references.
pub fn round_trip(kernel: &Kernel, module: &[u8]) -> Result<u64, String> {
    let before = Btf::split(kernel.btf(), module).map_err(|err| format!("input: {err:?}"))?;
    let mut references = 0;
    for order in [Order::Kept, Order::ByName] {
        let ours = distill(kernel.vmlinux(), module, order).map_err(|err| format!("{err:?}"))?;
        if order == Order::ByName {
            check_sorted(&ours)?;
        }
        references += there_and_back(kernel, &before, &ours)?;
    }
    Ok(references)
}

/// The split BTF's names are in order, and those that are the same in the order of their ids.
pub fn check_sorted(ours: &Distilled) -> Result<(), String> {
    let base = Btf::base(&ours.base).map_err(|err| format!("distilled base: {err:?}"))?;
    let split = Btf::split(&base, &ours.split).map_err(|err| format!("split BTF: {err:?}"))?;
    let sorted = split.own().map(|(_, type_)| type_.name).is_sorted();
    check(sorted, || "not sorted by name")
}

fn there_and_back(kernel: &Kernel, before: &Btf<'_>, ours: &Distilled) -> Result<u64, String> {
    let done = kernel.vmlinux().relocate(&ours.base, &ours.split);
    let done = done.map_err(|err| format!("relocation: {err:?}"))?;
    let after = Btf::split(kernel.btf(), &done.btf).map_err(|err| format!("result: {err:?}"))?;
    let walked = walk(before, &after, |id| last_id(ours, &done, id))?;
    check(walked.opaque == 0, || "opaque on its own kernel")?;
    for (old, new) in walked.became() {
        if new >= after.start_id() {
            continue;
        }
        let (a, b) = (before.get(old).unwrap(), after.get(new).unwrap());
        // Of several that are the same, the first.
        let same = a.kind() == b.kind() && a.word() == b.word();
        check(old < before.start_id() && new <= old && same, || {
            format!("base [{old}] became [{new}]")
        })?;
    }
    Ok(walked.references)
}

/// What the type of a module became in the end; `None` for types of the base that it does not need.
pub fn last_id(distilled: &Distilled, relocated: &Relocated, id: u32) -> Option<u32> {
    let id = distilled.new_ids.get(id as usize).copied()??;
    relocated.new_ids.get(id as usize).copied()
}

/// Type and string part of a section.
fn parts(section: &[u8]) -> [&[u8]; 2] {
    let word = |at: usize| u32::from_ne_bytes(section[at..at + 4].try_into().unwrap()) as usize;
    [8, 16].map(|at| &section[word(4) + word(at)..][..word(at + 4)])
}
