// SPDX-License-Identifier: GPL-2.0

//! The figures of a run, as `bench.json` has them.

use serde::Serialize;

use crate::callgrind::Part;

/// A figure of both sides.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pair {
    pub ours: f64,
    pub peer: f64,
    /// Ours divided by libbpf's.
    pub ratio: f64,
}

impl Pair {
    pub fn new(ours: f64, peer: f64) -> Self {
        let ratio = ours / peer;
        Pair { ours, peer, ratio }
    }

    /// Both together, as of two steps.
    pub fn plus(self, other: Pair) -> Self {
        Pair::new(self.ours + other.ours, self.peer + other.peer)
    }
}

/// All that was measured.
#[derive(Serialize)]
pub struct Figures {
    /// Instructions.
    pub relocate_median_ratio: f64,
    pub relocate_largest_ratio: f64,
    pub corpus_time_ratio: f64,
    pub distill_median_ratio: f64,
    pub index_instructions: f64,
    pub index_bytes: f64,
    pub from: String,
    pub to: String,
    pub peer: String,
    /// Setting up the BTF of `to`: our tables, and libbpf's parse.
    pub kernel: OfKernel,
    pub modules: Vec<OfModule>,
    pub corpus: OfCorpus,
    pub targets: Vec<Target>,
    pub by_size: Vec<Point>,
}

#[derive(Serialize)]
pub struct OfKernel {
    pub instructions: Pair,
    pub bytes: Pair,
}

/// A module that stands for those of its size.
#[derive(Serialize)]
pub struct OfModule {
    pub rank: &'static str,
    pub module: String,
    pub types: u32,
    pub instructions: Steps,
    pub nanoseconds: Steps,
    /// Peak, from parse to relocated BTF.
    pub bytes: Pair,
    pub dominated_by: Parts,
}

#[derive(Clone, Copy, Serialize)]
pub struct Steps {
    pub parse: Pair,
    pub relocate: Pair,
    pub parse_and_relocate: Pair,
    pub distill: Pair,
}

impl Steps {
    pub fn new(parse: Pair, relocate: Pair, distill: Pair) -> Self {
        Steps {
            parse,
            relocate,
            parse_and_relocate: parse.plus(relocate),
            distill,
        }
    }
}

/// Where the instructions of relocation went.
#[derive(Serialize)]
pub struct Parts {
    pub ours: Vec<Part>,
    pub peer: Vec<Part>,
    pub ours_distill: Vec<Part>,
}

/// One core, all modules.
#[derive(Serialize)]
pub struct OfCorpus {
    pub modules: usize,
    pub peer_refuses: usize,
    pub nanoseconds: Steps,
}

/// What a figure is to be; it is no verdict.
#[derive(Serialize)]
pub struct Target {
    pub name: &'static str,
    pub value: f64,
    pub target: f64,
    /// How many times the target it is; 1 or less is met.
    pub times: f64,
    pub dominated_by: Vec<Part>,
}

/// Instructions of relocation for one module.
#[derive(Clone, Serialize)]
pub struct Point {
    pub module: String,
    pub types: u32,
    pub relocate: Pair,
}
