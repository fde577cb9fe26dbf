// SPDX-License-Identifier: GPL-2.0

//! What loading costs, as `selftests/vm/cost.sh` measured it in a VM.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Nanoseconds of a module's load, in the notifiers that treat its BTF.
#[derive(Serialize)]
struct Load {
    module: String,
    kernel_alone: u64,
    ours: u64,
    /// The kernel's own notifier, after ours.
    kernel_with_ours: u64,
}

#[derive(Serialize)]
struct Loads {
    release: String,
    file_bytes: u64,
    /// `init_ns`, `tables_bytes`, `module_bytes`.
    figures: BTreeMap<String, u64>,
    modules: Vec<Load>,
}

/// Prints what is in the file `log`, and adds it to `json`, under `loads`.
pub fn run(json: &Path, log: &Path, release: &str, module: &Path) -> Result<()> {
    let text = fs::read_to_string(log).with_context(|| log.display().to_string())?;
    let loads = Loads {
        release: release.to_owned(),
        file_bytes: fs::metadata(module)?.len(),
        figures: text.lines().filter_map(figure).collect(),
        modules: text.lines().filter_map(load).collect(),
    };
    print(&loads);
    let text = fs::read_to_string(json).unwrap_or_else(|_| "{}".to_owned());
    let mut all: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text)?;
    all.insert("loads".to_owned(), serde_json::to_value(loads)?);
    Ok(fs::write(json, serde_json::to_string_pretty(&all)? + "\n")?)
}

fn figure(line: &str) -> Option<(String, u64)> {
    let (name, value) = line.split_once(' ')?;
    let known = ["init_ns", "tables_bytes", "module_bytes"].contains(&name);
    known.then_some((name.to_owned(), value.trim().parse().ok()?))
}

fn load(line: &str) -> Option<Load> {
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["module", module, _, alone, _, ours, _, with] => Some(Load {
            module: module.to_owned(),
            kernel_alone: alone.parse().ok()?,
            ours: ours.parse().ok()?,
            kernel_with_ours: with.parse().ok()?,
        }),
        _ => None,
    }
}

fn print(loads: &Loads) {
    println!(
        "\nloading modules in a VM, stock {}, median of 20, microseconds in the notifiers",
        loads.release
    );
    println!(
        "{:<18} {:>14} {:>14} {:>16} {:>11}",
        "", "kernel alone", "rust_btfreloc", "kernel after it", "ours/alone"
    );
    for load in &loads.modules {
        let (alone, ours, with) = (load.kernel_alone, load.ours, load.kernel_with_ours);
        let ratio = format!("1/{:.0}", alone as f64 / ours as f64);
        println!(
            "{:<18} {:>14} {:>14} {:>16} {ratio:>11}",
            load.module,
            alone / 1000,
            ours / 1000,
            with / 1000
        );
    }
    let figure = |name: &str| loads.figures.get(name).copied().unwrap_or_default();
    println!(
        "init of rust_btfreloc: {} us; memory held: {} KiB code and data, {} KiB tables; file: {} KiB",
        figure("init_ns") / 1000,
        figure("module_bytes") / 1024,
        figure("tables_bytes") / 1024,
        loads.file_bytes / 1024
    );
}
