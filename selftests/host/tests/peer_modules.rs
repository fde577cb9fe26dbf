// SPDX-License-Identifier: GPL-2.0

//! Real modules of real kernels, distilled by libbpf, relocated by libbpf and by the core.
//!
//! `cargo test --release --test peer_modules -- --ignored --nocapture` looks at every module of the
//! kit and prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use btfreloc_selftests::peer::judge::{judge, Kernel, Plain, Rule};
use btfreloc_selftests::peer::{modules, Btf};

/// Modules of each release that every run looks at.
const SAMPLE: usize = 40;

#[test]
fn a_sample_of_the_kits_modules_is_as_libbpf_has_it_or_else_true() {
    compare(SAMPLE);
}

#[test]
#[ignore = "takes minutes: every module of the kit"]
fn peer_corpus() {
    compare(usize::MAX);
}

/// What became of the modules of one kernel on another.
#[derive(Default)]
struct Row {
    modules: usize,
    accepted: usize,
    exact: usize,
    with_opaque: usize,
    opaque: usize,
    references: u64,
    rules: BTreeMap<Rule, u32>,
    /// The types that the kernel was found to lack.
    lacking: BTreeSet<Plain>,
    mismatches: Vec<String>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            modules,
            accepted,
            exact,
            rules,
            with_opaque,
            opaque,
            ..
        } = self;
        let Row {
            references,
            lacking,
            mismatches,
            ..
        } = self;
        let (lacking, mismatches) = (lacking.len(), mismatches.len());
        write!(
            f,
            "{modules} modules, libbpf accepts {accepted}, exact {exact}, by rule {rules:?}, \
             with opaque types {with_opaque}, opaque types {opaque} \
             ({lacking} different), references {references}, mismatches {mismatches}"
        )
    }
}

/// A module's distilled base and its split BTF on it.
type Distilled = (PathBuf, Vec<u8>, Vec<u8>);

/// Takes up to `limit` modules of each release of the kit to all kernels of the kit.
fn compare(limit: usize) {
    let kit = modules::kit();
    let kernels: Vec<_> = modules::kernels(&kit)
        .into_iter()
        .map(|(name, bytes)| (name, Kernel::new(bytes)))
        .collect();
    for release in modules::releases(&kit) {
        let built_for = kernels.iter().find(|(name, _)| *name == release.name);
        let (_, built_for) = built_for.expect("the kit has the kernel of its modules");
        let modules = distill(built_for, &modules::sample(&release.modules, limit));
        for (to, kernel) in &kernels {
            let row = relocate(kernel, &modules);
            println!("{} -> {to}: {row}", release.name);
            assert!(row.mismatches.is_empty(), "{}", row.mismatches.join("\n"));
            if *to == release.name {
                assert_eq!(row.exact, row.modules, "{to}: its own modules are refused");
            } else if !row.lacking.is_empty() {
                // One type that is missing, and libbpf refuses the module: with it, there is more
                // to compare.
                let row = relocate(&kernel.with(&row.lacking), &modules);
                println!("{} -> {to} and what it lacks: {row}", release.name);
                assert!(row.mismatches.is_empty(), "{}", row.mismatches.join("\n"));
                assert_ne!(row.accepted, 0, "{to}: all modules are refused still");
            }
        }
    }
}

fn distill(built_for: &Kernel, paths: &[PathBuf]) -> Vec<Distilled> {
    in_parallel(paths, |path| {
        let bytes = modules::btf(path)?;
        let module = Btf::split(built_for.btf(), &bytes).expect("libbpf takes a stock module");
        let (base, split) = module.distill().expect("libbpf distills a stock module");
        Some((path.clone(), base, split))
    })
}

fn relocate(kernel: &Kernel, modules: &[Distilled]) -> Row {
    let judged = in_parallel(modules, |(path, base, split)| {
        let verdict = judge(kernel, base, split);
        Some(verdict.map_err(|what| format!("{}: {what}", path.display())))
    });
    let mut row = Row {
        modules: judged.len(),
        ..Row::default()
    };
    assert_ne!(row.modules, 0, "no module has BTF");
    for verdict in judged {
        match verdict {
            Ok(verdict) => {
                row.accepted += usize::from(verdict.accepted);
                row.exact += usize::from(verdict.is_exact());
                row.with_opaque += usize::from(!verdict.opaque.is_empty());
                row.opaque += verdict.opaque.len();
                row.references += verdict.references;
                row.lacking.extend(verdict.opaque);
                for (rule, count) in verdict.rules {
                    *row.rules.entry(rule).or_default() += count;
                }
            }
            Err(what) => row.mismatches.push(what),
        }
    }
    row
}

/// Calls `work` with each item on all processors; what it returns comes in any order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Option<R> + Sync) -> Vec<R> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = work(item);
                    done.lock().unwrap().extend(result);
                }
            });
        }
    });
    done.into_inner().unwrap()
}
