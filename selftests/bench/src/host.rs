// SPDX-License-Identifier: GPL-2.0

//! The whole run on the host: choose modules, measure both sides, keep the figures.

use std::fs;

use anyhow::{Context, Result};
use btfreloc_selftests::peer::{self, Btf};

use crate::callgrind::{self, Counts};
use crate::corpus::{self, Module};
use crate::figures::{Figures, OfCorpus, OfKernel, OfModule, Pair, Parts, Point, Steps, Target};
use crate::kernel::Kernel;
use crate::{memory, plot, progress, report, time, Job};

/// Modules of the plot.
const POINTS: u32 = 48;

/// Measures all there is, prints it as a table, and leaves `bench.json` and `bench.svg`.
pub fn run(job: &Job) -> Result<()> {
    let modules = corpus::all(&job.folder(), &job.from)?;
    let (from, to) = (Kernel::new(&job.from)?, Kernel::new(&job.to)?);
    let ranks = ranks(&to, &modules)?;
    let points = points(&to, &modules);
    let mut names: Vec<_> = points.iter().map(|module| module.name.clone()).collect();
    names.extend(ranks.iter().map(|(_, module)| module.name.clone()));
    progress::say(&format!(
        "counting the instructions for {} modules",
        names.len()
    ));
    let counts = Counted(callgrind::measure(job, &names)?);

    let mut rows = Vec::new();
    for (rank, module) in &ranks {
        let times = time::of_module(job, module)?;
        rows.push(row(job, &counts, rank, module, times)?);
    }
    let corpus = time::of_corpus(&from, &to, &modules)?;
    let corpus = OfCorpus {
        modules: modules.len(),
        peer_refuses: corpus.peer_refuses,
        nanoseconds: Steps::new(corpus.parse, corpus.relocate, corpus.distill),
    };
    let by_size = points.iter().map(|module| {
        Ok(Point {
            module: module.name.clone(),
            types: module.types,
            relocate: counts.pair("relocate", &module.name)?,
        })
    });
    let by_size: Vec<_> = by_size.collect::<Result<_>>()?;
    let figures = figures(job, &counts, &to, rows, corpus, by_size)?;
    plot::draw(&job.dir.with_file_name("bench.svg"), &figures)?;
    let path = job.dir.with_file_name("bench.json");
    fs::write(&path, serde_json::to_string_pretty(&figures)? + "\n")
        .with_context(|| path.display().to_string())?;
    report::print(&figures);
    Ok(())
}

/// The modules that stand for their size, of those that libbpf relocates: with another, it would
/// have ended early.
fn ranks<'m>(to: &Kernel, modules: &'m [Module]) -> Result<Vec<(&'static str, &'m Module)>> {
    let taken: Vec<_> = modules
        .iter()
        .filter(|module| relocates(to, module))
        .collect();
    let last = taken.len().checked_sub(1);
    let last = last.with_context(|| "libbpf relocates none of the modules: choose another pair")?;
    let ranks = [
        ("smallest", 0),
        ("median", last / 2),
        ("p99", last * 99 / 100),
        ("largest", last),
    ];
    Ok(ranks.map(|(rank, index)| (rank, taken[index])).to_vec())
}

/// Whether libbpf relocates a module; one without types is not worth a look.
fn relocates(to: &Kernel, module: &Module) -> bool {
    let Ok(on) = Btf::base(&module.distilled) else {
        return false;
    };
    let split = Btf::split(&on, &module.split);
    module.types > 0 && split.and_then(|split| split.relocate(&to.peer)).is_ok()
}

/// Modules evenly spread over the logarithm of their size.
fn points<'m>(to: &Kernel, modules: &'m [Module]) -> Vec<&'m Module> {
    let largest = modules.last().map_or(1, |module| module.types);
    let size = |point: u32| f64::from(largest).powf(f64::from(point) / f64::from(POINTS));
    let near = |size: f64| {
        let at = modules.partition_point(|module| f64::from(module.types) < size.floor());
        modules[at..].iter().find(|module| relocates(to, module))
    };
    let mut points: Vec<_> = (0..=POINTS).filter_map(|point| near(size(point))).collect();
    points.dedup_by_key(|module| &module.name);
    points
}

/// Instructions by step and module.
struct Counted(Counts);

impl Counted {
    fn count(&self, step: &str, subject: &str) -> Result<&callgrind::Count> {
        let count = self.0.get(&(step.to_owned(), subject.to_owned()));
        count.with_context(|| format!("{step} of {subject} was not counted"))
    }

    fn instructions(&self, step: &str, subject: &str) -> Result<f64> {
        Ok(self.count(step, subject)?.instructions as f64)
    }

    fn pair(&self, step: &str, subject: &str) -> Result<Pair> {
        let side = |side| self.instructions(&format!("{side}_{step}"), subject);
        Ok(Pair::new(side("ours")?, side("peer")?))
    }

    fn steps(&self, module: &str) -> Result<Steps> {
        let part = |step| self.instructions(step, module);
        let peer_parse = part("peer_parse_base")? + part("peer_parse_split")?;
        Ok(Steps::new(
            Pair::new(part("ours_parse")?, peer_parse),
            self.pair("relocate", module)?,
            self.pair("distill", module)?,
        ))
    }
}

fn row(
    job: &Job,
    counts: &Counted,
    rank: &'static str,
    module: &Module,
    times: time::Times,
) -> Result<OfModule> {
    progress::say(&format!("looking at the memory that {} takes", module.name));
    let parts = |step: &str| counts.count(step, &module.name)?.largest_parts();
    Ok(OfModule {
        rank,
        module: module.name.clone(),
        types: module.types,
        instructions: counts.steps(&module.name)?,
        nanoseconds: Steps::new(times.parse, times.relocate, times.distill),
        bytes: memory::of_module(job, &module.name)?,
        dominated_by: Parts {
            ours: parts("ours_relocate")?,
            peer: parts("peer_relocate")?,
            ours_distill: parts("ours_distill")?,
        },
    })
}

fn figures(
    job: &Job,
    counts: &Counted,
    to: &Kernel,
    modules: Vec<OfModule>,
    corpus: OfCorpus,
    by_size: Vec<Point>,
) -> Result<Figures> {
    let rank = |rank: &str| {
        let found = modules.iter().find(|module| module.rank == rank);
        found.with_context(|| format!("no {rank} module"))
    };
    let (median, largest) = (rank("median")?, rank("largest")?);
    let kernel = OfKernel {
        instructions: counts.pair("kernel", &job.to)?,
        bytes: memory::of_kernel(job, &median.module)?,
    };
    let target = |name, value: f64, target: f64, dominated_by: &[_]| Target {
        name,
        value,
        target,
        times: value / target,
        dominated_by: dominated_by.to_vec(),
    };
    let (relocate_median, relocate_largest, distill_median, corpus_time) = (
        median.instructions.relocate.ratio,
        largest.instructions.relocate.ratio,
        median.instructions.distill.ratio,
        corpus.nanoseconds.relocate.ratio,
    );
    let index_bytes = to.tables.bytes() as f64;
    let index = counts.count("ours_kernel", &job.to)?;
    let (of_median, of_index) = (&median.dominated_by, index.largest_parts()?);
    let targets = vec![
        target(
            "relocate_median_ratio",
            relocate_median,
            1.0 / 100.0,
            &of_median.ours,
        ),
        target(
            "relocate_largest_ratio",
            relocate_largest,
            1.0 / 10.0,
            &largest.dominated_by.ours,
        ),
        target(
            "corpus_time_ratio",
            corpus_time,
            1.0 / 40.0,
            &of_median.ours,
        ),
        target(
            "distill_median_ratio",
            distill_median,
            1.0 / 3.0,
            &of_median.ours_distill,
        ),
        target(
            "index_instructions",
            index.instructions as f64,
            13e6,
            &of_index,
        ),
        target("index_bytes", index_bytes, 256.0 * 1024.0, &[]),
    ];
    Ok(Figures {
        relocate_median_ratio: relocate_median,
        relocate_largest_ratio: relocate_largest,
        corpus_time_ratio: corpus_time,
        distill_median_ratio: distill_median,
        index_instructions: index.instructions as f64,
        index_bytes,
        from: job.from.clone(),
        to: job.to.clone(),
        peer: peer::version(),
        kernel,
        modules,
        corpus,
        targets,
        by_size,
    })
}
