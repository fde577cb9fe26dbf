// SPDX-License-Identifier: GPL-2.0

//! `.BTF` on `.BTF.base`: refused with a reason, or relocated to what the kernel and libbpf take.

#![no_main]

use btfreloc_fuzz::{mutate, say};
use btfreloc_selftests::fuzz::{pair, vmlinux};
use btfreloc_selftests::kernel::{Relocated, Vmlinux};
use btfreloc_selftests::peer;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rust_btfreloc::reloc::{Fate, Input, Policy, RelocationPlan, Report, Survey};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::on_distilled)
});

fuzz_target!(|data: &[u8]| {
    let (btf_base, btf) = pair::split(data);
    let vmlinux = vmlinux::vmlinux();
    let done = vmlinux.relocate(btf_base, btf);
    let [strict, opaque] =
        [Policy::Strict, Policy::Opaque].map(|policy| decided(vmlinux, btf_base, btf, policy));
    let Ok(done) = done else {
        return assert_eq!((strict, opaque), (None, None));
    };
    if done.counts.split == 0 {
        return assert_eq!((strict, opaque), (None, None));
    }
    assert_eq!(opaque.as_ref(), Some(&done.btf));
    assert_eq!(strict.is_some(), done.strict.is_ok());
    assert_eq!(vmlinux.verify(&done.btf), Ok(()));
    ids_hold(&done);
    peer_agrees(btf_base, btf, &done.btf);
});

/// What the kernel is shown, where it is shown another BTF; written twice, over other bytes than
/// [`Vmlinux::relocate`] writes over.
fn decided(vmlinux: &Vmlinux, btf_base: &[u8], btf: &[u8], policy: Policy) -> Option<Vec<u8>> {
    let base = vmlinux.base();
    let input = Input {
        btf,
        btf_base: Some(btf_base),
    };
    let survey = Survey::of(&base, &input).map_err(say).ok()?;
    let mut scratch = vec![7; survey.scratch_len()];
    let mut plan = None;
    let outcome = survey.relocated(&base, policy, None, &mut scratch, &mut plan);
    match outcome.map(|()| plan.as_ref()) {
        Ok(None) => None,
        Ok(Some(plan)) => {
            say_all(btf_base, plan);
            let write = |filler| {
                let mut out = vec![filler; plan.output_len()];
                plan.write(&mut out).unwrap();
                out
            };
            assert_eq!(write(0), write(0xff));
            Some(write(1))
        }
        Err(cause) => {
            say(cause);
            None
        }
    }
}

fn say_all(btf_base: &[u8], plan: &RelocationPlan<'_>) {
    let (fates, ids) = plan.words();
    let report = Report::new(btf_base, fates, ids).unwrap();
    report.entries().for_each(say);
}

/// Each id becomes one that is there; those that are the module's, each another. What the members of
/// opaque types are made of, two types side by side, nothing becomes.
fn ids_hold(done: &Relocated) {
    let (start, _) = vmlinux::end();
    let mut own: Vec<u32> = done
        .new_ids
        .iter()
        .copied()
        .filter(|id| *id >= start)
        .collect();
    own.sort_unstable();
    assert_eq!(own.len(), (done.counts.split + done.counts.opaque) as usize);
    let steps = (start - 1..).zip(&own).map(|(at, id)| id - at);
    let mut steps: Vec<u32> = steps.collect();
    steps.dedup();
    assert!(matches!(steps[..], [] | [1] | [1, 3] | [3]), "{steps:?}");
    for (id, fate) in done.new_ids[1..].iter().zip(&done.fates) {
        match fate {
            Fate::Mapped(mapped) => assert!(id == mapped && *id < start),
            Fate::Opaque(_) => assert!(*id >= start),
        }
    }
}

/// Where libbpf reads what came in, it reads what goes out.
fn peer_agrees(btf_base: &[u8], btf: &[u8], relocated: &[u8]) {
    let Ok(base) = peer::Btf::base(btf_base) else {
        return;
    };
    if peer::Btf::split(&base, btf).is_ok() {
        let result = peer::Btf::split(vmlinux::peer(), relocated);
        assert_eq!(result.err(), None);
    }
}
