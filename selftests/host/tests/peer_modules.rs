// SPDX-License-Identifier: GPL-2.0

//! Real modules of real kernels, distilled and relocated by libbpf and by the core: a sample of what
//! `make check-corpus` measures.

use btfreloc_selftests::corpus::measure::Way;
use btfreloc_selftests::corpus::pair::measure;
use btfreloc_selftests::corpus::shipped::Rebuilt;
use btfreloc_selftests::modules;
use btfreloc_selftests::peer::judge::Kernel;

/// Modules of each release that every run looks at.
const SAMPLE: usize = 40;

#[test]
fn a_sample_of_the_kits_modules_is_as_libbpf_has_it_or_else_true() {
    let kit = modules::kit();
    let kernels: Vec<_> = modules::kernels(&kit)
        .into_iter()
        .map(|(name, bytes)| (name, Kernel::new(bytes)))
        .collect();
    for release in modules::releases(&kit) {
        let from = kernels.iter().find(|(name, _)| *name == release.name);
        let (_, from) = from.expect("the kit has the kernel of its modules");
        let paths = modules::sample(&release.modules, SAMPLE);
        for (name, to) in &kernels {
            let rebuilt = (*name == release.name).then(|| Rebuilt::of(to.vmlinux()));
            let round = rebuilt.as_ref();
            let sum = measure(&Way { from, to, round }, &paths, || ());
            println!("{} -> {name}: {:?}", release.name, sum.figures);
            assert!(sum.mismatches.is_empty(), "{}", sum.mismatches.join("\n"));
            assert_ne!(sum.figures.modules, 0, "no module has BTF");
            if round.is_some() {
                assert_eq!(
                    sum.figures.compared.same, sum.figures.modules,
                    "{name}: its own"
                );
            }
            if !sum.lacking.is_empty() {
                let accepts = sum.completed.peer_accepts;
                assert_ne!(accepts, 0, "{name}: all modules are refused still");
            }
        }
    }
}
