// SPDX-License-Identifier: GPL-2.0

//! Modules as Debian ships them, with plain split BTF: each fits its own kernel, and no other.

use btfreloc_selftests::corpus::shipped::{judge, Rebuilt, Shipped};
use btfreloc_selftests::kernel::Vmlinux;
use btfreloc_selftests::modules;

/// Modules of each release, from the smallest to the largest.
const SAMPLE: usize = 150;

#[test]
fn modules_fit_their_own_kernel_and_no_other() {
    let kit = modules::kit();
    let kernels = modules::kernels(&kit).into_iter();
    let kernels: Vec<_> = kernels
        .map(|(name, btf)| (name, Vmlinux::new(btf)))
        .collect();
    for release in modules::releases(&kit) {
        let sample = modules::sample(&release.modules, SAMPLE);
        let sample: Vec<_> = sample
            .iter()
            .filter_map(|path| modules::btf(path))
            .collect();
        for (name, vmlinux) in &kernels {
            let own = *name == release.name;
            let rebuilt = own.then(|| Rebuilt::of(vmlinux));
            let mut sum = Shipped::default();
            for btf in &sample {
                sum += judge(vmlinux, rebuilt.as_ref(), btf).unwrap();
            }
            let with_types = u32::try_from(sample.len()).unwrap() - sum.empty;
            assert!(with_types > 100, "{}: {sum:?}", release.name);
            let expected = if own { 0 } else { with_types };
            assert_eq!((sum.stale, sum.malformed), (expected, 0), "{name}");
            if own {
                // Those that refer to hardly any type of vmlinux look right on any build of it.
                assert!(sum.reordered * 100 > with_types * 95, "{sum:?}");
                assert!(sum.swapped * 100 > with_types * 40, "{sum:?}");
            }
        }
    }
}
