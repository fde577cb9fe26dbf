// SPDX-License-Identifier: GPL-2.0

//! What is counted over the modules of a pair; a measurement of another sort is one more field.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::shipped::Shipped;
use crate::peer::judge::Rule;

/// A pair of kernels in the file, one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Row {
    /// Release that the modules were built for.
    pub from: String,
    /// Release that they are taken to.
    pub to: String,
    #[serde(flatten)]
    pub figures: Figures,
    /// The modules that libbpf refuses for want of types, taken to the same kernel with these types.
    pub completed: Compared,
    /// The types that became opaque, with the number of modules that refer to them.
    pub lacking: BTreeMap<String, u32>,
    /// Where something is not as it should be.
    pub mismatches: u32,
    pub seconds: u64,
    /// Tells whether it was measured with the same program on the same files.
    pub inputs: String,
}

/// Sums over modules, or what one module adds to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Figures {
    /// Those with BTF: `exact`, `opaque`, `refused`, and those that are wrong.
    pub modules: u32,
    /// Every base type found its match.
    pub exact: u32,
    /// At least one base type became opaque.
    pub opaque: u32,
    /// Neither distilled nor relocated.
    pub refused: u32,
    #[serde(flatten)]
    pub compared: Compared,
    /// References of the results that were followed.
    pub references: u64,
    /// Base types that became opaque.
    pub opaque_types: u32,
    pub distilled: Distilled,
    /// With the plain BTF that they were shipped with.
    pub shipped: Shipped,
}

/// Beside libbpf's relocation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Compared {
    /// Modules that libbpf relocates.
    pub peer_accepts: u32,
    /// Of these, the same type for type and id for id.
    pub same: u32,
    /// Of these, those that rules set apart.
    pub differ: u32,
    /// Modules, and base types in them, that a rule of the design sets apart from what libbpf
    /// makes of them.
    pub by_rule: BTreeMap<Rule, Apart>,
}

/// How much a rule sets apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Apart {
    pub modules: u32,
    pub types: u32,
}

/// Beside libbpf's distillation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Distilled {
    /// Modules whose types and strings are libbpf's, byte for byte.
    pub same: u32,
    /// Modules of which libbpf leaves out types that are to be copied.
    pub peer_loses_types: u32,
    /// Bytes of `.BTF.base` and `.BTF`.
    pub bytes: u64,
    /// The same by libbpf.
    pub peer_bytes: u64,
}

impl AddAssign<&Figures> for Figures {
    fn add_assign(&mut self, other: &Figures) {
        self.modules += other.modules;
        self.exact += other.exact;
        self.opaque += other.opaque;
        self.refused += other.refused;
        self.compared += &other.compared;
        self.references += other.references;
        self.opaque_types += other.opaque_types;
        self.distilled += &other.distilled;
        self.shipped += other.shipped;
    }
}

impl AddAssign<&Compared> for Compared {
    fn add_assign(&mut self, other: &Compared) {
        self.peer_accepts += other.peer_accepts;
        self.same += other.same;
        self.differ += other.differ;
        for (rule, apart) in &other.by_rule {
            let sum = self.by_rule.entry(*rule).or_default();
            sum.modules += apart.modules;
            sum.types += apart.types;
        }
    }
}

impl AddAssign<&Distilled> for Distilled {
    fn add_assign(&mut self, other: &Distilled) {
        self.same += other.same;
        self.peer_loses_types += other.peer_loses_types;
        self.bytes += other.bytes;
        self.peer_bytes += other.peer_bytes;
    }
}
