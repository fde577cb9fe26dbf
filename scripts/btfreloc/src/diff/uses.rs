// SPDX-License-Identifier: GPL-2.0

//! Which types of a kernel a module uses: its BTF names them, or it imports the function.
//!
//! | the module's BTF | what it names |
//! | --- | --- |
//! | plain split BTF | the kernel's types that it refers to, up to the first with a name on each way |
//! | `.BTF` with `.BTF.base` | the types in `.BTF.base` |
//! | standalone BTF | the types in it that the kernel has by kind and name |
//!
//! An id in `.BTF_ids` names its type as well.

use std::collections::HashSet;

use anyhow::{anyhow, Context, Result};
use rust_btfreloc::btf::{Blob, Form, Kind, Record, Section};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::distill::{DistillSurvey, Module as Plain};
use rust_btfreloc::reloc::{Base, Input};

use super::alike::Family;
use crate::distill::roots;
use crate::input::{Kernel, Module};
use crate::inspect::FileKind;
use crate::plain::contradiction;

/// A kernel, and the functions of it that are of interest.
pub(super) struct Uses<'a> {
    pub(super) kernel: &'a Kernel,
    /// Their names and ids, sorted.
    pub(super) functions: Vec<(&'a [u8], u32)>,
}

impl Uses<'_> {
    /// The types of the kernel that `module` uses, by their ids; `words` is memory.
    ///
    /// # Errors
    ///
    /// Its BTF is damaged, or was made for another kernel.
    pub(super) fn of(&self, module: &Module, words: &mut Vec<u32>) -> Result<HashSet<u32>> {
        let sections = module.sections()?;
        let mut used = HashSet::new();
        if let Some(elf) = &sections.elf {
            self.imported(elf, &mut used)?;
        }
        let base = self.kernel.base();
        match sections.btf {
            None => {}
            Some(input) => match FileKind::of(Some(input.btf), input.btf_base) {
                FileKind::None | FileKind::Empty => {}
                FileKind::PlainSplit => {
                    let roots = sections.elf.as_ref().map(roots).transpose();
                    let roots = roots
                        .map_err(|cause| anyhow!("{cause}"))?
                        .unwrap_or_default();
                    plain(self.kernel, &input, &roots, words, &mut used)?;
                }
                FileKind::Distilled => {
                    let own = input.btf_base.unwrap_or_default();
                    named(&base, Section::BtfBase, own, &mut used)?;
                }
                FileKind::Standalone => named(&base, Section::Btf, input.btf, &mut used)?,
            },
        }
        Ok(used)
    }

    /// Adds the functions that the module leaves to the kernel to define.
    fn imported(&self, elf: &Elf<'_>, used: &mut HashSet<u32>) -> Result<()> {
        let symbols = elf.symbols().map_err(|error| anyhow!("{error}"))?;
        for symbol in symbols.iter().filter(|symbol| symbol.section.is_none()) {
            let start = self
                .functions
                .partition_point(|(name, _)| *name < symbol.name);
            let same = self.functions.iter().skip(start);
            used.extend(
                same.take_while(|(name, _)| *name == symbol.name)
                    .map(|(_, id)| id),
            );
        }
        Ok(())
    }
}

/// Adds what plain split BTF refers to.
fn plain(
    kernel: &Kernel,
    input: &Input<'_>,
    roots: &[u32],
    words: &mut Vec<u32>,
    used: &mut HashSet<u32>,
) -> Result<()> {
    let base = kernel.base();
    let malformed = |error| anyhow!("{error}");
    let made_for = || format!("not made for {}", kernel.label());
    if let Some(found) = contradiction(&base, input.btf).map_err(malformed)? {
        return Err(anyhow!(found).context(made_for()));
    }
    let module = Plain::read(base.btf(), input.btf).map_err(malformed)?;
    words.resize(words.len().max(module.survey_len()), 0);
    let survey = DistillSurvey::of(&module, roots, words).map_err(malformed);
    used.extend(survey.with_context(made_for)?.needed());
    Ok(())
}

/// Adds the types of the kernel that have kind and name in common with those in `btf`; where it has
/// several, those of the same size.
fn named(base: &Base<'_>, section: Section, btf: &[u8], used: &mut HashSet<u32>) -> Result<()> {
    let blob = Blob::parse(section, Form::Base, btf).map_err(|error| anyhow!("{error}"))?;
    for record in blob.records() {
        let name = blob.string(record.name_off());
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            continue;
        };
        let same = base
            .named(name)
            .filter(|(_, theirs)| are_of_a_kind(&record, theirs));
        let same: Vec<_> = same.collect();
        let sized = same
            .iter()
            .filter(|(_, theirs)| theirs.size() == record.size());
        let sized: Vec<_> = sized.map(|(id, _)| *id).collect();
        match sized.is_empty() || record.kind() == Kind::Fwd {
            true => used.extend(same.iter().map(|(id, _)| *id)),
            false => used.extend(sized),
        }
    }
    Ok(())
}

fn are_of_a_kind(own: &Record<'_>, theirs: &Record<'_>) -> bool {
    match Family::of(own) {
        Some(family) => Family::of(theirs) == Some(family),
        None => own.kind() == theirs.kind(),
    }
}
