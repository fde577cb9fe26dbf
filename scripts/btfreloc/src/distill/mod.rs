// SPDX-License-Identifier: GPL-2.0

//! `btfreloc distill`: plain split BTF gets a base of its own, `.BTF.base`.

mod ids;
mod result;

use std::path::Path;

use anyhow::{ensure, Context, Result};

pub use ids::{roots, Mapped};
pub use result::Distilled;

use rust_btfreloc::btf::Form;
use rust_btfreloc::reloc::Cause;

use crate::each::{self, Task, Written, WrittenSection};
use crate::funcs::mapped_funcs;
use crate::input::{self, Bases, Content, Module};
use crate::inspect::FileKind;
use crate::layout::with_layout;
use crate::sections::with_sections;
use crate::status::{note, warn, without_notes, Finding, Status};
use crate::{cli, output};

/// Distills the BTF of modules.
///
/// # Errors
///
/// Options of the command line exclude each other. A module that cannot be read, or not be distilled, is
/// reported, and the others are distilled.
pub fn run(args: &cli::Distill) -> Result<Status> {
    input::once_only(args.change.paths())?;
    let bases = Bases::new(args.change.base.as_deref(), Path::new("/"));
    let raw: Vec<_> = args.raw_btf.iter().chain(&args.raw_base).collect();
    let task = Task {
        command: "distill",
        change: &args.change,
        raw: &raw,
        bases: &bases,
    };
    without_notes(args.change.quiet);
    task.run(|path| {
        let module = Module::read(path)?;
        let done = distill(&module, &bases);
        match done.with_context(|| module.label().to_owned())? {
            Outcome::Done(mut done) => {
                if args.layout {
                    let btf = std::mem::take(&mut done.distilled.btf);
                    done.distilled.btf = with_layout(Form::Split, btf)?;
                }
                write(args, &module, &done)
            }
            Outcome::Needless(why) => {
                note(&format!("{}: {why}: left as it is", module.label()));
                each::leave(&module, args.change.output.as_deref())
            }
        }
    })
}

/// The BTF of a module, distilled, and its `.BTF_ids` as they are then.
struct Done {
    distilled: Distilled,
    ids: Option<Mapped>,
}

enum Outcome {
    Done(Done),
    /// It relocates as it is; why.
    Needless(&'static str),
}

fn distill(module: &Module, bases: &Bases<'_>) -> Result<Outcome> {
    let sections = module.sections()?;
    let btf = sections.btf.map(|input| (input.btf, input.btf_base));
    let (btf, btf_base) = btf.unzip();
    let plain = match FileKind::of(btf, btf_base.flatten()) {
        FileKind::PlainSplit => Ok(btf.unwrap_or_default()),
        FileKind::None => Err("no BTF to distill: `btfreloc encode` makes it"),
        FileKind::Standalone => Err("standalone BTF, which has no base to distill"),
        FileKind::Distilled => return Ok(Outcome::Needless("distilled already: it has .BTF.base")),
        FileKind::Empty => {
            return Ok(Outcome::Needless(
                "its BTF has no types and fits every kernel",
            ))
        }
    };
    let plain = plain.map_err(|reason| Finding(reason.to_owned()))?;
    let base = bases.of(module)?;
    let finding = |cause: Cause<'_>| Finding(cause.to_string());
    let roots = sections.elf.as_ref().map(roots).transpose();
    let roots = roots.map_err(finding)?.unwrap_or_default();
    let distilled = Distilled::of(&base.base(), plain, &roots).map_err(|reason| {
        Finding(format!(
            "not made for {}: {reason}; name the vmlinux it was built for with --base",
            base.label()
        ))
    })?;
    let ids = sections.elf.map(|elf| Mapped::of(&elf, &distilled));
    let ids = ids.transpose().map_err(finding)?;
    Ok(Outcome::Done(Done {
        distilled,
        ids: ids.flatten(),
    }))
}

/// Raw BTF alone where that was asked for, else the module.
fn write(args: &cli::Distill, module: &Module, done: &Done) -> Result<Written> {
    let Done { distilled, ids } = done;
    let raw = [
        (&args.raw_btf, &distilled.btf),
        (&args.raw_base, &distilled.btf_base),
    ];
    let mut files = Vec::new();
    for (to, bytes) in raw {
        if let Some(to) = to {
            output::write(to, bytes)?;
            files.push(input::label(to));
        }
    }
    let (image, label) = (module.image(), module.label());
    if args.change.output.is_none() && !files.is_empty() {
        let names = [".BTF", ".BTF.base"].into_iter().zip(raw);
        let written = names.filter(|(_, (to, _))| to.is_some());
        return Ok(Written {
            module: label.to_owned(),
            files,
            sections: written
                .map(|(name, (_, bytes))| WrittenSection::of(name, bytes, true))
                .collect(),
            signature_removed: false,
        });
    }
    ensure!(
        image.content == Content::Elf,
        "{label}: raw BTF has no place for .BTF.base: name files with --raw-btf and --raw-base"
    );
    for (lost, in_list) in ids.iter().flat_map(|ids| &ids.lost) {
        let by_name = match in_list {
            true => "; rust_btfreloc finds it by name",
            false => "",
        };
        warn(&format!(
            "{label}: .BTF_ids: {lost} is 0 now: .BTF.base has no place for it{by_name}"
        ));
    }
    let mut sections = vec![
        (".BTF", Some(&*distilled.btf)),
        (".BTF.base", Some(&*distilled.btf_base)),
    ];
    sections.extend(ids.iter().map(|ids| (".BTF_ids", Some(&*ids.bytes))));
    let elf = with_sections(&image.bytes, &sections).with_context(|| label.to_owned())?;
    let elf = mapped_funcs(label, elf, |id| distilled.new_id(id));
    let elf = elf.with_context(|| label.to_owned())?;
    let mut written = each::put(module, &elf, args.change.output.as_deref())?;
    written.files.extend(files);
    Ok(written)
}
