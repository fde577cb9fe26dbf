// SPDX-License-Identifier: GPL-2.0

//! What is printed for programs, documented in `docs/json.md`: each command's report, in one frame.

use std::io::{self, Write};

use serde::Serialize;

use crate::input::Kernel;

/// The number of the form that all reports have: greater by one where something that was there is gone,
/// or means something else. What is new leaves it as it is.
pub const SCHEMA: u32 = 1;

/// What every report begins with, and the report.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    version: &'static str,
    command: &'static str,
    kernels: &'a [Named],
    #[serde(flatten)]
    report: &'a T,
}

/// A kernel, as reports name it.
#[derive(Debug, Serialize)]
pub struct Named {
    /// As it was typed.
    pub kernel: String,
    /// Its release, where that was found.
    pub release: Option<String>,
}

impl Named {
    /// A kernel that was read.
    pub fn of(kernel: &Kernel) -> Self {
        Named {
            kernel: kernel.label().to_owned(),
            release: kernel.release().map(str::to_owned),
        }
    }

    /// Its release, or else how it was typed.
    pub fn name(&self) -> &str {
        self.release.as_ref().unwrap_or(&self.kernel)
    }
}

/// Writes the `report` of `command` on these kernels.
///
/// # Errors
///
/// It cannot be written.
pub fn write(
    out: &mut impl Write,
    command: &'static str,
    kernels: &[Named],
    report: &impl Serialize,
) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command,
        kernels,
        report,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
