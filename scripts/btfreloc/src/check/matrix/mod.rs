// SPDX-License-Identifier: GPL-2.0

//! `check --matrix`: one page of modules by kernels, each verdict with its reasons.

mod page;
mod reasons;

use anyhow::Result;

use super::text;
use super::{Outcome, Row};
use crate::input::Kernel;
use page::{visible, Cell, Page};
use reasons::Reasons;

/// The page while rows come in; of what they say, each text is kept once.
pub(super) struct Matrix {
    kernels: Vec<String>,
    modules: Vec<page::Module>,
    reasons: Reasons,
}

impl Matrix {
    /// An empty page on `kernels`.
    pub(super) fn new(kernels: &[Kernel]) -> Self {
        let labels = kernels.iter().map(|kernel| visible(kernel.label()));
        Matrix {
            kernels: labels.collect(),
            modules: Vec::new(),
            reasons: Reasons::default(),
        }
    }

    /// Adds a module by its rows, one for each kernel in their order.
    pub(super) fn add(&mut self, rows: &[Row]) {
        let Some(first) = rows.first() else { return };
        self.modules.push(page::Module {
            path: visible(&first.module),
            cells: rows.iter().map(cell).collect(),
        });
        self.reasons.add(rows);
    }

    /// The page as HTML; `errors` are of the modules that are not on it.
    ///
    /// # Errors
    ///
    /// The template cannot be filled.
    pub(super) fn page(&self, strict: bool, errors: &[String]) -> Result<String> {
        let errors: Vec<_> = errors.iter().map(|error| visible(error)).collect();
        Page::new(&self.kernels, &self.modules, &self.reasons, strict, &errors)?.render()
    }
}

/// What is seen of a row without opening it.
fn cell(row: &Row) -> Cell {
    let opaque = row
        .relocation
        .as_ref()
        .map(|done| format!("{} opaque", done.opaque));
    let conflicts = row.rebase.as_ref().map(|done| match done.conflicts {
        1 => "1 conflict".to_owned(),
        count => format!("{count} conflicts"),
    });
    Cell {
        outcome: row.outcome,
        words: match (row.outcome, opaque.or(conflicts)) {
            (Outcome::Exact, _) => "exact".to_owned(),
            (Outcome::Reduced, _) => "types left out".to_owned(),
            (Outcome::Opaque | Outcome::Conflicts, Some(words)) => words,
            (other, _) => text::verdict(other).to_owned(),
        },
        alone: text::alone(row).map(|alone| alone.answer),
    }
}
