// SPDX-License-Identifier: GPL-2.0

//! A compiled BPF program: its own BTF, and the CO-RE relocations in its `.BTF.ext`.
//!
//! Format: `struct btf_ext_header` and `struct bpf_core_relo` in libbpf and `include/uapi/linux/bpf.h`.

use std::path::Path;

use anyhow::{ensure, Context, Result};
use object::{Object as _, ObjectSection as _};
use rust_btfreloc::btf::{read_u32, to_usize, verify, Btf};

use super::owned::{damaged, OwnedBtf};
use super::relocation::{Relocation, RelocationKind};
use crate::input::{label, Image};

/// `BTF_MAGIC`, as `.BTF.ext` has it too.
const MAGIC: u32 = 0xeb9f;
/// Bytes of `struct bpf_core_relo`.
const RECORD: usize = 16;
/// Bytes of `struct btf_ext_info_sec` before its records.
const GROUP: usize = 8;

/// A compiled BPF program.
pub struct Object {
    label: String,
    btf: OwnedBtf,
    relocations: Vec<Relocation>,
}

impl Object {
    /// Reads a program's object file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or its BTF or its relocations are damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let image = Image::read(path)?;
        Self::parse(label(path), &image.bytes).with_context(|| label(path))
    }

    fn parse(label: String, elf: &[u8]) -> Result<Self> {
        let file = object::File::parse(elf).context("not a BPF object")?;
        ensure!(
            file.architecture() == object::Architecture::Bpf,
            "not a BPF object: compile it with clang -target bpf -g"
        );
        let data = |name| {
            let section = file.section_by_name(name);
            section.and_then(|section| section.data().ok())
        };
        let btf = data(".BTF").context("no .BTF section: compile it with -g")?;
        let btf = OwnedBtf::read(btf.to_vec(), None)?;
        let view = btf.btf(None);
        verify::references(&view).map_err(damaged)?;
        let relocations = match data(".BTF.ext") {
            Some(ext) => relocations(&view, ext).context(".BTF.ext")?,
            None => Vec::new(),
        };
        Ok(Object {
            label,
            btf,
            relocations,
        })
    }

    /// How it is named in what is printed.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its own BTF.
    pub fn btf(&self) -> Btf<'_> {
        self.btf.btf(None)
    }

    /// Its CO-RE relocations.
    pub fn relocations(&self) -> &[Relocation] {
        &self.relocations
    }
}

fn relocations(btf: &Btf<'_>, ext: &[u8]) -> Result<Vec<Relocation>> {
    let word = |at: usize| read_u32(ext, at).with_context(|| format!("offset {at}: cut short"));
    let first = word(0)?;
    ensure!(
        first & 0xffff == MAGIC,
        "offset 0: magic {:#06x} is not {MAGIC:#06x}",
        first & 0xffff
    );
    ensure!(
        (first >> 16) & 0xff == 1,
        "offset 2: version {} is not 1",
        (first >> 16) & 0xff
    );
    let header = to_usize(word(4)?);
    // A header without the two fields is older than CO-RE.
    if header < 32 {
        return Ok(Vec::new());
    }
    let (start, len) = (header + to_usize(word(24)?), to_usize(word(28)?));
    if len == 0 {
        return Ok(Vec::new());
    }
    let part = ext.get(start..start + len).with_context(|| {
        let end = start + len;
        format!(
            "the relocations should be bytes {start} to {end} of {}",
            ext.len()
        )
    })?;
    groups(btf, part, start)
}

/// The relocations of all sections in `part`, which is at byte `start` of `.BTF.ext`.
fn groups(btf: &Btf<'_>, part: &[u8], start: usize) -> Result<Vec<Relocation>> {
    let at = |offset: usize| start + offset;
    let word = |offset: usize| {
        read_u32(part, offset).with_context(|| format!("offset {}: cut short", at(offset)))
    };
    let record = to_usize(word(0)?);
    ensure!(
        record >= RECORD && record % 4 == 0,
        "offset {start}: {record} bytes are no length of a relocation"
    );
    let mut found = Vec::new();
    let mut offset = 4;
    while offset < part.len() {
        let name = btf.string(word(offset)?);
        let section = name
            .with_context(|| format!("offset {}: no string at that offset in .BTF", at(offset)))?;
        let section = String::from_utf8_lossy(section).into_owned();
        let count = to_usize(word(offset + 4)?);
        ensure!(count > 0, "offset {}: no relocation follows", at(offset));
        offset += GROUP;
        for _ in 0..count {
            let words = [0, 4, 8, 12].map(|field| word(offset + field));
            let [instruction, type_id, access, kind] = words;
            let relocation = Relocation {
                section: section.clone(),
                instruction: instruction?,
                type_id: type_id?,
                access: access_string(btf, access?)
                    .with_context(|| format!("offset {}", at(offset) + 8))?,
                kind: kind
                    .and_then(RelocationKind::of)
                    .with_context(|| format!("offset {}", at(offset) + 12))?,
            };
            ensure!(
                btf.record(relocation.type_id).is_some(),
                "offset {}: type id {} is not in .BTF",
                at(offset) + 4,
                relocation.type_id
            );
            found.push(relocation);
            offset += record;
        }
    }
    Ok(found)
}

fn access_string(btf: &Btf<'_>, off: u32) -> Result<String> {
    let access = btf
        .string(off)
        .context("no string at that offset in .BTF")?;
    Ok(String::from_utf8_lossy(access).into_owned())
}
