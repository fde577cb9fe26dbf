// SPDX-License-Identifier: GPL-2.0

//! A type of one kernel that another does not have as it was, and what became of it.

use serde::Serialize;

use super::layout::Detail;

/// What became of a type; the first say most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// There is none of that kind and name any more.
    Gone,
    /// It has another size.
    Resized,
    /// It has the same size, and something in it is not as it was.
    Changed,
    /// It holds a type that has another size or layout.
    HoldsChanged,
}

/// A type that is not as it was.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// Its kind on the first kernel.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Its size in bytes on the first kernel, where it has one by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Its size on the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_size: Option<u32>,
    /// What changed in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
    /// The types that it holds and that are not as they were.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// The modules that use it, by their numbers in the list of modules.
    pub modules: Vec<u32>,
    /// Its id on the first kernel.
    #[serde(skip)]
    pub(super) id: u32,
}
