// SPDX-License-Identifier: GPL-2.0

//! `btfreloc extract`: the BTF of a kernel, for those that do without the kernel itself.
//!
//! | what is written | who reads it |
//! | --- | --- |
//! | raw BTF | bpftool, pahole, this tool |
//! | [`firmware`] | rust_btfreloc, where a module was made with another build |
//! | [`vmlinux`] | kbuild and dkms, in a folder of headers |

pub mod firmware;
pub mod vmlinux;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cli::{self, Compress};
use crate::input::{is_stream, Banner, Kernel, Packing};
use crate::status::Status;
use crate::terminal::shown;
use crate::{json, output};
use firmware::{Firmware, Put};

/// A file that has the BTF of the kernel.
#[derive(Serialize)]
struct Extracted {
    file: String,
    /// Whether it was written; else it had this BTF already.
    changed: bool,
    /// Whether it is an ELF file that has it.
    elf: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    types: u32,
    /// Of the BTF, not compressed.
    size: usize,
}

/// All that was done.
#[derive(Serialize)]
struct Report {
    results: Vec<Extracted>,
    errors: [String; 0],
}

/// Writes the BTF of a kernel.
///
/// # Errors
///
/// The kernel cannot be read or has no BTF, its release or compiler is asked for and not known, or the
/// output cannot be written.
pub fn run(args: &cli::Extract) -> Result<Status> {
    let kernel = Kernel::read(&args.kernel)?;
    let file = |path: &Path, changed, release: Option<&str>| Extracted {
        file: path.display().to_string(),
        changed,
        elf: args.elf,
        release: release.or(kernel.release()).map(str::to_owned),
        types: kernel.base().btf().end_id() - 1,
        size: kernel.bytes().len(),
    };
    let mut results = Vec::new();
    if let Some(folder) = &args.firmware {
        let firmware = Firmware {
            folder,
            keep: args.keep,
            packing: args.compress.packing(),
        };
        let release = release(args, &kernel)?;
        results.push(match firmware.put(release, kernel.bytes())? {
            Put::Written(path) => file(&path, true, Some(release)),
            Put::There(path) => file(&path, false, Some(release)),
        });
    }
    if let Some(path) = &args.output {
        match args.elf {
            true => output::write_packed(path, &elf(args, &kernel)?)?,
            false => output::write_packed(path, kernel.bytes())?,
        }
        if is_stream(path) {
            return Ok(Status::Clean);
        }
        results.push(file(path, true, None));
    }
    let form = output::Form {
        format: args.format,
        command: "extract",
        kernels: vec![json::Named::of(&kernel)],
    };
    let errors = [];
    let report = Report { results, errors };
    let print = form.print(&report, |out| match args.quiet {
        true => Ok(()),
        false => write(out, &report),
    });
    print.context("standard output")?;
    Ok(Status::Clean)
}

/// The release under which rust_btfreloc asks for it.
fn release<'a>(args: &'a cli::Extract, kernel: &'a Kernel) -> Result<&'a str> {
    let release = args.release.as_deref().or(kernel.release());
    release.with_context(|| {
        let label = kernel.label();
        format!("{label}: does not say of which release it is: name that with --release")
    })
}

fn write(out: &mut impl Write, report: &Report) -> Result<()> {
    for done in &report.results {
        let Extracted {
            file, types, size, ..
        } = done;
        let file = shown(file);
        match done.changed {
            true => writeln!(out, "{file}: written, {types} types, {size} bytes")?,
            false => writeln!(out, "{file}: has this BTF already")?,
        }
    }
    Ok(())
}

fn elf(args: &cli::Extract, kernel: &Kernel) -> Result<Vec<u8>> {
    let named = kernel.banner().and_then(Banner::compiler);
    let comment = match (&args.compiler, named) {
        (Some(text), _) => vec![text.clone()],
        (None, Some(compiler)) => vmlinux::comment(compiler),
        (None, None) => {
            let label = kernel.label();
            let none = "does not say which compiler it was built with: name that with --compiler";
            anyhow::bail!("{label}: {none}")
        }
    };
    let elf = vmlinux::write(kernel.bytes(), &comment, kernel.machine());
    elf.context("ELF file")
}

impl Compress {
    fn packing(self) -> Option<Packing> {
        match self {
            Compress::Zst => Some(Packing::Zstd),
            Compress::Xz => Some(Packing::Xz),
            Compress::None => None,
        }
    }
}
