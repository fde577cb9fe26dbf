// SPDX-License-Identifier: GPL-2.0

//! Adds to BTF a layout part, which says how long the types of each kind are.

use std::iter;

use anyhow::{Context, Result};
use rust_btfreloc::btf::{
    len_u32, to_usize, write_header, Blob, Form, Kind, Section, Shape, HEADER_LEN_LAYOUT,
};

/// `btf`, the whole `.BTF` of a module, with a layout part; as it is where it has one.
///
/// # Errors
///
/// It is no BTF, or too much.
pub fn with_layout(form: Form, btf: Vec<u8>) -> Result<Vec<u8>> {
    let blob = Blob::parse(Section::Btf, form, &btf).map_err(|error| anyhow::anyhow!("{error}"))?;
    if !blob.layout().is_empty() {
        return Ok(btf);
    }
    let layout = described();
    let lengths = [blob.types(), &layout, blob.strings()].map(len_u32);
    let [Some(types), Some(described), Some(strings)] = lengths else {
        anyhow::bail!("too much BTF");
    };
    let mut header = vec![0; to_usize(HEADER_LEN_LAYOUT)];
    write_header(&mut header, types, described, strings).context("too much BTF")?;
    Ok([&header, blob.types(), &layout, blob.strings()].concat())
}

/// `struct btf_layout` for each kind, from 0, which has nothing.
fn described() -> Vec<u8> {
    let known = (1..=Kind::MAX).filter_map(Shape::of);
    let known = known.map(|shape| [shape.extra, shape.elem, 0, 0]);
    iter::once([0; 4]).chain(known).flatten().collect()
}
