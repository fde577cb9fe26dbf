// SPDX-License-Identifier: GPL-2.0

//! One module's file: what it is to become, and its change to that.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

use anyhow::{ensure, Context, Result};
use rust_btfreloc::elf::Elf;
use serde::Serialize;

use super::{sign, Task};
use crate::check::{Detail, NewSections, Outcome, Row};
use crate::decide::policy;
use crate::funcs::{has_funcs, mapped_funcs, without_funcs};
use crate::input::{self, Content, Module, Packing, Sections};
use crate::kept::{Original, Prepared};
use crate::output::without_signature;
use crate::sections::with_sections;

/// What became of a module's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It is another now, or would be without `--dry-run`.
    Changed,
    /// Its BTF is valid on the kernel as it is, or it has none.
    Unchanged,
    /// It was left as it is, though its BTF is not valid there.
    Refused,
}

/// A module's file, and what became of it.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The file.
    pub module: String,
    /// What became of it.
    pub became: Became,
    /// The decision.
    pub verdict: Row,
    /// Why it was left as it is, where that is not the decision's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether it lost its signature, which is not valid for other bytes.
    pub signature_removed: bool,
    /// Whether it got a new one.
    pub signed: bool,
    /// Where the file is kept that it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// The file that is to take its place.
    #[serde(skip)]
    pub(super) prepared: Option<Prepared>,
}

/// What a file is to become.
enum New {
    /// What it is.
    Same,
    /// This.
    Elf(Vec<u8>),
    /// What it is, for want of something valid; the reason, where the decision has none.
    Not(Option<String>),
}

impl Task<'_> {
    /// Decides on the module `path`, and writes what it is to become beside it.
    pub(super) fn change(&self, path: &Path) -> Result<Changed> {
        let original = original(path).with_context(|| input::label(path))?;
        // By the path of what is replaced: a link may lead to another file by now.
        let module = Module::read_at(path, original.path())?;
        let changed = self.change_read(original, &module);
        changed.with_context(|| module.label().to_owned())
    }

    fn change_read(&self, original: Original, module: &Module) -> Result<Changed> {
        let image = module.image();
        ensure!(
            !image.wrapping.contains(&"vmlinuz"),
            "this is a kernel and not a module"
        );
        ensure!(image.content == Content::Elf, "raw BTF is no module");
        let sections = module.sections()?;
        let policy = policy(self.args.strict);
        let target = &self.target;
        let own = || Row::new(module, &sections, target, policy, Detail::Opaque);
        let taken = self.args.if_needed.then(own).filter(Row::is_taken_alone);
        let (row, new) = match taken {
            Some(row) => (row, New::Same),
            None => {
                let (row, new) = Row::in_place(module, &sections, target, policy);
                let new = self.new_file(module, &sections, &row, new)?;
                (row, new)
            }
        };
        let mut changed = Changed {
            module: module.label().to_owned(),
            became: Became::Unchanged,
            verdict: row,
            refused: None,
            signature_removed: false,
            signed: false,
            backup: None,
            prepared: None,
        };
        match new {
            New::Same => {}
            New::Not(reason) => {
                changed.became = Became::Refused;
                changed.refused = reason;
            }
            New::Elf(elf) => self.write(original, module, &elf, &mut changed)?,
        }
        Ok(changed)
    }

    fn new_file(
        &self,
        module: &Module,
        sections: &Sections<'_>,
        row: &Row,
        new: Option<NewSections>,
    ) -> Result<New> {
        let own = sections.btf.map(|input| input.btf);
        let (btf, ids, funcs) = match (new, own) {
            (Some(NewSections { btf: None, ids, .. }), _) => {
                return self.dropped(module, sections, row, ids)
            }
            (Some(NewSections { btf, ids, funcs }), _) => (btf.map(Cow::Owned), ids, Some(funcs)),
            (None, _) if row.outcome == Outcome::LeftToKernel => return Ok(New::Not(None)),
            (None, own) => (own.map(Cow::Borrowed), None, None),
        };
        let Some(btf) = btf.as_deref() else {
            return Ok(New::Same);
        };
        let btf = match self.target.limits.apply(self.target.kernel, btf) {
            Ok(btf) => btf,
            Err(reason) => return Ok(New::Not(Some(reason))),
        };
        if Some(&*btf) == own && ids.is_none() && row.outcome == Outcome::LeftAlone {
            return Ok(New::Same);
        }
        let elf = with_btf(module, Some(&btf), ids.as_deref())?;
        let elf = match funcs {
            Some(funcs) => mapped_funcs(module.label(), elf, |id| funcs.get(&id).copied())?,
            None => elf,
        };
        Ok(self.unless_signed(module, elf))
    }

    /// The file without its BTF, where that is asked for and the kernel takes it.
    fn dropped(
        &self,
        module: &Module,
        sections: &Sections<'_>,
        row: &Row,
        ids: Option<Vec<u8>>,
    ) -> Result<New> {
        let loses_nothing = row.outcome == Outcome::NoBtf;
        if !self.args.drop {
            return Ok(match loses_nothing {
                true => New::Same,
                false => New::Not(None),
            });
        }
        if self.target.limits.needs_btf_for_ids() && sections.elf.as_ref().is_some_and(has_ids) {
            let reason = "this kernel may refuse it without BTF, as it has .BTF_ids";
            return Ok(New::Not(Some(reason.to_owned())));
        }
        let mut elf = with_btf(module, None, ids.as_deref())?;
        if sections.elf.as_ref().is_some_and(has_funcs) {
            elf = without_funcs(module.label(), &elf, "the module has no BTF now")?;
        }
        Ok(self.unless_signed(module, elf))
    }

    /// That file, but where it may not lose its signature.
    fn unless_signed(&self, module: &Module, elf: Vec<u8>) -> New {
        let loses_signature = is_signed(&module.image().bytes) && self.args.sign_with.is_none();
        match loses_signature && self.is_enforced {
            false => New::Elf(elf),
            true => New::Not(Some(
                "it is signed, and this machine takes signed modules alone: name a program that signs it \
                 with --sign-with"
                    .to_owned(),
            )),
        }
    }

    /// Writes `elf` to a file that is to take the place of the old one.
    fn write(
        &self,
        original: Original,
        module: &Module,
        elf: &[u8],
        changed: &mut Changed,
    ) -> Result<()> {
        let image = module.image();
        let (program, dry_run) = (self.args.sign_with.as_deref(), self.args.dry_run);
        changed.became = Became::Changed;
        changed.signed = program.is_some();
        changed.signature_removed =
            (is_signed(&image.bytes) && program.is_none()) || original.is_signed();
        let backup = self.args.backup.then(|| original.backup());
        changed.backup = backup.map(|backup| backup.display().to_string());
        if dry_run {
            return Ok(());
        }
        let elf = match program {
            Some(program) => Cow::Owned(sign::signed(
                program,
                &name(image.packing, &image.path),
                elf,
            )?),
            None => Cow::Borrowed(elf),
        };
        let packed = image.packing.map(|packing| packing.pack(&elf));
        let packed = packed.transpose()?;
        let prepared = original.prepare(packed.as_deref().unwrap_or(&elf))?;
        changed.prepared = Some(prepared);
        Ok(())
    }
}

fn original(path: &Path) -> Result<Original> {
    ensure!(
        !input::is_stream(path),
        "nothing is there to be changed in place: name a file"
    );
    Original::of(path)
}

/// The file with this BTF and these ids, and without a distilled base.
fn with_btf(module: &Module, btf: Option<&[u8]>, ids: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut sections = vec![(".BTF", btf), (".BTF.base", None)];
    sections.extend(ids.map(|ids| (".BTF_ids", Some(ids))));
    with_sections(&module.image().bytes, &sections)
}

fn is_signed(elf: &[u8]) -> bool {
    without_signature(elf).len() != elf.len()
}

/// Whether there are ids that the kernel looks up.
fn has_ids(elf: &Elf<'_>) -> bool {
    let section = elf.section(b".BTF_ids");
    section.is_some_and(|section| section.size != 0)
}

/// The name of a module's file, without that of its compression.
fn name(packing: Option<Packing>, path: &Path) -> String {
    let name = match packing {
        Some(_) => path.file_stem(),
        None => path.file_name(),
    };
    name.unwrap_or(OsStr::new("module.ko"))
        .to_string_lossy()
        .into_owned()
}
