// SPDX-License-Identifier: GPL-2.0

//! `btfreloc encode`: what kbuild does behind the link of a module (`scripts/gen-btf.sh`), for those
//! who have neither vmlinux nor `resolve_btfids`.
//!
//! | step | by |
//! | --- | --- |
//! | DWARF to BTF, split off the kernel's | [`pahole`] |
//! | what the kernel wants to know of kfuncs | [`kfuncs`] |
//! | no type twice | [`dedup`], [`typedefs`] |
//! | `.BTF.base` and the `.BTF` on it | [`crate::distill`] |
//! | `.BTF_ids` | [`crate::resolve_ids`] |

mod dedup;
mod grown;
mod kfuncs;
mod pahole;
mod renumber;
mod typedefs;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, Context, Result};
use rust_btfreloc::btf::{self, Blob, Btf, Form, Section, Table};
use rust_btfreloc::elf::Elf;
use rust_btfreloc::reloc::{Base, Input};
use tempfile::TempDir;

use crate::distill::Distilled;
use crate::input::{self, Kernel, Module};
use crate::resolve_ids::{self, resolve, Vmlinux};
use crate::sections::with_sections;
use crate::status::{warn, Refused, Status};
use crate::{cli, each, output};
use pahole::Pahole;

/// What serves for all modules.
struct Encoder<'a> {
    args: &'a cli::Encode,
    pahole: Pahole,
    /// `None` for standalone BTF.
    base: Option<Kernel>,
    /// Where pahole finds the base and leaves what it makes.
    folder: TempDir,
}

/// Makes the BTF of modules from their DWARF.
///
/// # Errors
///
/// There is no pahole that serves, the base cannot be read, or the command line does not fit
/// together. A module that cannot be read or written, or has no DWARF, is told, and the others get
/// their BTF.
pub fn run(args: &cli::Encode) -> Result<Status> {
    let base = (!args.standalone).then_some(&args.base);
    input::once_only(args.modules.iter().chain(base).map(PathBuf::as_path))?;
    let encoder = Encoder::new(args)?;
    each::module(&args.modules, args.output.is_some(), |path| {
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

impl<'a> Encoder<'a> {
    fn new(args: &'a cli::Encode) -> Result<Self> {
        let pahole = Pahole::find(&args.pahole)?;
        let base = (!args.standalone).then(|| Kernel::read(&args.base));
        let base = base.transpose()?;
        let folder = TempDir::with_prefix("btfreloc-").context("temporary folder")?;
        if let Some(base) = &base {
            fs::write(folder.path().join("base"), base.bytes()).context("temporary file")?;
        }
        Ok(Encoder {
            args,
            pahole,
            base,
            folder,
        })
    }

    fn module(&self, module: &Module) -> Result<()> {
        self.may_encode(module)?;
        let image = output::without_signature(&module.image().bytes);
        let Encoded { btf, btf_base } = self.encode(image)?;
        let sections = [(".BTF", Some(&*btf)), (".BTF.base", btf_base.as_deref())];
        let mut elf = with_sections(image, &sections)?;
        let input = Input {
            btf: &btf,
            btf_base: btf_base.as_deref(),
        };
        // BTF that comes with all it stands on needs none.
        let none = Vmlinux::new(Path::new(""));
        let resolved = resolve_ids::with_btf(&input, &none, |btf| resolve(&mut elf, btf))?;
        let label = module.label();
        for missing in &resolved.missing {
            warn(&format!("{label}: {missing}"));
        }
        for several in &resolved.several {
            warn(&format!("{label}: {several}"));
        }
        each::put(module, &elf, self.args.output.as_deref())
    }

    /// Refuses what is no module, has BTF, or has nothing that BTF could be made of.
    fn may_encode(&self, module: &Module) -> Result<()> {
        let sections = module.sections()?;
        let has_dwarf = |elf: &Elf<'_>| elf.section(b".debug_info").is_some();
        let why_not = match (&sections.elf, &sections.btf) {
            (None, _) => "raw BTF is no module",
            (Some(_), Some(_)) if !self.args.force => "has BTF already: --force makes it anew",
            (Some(elf), _) if !has_dwarf(elf) => {
                "no DWARF (.debug_info) to make BTF of: build it with `make KCFLAGS=-g`, or for a kernel \
                 with CONFIG_DEBUG_INFO, and encode it before it is stripped"
            }
            _ => return Ok(()),
        };
        Err(Refused(why_not.to_owned()).into())
    }

    fn encode(&self, image: &[u8]) -> Result<Encoded> {
        // Modules are encoded side by side, each in a folder of its own.
        let folder = TempDir::new_in(self.folder.path()).context("temporary folder")?;
        let [module, btf] = ["module.ko", "btf"].map(|name| folder.path().join(name));
        fs::write(&module, image).context("temporary file")?;
        let base_file = self.folder.path().join("base");
        let base_file = self.base.as_ref().map(|_| &*base_file);
        let made = self.pahole.encode(&module, base_file, &btf)?;
        let elf = Elf::parse(image).map_err(|error| Refused(error.to_string()))?;
        let base = self.base.as_ref().map(Kernel::base);
        let nothing = || Refused("pahole finds no type in it, and knows no Rust".to_owned());
        let made = made.ok_or_else(nothing)?;
        let told = read(base.as_ref(), &made, |btf| kfuncs::told(&elf, btf))?;
        let btf = self.deduplicated(base.as_ref(), told.unwrap_or(made))?;
        if read(base.as_ref(), &btf, |btf| Ok(btf.own_count()))? == 0 {
            return Err(nothing().into());
        }
        let Some(base) = base else {
            let sorted = read(None, &btf, |btf| Ok(renumber::by_name(&btf)))?;
            return Ok(Encoded {
                btf: sorted.context("too much BTF")?,
                btf_base: None,
            });
        };
        let distilled = Distilled::of(&base, &btf).map_err(Refused)?;
        Ok(Encoded {
            btf: distilled.btf,
            btf_base: Some(distilled.btf_base),
        })
    }

    /// `btf` with each type only once, and none that `base` has.
    fn deduplicated(&self, base: Option<&Base<'_>>, btf: Vec<u8>) -> Result<Vec<u8>> {
        let bytes = self.base.as_ref().map(Kernel::bytes);
        let mut next = Some(btf);
        let mut done = Vec::new();
        // Each round that follows has fewer typedefs.
        while let Some(btf) = next {
            done = dedup::dedup(bytes, &btf).context("deduplication")?;
            let fold = |btf: Btf<'_>| typedefs::fold(base?.btf(), &btf);
            next = read(base, &done, |btf| Ok(fold(btf)))?;
        }
        Ok(done)
    }
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
