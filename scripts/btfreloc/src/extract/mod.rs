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

use std::io::{stdout, Write};

use anyhow::{Context, Result};

use crate::cli::{self, Compress};
use crate::input::{Banner, Kernel, Packing};
use crate::output;
use crate::status::Status;
use firmware::{Firmware, Put};

/// Writes the BTF of a kernel.
///
/// # Errors
///
/// The kernel cannot be read or has no BTF, its release or compiler is asked for and not known, or the
/// output cannot be written.
pub fn run(args: &cli::Extract) -> Result<Status> {
    let kernel = Kernel::read(&args.kernel)?;
    if let Some(folder) = &args.firmware {
        let firmware = Firmware {
            folder,
            keep: args.keep,
            packing: args.compress.packing(),
        };
        put(args, &kernel, &firmware)?;
    }
    if let Some(path) = &args.output {
        match args.elf {
            true => output::write_packed(path, &elf(args, &kernel)?)?,
            false => output::write_packed(path, kernel.bytes())?,
        }
    }
    Ok(Status::Clean)
}

fn put(args: &cli::Extract, kernel: &Kernel, firmware: &Firmware<'_>) -> Result<()> {
    let release = args.release.as_deref().or(kernel.release());
    let release = release.with_context(|| {
        let label = kernel.label();
        format!("{label}: does not say of which release it is: name that with --release")
    })?;
    let said = match firmware.put(release, kernel.bytes())? {
        Put::Written(path) => format!("{}: written", path.display()),
        Put::There(path) => format!("{}: has this BTF already", path.display()),
    };
    writeln!(stdout(), "{said}").context("standard output")
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
