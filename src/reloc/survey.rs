// SPDX-License-Identifier: GPL-2.0

//! The first look at a module's BTF: its headers, and how much there is of what.

use super::distilled::Sizes;
use super::{standalone, Base};
use crate::btf::{Blob, Error, Form, Known, Section, Table};

/// The BTF sections of a module, whole, at any alignment.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// `.BTF`.
    pub btf: &'a [u8],
    /// `.BTF.base`, where the module has one.
    pub btf_base: Option<&'a [u8]>,
}

/// The kinds of BTF that a module may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Split BTF on the distilled base that comes with it.
    Distilled,
    /// Split BTF on the vmlinux that it was made for.
    Split,
    /// BTF that refers to nothing but itself.
    Standalone,
}

impl InputKind {
    /// Every kind.
    pub const ALL: [InputKind; 3] = [
        InputKind::Distilled,
        InputKind::Split,
        InputKind::Standalone,
    ];
}

/// A module's BTF whose headers hold and whose records can be walked.
pub struct Survey<'a> {
    pub(super) split: Blob<'a>,
    pub(super) distilled: Option<Blob<'a>>,
    pub(super) sizes: Sizes,
    /// What the kernel knows that it is to be loaded on.
    pub(super) known: Known,
    /// The same BTF as what it is where it is standalone.
    pub(super) alone: Option<standalone::StandaloneSurvey<'a>>,
}

impl<'a> Survey<'a> {
    /// Looks at `input`, a module that is to be loaded on `base`.
    ///
    /// # Errors
    ///
    /// A bad header, string part, or the first record that is cut short or of a kind not known.
    pub fn of(base: &Base<'_>, input: &Input<'a>) -> Result<Self, Error> {
        let distilled = match input.btf_base {
            Some(bytes) => Some(Blob::parse(Section::BtfBase, Form::Base, bytes)?),
            None => None,
        };
        let split = Blob::parse(Section::Btf, Form::Split, input.btf)?;
        let (distilled_count, distilled_strings) = match &distilled {
            Some(blob) => (Table::count(blob, 1)?, blob.strings_len()),
            None => (0, 0),
        };
        let start_id = match distilled {
            Some(_) => distilled_count.saturating_add(1),
            None => base.btf().end_id(),
        };
        let sizes = Sizes {
            distilled: distilled_count,
            split: Table::count(&split, start_id)?,
            distilled_strings,
            split_strings: split.strings_len(),
        };
        Ok(Survey {
            split,
            distilled,
            sizes,
            known: base.known(),
            alone: match input.btf_base {
                None => standalone::StandaloneSurvey::recognised(input.btf),
                Some(_) => None,
            },
        })
    }

    /// Of which kind it is.
    pub fn input_kind(&self) -> InputKind {
        match (&self.distilled, &self.alone) {
            (Some(_), _) => InputKind::Distilled,
            (None, Some(_)) => InputKind::Standalone,
            (None, None) => InputKind::Split,
        }
    }

    /// Length in words of the scratch that [`Survey::relocated`] and [`Survey::rebased`] need.
    pub fn scratch_len(&self) -> usize {
        match &self.alone {
            Some(alone) => alone.scratch_len(),
            None => self.verify_len().saturating_add(self.sizes.plan_total()),
        }
    }

    /// Length in words of the scratch that [`Survey::verify`] and [`super::check_plain`] need.
    pub fn verify_len(&self) -> usize {
        self.sizes.total()
    }

    /// Number of types the module's own BTF holds.
    pub fn split_count(&self) -> u32 {
        self.sizes.split
    }

    /// Number of types its distilled base holds.
    pub fn distilled_count(&self) -> u32 {
        self.sizes.distilled
    }
}
