// SPDX-License-Identifier: GPL-2.0

//! `btfreloc encode`: what kbuild does after it links a module (`scripts/gen-btf.sh`), for those
//! who have neither vmlinux nor `resolve_btfids`.
//!
//! | step | by |
//! | --- | --- |
//! | DWARF to BTF, split off the kernel's | [`pahole`] |
//! | what the kernel wants to know of kfuncs | [`kfuncs`] |
//! | no type twice | [`dedup`], [`typedefs`] |
//! | ids that were filled in before, taken out again | [`unfilled`] |
//! | `.BTF.base` and the `.BTF` on it | [`crate::distill`] |
//! | `.BTF_ids` | [`crate::resolve_ids`] |
//! | `.BTF.funcs`, where it was asked for or is there already | [`crate::funcs`] |

mod dedup;
mod extend;
mod kfuncs;
mod pahole;
mod renumber;
mod typedefs;
mod unfilled;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{anyhow, bail, Context, Result};
use rust_btfreloc::btf::{self, Blob, Btf, Form, Kind, Section, Table};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::{Base, Input};
use tempfile::TempDir;

use crate::distill::Distilled;
use crate::each::{self, Task, Written};
use crate::funcs::{add_to, has_funcs, with_funcs, without_funcs};
use crate::input::{self, Bases, Kernel, Module, Sections};
use crate::layout::with_layout;
use crate::resolve_ids::{resolve, with_btf};
use crate::sections::with_sections;
use crate::status::{note, without_notes, Finding, Status};
use crate::{cli, output};
use pahole::Pahole;

/// What all modules share.
struct Encoder<'a> {
    args: &'a cli::Encode,
    /// Asked for its version when the first module needs it.
    pahole: OnceLock<Result<Pahole, String>>,
    bases: Bases<'a>,
}

/// Makes the BTF of modules from their DWARF.
///
/// # Errors
///
/// There is no usable pahole, or options of the command line exclude each other. A module that cannot
/// be read or written, or has no DWARF, is reported, and the others get their BTF.
pub fn run(args: &cli::Encode) -> Result<Status> {
    input::once_only(args.change.paths())?;
    without_notes(args.change.quiet);
    let encoder = Encoder {
        args,
        pahole: OnceLock::new(),
        bases: Bases::new(args.change.base.as_deref(), Path::new("/")),
    };
    if !args.if_missing {
        encoder.pahole()?;
    }
    let task = Task {
        command: "encode",
        change: &args.change,
        raw: &[],
        bases: &encoder.bases,
    };
    task.run(|path| {
        let module = Module::read(path)?;
        encoder
            .module(&module)
            .with_context(|| module.label().to_owned())
    })
}

/// BTF as it goes into a module.
struct Encoded {
    btf: Vec<u8>,
    btf_base: Option<Vec<u8>>,
}

impl Encoder<'_> {
    fn module(&self, module: &Module) -> Result<Written> {
        let to = self.args.change.output.as_deref();
        let label = module.label();
        let sections = module.sections()?;
        if !self.is_to_encode(&sections)? {
            if !self.args.if_missing {
                note(&format!(
                    "{label}: has BTF already, left as it is: --force makes it anew"
                ));
            }
            return match self.args.funcs {
                true => add_to(module, &self.bases, to),
                false => each::leave(module, to),
            };
        }
        let base = match self.args.standalone {
            true => None,
            false => Some(self.bases.of(module)?),
        };
        let mut image = output::without_signature(&module.image().bytes).to_vec();
        self.unfill(module, &sections, base.as_ref(), &mut image)?;
        let Some(Encoded { mut btf, btf_base }) = self.encode(&image, base.as_deref())? else {
            note(&format!(
                "{label}: nothing of its own to describe: left without BTF"
            ));
            return leave_without(module, &image, to);
        };
        if self.args.layout {
            let form = match &btf_base {
                Some(_) => Form::Split,
                None => Form::Base,
            };
            btf = with_layout(form, btf)?;
        }
        let made = [(".BTF", Some(&*btf)), (".BTF.base", btf_base.as_deref())];
        let mut elf = with_sections(&image, &made)?;
        let input = Input {
            btf: &btf,
            btf_base: btf_base.as_deref(),
        };
        let none = || bail!("made without its base");
        let resolved = with_btf(&input, none, |btf| resolve(&mut elf, btf))?;
        resolved.warn(label);
        if self.args.funcs || sections.elf.as_ref().is_some_and(has_funcs) {
            elf = with_btf(&input, none, |btf| with_funcs(label, &elf, btf))?;
        }
        each::put(module, &elf, to)
    }

    fn pahole(&self) -> Result<&Pahole> {
        let find = || Pahole::find(&self.args.pahole).map_err(|error| format!("{error:#}"));
        let pahole = self.pahole.get_or_init(find).as_ref();
        pahole.map_err(|error| anyhow!(error.clone()))
    }

    /// Whether it is to get BTF.
    ///
    /// # Errors
    ///
    /// It is no module, or there is nothing that BTF could be made of.
    fn is_to_encode(&self, sections: &Sections<'_>) -> Result<bool> {
        let Some(elf) = &sections.elf else {
            bail!(Finding("raw BTF is no module".to_owned()));
        };
        if sections.btf.is_some() && !self.args.force {
            return Ok(false);
        }
        if elf.section(b".debug_info").is_none() {
            bail!(Finding(
                "no DWARF (.debug_info) to make BTF of: build it with `make KCFLAGS=-g`, or for a kernel \
                 with CONFIG_DEBUG_INFO, and encode it before it is stripped"
                    .to_owned()
            ));
        }
        Ok(true)
    }

    /// Makes `.BTF_ids` of `image`, which is that of `module`, what it was before ids were filled in.
    /// Where the BTF that they were filled in from cannot be read, it stays.
    fn unfill(
        &self,
        module: &Module,
        sections: &Sections<'_>,
        base: Option<&Arc<Kernel>>,
        image: &mut [u8],
    ) -> Result<()> {
        let Some(input) = &sections.btf else {
            return Ok(());
        };
        let base = || match base {
            Some(base) => Ok(Arc::clone(base)),
            None => Ok(self.bases.choose(module)?.0),
        };
        // What cannot be read is made anew all the same.
        let _ = with_btf(input, base, |btf| unfilled::unfill(image, btf));
        Ok(())
    }

    /// `None` where there is nothing to describe.
    fn encode(&self, image: &[u8], base: Option<&Kernel>) -> Result<Option<Encoded>> {
        // Modules are encoded side by side, each in a folder of its own.
        let folder = TempDir::with_prefix("btfreloc-").context("temporary folder")?;
        let file = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
            let path = folder.path().join(name);
            fs::write(&path, bytes).context("temporary file")?;
            Ok(path)
        };
        let base_file = base.map(|base| file("base", base.bytes())).transpose()?;
        let module = file("module.ko", image)?;
        let output = folder.path().join("btf");
        let made = self
            .pahole()?
            .encode(&module, base_file.as_deref(), &output)?;
        let Some(made) = made else {
            return Ok(None);
        };
        let elf = Elf::parse(image).map_err(|error| Finding(error.to_string()))?;
        let vmlinux = base.map(Kernel::base);
        let tagged = read(vmlinux.as_ref(), &made, |btf| kfuncs::tag(&elf, btf))?;
        let btf = deduplicated(base, tagged.unwrap_or(made))?;
        if !read(vmlinux.as_ref(), &btf, |btf| Ok(is_worth_it(&btf)))? {
            return Ok(None);
        }
        let Some(base) = vmlinux else {
            let sorted = read(None, &btf, |btf| Ok(renumber::by_name(&btf)))?;
            return Ok(Some(Encoded {
                btf: sorted.context("too much BTF")?,
                btf_base: None,
            }));
        };
        let distilled = Distilled::of(&base, &btf, &[]).map_err(Finding)?;
        Ok(Some(Encoded {
            btf: distilled.btf,
            btf_base: Some(distilled.btf_base),
        }))
    }
}

/// Removes the BTF from `image`, which is that of `module`: some readers of BTF fail where a module has
/// BTF without types.
fn leave_without(module: &Module, image: &[u8], to: Option<&Path>) -> Result<Written> {
    let elf = Elf::parse(image).map_err(|error| Finding(error.to_string()))?;
    if elf.section(b".BTF").is_none() {
        return each::leave(module, to);
    }
    let sections = [(".BTF", None), (".BTF.base", None)];
    let mut without = with_sections(image, &sections)?;
    if has_funcs(&elf) {
        without = without_funcs(module.label(), &without, "the module has no BTF now")?;
    }
    each::put(module, &without, to)
}

/// Whether `btf`, without what its base has, describes anything of the module.
///
/// Without a base the types are those of the kernel's headers as well; a module of which there is no
/// function and no variable has nothing that they would be needed for.
fn is_worth_it(btf: &Btf<'_>) -> bool {
    let mut kinds = btf.own_records().map(|(_, record)| record.kind());
    match btf.start_id() {
        1 => kinds.any(|kind| matches!(kind, Kind::Func | Kind::Var)),
        _ => kinds.next().is_some(),
    }
}

/// `btf` with each type only once, and none that `base` has.
fn deduplicated(base: Option<&Kernel>, btf: Vec<u8>) -> Result<Vec<u8>> {
    let bytes = base.map(Kernel::bytes);
    let base = base.map(Kernel::base);
    let mut next = Some(btf);
    let mut done = Vec::new();
    // Each round that follows has fewer typedefs.
    while let Some(btf) = next {
        done = dedup::dedup(bytes, &btf).context("deduplication")?;
        let fold = |btf: Btf<'_>| typedefs::fold(base.as_ref()?.btf(), &btf);
        next = read(base.as_ref(), &done, |btf| Ok(fold(btf)))?;
    }
    Ok(done)
}

/// Calls `work` with what was made, on `base` where there is one.
fn read<T>(
    base: Option<&Base<'_>>,
    made: &[u8],
    work: impl FnOnce(Btf<'_>) -> Result<T>,
) -> Result<T> {
    let words = |error: btf::Error| anyhow!("what pahole made: {error}");
    let base = base.map(|base| *base.btf());
    let (form, start) = match &base {
        Some(base) => (Form::Split, base.end_id()),
        None => (Form::Base, 1),
    };
    let blob = Blob::parse(Section::Btf, form, made).map_err(words)?;
    let count = Table::count(&blob, start).map_err(words)?;
    let mut offsets = vec![0; Table::needs(count, 0)];
    let table = Table::build(&blob, start, &mut offsets, 0).map_err(words)?;
    work(match &base {
        Some(base) => Btf::split(base, blob, table),
        None => Btf::alone(blob, table),
    })
}
