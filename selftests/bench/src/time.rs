// SPDX-License-Identifier: GPL-2.0

//! Wall time on one core: of single modules by criterion, and of the whole corpus.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context, Result};
use btfreloc_selftests::peer::Btf;
use criterion::{BatchSize, Criterion};

use crate::corpus::{self, Module};
use crate::figures::Pair;
use crate::kernel::{ours, peer, Kernel};
use crate::{measured, progress, Job};

/// Median nanoseconds of the steps on one module.
pub struct Times {
    pub parse: Pair,
    pub relocate: Pair,
    pub distill: Pair,
}

/// Runs [`run`] in a process of its own, as criterion has much to say, and reads what it left.
pub fn of_module(job: &Job, module: &Module) -> Result<Times> {
    progress::say(&format!("timing {} ({} types)", module.name, module.types));
    let log = job.dir.join("criterion.log");
    let status = Command::new(std::env::current_exe()?)
        .arg("time")
        .args(job.arguments())
        .arg(&module.name)
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?)
        .status()?;
    ensure!(status.success(), "timing failed: see {}", log.display());
    let pair = |step: &str| -> Result<Pair> {
        let median = |side| median(job, &format!("{side}_{step} {}", module.name));
        Ok(Pair::new(median("ours")?, median("peer")?))
    };
    Ok(Times {
        parse: pair("parse")?,
        relocate: pair("relocate")?,
        distill: pair("distill")?,
    })
}

fn folder(job: &Job) -> PathBuf {
    job.dir.join("criterion")
}

/// Has criterion time the steps on the modules of these names.
pub fn run(job: &Job, names: &[String]) -> Result<()> {
    let (from, to) = (Kernel::new(&job.from)?, Kernel::new(&job.to)?);
    let mut criterion = Criterion::default()
        .without_plots()
        .output_directory(&folder(job))
        .sample_size(30)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    for module in corpus::some(&job.folder(), names)? {
        time_ours(&mut criterion, &from, &to, &module)?;
        time_peer(&mut criterion, &from, &to, &module)?;
    }
    Ok(())
}

fn time_ours(criterion: &mut Criterion, from: &Kernel, to: &Kernel, module: &Module) -> Result<()> {
    let Module {
        name,
        btf,
        distilled,
        split,
        ..
    } = module;
    let (base, from_base) = (to.base()?, from.base()?);
    let (mut words, mut more) = (Vec::new(), Vec::new());
    let parsed = measured::ours_parse(&base, distilled, split, &mut words).map_err(ours)?;
    criterion.bench_function(&format!("ours_parse {name}"), |b| {
        b.iter(|| measured::ours_parse(&base, distilled, split, &mut more).is_ok())
    });
    criterion.bench_function(&format!("ours_relocate {name}"), |b| {
        b.iter_with_large_drop(|| measured::ours_relocate(&base, &parsed))
    });
    criterion.bench_function(&format!("ours_distill {name}"), |b| {
        b.iter_with_large_drop(|| measured::ours_distill(&from_base, btf))
    });
    Ok(())
}

fn time_peer(criterion: &mut Criterion, from: &Kernel, to: &Kernel, module: &Module) -> Result<()> {
    let Module {
        name,
        btf,
        distilled,
        split,
        ..
    } = module;
    let on = Btf::base(distilled).map_err(peer)?;
    criterion.bench_function(&format!("peer_parse {name}"), |b| {
        b.iter_with_large_drop(|| {
            (
                measured::peer_alone(distilled),
                measured::peer_split(&on, split),
            )
        })
    });
    // It was parsed just now: relocation changes the object, so that each takes a new one.
    let parse = || Btf::split(&on, split).expect("parsed before");
    criterion.bench_function(&format!("peer_relocate {name}"), |b| {
        b.iter_batched(
            parse,
            |split| measured::peer_relocate(split, &to.peer),
            BatchSize::PerIteration,
        )
    });
    let split = Btf::split(&from.peer, btf).map_err(peer)?;
    criterion.bench_function(&format!("peer_distill {name}"), |b| {
        b.iter_with_large_drop(|| measured::peer_distill(&split))
    });
    Ok(())
}

/// The median that criterion left, in nanoseconds.
fn median(job: &Job, name: &str) -> Result<f64> {
    let path = folder(job).join(name).join("new/estimates.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let estimates: serde_json::Value = serde_json::from_str(&text)?;
    let median = estimates["median"]["point_estimate"].as_f64();
    median.with_context(|| format!("{}: no median", path.display()))
}

/// Nanoseconds that the steps took on all modules, and what libbpf refused.
pub struct Corpus {
    pub parse: Pair,
    pub relocate: Pair,
    pub distill: Pair,
    pub peer_refuses: usize,
}

/// How often the corpus is gone through; the best counts, as others use the machine as well.
const ROUNDS: usize = 3;

/// Carries out the steps on all modules, both sides in turn.
pub fn of_corpus(from: &Kernel, to: &Kernel, modules: &[Module]) -> Result<Corpus> {
    let what = format!("timing all {} modules, {ROUNDS} times", modules.len());
    let bar = progress::bar(ROUNDS * modules.len(), &what);
    let mut best = [f64::INFINITY; 6];
    let mut peer_refuses = 0;
    for _ in 0..ROUNDS {
        let mut sums = [Duration::ZERO; 6];
        peer_refuses = 0;
        for module in modules {
            bar.inc(1);
            let (times, accepted) = one(from, to, module).with_context(|| module.name.clone())?;
            sums.iter_mut()
                .zip(times)
                .for_each(|(sum, time)| *sum += time);
            peer_refuses += usize::from(!accepted);
        }
        for (best, sum) in best.iter_mut().zip(sums) {
            *best = best.min(sum.as_nanos() as f64);
        }
    }
    bar.finish_and_clear();
    Ok(Corpus {
        parse: Pair::new(best[0], best[3]),
        relocate: Pair::new(best[1], best[4]),
        distill: Pair::new(best[2], best[5]),
        peer_refuses,
    })
}

/// Times of parse, relocate and distill, ours and then libbpf's, and whether it relocated.
fn one(from: &Kernel, to: &Kernel, module: &Module) -> Result<([Duration; 6], bool)> {
    let Module {
        btf,
        distilled,
        split,
        ..
    } = module;
    let (base, from_base) = (to.base()?, from.base()?);
    let mut words = Vec::new();
    let (parse, parsed) = timed(|| measured::ours_parse(&base, distilled, split, &mut words));
    let parsed = parsed.map_err(ours)?;
    let (relocate, relocated) = timed(|| measured::ours_relocate(&base, &parsed));
    relocated.map_err(ours)?;
    let (distill, made) = timed(|| measured::ours_distill(&from_base, btf));
    made.map_err(ours)?;

    let (peer_parse_base, on) = timed(|| measured::peer_alone(distilled));
    let on = on.map_err(peer)?;
    let (peer_parse_split, split) = timed(|| measured::peer_split(&on, split));
    let split = split.map_err(peer)?;
    let (peer_relocate, relocated) = timed(|| measured::peer_relocate(split, &to.peer));
    let own = Btf::split(&from.peer, btf).map_err(peer)?;
    let (peer_distill, made) = timed(|| measured::peer_distill(&own));
    made.map_err(peer)?;
    let peer_parse = peer_parse_base + peer_parse_split;
    let times = [
        parse,
        relocate,
        distill,
        peer_parse,
        peer_relocate,
        peer_distill,
    ];
    Ok((times, relocated.is_ok()))
}

/// Time of a call; what it returns is freed later.
fn timed<T>(call: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(call());
    (start.elapsed(), result)
}
