// SPDX-License-Identifier: GPL-2.0

//! Split BTF as a module without a distilled base carries it: left alone or refused.

#![no_main]

use btfreloc_fuzz::{mutate, say};
use btfreloc_selftests::fuzz::vmlinux;
use btfreloc_selftests::rebase::is_standalone;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rust_btfreloc::reloc::{Input, InputKind, Policy, Survey};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::input(data, size, max_size, seed, mutate::on_vmlinux)
});

fuzz_target!(|btf: &[u8]| {
    let vmlinux = vmlinux::vmlinux();
    let plain = vmlinux.check_plain(btf);
    let whole = vmlinux.verify(btf);
    assert!(plain.is_ok() || whole == plain);
    let (base, btf_base) = (vmlinux.base(), None);
    let survey = match Survey::of(&base, &Input { btf, btf_base }) {
        Ok(survey) => survey,
        Err(error) => {
            assert_eq!(plain, Err(error));
            return say(error);
        }
    };
    let mut scratch = vec![0xdead_beef; survey.scratch_len()];
    if survey.input_kind() == InputKind::Standalone {
        assert!(is_standalone(btf));
        let mut plan = None;
        return match survey.rebased(&base, &mut scratch, &mut plan) {
            Ok(()) => assert!(plan.is_some()),
            Err(cause) => say(cause),
        };
    }
    let mut plan = None;
    match survey.relocated(&base, Policy::Opaque, None, &mut scratch, &mut plan) {
        Ok(()) if plan.is_some() => panic!("there is nothing to relocate from"),
        Ok(()) => assert_eq!(plain, Ok(())),
        Err(cause) => say(cause),
    }
});
