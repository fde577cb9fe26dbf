// SPDX-License-Identifier: GPL-2.0

//! Instructions, as callgrind counts them: this program runs itself under it, and each function of
//! [`crate::measured`] leaves a file of its own.

mod parts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{bail, ensure, Context, Result};

use crate::corpus::{self, Module};
use crate::kernel::{ours, peer, Kernel};
use crate::measured::{self, PATH};
use crate::Job;

pub use parts::Part;

/// What a step took.
#[derive(Clone, Debug)]
pub struct Count {
    pub instructions: u64,
    /// Says where they went.
    file: PathBuf,
}

/// By step and what it was for: a module, or a kernel.
pub type Counts = BTreeMap<(String, String), Count>;

impl Count {
    /// Where most of the instructions went.
    pub fn largest_parts(&self) -> Result<Vec<Part>> {
        parts::largest(&fs::read_to_string(&self.file)?)
    }
}

/// Runs under callgrind what [`run`] does.
pub fn measure(job: &Job, names: &[String]) -> Result<Counts> {
    let dir = job.dir.join("callgrind");
    if dir.is_dir() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let out = dir.join("out");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()));
    // Of several such options for one function callgrind obeys the first only.
    command.arg(format!("--dump-before={PATH}*"));
    command
        .arg(std::env::current_exe()?)
        .arg("steps")
        .args(job.arguments())
        .args(names);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("valgrind does not run")?;
    ensure!(
        output.status.success(),
        "the run under callgrind failed: {}",
        output.status
    );
    let steps = String::from_utf8(output.stdout)?;
    // Two files for each step: what came before it, and the step.
    let counts = steps.lines().zip(1..).map(|(line, number)| {
        let [function, step, subject] = line.split(' ').collect::<Vec<_>>()[..] else {
            bail!("{line}: not a function, a step and what it is for");
        };
        let file = |number| dir.join(format!("out.{number}"));
        let (before, file) = (file(2 * number - 1), file(2 * number));
        sum(&before, function)?;
        let instructions = sum(&file, "end")?;
        Ok((
            (step.to_owned(), subject.to_owned()),
            Count { instructions, file },
        ))
    });
    counts.collect()
}

/// The sum in one of callgrind's files, which is to end where `function` begins.
fn sum(file: &Path, function: &str) -> Result<u64> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    let cause = value("desc: Trigger: --dump-before=").unwrap_or_default();
    ensure!(
        cause.strip_prefix(PATH) == Some(function),
        "{}: ends at {cause}, not at {function}",
        file.display()
    );
    let sum = value("totals: ").with_context(|| format!("{} has no sum", file.display()))?;
    Ok(sum.trim().parse()?)
}

/// Carries out all steps, one after the other, and prints for each its function and what it is for.
pub fn run(job: &Job, names: &[String]) -> Result<()> {
    let (from, to) = (corpus::kernel(&job.from)?, corpus::kernel(&job.to)?);
    let (from, to) = (kernel(&job.from, from)?, kernel(&job.to, to)?);
    for module in corpus::some(&job.folder(), names)? {
        steps(&from, &to, &module).with_context(|| module.name.clone())?;
    }
    Ok(())
}

/// Ends the step that was carried out, before anything of it is freed.
fn done<T>(function: &str, step: &str, subject: &str, result: T) -> T {
    measured::end();
    println!("{function} {step} {subject}");
    result
}

fn kernel(release: &str, bytes: Vec<u8>) -> Result<Kernel> {
    let tables = done(
        "ours_kernel",
        "ours_kernel",
        release,
        measured::ours_kernel(&bytes),
    );
    let btf = done(
        "peer_alone",
        "peer_kernel",
        release,
        measured::peer_alone(&bytes),
    );
    Ok(Kernel {
        tables: tables.map_err(ours)?,
        peer: btf.map_err(peer)?,
        bytes,
    })
}

fn steps(from: &Kernel, to: &Kernel, module: &Module) -> Result<()> {
    let Module {
        name,
        btf,
        distilled,
        split,
        ..
    } = module;
    let (base, from_base) = (to.base()?, from.base()?);
    let mut words = Vec::new();
    let parsed = measured::ours_parse(&base, distilled, split, &mut words);
    let parsed = done("ours_parse", "ours_parse", name, parsed).map_err(ours)?;
    let relocated = measured::ours_relocate(&base, &parsed);
    done("ours_relocate", "ours_relocate", name, relocated).map_err(ours)?;
    let made = measured::ours_distill(&from_base, btf);
    done("ours_distill", "ours_distill", name, made).map_err(ours)?;

    let on = measured::peer_alone(distilled);
    let on = done("peer_alone", "peer_parse_base", name, on).map_err(peer)?;
    let split = measured::peer_split(&on, split);
    let split = done("peer_split", "peer_parse_split", name, split).map_err(peer)?;
    let relocated = measured::peer_relocate(split, &to.peer);
    done("peer_relocate", "peer_relocate", name, relocated).map_err(peer)?;
    let split = measured::peer_split(&from.peer, btf);
    let split = done("peer_split", "peer_parse_module", name, split).map_err(peer)?;
    done(
        "peer_distill",
        "peer_distill",
        name,
        measured::peer_distill(&split),
    )
    .map_err(peer)?;
    Ok(())
}
