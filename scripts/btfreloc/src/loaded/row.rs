// SPDX-License-Identifier: GPL-2.0

//! What is reported of one module.

use indexmap::IndexMap;
use serde::Serialize;

/// A module, and what became of its BTF.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub module: String,
    /// What became of its BTF.
    pub state: State,
    /// Whether it is loaded.
    pub loaded: bool,
    /// Whether /sys/kernel/btf has BTF of its name.
    pub btf: bool,
    /// Who decided what BTF it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Figures, or the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What became of its `.BTF_ids`; nothing where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
    /// The supplied base that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplied: Option<String>,
    /// Its file in this release, where that was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What rust_btfreloc would do with that file if it were loaded now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_rust_btfreloc: Option<String>,
    /// What `btfreloc relocate --in-place` would make of that file, where rust_btfreloc cannot be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_place: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

/// Who decided what BTF a module has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The kernel's own code.
    Kernel,
    /// rust_btfreloc
    RustBtfreloc,
}

/// What became of the BTF of a module, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The kernel refused the module for its BTF, and it is not loaded.
    Failed,
    /// Its BTF names types that are others in this kernel.
    WrongTypes,
    /// The kernel refused what rust_btfreloc made.
    Refused,
    /// rust_btfreloc dropped its BTF.
    Dropped,
    /// Its file has BTF, and the kernel has registered none.
    Missing,
    /// What the kernel has registered cannot be read.
    Unread,
    /// Its file was changed since it was loaded, and has other BTF now.
    Replaced,
    /// rust_btfreloc left it to the kernel, though it is not what this kernel wants.
    LeftToKernel,
    /// It was relocated, and some of its types are opaque.
    Opaque,
    /// It was rebased, and some of its types differ from vmlinux's.
    Conflicts,
    /// Types of kinds that the kernel does not know were left out.
    Reduced,
    /// It is not loaded, and there is something to say of its BTF.
    NotLoadedFinding,
    /// It was relocated.
    Relocated,
    /// It was relocated by way of a supplied base.
    Repaired,
    /// It was standalone, and was rebased.
    Rebased,
    /// The kernel took it as it is.
    AsBuilt,
    /// It is valid, taken as it is or relocated: what says which cannot be seen.
    Valid,
    /// It has none, or none that describes a type.
    NoBtf,
    /// It is part of the kernel.
    BuiltIn,
    /// It is not loaded, and its BTF would be valid and complete.
    NotLoaded,
}

impl State {
    /// All of them.
    pub const ALL: [State; 20] = [
        State::Failed,
        State::WrongTypes,
        State::Refused,
        State::Dropped,
        State::Missing,
        State::Unread,
        State::Replaced,
        State::LeftToKernel,
        State::Opaque,
        State::Conflicts,
        State::Reduced,
        State::NotLoadedFinding,
        State::Relocated,
        State::Repaired,
        State::Rebased,
        State::AsBuilt,
        State::Valid,
        State::NoBtf,
        State::BuiltIn,
        State::NotLoaded,
    ];

    /// Its name among totals.
    fn name(self) -> String {
        let name = serde_json::to_value(self).unwrap_or_default();
        name.as_str().unwrap_or_default().replace('-', "_")
    }

    /// Whether there is something to do, or to know.
    pub fn is_finding(self) -> bool {
        match self {
            State::Failed | State::WrongTypes | State::Refused | State::Dropped => true,
            State::Missing | State::Unread | State::Replaced | State::LeftToKernel => true,
            State::Opaque | State::Conflicts | State::Reduced => true,
            State::NotLoadedFinding => true,
            State::Relocated | State::Repaired | State::Rebased | State::AsBuilt => false,
            State::Valid | State::NoBtf | State::BuiltIn | State::NotLoaded => false,
        }
    }
}

/// How many modules are in which state, by the name that the state has in JSON.
pub(super) fn summary(rows: &[Row]) -> IndexMap<String, usize> {
    let count = |state| rows.iter().filter(|row| row.state == state).count();
    State::ALL
        .map(|state| (state.name(), count(state)))
        .into_iter()
        .collect()
}
