// SPDX-License-Identifier: GPL-2.0

//! All modules of one kernel, taken to another, on all processors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::figures::{Compared, Figures};
use super::measure::{Seen, Way};
use crate::modules;
use crate::peer::judge::{Kernel, Plain};

/// What came out of the modules of a pair.
#[derive(Debug, Default)]
pub struct Sum {
    pub figures: Figures,
    /// As in [`super::figures::Row`].
    pub completed: Compared,
    /// The types that the kernel was found to lack, with the number of modules.
    pub lacking: BTreeMap<Plain, u32>,
    /// What is wrong, with the module's file.
    pub mismatches: Vec<String>,
}

/// Measures each module that has BTF; `done` is called for each file.
///
/// Only one module a processor is in memory at a time.
pub fn measure(way: &Way<'_>, paths: &[PathBuf], done: impl Fn() + Sync) -> Sum {
    let seen = in_parallel(paths, |path| {
        let seen = modules::btf(path).map(|btf| way.measure(&btf));
        done();
        seen
    });
    let mut sum = Sum::default();
    let mut refused = Vec::new();
    for (path, seen) in seen {
        match seen {
            Ok(seen) => {
                if !seen.lacking.is_empty() && seen.figures.compared.peer_accepts == 0 {
                    refused.push(path.to_owned());
                }
                sum.add(seen);
            }
            Err(what) => sum.wrong(path, what),
        }
    }
    sum.complete(way, &refused);
    sum
}

impl Sum {
    fn add(&mut self, seen: Seen) {
        self.figures += &seen.figures;
        for type_ in seen.lacking {
            *self.lacking.entry(type_).or_default() += 1;
        }
    }

    fn wrong(&mut self, path: &Path, what: String) {
        self.figures.modules += 1;
        self.mismatches.push(format!("{}: {what}", path.display()));
    }

    /// Takes those that libbpf refused to the kernel that has what they lacked.
    fn complete(&mut self, way: &Way<'_>, refused: &[PathBuf]) {
        if refused.is_empty() {
            return;
        }
        let kernel: Kernel = way.to.with(self.lacking.keys());
        let compared = in_parallel(refused, |path| {
            let btf = modules::btf(path)?;
            Some(way.measure_completed(&kernel, &btf))
        });
        for (path, compared) in compared {
            match compared {
                Ok(compared) => self.completed += &compared,
                Err(what) => {
                    let what = format!("{}: with what was missing: {what}", path.display());
                    self.mismatches.push(what);
                }
            }
        }
    }
}

/// What [`Row::lacking`] holds: types that differ in size only are one.
///
/// [`Row::lacking`]: super::figures::Row::lacking
pub fn by_name(lacking: &BTreeMap<Plain, u32>) -> BTreeMap<String, u32> {
    let mut named = BTreeMap::new();
    for (type_, modules) in lacking {
        *named.entry(type_.to_string()).or_default() += modules;
    }
    named
}

/// Calls `work` with each file on all processors; what it returns is in the order of the files.
fn in_parallel<R: Send>(
    paths: &[PathBuf],
    work: impl Fn(&Path) -> Option<R> + Sync,
) -> Vec<(&Path, R)> {
    let one = |path| Some((path, work(path)?));
    // One by one: the largest stand together at the end.
    let paths = paths.par_iter().map(PathBuf::as_path).with_max_len(1);
    paths.filter_map(one).collect()
}
