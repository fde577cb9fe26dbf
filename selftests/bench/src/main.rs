// SPDX-License-Identifier: GPL-2.0

//! What relocation costs, beside libbpf: `btfreloc-bench` is run by `scripts/bench`.

mod callgrind;
mod corpus;
mod figures;
mod host;
mod kernel;
mod loads;
mod measured;
mod memory;
mod plot;
mod progress;
mod report;
mod time;

use std::path::PathBuf;

use anyhow::{bail, Result};

const USAGE: &str = "\
usage: btfreloc-bench host DIR FROM TO                     all that can be measured without a VM
       btfreloc-bench instructions DIR FROM TO MODULE...   the instructions of each step
       btfreloc-bench loads JSON LOG RELEASE KO            what selftests/vm/cost.sh said, into JSON
run by this program itself, all but the first under valgrind:
       btfreloc-bench time DIR FROM TO MODULE...
       btfreloc-bench steps DIR FROM TO MODULE...
       btfreloc-bench hold DIR FROM TO MODULE SIDE UPTO";

/// Modules of one kernel, relocated to another.
pub struct Job {
    /// Where results and inputs are kept.
    pub dir: PathBuf,
    pub from: String,
    pub to: String,
}

impl Job {
    /// Where the modules are.
    pub fn folder(&self) -> PathBuf {
        corpus::folder(&self.dir, &self.from)
    }

    /// As the command line has it.
    pub fn arguments(&self) -> [&std::ffi::OsStr; 3] {
        [self.dir.as_os_str(), self.from.as_ref(), self.to.as_ref()]
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["loads", json, log, release, module] = words[..] {
        return loads::run(json.as_ref(), log.as_ref(), release, module.as_ref());
    }
    let [command, dir, from, to, ..] = words[..] else {
        bail!("{USAGE}");
    };
    let names = &arguments[4..];
    let job = Job {
        dir: dir.into(),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    match command {
        "host" => host::run(&job),
        "instructions" => instructions(&job, names),
        "time" => time::run(&job, names),
        "steps" => callgrind::run(&job, names),
        "hold" => memory::run(&job, names),
        _ => bail!("{USAGE}"),
    }
}

fn instructions(job: &Job, names: &[String]) -> Result<()> {
    corpus::all(&job.folder(), &job.from)?;
    for ((step, module), count) in callgrind::measure(job, names)? {
        println!("{:>12}  {step:<17} {module}", count.instructions);
        for part in count.largest_parts()? {
            println!("{:>20.1} %  {}", part.percent, part.function);
        }
    }
    Ok(())
}
