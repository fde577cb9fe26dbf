// SPDX-License-Identifier: GPL-2.0

//! BTF with the table that finds its types, both owned.

use anyhow::{Error, Result};
use rust_btfreloc::btf::{self, Blob, Btf, Form, Section, Table};

/// The bytes of a `.BTF` section, and where its types are.
pub struct OwnedBtf {
    bytes: Vec<u8>,
    form: Form,
    offsets: Vec<u32>,
}

/// An error of the core as one that is passed on here.
pub fn damaged(error: btf::Error) -> Error {
    Error::msg(error.to_string())
}

impl OwnedBtf {
    /// Reads `bytes`, on `base` or standalone.
    ///
    /// # Errors
    ///
    /// The header or a type is damaged.
    pub fn read(bytes: Vec<u8>, base: Option<&Btf<'_>>) -> Result<Self> {
        let (form, first) = match base {
            None => (Form::Base, 1),
            Some(base) => (Form::Split, base.end_id()),
        };
        let blob = Blob::parse(Section::Btf, form, &bytes).map_err(damaged)?;
        let count = Table::count(&blob, first).map_err(damaged)?;
        let mut offsets = vec![0; Table::needs(count, 0)];
        Table::build(&blob, first, &mut offsets, 0).map_err(damaged)?;
        Ok(OwnedBtf {
            bytes,
            form,
            offsets,
        })
    }

    /// Its types, with those of the `base` that it was read with.
    ///
    /// # Panics
    ///
    /// Never: the bytes were parsed before.
    pub fn btf<'a>(&'a self, base: Option<&Btf<'a>>) -> Btf<'a> {
        let blob = Blob::parse(Section::Btf, self.form, &self.bytes).expect("parsed before");
        let count = u32::try_from(self.offsets.len()).expect("counted before");
        let table = Table::from_parts(&self.offsets, 0, count);
        match base {
            None => Btf::alone(blob, table),
            Some(base) => Btf::split(base, blob, table),
        }
    }
}
