// SPDX-License-Identifier: GPL-2.0

//! What a relocation did to each distilled type, kept for as long as somebody may ask.

use super::Fate;
use crate::btf::{Blob, Error, Form, Kind, Section};

/// What a [`super::RelocationPlan`] decided, without the module's types.
///
/// `fates` and `ids` are copies of what [`super::RelocationPlan::words`] gave.
pub struct Report<'a> {
    distilled: Blob<'a>,
    fates: &'a [u32],
    ids: &'a [u32],
}

/// One distilled type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DistilledType<'a> {
    /// Id in the distilled base.
    pub distilled_id: u32,
    /// Kind it was recorded with.
    pub kind: Kind,
    /// Its name.
    pub name: &'a [u8],
    /// Size in bytes; 0 for a forward declaration.
    pub size: u32,
    /// What became of it.
    pub fate: Fate,
    /// Its id after relocation.
    pub new_id: u32,
}

impl<'a> Report<'a> {
    /// Reads again the distilled base, a whole `.BTF.base` section, that the plan was made from.
    ///
    /// # Errors
    ///
    /// As [`Blob::parse`]; the same bytes passed before.
    pub fn new(btf_base: &'a [u8], fates: &'a [u32], ids: &'a [u32]) -> Result<Self, Error> {
        let distilled = Blob::parse(Section::BtfBase, Form::Base, btf_base)?;
        Ok(Report {
            distilled,
            fates,
            ids,
        })
    }

    /// The distilled types in the order of their ids.
    pub fn entries(&self) -> impl Iterator<Item = DistilledType<'a>> + 'a {
        let distilled = self.distilled;
        let decided = self.fates.iter().zip(self.ids);
        let numbered = (1..u32::MAX).zip(distilled.records()).zip(decided);
        numbered.map(
            move |((distilled_id, record), (fate, new_id))| DistilledType {
                distilled_id,
                kind: record.kind(),
                name: distilled.string(record.name_off()).unwrap_or(&[]),
                size: record.size(),
                fate: Fate::from_word(*fate),
                new_id: *new_id,
            },
        )
    }
}
