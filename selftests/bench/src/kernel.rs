// SPDX-License-Identifier: GPL-2.0

//! A kernel's BTF as both sides hold it.

use anyhow::{anyhow, Error, Result};
use btfreloc_selftests::peer::{Btf, Refused};
use rust_btfreloc::btf;
use rust_btfreloc::reloc::Base;

use crate::corpus;
use crate::measured::{self, Tables};

pub struct Kernel {
    pub bytes: Vec<u8>,
    pub tables: Tables,
    pub peer: Btf<'static>,
}

impl Kernel {
    /// Sets up the BTF of a kernel of the kit.
    pub fn new(release: &str) -> Result<Self> {
        let bytes = corpus::kernel(release)?;
        Ok(Kernel {
            tables: measured::ours_kernel(&bytes).map_err(ours)?,
            peer: measured::peer_alone(&bytes).map_err(peer)?,
            bytes,
        })
    }

    pub fn base(&self) -> Result<Base<'_>> {
        self.tables.base(&self.bytes).map_err(ours)
    }
}

/// What the core refused.
pub fn ours(err: btf::Error) -> Error {
    anyhow!("the core says {err:?}")
}

/// What libbpf refused.
pub fn peer(err: Refused) -> Error {
    anyhow!("libbpf says {err:?}")
}
