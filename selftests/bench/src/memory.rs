// SPDX-License-Identifier: GPL-2.0

//! Peak of the heap, as DHAT sees it: this program runs itself under it, with less and less to do.

use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use crate::corpus::{self, Module};
use crate::figures::Pair;
use crate::kernel::{ours, peer};
use crate::{measured, Job};

/// Bytes held at most for a module, from parse to relocated BTF, beyond those for the kernel's BTF.
pub fn of_module(job: &Job, name: &str) -> Result<Pair> {
    difference(job, name, "kernel", "module")
}

/// Bytes held for the kernel's BTF, beyond the BTF as it came.
pub fn of_kernel(job: &Job, name: &str) -> Result<Pair> {
    difference(job, name, "input", "kernel")
}

fn difference(job: &Job, name: &str, less: &str, more: &str) -> Result<Pair> {
    let side = |side: &str| -> Result<f64> {
        Ok(peak(job, side, more, name)? - peak(job, side, less, name)?)
    };
    Ok(Pair::new(side("ours")?, side("peer")?))
}

/// Peak of [`run`] under DHAT.
fn peak(job: &Job, side: &str, upto: &str, name: &str) -> Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=dhat", "--dhat-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .arg("hold")
        .args(job.arguments())
        .args([name, side, upto])
        .output()
        .context("valgrind does not run")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the run under DHAT failed: {text}");
    // ==5== At t-gmax:    12,345 bytes in 67 blocks
    let bytes = text
        .split_once("At t-gmax:")
        .and_then(|(_, rest)| rest.split_once(" bytes"));
    let (bytes, _) = bytes.with_context(|| format!("no peak in: {text}"))?;
    Ok(bytes.trim().replace(',', "").parse()?)
}

/// Goes as far as `upto` says and holds all that was read, so that nothing but the steps differs.
pub fn run(job: &Job, arguments: &[String]) -> Result<()> {
    let [name, side, upto] = arguments else {
        bail!("hold: MODULE SIDE UPTO");
    };
    // The small input first: what reading it took for a while is less than what is held later.
    let module = corpus::some(&job.folder(), std::slice::from_ref(name))?;
    let kernel = corpus::kernel(&job.to)?;
    let [Module {
        distilled, split, ..
    }] = &module[..]
    else {
        bail!("hold: one module");
    };
    if upto == "input" {
        return Ok(());
    }
    if side == "ours" {
        let tables = measured::ours_kernel(&kernel).map_err(ours)?;
        if upto == "module" {
            let base = tables.base(&kernel).map_err(ours)?;
            let mut words = Vec::new();
            let parsed = measured::ours_parse(&base, distilled, split, &mut words);
            measured::ours_relocate(&base, &parsed.map_err(ours)?).map_err(ours)?;
        }
    } else {
        let kernel = measured::peer_alone(&kernel).map_err(peer)?;
        if upto == "module" {
            let on = measured::peer_alone(distilled).map_err(peer)?;
            let split = measured::peer_split(&on, split).map_err(peer)?;
            measured::peer_relocate(split, &kernel).map_err(peer)?;
        }
    }
    Ok(())
}
