// SPDX-License-Identifier: GPL-2.0

//! `btfreloc encode` where it is not built in.

use anyhow::{bail, Result};

use crate::cli;
use crate::status::Status;

/// Says how it is had.
///
/// # Errors
///
/// Always.
pub fn run(_: &cli::Encode) -> Result<Status> {
    bail!(
        "encode is left out of this build, as it needs libelf and zlib: install them (Debian: `apt install \
         libelf-dev zlib1g-dev pkg-config`) and build with `make tool FEATURES=encode`"
    )
}
