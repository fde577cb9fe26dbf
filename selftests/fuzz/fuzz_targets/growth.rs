// SPDX-License-Identifier: GPL-2.0

//! What is made eight times as large takes eight times as long: a module cannot be made to cost.

#![no_main]

use std::time::Duration;

use btfreloc_fuzz::grow::{Way, WAY_LEN};
use btfreloc_fuzz::mutate;
use btfreloc_selftests::distilled::distill;
use btfreloc_selftests::fuzz::{pair, vmlinux};
use btfreloc_selftests::rebase::rebase;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use nix::time::ClockId;
use rust_btfreloc::reloc::distill::Order;

/// How many are added, first and then. With the first already, strings that are parts of one long
/// string would take more than BTF can number: what they cost is bounded by that.
const FEW: u32 = 8000;
const MANY: u32 = 8 * FEW;
/// How much longer it may take, and nanoseconds below which nothing can be concluded.
const FACTOR: u64 = 20;
const SHORT: u64 = 20_000_000;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::growing)
});

fuzz_target!(|data: &[u8]| {
    let Some((way, data)) = data.split_first_chunk::<WAY_LEN>() else {
        return;
    };
    let way = Way::read(way);
    let (base, split) = pair::split(data);
    let cost = |count| {
        let (base, split) = way.grow(base, split, count);
        steps(&base, &split)
    };
    // What else is running can only make it longer.
    let is_slow = |_| {
        let (few, many) = (cost(FEW), cost(MANY));
        few.iter()
            .zip(many)
            .position(|(few, many)| many > SHORT && many / FACTOR > *few)
    };
    if let Some(step) = is_slow(0) {
        if (0..3).all(|again| is_slow(again).is_some()) {
            panic!(
                "step {step} takes more than {FACTOR} times as long: {:?}, {:?}",
                cost(FEW),
                cost(MANY)
            );
        }
    }
});

/// Nanoseconds that are spent on: the check of it as plain BTF, relocation, the way back, and on what
/// is no base as standalone BTF.
fn steps(base: &[u8], split: &[u8]) -> [u64; 4] {
    let vmlinux = vmlinux::vmlinux();
    let (plain, _) = timed(|| vmlinux.verify(split));
    let (relocation, done) = timed(|| vmlinux.relocate(base, split));
    let (distillation, _) = timed(|| distill(vmlinux, &done.ok()?.btf, Order::ByName).ok());
    let (rebase, _) = timed(|| rebase(vmlinux, split).ok());
    [plain, relocation, distillation, rebase]
}

/// Nanoseconds that this thread was running for.
fn timed<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let now = || ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap();
    let begin = Duration::from(now());
    let result = work();
    let spent = Duration::from(now()) - begin;
    (spent.as_nanos() as u64, result)
}
