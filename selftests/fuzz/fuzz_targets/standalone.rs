// SPDX-License-Identifier: GPL-2.0

//! Standalone BTF: refused with a reason, or rebased to what the kernel and libbpf take.

#![no_main]

use btfreloc_fuzz::{mutate, say};
use btfreloc_selftests::fuzz::vmlinux;
use btfreloc_selftests::model::Model;
use btfreloc_selftests::peer;
use btfreloc_selftests::rebase::prove::prove;
use btfreloc_selftests::rebase::{is_standalone, rebase, rebase_with, Rebased};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::alone)
});

fuzz_target!(|btf: &[u8]| {
    let vmlinux = vmlinux::vmlinux();
    let done = match rebase_with(vmlinux, btf, |conflict| say(conflict)) {
        Ok(done) => done,
        Err(error) => return say(error),
    };
    assert_eq!(rebase(vmlinux, btf).as_ref(), Ok(&done));
    assert_eq!(vmlinux.verify(&done.btf), Ok(()));
    ids_hold(&done);
    if let Ok(alone) = peer::Btf::base(btf) {
        let result = peer::Btf::split(vmlinux::peer(), &done.btf);
        assert_eq!(result.err(), None);
        if is_standalone(btf) {
            prove(vmlinux::peer(), &alone, &done).unwrap();
        }
    }
});

/// Each id becomes one that is there; those that are the module's, each another.
fn ids_hold(done: &Rebased) {
    let (start, _) = vmlinux::end();
    let ids = done.new_ids.iter().flatten().copied();
    let mut own: Vec<u32> = ids.filter(|id| *id >= start).collect();
    own.sort_unstable();
    // What makes a renamed type no struct of scalars, an ARRAY and a PTR, comes first.
    let first = own.first().copied().unwrap_or(start);
    assert!(first == start || first == start + 2);
    let end = first + done.counts.own;
    assert!(own.into_iter().eq(first..end));
    let base = Model::base(vmlinux::vmlinux().bytes());
    assert_eq!(base.split(&done.btf).end_id(), end);
    let left_out = done.new_ids.iter().filter(|id| id.is_none()).count();
    assert_eq!(left_out, done.counts.left_out as usize);
}
