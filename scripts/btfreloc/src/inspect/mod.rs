// SPDX-License-Identifier: GPL-2.0

//! `btfreloc inspect`: the BTF in files.

mod file;
mod funcs;
mod ids;
mod text;

use std::io::{stdout, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

pub use file::{File, FileKind, SectionReport};
pub use funcs::FuncTable;
pub use ids::Ids;

use crate::cli::{self, Format};
use crate::input::{self, Image, Kernel};
use crate::json;
use crate::status::{complain, Status};

/// All that was found.
#[derive(Serialize)]
struct Report {
    results: Vec<File>,
    errors: Vec<String>,
}

/// Shows the BTF of each file.
///
/// # Errors
///
/// Nothing can be printed. A file that cannot be read is reported, and the others are shown.
pub fn run(args: &cli::Inspect) -> Result<Status> {
    input::once_only(args.files.iter().chain(&args.against).map(PathBuf::as_path))?;
    let kernel = args.against.as_deref().map(Kernel::read).transpose()?;
    let (mut files, mut errors, mut status) = (Vec::new(), Vec::new(), Status::Clean);
    for path in input::modules(&args.files) {
        match path
            .and_then(|path| Image::read(&path))
            .and_then(|image| File::of(&image, kernel.as_ref()))
        {
            Ok(file) => {
                if !file.is_sound() {
                    status = status.max(Status::Findings);
                }
                files.push(file);
            }
            Err(error) => {
                complain(&error);
                errors.push(format!("{error:#}"));
                status = Status::BadInput;
            }
        }
    }
    let mut out = BufWriter::new(stdout().lock());
    match args.format {
        Format::Text => files
            .iter()
            .try_for_each(|file| text::write(&mut out, file)),
        Format::Json => {
            let kernels: Vec<_> = kernel.iter().map(json::Named::of).collect();
            let report = Report {
                results: files,
                errors,
            };
            json::write(&mut out, "inspect", &kernels, &report).map_err(Into::into)
        }
    }
    .and_then(|()| Ok(out.flush()?))
    .context("standard output")?;
    Ok(status)
}
